"""What more workers give on a small corpus: seconds of `pipelines.annotate` with one and with two.

Writes a corpus of a few files and runs the command with each number of workers in turn, start-up
and end included. Ratios are medians over rounds.

    python -m benchmarks parallel --text 'data/text/fr.txt.xz'
    python -m benchmarks parallel --text 'data/text/fr.txt.xz' --files 1 --gzip --document line
"""

import argparse
import gzip
import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from pathlib import Path

from benchmarks.harness import add_texts, benchmark_parser, heads, run_annotate, run_benchmark

# Fewer bytes than a line of running text has: so many lines are enough.
_LINE_BYTES = 20


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    parser = benchmark_parser("parallel", "Speed of annotate on a small corpus.")
    add_texts(parser)
    parser.add_argument("--bytes", type=int, default=6_000_000, help="of the corpus, about")
    parser.add_argument("--files", type=int, default=4, help="of the corpus")
    parser.add_argument("--gzip", action="store_true", help="compress the files")
    parser.add_argument(
        "--document", default="file", choices=("file", "line"), help="as of pipelines.annotate"
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="to compare")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each")
    return run_benchmark(parser, _measure, argv)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as directory:
        return _compare(args, Path(directory))


def _compare(args: argparse.Namespace, directory: Path) -> dict[str, object]:
    n_bytes = _write_corpus(args, directory / "corpus")
    seconds: dict[int, list[float]] = {n_workers: [] for n_workers in args.workers}
    for number in range(args.rounds):
        for n_workers in args.workers:
            output = directory / f"out-{number}-{n_workers}"
            flags = [f"--document={args.document}", f"--direct_num_workers={n_workers}"]
            seconds[n_workers].append(run_annotate(f"{directory}/corpus/*", output, *flags).wall_s)
            print(f"{n_workers} workers: {seconds[n_workers][-1]:.1f} s", flush=True)
    base = seconds[args.workers[0]]
    return {
        "what": "wall-clock seconds of the command, and the ratio to the first number of workers",
        "n_bytes": n_bytes,
        "n_files": args.files,
        "n_cores": os.cpu_count(),
        "is_gzip": args.gzip,
        "document": args.document,
        "n_parts": len(list(output.glob("parts/*"))),
        "seconds": {str(n): [round(s, 1) for s in values] for n, values in seconds.items()},
        "times_faster": {
            str(n): round(statistics.median(b / s for b, s in zip(base, values, strict=True)), 2)
            for n, values in seconds.items()
        },
    }


def _write_corpus(args: argparse.Namespace, folder: Path) -> int:
    folder.mkdir()
    name_to_lines = heads(args.text, n_lines=args.bytes // _LINE_BYTES)
    lines = _in_turn(list(name_to_lines.values()))
    n_bytes = 0
    for number in range(args.files):
        data = bytearray()
        while len(data) < args.bytes // args.files:
            try:
                data += next(lines).encode() + b"\n"
            except StopIteration:
                raise SystemExit(f"--text has fewer than {args.bytes} bytes") from None
        n_bytes += len(data)
        path = folder / (f"{number}.txt.gz" if args.gzip else f"{number}.txt")
        path.write_bytes(gzip.compress(data) if args.gzip else data)
    return n_bytes


def _in_turn(columns: Sequence[Sequence[str]]) -> Iterator[str]:
    return (line for line in chain.from_iterable(zip_longest(*columns)) if line is not None)
