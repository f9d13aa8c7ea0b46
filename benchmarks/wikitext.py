"""Speed of reading and cleaning MediaWiki dumps, and what became of their pages.

python -m benchmarks wikitext --dumps 'DIR/*.xml*'
"""

import argparse
import bz2
import glob
import io
import json
import re
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks.machine import machine, shown_command
from mtag_core.records import Document
from mtag_core.wikipedia import read_documents, read_site

_LEFT_OVER = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{\||\|\}|<ref|</|&nbsp;|^\||^!.*(!!|\|)")


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description="Speed of reading and cleaning dumps.")
    parser.add_argument("--dumps", required=True, help="a pattern of .xml and .xml.bz2 files")
    parser.add_argument("--output", type=Path, default=Path("docs/benchmarks/wikitext.json"))
    args = parser.parse_args(argv)
    record = {
        "what": "MB of raw XML a CPU second for reading and cleaning, decompression not counted",
        "machine": machine(),
        "command": shown_command("wikitext", argv),
        "dumps": {Path(path).name: _measure(path) for path in sorted(glob.glob(args.dumps))},
    }
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record["dumps"], indent=1))
    return 0


def _measure(path: str) -> dict[str, float]:
    data = Path(path).read_bytes()
    xml = bz2.decompress(data) if path.endswith(".bz2") else data
    counts: Counter[str] = Counter()
    started_s = time.process_time()
    documents = list(
        read_documents(
            io.BytesIO(xml),
            source=path,
            counts=counts,
            site=read_site(xml, name=Path(path).name),
        )
    )
    elapsed_s = time.process_time() - started_s
    texts = [document.text for document in documents if isinstance(document, Document)]
    lines = [line for text in texts for line in text.split("\n")]
    return {
        "MB_per_s": round(len(xml) / 1e6 / elapsed_s, 1),
        "MB": round(len(xml) / 1e6, 2),
        **{str(outcome): n for outcome, n in sorted(counts.items())},
        "lines_with_markup": sum(bool(_LEFT_OVER.search(line)) for line in lines),
    }


if __name__ == "__main__":
    sys.exit(main())
