"""Opens text files, plain or compressed as their name says."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TextIO

from mtag_core.storage.access import atomic_writer, open_read

_SUFFIX_TO_OPENER: dict[str, Callable[..., IO[Any]]] = {
    ".bz2": bz2.open,
    ".gz": gzip.open,
    ".xz": lzma.open,
}


@contextmanager
def open_text(path: str | Path, *, newline: str | None = None) -> Iterator[TextIO]:
    r"""Opens a file as UTF-8 text.

    Args:
        path: Of any store; `.gz`, `.bz2` and `.xz` are decompressed.
        newline: What ends a line: `\n`, or None for `\r` and `\r\n` as well.

    Raises:
        InputNotFoundError: There is no such file.
        StorageError: It cannot be opened.
    """
    with open_read(str(path)) as raw, _wrapped(raw, path, "rb", newline) as text:
        yield text


@contextmanager
def create_text(path: str | Path) -> Iterator[TextIO]:
    """Writes a file as UTF-8 text, compressed as its name says; it appears when it is whole.

    Raises:
        StorageError: It cannot be written.
    """
    with atomic_writer(str(path)) as raw, _wrapped(raw, path, "wb", "\n") as text:
        yield text


@contextmanager
def _wrapped(
    raw: IO[bytes], path: str | Path, mode: str, newline: str | None
) -> Iterator[io.TextIOWrapper]:
    opener = _SUFFIX_TO_OPENER.get(Path(path).suffix)
    # What is compressed is closed with its text; a plain file is closed by who opened it.
    binary = opener(raw, mode) if opener else raw
    text = io.TextIOWrapper(binary, encoding="utf-8", newline=newline)
    try:
        yield text
    finally:
        # Detaching flushes.
        if opener:
            text.close()
        else:
            text.detach()
