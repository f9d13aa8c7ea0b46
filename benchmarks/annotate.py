"""Speed and memory of `pipelines.annotate` from raw text, against the tagger alone.

Runs the command on one corpus and on ten copies of it, each in a process of its own, and takes
the difference: start-up falls out of the speed. Resident memory is the largest that the kernel
saw. The tagger alone tags the same text, segmented beforehand, before, between and after.

    python -m benchmarks annotate --text 'data/text/*.xz'
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import add_texts, benchmark_parser, heads, run_benchmark
from mtag_core.tagging.tagger import Tagger

_MIB = 1024
"""KiB, the unit of the kernel's figure, in a MiB."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command: CPU seconds of its processes and largest resident KiB of one."""

    cpu_s: float
    rss_kib: int


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    parser = benchmark_parser("annotate", "Speed and memory of annotate.")
    add_texts(parser)
    parser.add_argument(
        "--lines", type=int, default=8000, help="lines of the smaller corpus, of all files together"
    )
    return run_benchmark(parser, _measure, argv)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as directory:
        return _compare(args, Path(directory))


def _compare(args: argparse.Namespace, directory: Path) -> dict[str, object]:
    texts = ["\n".join(lines) for lines in heads(args.text, n_lines=args.lines).values()]
    tagger = Tagger.load()
    forms = [sentence.forms for text in texts for sentence in tagger.segment(text)]
    alone = [_tagger_words_per_s(tagger, forms)]
    small = _run(directory, texts, n_copies=1)
    alone.append(_tagger_words_per_s(tagger, forms))
    large = _run(directory, texts, n_copies=10)
    alone.append(_tagger_words_per_s(tagger, forms))
    n_tokens = sum(map(len, forms))
    words_per_s = 9 * n_tokens / (large.cpu_s - small.cpu_s)
    return {
        "what": "tokens per CPU second on one worker; start-up left out",
        "n_texts": len(texts),
        "n_tokens": n_tokens,
        "annotate_words_per_s": round(words_per_s),
        "tagger_alone_words_per_s": round(statistics.median(alone)),
        "annotate_over_tagger": round(words_per_s / statistics.median(alone), 2),
        "resident_mib": round(small.rss_kib / _MIB),
        "resident_mib_ten_times": round(large.rss_kib / _MIB),
    }


def _tagger_words_per_s(tagger: Tagger, forms: list[tuple[str, ...]]) -> float:
    started_s = time.process_time()
    n_tokens = sum(map(len, tagger.tag_tokens(forms)))
    return n_tokens / (time.process_time() - started_s)


def _run(directory: Path, texts: Sequence[str], *, n_copies: int) -> Run:
    folder = directory / f"corpus-{n_copies}"
    folder.mkdir()
    for copy in range(n_copies):
        for index, text in enumerate(texts):
            (folder / f"{copy}-{index}.txt").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pipelines.annotate", "--input", f"{folder}/*.txt"]
    command += ["--output", str(directory / f"out-{n_copies}"), "--runner=DirectRunner"]
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: exit status {status}")
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
