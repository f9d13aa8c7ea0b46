"""bz2 files of many streams, read from the middle.

A stream starts at a whole byte with a mark of ten bytes, so a range of the file can be read by
searching for the first mark in it. Dumps of Wikipedia have a stream every 100 pages; what
parallel compressors write has streams that end anywhere.
"""

import re
from typing import BinaryIO

from mtag_core import storage
from mtag_core.corpus.compression import DecompressedStream
from mtag_core.errors import MtagError
from mtag_core.storage import FileInfo

_MARK = re.compile(rb"BZh[1-9]\x31\x41\x59\x26\x53\x59")
_MARK_BYTES = 10
_CHUNK_BYTES = 2**18
# The second stream of a multistream dump follows the site's description, after a few kilobytes;
# a stream of a parallel compressor holds at most 900 kB uncompressed.
_PEEK_BYTES = 2**20


def is_multistream(file: FileInfo) -> bool:
    """Looks for a second stream near the start of a file."""
    try:
        with storage.open_read(file.path) as stream:
            head = stream.read(_PEEK_BYTES)
    except MtagError:
        return False
    return _MARK.search(head, 1) is not None


class StreamRange:
    """Reads on from the first stream that starts in a range.

    Attributes:
        boundary: Decompressed bytes before the first stream behind the range; None until there.
    """

    def __init__(
        self, raw: BinaryIO, *, length: int | None, max_expansion: int | None = None
    ) -> None:
        """Starts at the range's first byte.

        Args:
            raw: Stands there.
            length: Of the range; None is to the end.
            max_expansion: As in `DecompressedStream`.
        """
        self.boundary: int | None = None
        self._length = length
        self._start = 0
        head = _skip_to_mark(raw)
        self._start = head[0]
        self._stream: DecompressedStream | None = None
        if head[1]:
            joined = _Joined(head[1], raw)
            self._stream = DecompressedStream(joined, "bz2", max_expansion=max_expansion)
        self._n_read = 0

    def read(self, n_bytes: int) -> bytes:
        """Reads at most `n_bytes`; errors as `DecompressedStream.read`."""
        if self._stream is None:
            return b""
        data = self._stream.read(n_bytes)
        # What one call returns comes from one stream.
        stream_start = self._start + self._stream.n_consumed
        if data and self.boundary is None and self._length is not None:
            if stream_start >= self._length:
                self.boundary = self._n_read
        self._n_read += len(data)
        return data


class _Joined:
    """Bytes that were read already, and the stream that goes on behind them."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream

    def read(self, n_bytes: int) -> bytes:
        """Reads what is left of the head, then the stream."""
        if self._head:
            head, self._head = self._head, b""
            return head
        return self._stream.read(n_bytes)


def _skip_to_mark(raw: BinaryIO) -> tuple[int, bytes]:
    """Returns the bytes before the first mark and what was read from it on; b"" for none."""
    buffer = b""
    n_dropped = 0
    while chunk := raw.read(_CHUNK_BYTES):
        buffer += chunk
        match = _MARK.search(buffer)
        if match:
            return n_dropped + match.start(), buffer[match.start() :]
        keep = min(len(buffer), _MARK_BYTES - 1)
        n_dropped += len(buffer) - keep
        buffer = buffer[len(buffer) - keep :]
    return n_dropped, b""
