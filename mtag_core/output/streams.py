"""Byte streams under a part: hashed and counted, plain or compressed, the same bytes each time."""

import gzip
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import pyarrow as pa

from mtag_core.errors import UsageError

# Compression -> what it adds to a part's name.
COMPRESSION_SUFFIXES = {"none": "", "gz": ".gz", "zstd": ".zst"}

# Text is handed to the compressor in blocks of this size: a call a line would cost more.
_BUFFER_BYTES = 256 * 1024


class KeptOpen(io.RawIOBase):
    """Writes to a sink and does not close it: whoever opened it decides whether its content stands.

    Attributes:
        n_bytes: Bytes written so far.
        error: What the sink raised, such as that the disk is full; libraries may hide it.
    """

    def __init__(self, sink: BinaryIO) -> None:
        super().__init__()
        self.error: OSError | None = None
        self._sink: BinaryIO | None = sink
        self.n_bytes = 0

    def writable(self) -> bool:
        """True: the stream is for writing only."""
        return True

    def write(self, data: object) -> int:
        """Writes all of `data` (bytes-like) and returns its length in bytes."""
        view = memoryview(data)  # type: ignore[arg-type]
        if self._sink is not None:
            try:
                self._sink.write(view)
            except OSError as error:
                self.error = error
                raise
        self.n_bytes += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """Number of bytes written so far; Parquet's footer is made of such positions."""
        return self.n_bytes

    def drop(self) -> None:
        """Swallows all further writes, such as a trailer that a library insists to write."""
        self._sink = None


class HashingStream(KeptOpen):
    """Keeps the SHA-256 of what it writes, too."""

    def __init__(self, sink: BinaryIO) -> None:
        super().__init__(sink)
        self._hash = hashlib.sha256()

    def write(self, data: object) -> int:
        """Writes all of `data` (bytes-like) and returns its length in bytes."""
        n_bytes = super().write(data)
        self._hash.update(memoryview(data))  # type: ignore[arg-type]
        return n_bytes

    def hexdigest(self) -> str:
        """SHA-256 of what was written so far, in hexadecimal."""
        return self._hash.hexdigest()


@contextmanager
def compressed(sink: BinaryIO, compression: str) -> Iterator[BinaryIO]:
    """Opens a compressing, buffered stream on top of `sink`, which stays open.

    The bytes depend on what is written only: gzip's header gets no name and no time.

    Args:
        sink: Receives the compressed bytes.
        compression: `none`, `gz` or `zstd`.

    Raises:
        UsageError: The compression is none of these.
    """
    if compression not in COMPRESSION_SUFFIXES:
        known = ", ".join(COMPRESSION_SUFFIXES)
        raise UsageError(f"unknown compression {compression!r}; choose one of {known}")
    with io.BufferedWriter(_raw(sink, compression), _BUFFER_BYTES) as stream:
        yield cast(BinaryIO, stream)


def _raw(sink: BinaryIO, compression: str) -> io.RawIOBase:
    if compression == "gz":
        stream = gzip.GzipFile(filename="", mode="wb", fileobj=sink, mtime=0, compresslevel=6)
        return cast(io.RawIOBase, stream)
    if compression == "zstd":
        return cast(io.RawIOBase, pa.CompressedOutputStream(pa.PythonFile(KeptOpen(sink)), "zstd"))
    return KeptOpen(sink)
