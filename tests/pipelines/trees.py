"""Corpora, runs and output trees for the tests of `pipelines.annotate`."""

import gzip
import random
from pathlib import Path

from pipelines.annotate import main
from pipelines.transforms.steps import Model
from tests.fake_tagger import load_failing_tagger

# Small items, so that small corpora have many of them.
ARGUMENTS = ("--item_bytes=4000",)
FAKE_MODEL = Model(load_failing_tagger, "fake")


def write_corpus(folder: Path, *, n_files: int = 6, n_lines: int = 40) -> str:
    """Writes text files and returns their pattern."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(n_files):
        lines = [f"Ana reads book {number} on page {n}. It is fine." for n in range(n_lines)]
        (folder / f"{number:03}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return str(folder / "*.txt")


def write_compressed(path: Path, *, n_lines: int = 60) -> None:
    """Writes JSON lines that gzip makes little smaller, so that the file is sliced."""
    rng = random.Random(1)
    lines = [f'{{"text": "Ana reads {rng.getrandbits(2000):x}."}}' for _ in range(n_lines)]
    path.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))


def annotate(pattern: str, output: Path | str, *flags: str) -> int:
    """Runs annotate in this process, with the fake tagger; returns the exit code."""
    return main([*ARGUMENTS, "--input", pattern, "--output", str(output), *flags], model=FAKE_MODEL)


def tree(output: Path) -> dict[str, bytes]:
    """Every file of an output directory but those with times, by relative path."""
    return {
        path.relative_to(output).as_posix(): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.parent.name != "runs" and path.name != "report.html"
    }
