"""The texts of a directory: one a language, a sentence a line. Needs no torch."""

from collections.abc import Iterator
from pathlib import Path

from mtag_core.errors import InputNotFoundError
from mtag_core.storage import open_text

_SUFFIXES = (".txt", ".txt.xz")


def text_files(directory: Path) -> dict[str, Path]:
    """Finds the texts of a directory by name, `LANGUAGE` of `LANGUAGE.txt` or `LANGUAGE.txt.xz`.

    Raises:
        InputNotFoundError: There is none.
    """
    paths = sorted(path for suffix in _SUFFIXES for path in directory.glob(f"*{suffix}"))
    if not paths:
        raise InputNotFoundError(f"{directory}: no *.txt or *.txt.xz file; expected one a language")
    return {path.name.split(".")[0]: path for path in paths}


def read_lines(path: Path) -> Iterator[str]:
    """Yields the lines of a text with their ends, decompressed as its name says."""
    with open_text(path) as lines:
        yield from lines
