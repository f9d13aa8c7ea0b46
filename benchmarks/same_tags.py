"""Whether tags depend on anything but the sentence: they must not.

Takes sentences of many languages, a JSONL record each, and runs `pipelines.annotate` over them with
different piece budgets, with the records shuffled over the files, with one worker and two, in one
process and in several. Every tag, score and offset has to be the same as in the first run.

    python -m benchmarks same_tags --text 'data/text/*.xz'
"""

import argparse
import contextlib
import io
import json
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.machine import machine, shown_command, write_record
from benchmarks.texts import heads
from mtag_core.cli.logs import set_up_logging
from pipelines.annotate import run
from pipelines.annotate_options import parse_options

_N_FILES = 8
_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "one worker, 2,048 pieces a batch": ("--piece_budget=2048",),
    "256 pieces a batch": ("--piece_budget=256",),
    "16,384 pieces a batch": ("--piece_budget=16384",),
    "two workers, multi_processing": (
        "--direct_num_workers=2",
        "--direct_running_mode=multi_processing",
    ),
    "two workers, in_memory": ("--direct_num_workers=2", "--direct_running_mode=in_memory"),
    "shuffled input": (),
}
# A row but for what names its part.
_COLUMNS_LEFT_OUT = ("sent_id",)

Rows = dict[tuple[str, int], dict[str, Any]]


def main(argv: list[str] | None = None) -> int:
    """Runs all settings; exits with 1 if any tag differs."""
    args = _parser().parse_args(argv)
    set_up_logging(is_verbose=False, log_format="text")
    with tempfile.TemporaryDirectory() as directory:
        record = _compare(args, Path(directory))
    record["command"] = shown_command("same_tags", argv)
    record["machine"] = machine()
    write_record(record, args.output)
    settings: dict[str, dict[str, int]] = record["settings"]
    return int(any(counts["different_sentences"] for counts in settings.values()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Whether tags depend on batches or workers.")
    parser.add_argument(
        "--text", nargs="+", required=True, help="patterns; a sentence a line, plain or .xz"
    )
    parser.add_argument("--sentences", type=int, default=20000, help="lines, of all files together")
    parser.add_argument("--output", type=Path, default=Path("docs/benchmarks/same_tags.json"))
    return parser


def _compare(args: argparse.Namespace, directory: Path) -> dict[str, Any]:
    records = _records(args.text, args.sentences)
    shuffled = random.Random(1).sample(records, len(records))
    settings: dict[str, dict[str, int]] = {}
    first: Rows = {}
    for number, (name, flags) in enumerate(_SETTINGS.items()):
        folder = directory / str(number)
        _write(folder / "in", shuffled if name == "shuffled input" else records)
        started_s = time.monotonic()
        rows = _annotated(folder, flags)
        first = first or rows
        counts = {
            "sentences": len(rows),
            "tokens": sum(len(row["forms"]) for row in rows.values()),
            "languages": len({row["language"] for row in rows.values()}),
            "different_sentences": _n_different(first, rows),
        }
        settings[name] = counts
        shown = ", ".join(f"{n:,} {what.replace('_', ' ')}" for what, n in counts.items())
        print(f"{name}: {shown} ({time.monotonic() - started_s:.0f} s)", flush=True)
    return {"lines": len(records), "settings": settings}


def _records(patterns: Sequence[str], n_lines: int) -> list[dict[str, str]]:
    records = [
        {"id": f"{name}:{number}", "text": line}
        for name, lines in heads(patterns, n_lines=n_lines).items()
        for number, line in enumerate(lines)
    ]
    return records[:n_lines]


def _write(folder: Path, records: Sequence[Mapping[str, str]]) -> None:
    folder.mkdir(parents=True)
    for number in range(_N_FILES):
        part = records[number::_N_FILES]
        lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in part)
        (folder / f"{number}.jsonl").write_text("".join(lines), encoding="utf-8")


def _annotated(folder: Path, flags: Sequence[str]) -> Rows:
    n_bytes = sum(path.stat().st_size for path in (folder / "in").iterdir())
    argv = ["--input", f"{folder}/in/", "--output", f"{folder}/out", "--id_field=id"]
    # Several items for each worker.
    argv += [f"--item_bytes={1 + n_bytes // _N_FILES}", *flags]
    with contextlib.redirect_stdout(io.StringIO()):
        run(parse_options(argv))
    rows: Rows = {}
    for path in sorted((folder / "out" / "parts").iterdir()):
        for row in pq.read_table(path).drop_columns(list(_COLUMNS_LEFT_OUT)).to_pylist():
            rows[row["doc_id"], row["sentence_index"]] = row
    return rows


def _n_different(first: Rows, second: Rows) -> int:
    return sum(first.get(key) != second.get(key) for key in first.keys() | second.keys())


if __name__ == "__main__":
    sys.exit(main())
