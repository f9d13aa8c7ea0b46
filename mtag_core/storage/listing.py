"""Finds the files that patterns name."""

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence

from mtag_core.errors import InputNotFoundError, StorageError
from mtag_core.storage import remote
from mtag_core.storage.files import TEMPORARY_SUFFIX, FileInfo, join, local_path, scheme_of

_WILDCARD = re.compile(r"[*?\[]")


def list_files(patterns: Sequence[str]) -> list[FileInfo]:
    """Lists the files that any of the patterns names.

    A pattern is a path, a URL, a directory or prefix ending in `/` (everything below it, hidden
    names left out), or a path with `*`, `?`, `[...]` or `**` (any number of directories).

    Returns:
        Sorted by path, each once.

    Raises:
        InputNotFoundError: A pattern matches nothing; the message names it.
        StorageError: A store cannot be listed.
    """
    path_to_file: dict[str, FileInfo] = {}
    for pattern in patterns:
        n_found = 0
        for file in _match(pattern):
            n_found += 1
            path_to_file.setdefault(file.path, file)
        if n_found == 0:
            raise InputNotFoundError(f"{pattern}: no file matches; check the path or quote it")
    return [path_to_file[path] for path in sorted(path_to_file)]


def list_dir(prefix: str) -> list[FileInfo]:
    """Lists the files directly in a directory, sorted; empty when it is absent.

    Raises:
        StorageError: The store cannot be listed.
    """
    if scheme_of(prefix):
        base = prefix.rstrip("/") + "/"
        files = remote.list_prefix(base)
        return sorted((f for f in files if "/" not in f.path[len(base) :]), key=lambda f: f.path)
    try:
        with os.scandir(local_path(prefix)) as entries:
            return _file_infos(join(prefix, entry.name) for entry in sorted(entries, key=_name))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{prefix}: {error.strerror}") from error


def _match(pattern: str) -> Iterable[FileInfo]:
    """Returns the files of one pattern."""
    scheme = scheme_of(pattern)
    if scheme == "http":
        return [remote.stat(pattern)]
    if scheme:
        return _match_objects(pattern)
    path = local_path(pattern)
    if os.path.isfile(path):
        return _file_infos([path])
    if os.path.isdir(path):
        return _file_infos(_walk(path))
    return _file_infos(glob.iglob(path, recursive=True))


def _match_objects(pattern: str) -> Iterator[FileInfo]:
    """Yields the objects of one pattern of an object store."""
    wildcard = _WILDCARD.search(pattern)
    if wildcard is None and not pattern.endswith("/"):
        yield remote.stat(pattern)
        return
    prefix = pattern[: wildcard.start()] if wildcard else pattern
    matches = glob_regex(pattern if wildcard else pattern + "**").fullmatch
    for file in remote.list_prefix(prefix):
        if matches(file.path) and not file.path.endswith("/"):
            yield file


def glob_regex(pattern: str) -> re.Pattern[str]:
    """Translates a glob pattern: `*` and `?` stop at `/`, `**` does not.

    Example: `a/**/*.txt` matches `a/x.txt` and `a/b/c/x.txt`.
    """
    translated = ""
    position = 0
    for match in re.finditer(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]", pattern):
        translated += re.escape(pattern[position : match.start()])
        translated += _translate_wildcard(match[0])
        position = match.end()
    return re.compile(translated + re.escape(pattern[position:]), re.DOTALL)


def _translate_wildcard(wildcard: str) -> str:
    """Translates one wildcard to a regular expression."""
    simple = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if wildcard in simple:
        return simple[wildcard]
    inside = wildcard[1:-1].replace("\\", r"\\")
    return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"


def _walk(directory: str) -> Iterator[str]:
    """Yields the files below a directory; hidden files and directories are left out."""
    for folder, names, files in os.walk(directory):
        names[:] = [name for name in names if not name.startswith(".")]
        for name in files:
            if not name.startswith("."):
                yield os.path.join(folder, name)


def _file_infos(paths: Iterable[str]) -> list[FileInfo]:
    """Looks at local paths; leaves out directories, temporaries and what vanished meanwhile."""
    files = []
    for path in paths:
        try:
            status = os.stat(path)
        except FileNotFoundError:
            continue
        if status.st_mode & 0o170000 == 0o100000 and not path.endswith(TEMPORARY_SUFFIX):
            files.append(FileInfo(path, status.st_size, str(status.st_mtime_ns)))
    return files


def _name(entry: os.DirEntry[str]) -> str:
    """The key that directory entries are sorted by."""
    return entry.name
