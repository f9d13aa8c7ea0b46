"""The inputs of a run: the files that patterns name, without what mtag itself writes."""

import os
from collections.abc import Sequence
from functools import lru_cache

from mtag_core.errors import InputNotFoundError
from mtag_core.output.layout import is_own_path
from mtag_core.storage import FileInfo, list_files, literal_prefix, local_path, scheme_of


def list_inputs(patterns: Sequence[str], *, output: str) -> list[FileInfo]:
    """Lists the files that patterns name, those of the output directory left out.

    Args:
        patterns: As in `storage.list_files`.
        output: The output directory. Where a pattern leads into it, what mtag writes there is left
            out, else all that lies below it.

    Returns:
        Sorted by path, each once.

    Raises:
        InputNotFoundError: A pattern matches nothing, or nothing but outputs of this run.
        StorageError: A directory or a store cannot be listed.
    """
    path_to_file: dict[str, FileInfo] = {}
    for pattern in patterns:
        found = list_files([pattern])
        kept = _without_outputs(found, pattern, base=_real(output) + "/")
        if not kept:
            raise InputNotFoundError(
                f"{pattern}: nothing there but what mtag writes to --output={output}; "
                "name another --output"
            )
        path_to_file.update((file.path, file) for file in kept)
    return [path_to_file[path] for path in sorted(path_to_file)]


def list_present_inputs(patterns: Sequence[str], *, output: str) -> list[FileInfo]:
    """As `list_inputs`, but a pattern that matches nothing yet is no error."""
    path_to_file: dict[str, FileInfo] = {}
    for pattern in patterns:
        try:
            found = list_inputs([pattern], output=output)
        except InputNotFoundError:
            continue
        path_to_file.update((file.path, file) for file in found)
    return [path_to_file[path] for path in sorted(path_to_file)]


def _without_outputs(files: Sequence[FileInfo], pattern: str, *, base: str) -> list[FileInfo]:
    """Leaves out what lies below `base`, which ends in `/`."""
    is_folder = not scheme_of(pattern) and os.path.isdir(local_path(pattern))
    start = pattern if is_folder else literal_prefix(pattern)
    is_inside = f"{_real(start)}/".startswith(base)
    kept = []
    real_folder = lru_cache(maxsize=1024)(_real)
    for file in files:
        folder, slash, name = file.path.rpartition("/")
        path = f"{real_folder(folder + slash)}/{name}"
        is_below = path.startswith(base)
        if not is_below or (is_inside and not is_own_path(path[len(base) :])):
            kept.append(file)
    return kept


def _real(folder: str) -> str:
    if scheme_of(folder):
        return folder.rstrip("/")
    return os.path.realpath(local_path(folder) or ".").rstrip("/")
