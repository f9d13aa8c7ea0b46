"""Finds the files that patterns name, and takes a list of patterns apart.

Patterns are separated by commas, which names may hold, too.
"""

import errno
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from stat import S_ISREG

from mtag_core.errors import InputNotFoundError, MtagError, StorageError
from mtag_core.storage import access, remote
from mtag_core.storage.paths import (
    TEMPORARY_SUFFIX,
    UNKNOWN_SIZE,
    FileInfo,
    join,
    local_path,
    public_url,
    scheme_of,
)

_WILDCARD = re.compile(r"[*?\[]")
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
# What Spark, Hadoop, Databricks and Delta Lake write beside the data; names of files and folders.
_MARKER = re.compile(
    r"_(?:SUCCESS|FAILED|metadata|common_metadata|temporary|delta_log|spark_metadata|change_data"
    r"|delta_index|symlink_format_manifest|started_.*|committed_.*)"
    r"|.*(?:\.crc|\._COPYING_|_\$folder\$)",
    re.DOTALL,
)


def list_files(patterns: Sequence[str]) -> list[FileInfo]:
    """Lists the files that any of the patterns names.

    A pattern is a path, a URL, a directory or prefix ending in `/` (everything below it), or a path
    with `*`, `?`, `[...]` or `**` (any number of directories). What a directory or a wildcard
    matches leaves out hidden names and the markers of Spark, Hadoop and Delta Lake.

    Returns:
        Sorted by path, each once. A local file that cannot be looked at has an unknown size: its
        reader finds out why.

    Raises:
        InputNotFoundError: A pattern matches nothing; the message names it.
        StorageError: A directory or a store cannot be listed.
    """
    path_to_file: dict[str, FileInfo] = {}
    for pattern in map(public_url, patterns):
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
    names = sorted(entry.name for entry in _entries(local_path(prefix)))
    return list(_file_infos(join(prefix, name) for name in names))


def literal_prefix(pattern: str) -> str:
    """The directory that a pattern names before its first wildcard, with its `/`; or nothing."""
    wildcard = _WILDCARD.search(pattern)
    return pattern[: pattern.rfind("/", 0, wildcard.start() if wildcard else None) + 1]


def _match(pattern: str) -> Iterable[FileInfo]:
    scheme = scheme_of(pattern)
    if scheme == "http":
        return [remote.stat(pattern)]
    if scheme:
        return _match_objects(pattern)
    path = local_path(pattern)
    if os.path.isfile(path):
        return _file_infos([path])
    if os.path.isdir(path):
        return _file_infos(_below(path))
    prefix = literal_prefix(path)
    if not _WILDCARD.search(path):
        if os.path.exists(path):
            raise StorageError(f"{path}: a pipe or device; expected a file or folder")
        return _file_infos([path])
    return _file_infos(_expand(prefix, path[len(prefix) :].split("/"), ()))


def _match_objects(pattern: str) -> Iterator[FileInfo]:
    is_glob = _WILDCARD.search(pattern) is not None
    if not is_glob and not pattern.endswith("/"):
        yield remote.stat(pattern)
        return
    prefix = literal_prefix(pattern)
    matches = glob_regex(pattern if is_glob else pattern + "**").fullmatch
    steps = pattern[len(prefix) :].split("/")
    for file in remote.list_prefix(prefix):
        names = file.path[len(prefix) :].split("/")
        if matches(file.path) and names[-1] and not any(_is_left_out(n, steps) for n in names):
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
    simple = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if wildcard in simple:
        return simple[wildcard]
    inside = wildcard[1:-1].replace("\\", r"\\")
    return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"


def _is_left_out(name: str, steps: Sequence[str]) -> bool:
    if name.startswith("."):
        return not any(step.startswith(".") for step in steps)
    return name not in steps and _MARKER.fullmatch(name) is not None


def _below(directory: str) -> Iterator[str]:
    for entry in _entries(directory):
        if _is_left_out(entry.name, ()):
            continue
        if not _is_dir(entry):
            yield entry.path
        elif not entry.is_symlink():
            yield from _below(entry.path)


def _expand(base: str, steps: Sequence[str], ancestors: tuple[str, ...]) -> Iterator[str]:
    """Yields the paths that match the steps of a pattern below a directory.

    Links to directories are followed, but not into one that they lie in.
    """
    step, rest = steps[0], steps[1:]
    if not _WILDCARD.search(step):
        if rest:
            yield from _expand(f"{base}{step}/", rest, ())
        elif os.path.lexists(base + step):
            yield base + step
        return
    if step == "**" and rest:
        yield from _expand(base, rest, ())
    if step == "**":
        ancestors = ancestors or (os.path.realpath(base or "."),)
    is_match = glob_regex(step).fullmatch
    for entry in _entries(base or "."):
        path = base + entry.name
        if not is_match(entry.name) or _is_left_out(entry.name, steps):
            continue
        if not _is_dir(entry):
            if not rest:
                yield path
        elif step == "**":
            real = os.path.realpath(path)
            if real not in ancestors:
                yield from _expand(f"{path}/", steps, (*ancestors, real))
        elif rest:
            yield from _expand(f"{path}/", rest, ())


def _entries(directory: str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StorageError(f"{directory}: cannot be listed: {error.strerror or error}") from error


def _is_dir(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _file_infos(paths: Iterable[str]) -> Iterator[FileInfo]:
    for path in paths:
        if path.endswith(TEMPORARY_SUFFIX):
            continue
        try:
            status = os.stat(local_path(path))
        except OSError as error:
            # A link that leads nowhere or in a circle, or a file behind a closed door.
            if error.errno not in _ABSENT or os.path.islink(local_path(path)):
                yield FileInfo(path, UNKNOWN_SIZE, "")
            continue
        if S_ISREG(status.st_mode):
            yield FileInfo(path, status.st_size, str(status.st_mtime_ns))


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
