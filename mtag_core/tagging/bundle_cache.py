"""Fetches the files of a bundle at a URL, once, into a folder of the user's cache.

The folder is `mtag/bundles` in XDG_CACHE_HOME or ~/.cache, or one in the directory for temporary
files where there is no home to write to.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mtag_core import storage
from mtag_core.errors import BundleError, InputNotFoundError, StorageError
from mtag_core.tagging.bundle_files import BundleFile, check_directory

MAX_BUNDLE_BYTES = 2**30
"""A bundle at a URL may not be larger."""


def fetch_bundle(location: str, files: Mapping[str, BundleFile], digest: str) -> Path:
    """Fetches a bundle's files, or finds those fetched before.

    Args:
        location: The URL.
        files: As its manifest lists them.
        digest: Of these files.

    Returns:
        The directory; its files are what the manifest says.

    Raises:
        BundleError: They are not, they are too large, or others may write to the cache.
    """
    n_bytes = sum(file.n_bytes for file in files.values())
    if n_bytes > MAX_BUNDLE_BYTES:
        raise BundleError(f"{location}: {n_bytes} bytes, expected {MAX_BUNDLE_BYTES} at most")
    target = _cache_folder() / digest[:32]
    if target.is_dir() and _is_whole(target, files):
        return target
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=target.parent))
    try:
        for name, file in files.items():
            _fetch(storage.join(location, *name.split("/")), partial / name, file.n_bytes)
        check_directory(partial, files)
        _rename(partial, target, files)
    except (InputNotFoundError, StorageError) as error:
        raise BundleError(f"{location}: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = Path(home) / "mtag" / "bundles"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"mtag-bundles-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise BundleError(f"{folder}: expected a directory of this user; remove it")
    if status.st_mode & 0o022:
        raise BundleError(f"{folder}: others may write to it; expected mode 700")
    return folder


def _is_whole(directory: Path, files: Mapping[str, BundleFile]) -> bool:
    try:
        check_directory(directory, files)
    except BundleError:
        return False
    return True


def _fetch(url: str, path: Path, n_bytes: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with storage.open_read(url) as stream:
        content = stream.read(n_bytes + 1)
    if len(content) != n_bytes:
        raise BundleError(f"{url}: not the {n_bytes} bytes that the manifest says")
    path.write_bytes(content)


def _rename(partial: Path, target: Path, files: Mapping[str, BundleFile]) -> None:
    """Gives a checked directory its name; one of that name that is damaged makes room."""
    if target.is_dir() and not _is_whole(target, files):
        shutil.rmtree(target, ignore_errors=True)
    try:
        partial.rename(target)
    except OSError as error:
        # Another process may have been faster; its files are the same.
        if not target.is_dir():
            raise BundleError(f"{target}: cannot be made: {error}") from error
