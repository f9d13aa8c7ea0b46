"""Opens, writes, looks at and deletes single files of any store; as text, decompressed by name.

Where there is no file of a name, all raise `InputNotFoundError`, and for all else that fails
`StorageError`, with the path and the reason; so does reading when a connection is lost for good.
"""

import bz2
import fcntl
import gzip
import io
import lzma
import os
import secrets
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, BinaryIO, TextIO, cast

from mtag_core.errors import InputNotFoundError, LockHeldError, MtagError, StorageError
from mtag_core.storage import remote
from mtag_core.storage.paths import TEMPORARY_SUFFIX, FileInfo, local_path, scheme_of

_SPOOL_BYTES = 16 * 2**20
_SUFFIX_TO_OPENER: dict[str, Callable[..., IO[Any]]] = {
    ".bz2": bz2.open,
    ".gz": gzip.open,
    ".xz": lzma.open,
}


def stat(path: str) -> FileInfo:
    """Looks at one file; anything else is a `StorageError`."""
    if scheme_of(path):
        return remote.stat(path)
    with _local_errors(path):
        status = os.stat(local_path(path))
        if not Path(local_path(path)).is_file():
            raise StorageError(f"{path}: not a regular file; expected one")
    return FileInfo(path, status.st_size, str(status.st_mtime_ns))


def exists(path: str) -> bool:
    """Whether there is a file at `path`."""
    if not scheme_of(path):
        return os.path.isfile(local_path(path))
    try:
        remote.stat(path)
    except InputNotFoundError:
        return False
    return True


def open_read(path: str, *, start: int = 0) -> BinaryIO:
    """Opens the raw bytes of a file for reading from byte `start` on; the stream may not seek."""
    if scheme_of(path):
        return remote.open_read(path, start=start)
    with _local_errors(path):
        stream = open(local_path(path), "rb", buffering=2**17)
        stream.seek(start)
    return stream


@contextmanager
def open_seekable(path: str) -> Iterator[BinaryIO]:
    """Opens a file that a reader wants to seek in; one that cannot seek is copied to disk first."""
    if scheme_of(path) and not remote.stat(path).is_seekable:
        with tempfile.TemporaryFile() as copy, remote.open_read(path, start=0) as stream:
            shutil.copyfileobj(stream, copy)
            copy.seek(0)
            yield copy
    elif scheme_of(path):
        with remote.open_seekable(path) as stream:
            yield stream
    else:
        with open_read(path) as stream:
            yield stream


def read_bytes(path: str) -> bytes:
    """The content of a file."""
    with open_read(path) as stream, _local_errors(path):
        return stream.read()


def delete(path: str) -> None:
    """Deletes a file; one that is not there is no error."""
    if scheme_of(path):
        remote.delete(path)
        return
    try:
        with _local_errors(path):
            os.unlink(local_path(path))
    except InputNotFoundError:
        pass


@contextmanager
def atomic_writer(path: str) -> Iterator[BinaryIO]:
    """Writes a file that appears whole or not at all, with the directories it needs.

    Locally a temporary name, fsync and rename; a remote object is uploaded when all is written. On
    an exception nothing appears.
    """
    if scheme_of(path):
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as spool:
            yield cast(BinaryIO, spool)
            spool.seek(0)
            remote.upload(cast(BinaryIO, spool), path)
        return
    target = Path(local_path(path))
    with _local_errors(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary, stream = _open_temporary(target)
        with stream:
            try:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
                # Before the stream is closed: closing gives up the lock on the temporary.
                os.replace(temporary, target)
            except BaseException:
                with suppress(OSError):
                    temporary.unlink()
                raise
        _sync_directory(target.parent)


def copy(source: str, target: str) -> None:
    """Makes a file of another one's content that appears whole or not at all.

    Local files share their bytes where the file system has hard links.
    """
    if not scheme_of(source) and not scheme_of(target) and _link(source, target):
        return
    with open_read(source) as stream, atomic_writer(target) as sink:
        shutil.copyfileobj(stream, sink)


def _link(source: str, target: str) -> bool:
    path = Path(local_path(target))
    with _local_errors(target):
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}{TEMPORARY_SUFFIX}")
    try:
        os.link(local_path(source), temporary)
    except OSError:
        return False
    with _local_errors(target):
        os.replace(temporary, path)
        # Nothing is replaced by another name of itself.
        temporary.unlink(missing_ok=True)
    return True


def touch(path: str) -> None:
    """Makes an empty file, with the directories it needs; a loss of power may undo it."""
    if scheme_of(path):
        remote.upload(io.BytesIO(), path)
        return
    with _local_errors(path):
        target = Path(local_path(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()


@contextmanager
def exclusive(path: str) -> Iterator[None]:
    """Holds a lock file while the block runs; the lock ends with the process, however that ends.

    At the end of the block the file is gone, and so are the directories made for it if nothing else
    is in them. Remote stores have no locks: there nothing is held.

    Raises:
        LockHeldError: Another process holds it.
    """
    if scheme_of(path):
        yield
        return
    lock = Path(local_path(path))
    if lock.parent.is_file():
        raise StorageError(f"{lock.parent}: a file; expected a folder")
    with _local_errors(path):
        new_directories = [folder for folder in lock.parents if not folder.exists()]
        stream = _open_lock(lock)
    with stream:
        try:
            yield
        finally:
            # While it is locked: a process that opened it meanwhile sees that it is gone.
            with suppress(OSError):
                lock.unlink()
                for folder in new_directories:
                    folder.rmdir()


def _open_lock(lock: Path) -> BinaryIO:
    while True:
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            stream = open(lock, "ab")
        except FileNotFoundError:
            # Its last holder has just removed the directory.
            continue
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(stream.fileno()), os.stat(lock)):
                return stream
        except BlockingIOError as error:
            stream.close()
            raise LockHeldError(f"{lock}: held by another process") from error
        except FileNotFoundError:
            pass
        stream.close()


def delete_leftovers(directory: str) -> int:
    """Deletes the temporaries that killed writers left directly in a local directory.

    Those that somebody is writing are locked and stay. Remote stores have none. Returns how many
    were deleted.
    """
    if scheme_of(directory):
        return 0
    n_deleted = 0
    for temporary in Path(local_path(directory)).glob(f".*{TEMPORARY_SUFFIX}"):
        with suppress(OSError), temporary.open("r+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            temporary.unlink()
            n_deleted += 1
    return n_deleted


def _open_temporary(target: Path) -> tuple[Path, BinaryIO]:
    """Opens the temporary of a file, locked; what a killed writer left there is overwritten.

    Two workers may write the same file at one time: the second finds the usual name locked and
    takes one of its own.
    """
    usual = target.with_name(f".{target.name}{TEMPORARY_SUFFIX}")
    temporary = usual
    while True:
        stream = open(os.open(temporary, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last writer may have renamed it between the opening and the locking.
            if os.path.samestat(os.fstat(stream.fileno()), os.stat(temporary)):
                stream.truncate()
                return temporary, stream
        except BlockingIOError:
            name = f".{target.name}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}"
            temporary = target.with_name(name)
        except FileNotFoundError:
            temporary = usual
        stream.close()


def _sync_directory(directory: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _local_errors(path: str) -> Iterator[None]:
    try:
        yield
    except MtagError:
        raise
    except FileNotFoundError as error:
        raise InputNotFoundError(f"{path}: no such file") from error
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}") from error


@contextmanager
def open_text(path: str | Path, *, newline: str | None = None) -> Iterator[TextIO]:
    r"""Opens a file of any store as UTF-8 text; `.gz`, `.bz2` and `.xz` are decompressed.

    A line ends with `newline`, or where that is None with `\r` and `\r\n` as well.
    """
    with open_read(str(path)) as raw, _wrapped(raw, path, "rb", newline) as text:
        yield text


@contextmanager
def create_text(path: str | Path) -> Iterator[TextIO]:
    """Writes a file as UTF-8 text, compressed as its name says; it appears when it is whole."""
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
