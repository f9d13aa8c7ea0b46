"""What a file is: its path, size and version; and which store a path belongs to."""

import os
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

UNKNOWN_SIZE = -1
"""Size of a file whose server does not tell it."""

TEMPORARY_SUFFIX = ".mtag-tmp"
"""Ends the names of files that are being written; listings leave them out."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file as it was when it was listed.

    Attributes:
        path: Local path or URL.
        size: Size in bytes; `UNKNOWN_SIZE` when a server does not tell it.
        version: Changes when the content does: the modification time in nanoseconds of a local
            file, the entity tag or generation of a remote one.
        is_seekable: False when its server only sends it from the start.
    """

    path: str
    size: int
    version: str
    is_seekable: bool = True


def scheme_of(path: str) -> str:
    """Returns `http`, `s3`, `gs` or, for local paths, ``."""
    scheme = path.partition("://")[0].lower() if "://" in path else ""
    return {"https": "http", "file": "", "gcs": "gs"}.get(scheme, scheme)


def local_path(path: str) -> str:
    """Returns the path that the operating system knows."""
    return unquote(urlsplit(path).path) if path.lower().startswith("file://") else path


def join(base: str, *names: str) -> str:
    """Joins names to a local path or URL of a directory."""
    if scheme_of(base):
        return "/".join([base.rstrip("/"), *names])
    return os.path.join(base, *names)
