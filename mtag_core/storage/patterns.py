"""Takes a list of patterns apart that is separated by commas, which names may hold, too."""

import os
from collections.abc import Iterable, Sequence
from itertools import chain

from mtag_core.errors import MtagError
from mtag_core.storage import access
from mtag_core.storage.files import local_path, scheme_of
from mtag_core.storage.listing import list_files, literal_prefix


def split_patterns(values: Iterable[str]) -> tuple[str, ...]:
    """Splits values at commas, but not within what names a file, a folder or an object.

    Example: `a.txt,b.txt` is two patterns, unless there is a file of that name.
    """
    return tuple(chain.from_iterable(_split(value) for value in values))


def _split(value: str) -> list[str]:
    parts = value.split(",")
    patterns = []
    while parts:
        n_parts = _n_joined(parts)
        pattern = ",".join(parts[:n_parts])
        parts = parts[n_parts:]
        if pattern:
            patterns.append(pattern)
    return patterns


def _n_joined(parts: Sequence[str]) -> int:
    """How many parts make the first pattern.

    The most that name something; else as many as a folder's name has, where something may appear
    later; else one.
    """
    numbers = range(2, len(parts) + 1)
    joined = {n_parts: ",".join(parts[:n_parts]) for n_parts in numbers}
    named = (n for n in reversed(numbers) if _names_something(joined[n]))
    return next(named, None) or next((n for n in numbers if _is_in_folder(joined[n])), 1)


def _names_something(pattern: str) -> bool:
    try:
        if scheme_of(pattern) == "http":
            return access.exists(pattern)
        return bool(list_files([pattern]))
    except (MtagError, OSError, ValueError):
        return False


def _is_in_folder(pattern: str) -> bool:
    folder = literal_prefix(pattern)
    return not scheme_of(pattern) and "," in folder and os.path.isdir(local_path(folder))
