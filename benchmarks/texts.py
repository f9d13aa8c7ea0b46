"""Reads the head of text files, plain or xz."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from mtag_core.storage import list_files, open_text


def heads(patterns: Sequence[str], *, n_lines: int) -> dict[str, list[str]]:
    """The first lines of every file that the patterns match.

    Args:
        patterns: Files with a sentence a line.
        n_lines: Lines of all files together, about; each gives as many.

    Returns:
        Name of the file, without endings, to its lines without line feeds.
    """
    paths = [Path(file.path) for file in list_files(patterns)]
    each = -(-n_lines // len(paths))
    return {path.name.split(".")[0]: list(islice(_lines(path), each)) for path in paths}


def _lines(path: Path) -> Iterator[str]:
    with open_text(path, newline="\n") as lines:
        yield from (line.rstrip("\n") for line in lines)
