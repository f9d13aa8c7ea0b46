"""The texts of a directory: one a language, a sentence a line. Needs no torch."""

from pathlib import Path

from mtag_core.errors import InputNotFoundError

_SUFFIXES = (".txt", ".txt.xz")


def text_files(directory: Path) -> list[Path]:
    """Lists the texts of a directory, `LANGUAGE.txt` and `LANGUAGE.txt.xz`, by name.

    Raises:
        InputNotFoundError: There is none.
    """
    paths = sorted(path for suffix in _SUFFIXES for path in directory.glob(f"*{suffix}"))
    if not paths:
        raise InputNotFoundError(f"{directory}: no *.txt or *.txt.xz file; expected one a language")
    return paths
