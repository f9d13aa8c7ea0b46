"""Checks the list of a bundle's files, and a directory against it."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mtag_core.errors import BundleError

MANIFEST = "bundle.json"
TAGGER = "tagger.onnx"
FORMS = "forms.onnx"
"""Only in bundles whose student reads words."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


class BundleFile(NamedTuple):
    """What the manifest says of a file."""

    n_bytes: int
    sha256: str


def parse_files(files: object, *, path: str) -> dict[str, BundleFile]:
    """Reads the list of files; a name must not lead out of the bundle.

    Args:
        files: A JSON value.
        path: The manifest's, for errors.

    Raises:
        BundleError: It is no list of files, or lacks the tagger.
    """
    if not isinstance(files, dict) or not files:
        raise BundleError(f"{path}: expected files with their sha256")
    parsed = {}
    for name, entry in files.items():
        if not _is_inside(name):
            raise BundleError(f"{path}: file name {name!r}, expected one inside the bundle")
        parsed[name] = _parse_entry(name, entry, path)
    if TAGGER not in parsed:
        raise BundleError(f"{path}: lists no {TAGGER}; expected it")
    return parsed


def check_directory(directory: Path, files: Mapping[str, BundleFile]) -> None:
    """Compares a directory with the list of its files.

    Raises:
        BundleError: A file is missing, damaged, not listed or no regular file, or a link leads out.
    """
    for name, entry in files.items():
        _check_file(directory, name, entry)
    for path in _paths(directory):
        if path.relative_to(directory).as_posix() not in {MANIFEST, *files}:
            raise BundleError(f"{path}: {MANIFEST} does not list it; remove it")


def _is_inside(name: str) -> bool:
    pure = PurePosixPath(name)
    is_plain = name.isprintable() and "\\" not in name and pure.as_posix() == name
    return (
        is_plain
        and bool(pure.parts)
        and not pure.is_absolute()
        and not {"..", "."} & set(pure.parts)
    )


def _parse_entry(name: str, entry: object, path: str) -> BundleFile:
    fields = entry if isinstance(entry, dict) else {}
    sha256, n_bytes = fields.get("sha256"), fields.get("bytes")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise BundleError(f"{path}: {name}: expected a sha256 of 64 hexadecimal digits")
    if not isinstance(n_bytes, int) or isinstance(n_bytes, bool) or n_bytes < 0:
        raise BundleError(f"{path}: {name}: bytes {n_bytes!r}, expected a number")
    return BundleFile(n_bytes, sha256)


def _check_file(directory: Path, name: str, entry: BundleFile) -> None:
    path = directory / name
    try:
        if not path.resolve().is_relative_to(directory.resolve()):
            raise BundleError(f"{path}: a link that leads out of the bundle")
        # A pipe would be waited for.
        if not stat.S_ISREG(path.stat().st_mode):
            raise BundleError(f"{path}: expected a regular file")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise BundleError(f"{path}: missing, but {MANIFEST} lists it") from None
    except (OSError, RuntimeError) as error:
        raise BundleError(f"{path}: cannot be read: {error}") from error
    if found != entry.sha256:
        raise BundleError(
            f"{path}: SHA-256 {found[:12]}..., {MANIFEST} says {entry.sha256[:12]}...: "
            "damaged or changed"
        )


def _paths(directory: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise BundleError(f"{error.filename}: cannot be listed: {error.strerror}") from error

    for folder, folders, names in os.walk(directory, onerror=fail):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        yield from (Path(folder) / name for name in (*names, *links))
