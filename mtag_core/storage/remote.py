"""HTTP servers and object stores, through smart_open.

Listing an object store needs its own client (boto3, google-cloud-storage), which the extras `s3`
and `gcs` bring; they are imported when a path first needs them.
"""

import importlib
import io
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from typing import Any, BinaryIO, Literal, cast
from urllib.parse import urljoin, urlsplit

from mtag_core.errors import InputNotFoundError, MtagError, StorageError, UsageError
from mtag_core.storage.paths import (
    UNKNOWN_SIZE,
    FileInfo,
    http_access,
    public_url,
    real_url,
    redacted,
    scheme_of,
)

_TIMEOUT_S = 60
_N_TRIES = 4
# Before the second try; doubled for each further one.
_PAUSE_S = 0.5
_SKIP_BYTES = 2**20
_BUFFER_BYTES = 2**18
# The server should not compress on its own: offsets count the bytes of the file.
_HTTP_HEADERS = {"Accept-Encoding": "identity"}
# Where it does all the same, readers know these by their first bytes.
_KNOWN_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "zstd"})


def stat(path: str) -> FileInfo:
    """Looks at one remote file; see `mtag_core.storage.stat`."""
    path = public_url(path)
    with _remote_errors(path):
        scheme = scheme_of(path)
        if scheme == "http":
            return _stat_http(path)
        bucket, key = _split(path)
        if scheme == "s3":
            head = _s3_client().head_object(Bucket=bucket, Key=key)
            return FileInfo(path, head["ContentLength"], head["ETag"].strip('"'))
        blob = _gs_client().bucket(bucket).get_blob(key)
        if blob is None:
            raise InputNotFoundError(f"{path}: no such object")
        return FileInfo(path, blob.size, str(blob.generation))


def list_prefix(prefix: str) -> Iterator[FileInfo]:
    """Yields every object whose URL starts with `prefix`, in the store's order."""
    prefix = public_url(prefix)
    bucket, key = _split(prefix)
    root = prefix[: len(prefix) - len(key)]
    with _remote_errors(prefix):
        if scheme_of(prefix) == "s3":
            pages = (
                _s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
            )
            for page in pages:
                for item in page.get("Contents", ()):
                    version = item["ETag"].strip('"')
                    yield FileInfo(root + item["Key"], item["Size"], version)
        else:
            for blob in _gs_client().list_blobs(bucket, prefix=key):
                yield FileInfo(root + blob.name, blob.size, str(blob.generation))


def open_read(path: str, *, start: int) -> BinaryIO:
    """Opens a remote file from byte `start` on; a lost connection is resumed."""
    stream = _ResumingStream(public_url(path), start)
    return cast(BinaryIO, io.BufferedReader(stream, _BUFFER_BYTES))


@contextmanager
def open_seekable(path: str) -> Iterator[BinaryIO]:
    """Opens a remote file whose store answers range requests."""
    path = public_url(path)
    with _remote_errors(path), closing(_open(path)) as stream:
        yield stream


def upload(stream: BinaryIO, path: str) -> None:
    """Writes an object; it appears when the upload is complete."""
    path = public_url(path)
    if scheme_of(path) == "http":
        raise UsageError(f"{path}: cannot write over HTTP; give a local path, s3:// or gs://")
    with _remote_errors(path):
        # On an exception smart_open aborts the upload.
        params = {"client": _params(path)["client"]}
        with _smart_open(path, "wb", params) as target:
            shutil.copyfileobj(stream, target, 2**20)


def delete(path: str) -> None:
    """Deletes an object; one that is not there is no error."""
    path = public_url(path)
    bucket, key = _split(path)
    with _remote_errors(path):
        if scheme_of(path) == "s3":
            _s3_client().delete_object(Bucket=bucket, Key=key)
        else:
            blob = _gs_client().bucket(bucket).get_blob(key)
            if blob is not None:
                blob.delete()


class _ResumingStream(io.RawIOBase):
    """Reads a remote file forward and opens it again where a connection broke."""

    def __init__(self, path: str, start: int) -> None:
        self._path = path
        self._position = start
        self._stream: BinaryIO | None = None
        with _remote_errors(path):
            self._stream = _open_at(path, start)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _read(self, n_bytes: int) -> bytes:
        for n_left in reversed(range(_N_TRIES)):
            try:
                if self._stream is None:
                    self._stream = _open_at(self._path, self._position)
                return self._stream.read(n_bytes)
            except Exception as error:
                self._drop()
                if n_left == 0 or isinstance(error, MtagError):
                    raise StorageError(f"{self._path}: {_describe(error)}") from error
                time.sleep(_PAUSE_S * 2 ** (_N_TRIES - 1 - n_left))
        raise AssertionError("unreachable")

    def _drop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def close(self) -> None:
        self._drop()
        super().close()


def _open_at(path: str, start: int) -> BinaryIO:
    if start == 0:
        return _open(path)
    if scheme_of(path) != "http":
        stream = _open(path)
        stream.seek(start)
        return stream
    try:
        stream = _open(path, headers={**_HTTP_HEADERS, "Range": f"bytes={start}-"})
    except Exception as error:
        if _status(error) == 416:  # The file ends before `start`.
            return io.BytesIO()
        raise
    if cast(Any, stream).response.status_code != 206:
        _skip(stream, start)  # The server ignores ranges and sends the file from its start.
    return stream


def _skip(stream: BinaryIO, n_bytes: int) -> None:
    while n_bytes > 0:
        data = stream.read(min(n_bytes, _SKIP_BYTES))
        if not data:
            return
        n_bytes -= len(data)


def _open(path: str, headers: dict[str, str] | None = None) -> BinaryIO:
    params = _params(path)
    if headers is not None:
        params["headers"] = headers
    stream = _smart_open(path, "rb", params)
    if scheme_of(path) == "http" and _encoding(stream) not in _KNOWN_ENCODINGS:
        encoding = _encoding(stream)
        stream.close()
        raise StorageError(
            f"{path}: its server sends Content-Encoding {encoding!r} though asked for none; "
            "expected the file as it is, or gzip"
        )
    return stream


def _encoding(stream: BinaryIO) -> str:
    headers = cast(Any, stream).response.headers
    return str(headers.get("Content-Encoding", "")).strip().lower()


def _smart_open(path: str, mode: Literal["rb", "wb"], params: dict[str, Any]) -> BinaryIO:
    """Calls smart_open; it is imported here since it takes 30 MiB that local files do not need."""
    import smart_open

    uri = real_url(path) if scheme_of(path) == "http" else path
    return smart_open.open(uri, mode, compression="disable", transport_params=params)


def _new_session() -> Any:  # noqa: ANN401
    return _session_class()()


@lru_cache(maxsize=1)
def _session_class() -> Any:  # noqa: ANN401
    """A class made late, since its package takes memory that local files do not need."""
    import requests

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> str | None:
            target = super().get_redirect_target(resp)
            if target is not None and not http_access().allow_redirects:
                _check_host(resp.url, urljoin(resp.url, target))
            return target

    return Session


def _check_host(url: str, target: str) -> None:
    host, other = urlsplit(url).hostname, urlsplit(target).hostname
    if host != other:
        raise StorageError(
            f"{redacted(url)}: its server redirects to the host {other}; expected {host}, or "
            "--allow_redirects"
        )


def _params(path: str) -> dict[str, Any]:
    scheme = scheme_of(path)
    if scheme == "s3":
        return {"client": _s3_client()}
    if scheme == "gs":
        # As it is stored, as its size says: the client would decompress it on its way.
        return {"client": _gs_client(), "blob_open_kwargs": {"raw_download": True}}
    if scheme == "http":
        return {"headers": dict(_HTTP_HEADERS), "timeout": _TIMEOUT_S, "session": _new_session()}
    raise UsageError(f"{path}: unknown kind of URL; expected http(s)://, s3://, gs:// or a path")


def _stat_http(path: str) -> FileInfo:
    """Asks for the first byte: the answer tells the size and whether ranges are served."""
    try:
        stream = _open(path, headers={**_HTTP_HEADERS, "Range": "bytes=0-0"})
    except Exception as error:
        if _status(error) == 416:  # An empty file has no first byte.
            return FileInfo(path, 0, "")
        raise
    with closing(stream):
        response = cast(Any, stream).response
        version = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        if response.status_code == 206:
            total = response.headers.get("Content-Range", "").rpartition("/")[2]
        else:
            total = response.headers.get("Content-Length", "")
        size = int(total) if total.isdecimal() else UNKNOWN_SIZE
        is_seekable = response.status_code == 206 and not _encoding(stream)
        return FileInfo(path, size, version, is_seekable=is_seekable)


def _split(path: str) -> tuple[str, str]:
    if scheme_of(path) not in ("s3", "gs"):
        raise UsageError(f"{path}: expected an s3:// or gs:// URL")
    bucket, _, key = path.partition("://")[2].partition("/")
    return bucket, key


def _s3_client() -> Any:  # noqa: ANN401
    return _new_s3_client(os.getpid(), os.environ.get("AWS_ENDPOINT_URL"))


@lru_cache(maxsize=4)
def _new_s3_client(process_id: int, endpoint: str | None) -> Any:  # noqa: ANN401
    """Makes a client; a forked process may not use its parent's."""
    return _import("boto3", extra="s3").client("s3", endpoint_url=endpoint)


def _gs_client() -> Any:  # noqa: ANN401
    return _new_gs_client(os.getpid(), os.environ.get("STORAGE_EMULATOR_HOST"))


@lru_cache(maxsize=4)
def _new_gs_client(process_id: int, emulator: str | None) -> Any:  # noqa: ANN401
    storage = _import("google.cloud.storage", extra="gcs")
    return storage.Client.create_anonymous_client() if emulator else storage.Client()


def _import(name: str, *, extra: str) -> Any:  # noqa: ANN401
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UsageError(f"{name} is not installed: pip install 'mtag[{extra}]'") from error


@contextmanager
def _remote_errors(path: str) -> Iterator[None]:
    try:
        yield
    except (MtagError, GeneratorExit):
        raise
    except Exception as error:
        if _status(error) == 404:
            raise InputNotFoundError(f"{path}: no such file on its server") from error
        raise StorageError(f"{path}: {_describe(error)}") from error


def _status(error: BaseException) -> int | None:
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore
        return cast(int, response.get("ResponseMetadata", {}).get("HTTPStatusCode"))
    status = getattr(response, "status_code", None) or getattr(error, "code", None)
    if isinstance(status, int):
        return status
    return _status(error.__cause__) if error.__cause__ else None


def _describe(error: BaseException) -> str:
    return redacted(f"{type(error).__name__}: {' '.join(str(error).split())}")
