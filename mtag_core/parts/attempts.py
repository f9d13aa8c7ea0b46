"""Marks on the parts that are being made: one that is left over names a part whose maker died.

A native library may abort the process. The next attempt at a marked part reads it alone, see
`mtag_core.parts.read_alone`, so that what aborts costs one file or document.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mtag_core import storage
from mtag_core.errors import StorageError
from mtag_core.output.layout import OutputLayout

_open_marks: set[str] = set()


@contextmanager
def attempt(layout: OutputLayout, part_id: str) -> Iterator[bool]:
    """Marks a part while the block runs, however it ends, unless the process ends with it.

    Args:
        layout: The output directory.
        part_id: Of a part, or of a list of slices.

    Yields:
        Whether a process died in an earlier attempt.

    Raises:
        StorageError: The mark cannot be made.
    """
    path = layout.attempt_path(part_id)
    is_suspect = storage.exists(path)
    _open_marks.add(path)
    storage.touch(path)
    try:
        yield is_suspect
    finally:
        _remove(path)


def remove_open_marks() -> None:
    """Removes the marks of this process, which ends on purpose in the middle of its parts."""
    for path in tuple(_open_marks):
        _remove(path)


def _remove(path: str) -> None:
    _open_marks.discard(path)
    with suppress(StorageError):
        storage.delete(path)
