"""Decompresses gz, bz2, xz and zst streams, of one member or many, with bounded memory.

A bz2 file of many streams can be read from the middle. A stream starts at a whole byte with a mark
of ten bytes, so a range of the file can be read by searching for the first mark in it. Dumps of
Wikipedia have a stream every 100 pages; what parallel compressors write has streams that end
anywhere.
"""

import bz2
import lzma
import re
import sys
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol

from mtag_core import storage
from mtag_core.errors import FormatError, MtagError
from mtag_core.storage import FileInfo

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_MARK = re.compile(rb"BZh[1-9]\x31\x41\x59\x26\x53\x59")
_MARK_BYTES = 10
_SEARCH_BYTES = 2**18
# The second stream of a multistream dump follows the site's description, after a few kilobytes;
# a stream of a parallel compressor holds at most 900 kB uncompressed.
_PEEK_BYTES = 2**20
# More would be copied over and over where a file has many small members.
_CHUNK_BYTES = 2**15


# Archives made with larger windows than these would take gigabytes to read.
_XZ_MEMORY_BYTES = 512 * 2**20


_ZST_WINDOW_LOG = 27


# What the decoders say of such archives.
_MEMORY_MESSAGES = ("Memory usage limit", "too much memory")


# Files that hold less than this may do so in any number of bytes.
_FREE_BYTES = 64 * 2**20


class TruncatedError(FormatError):
    """The compressed data end in the middle of a stream."""


class CorruptError(FormatError):
    """The compressed data are damaged, or are not what the file's name says."""


class DecoderMemoryError(FormatError):
    """Decompressing the data would take more memory than is allowed."""


class ExpansionError(FormatError):
    """The compressed data hold more than is allowed."""


class ByteStream(Protocol):
    """What bytes are read from."""

    def read(self, n_bytes: int, /) -> bytes:
        """Reads at most `n_bytes`; b"" at the end."""
        ...


class Decoder(Protocol):
    """The decompressor objects of `bz2`, `lzma` and `zstd`."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether more input is needed before more output can be had."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What follows the end of the stream."""
        ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Decompresses at most `max_length` bytes."""
        ...


class _GzDecoder:
    """`zlib`'s decompressor with the interface of the others."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflate.unconsumed_tail and not self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inflate.decompress(self._inflate.unconsumed_tail + data, max(0, max_length))


def _new_xz() -> Decoder:
    return lzma.LZMADecompressor(memlimit=_XZ_MEMORY_BYTES)


def _new_zst() -> Decoder:
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZST_WINDOW_LOG}
    decoder: Decoder = zstd.ZstdDecompressor(options=options)
    return decoder


CODECS: dict[str, Callable[[], Decoder]] = {
    "gz": _GzDecoder,
    "bz2": bz2.BZ2Decompressor,
    "xz": _new_xz,
    "zst": _new_zst,
}


_ERRORS: tuple[Any, ...] = (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, EOFError)


class DecompressedStream:
    """Reads compressed bytes forward.

    Args:
        raw: The stream.
        codec: A key of `CODECS`.
        max_expansion: Bytes that a compressed byte may hold, beyond the first 64 MiB.

    Attributes:
        n_consumed: Compressed bytes up to the start of the current member.
    """

    def __init__(self, raw: ByteStream, codec: str, *, max_expansion: int | None = None) -> None:
        self._raw = raw
        self._codec = codec
        self._max_expansion = max_expansion
        self._n_decompressed = 0
        self._decoder: Decoder | None = None
        self._pending = b""
        self._n_read = 0
        self.n_consumed = 0

    def read(self, n_bytes: int) -> bytes:
        """Reads at most `n_bytes`, b"" at the end.

        Raises:
            TruncatedError: The input ends in the middle; all before was returned already.
            CorruptError: The input is damaged here; all before was returned already.
            DecoderMemoryError: Decompressing it would take too much memory.
            ExpansionError: It holds more than allowed.
        """
        while True:
            decoder = self._decoder or self._start_member()
            if decoder is None:
                return b""
            data = self._decode(decoder, n_bytes)
            if decoder.eof:
                self._pending = decoder.unused_data
                self._decoder = None
            if data:
                self._check_expansion(len(data))
                return data

    def _check_expansion(self, n_bytes: int) -> None:
        self._n_decompressed += n_bytes
        if self._max_expansion is None or self._n_decompressed <= _FREE_BYTES:
            return
        if self._n_decompressed > self._max_expansion * self._n_read:
            raise ExpansionError(
                f"{self._n_read} bytes of {self._codec} data hold over {self._n_decompressed}; "
                f"expected at most {self._max_expansion} a byte"
            )

    def _start_member(self) -> Decoder | None:
        while not self._pending.lstrip(b"\0"):
            self._pending = self._read_raw()
            if not self._pending:
                if self._n_read == 0:
                    raise TruncatedError(f"no {self._codec} data: the file is empty")
                return None
        self._pending = self._pending.lstrip(b"\0")
        self.n_consumed = self._n_read - len(self._pending)
        self._decoder = CODECS[self._codec]()
        return self._decoder

    def _decode(self, decoder: Decoder, n_bytes: int) -> bytes:
        is_at_end = False
        if not self._pending and decoder.needs_input:
            self._pending = self._read_raw()
            is_at_end = not self._pending
        data, self._pending = self._pending, b""
        try:
            decompressed = decoder.decompress(data, n_bytes)
        except _ERRORS as error:
            if any(message in str(error) for message in _MEMORY_MESSAGES):
                expected = "expected archives that ask for at most 512 MiB (xz) or 128 MiB (zst)"
                raise DecoderMemoryError(f"{self._codec} data: {error}; {expected}") from error
            place = f"the stream that starts at byte {self.n_consumed}"
            raise CorruptError(f"{self._codec} data damaged in {place}: {error}") from error
        if is_at_end and not decompressed and not decoder.eof:
            raise TruncatedError(f"{self._codec} data end after {self._n_read} bytes")
        return decompressed

    def _read_raw(self) -> bytes:
        data = self._raw.read(_CHUNK_BYTES)
        self._n_read += len(data)
        return data


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

    Args:
        raw: Stands there.
        length: Of the range; None is to the end.
        max_expansion: As in `DecompressedStream`.

    Attributes:
        boundary: Decompressed bytes before the first stream behind the range; None until there.
    """

    def __init__(
        self, raw: BinaryIO, *, length: int | None, max_expansion: int | None = None
    ) -> None:
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
    buffer = b""
    n_dropped = 0
    while chunk := raw.read(_SEARCH_BYTES):
        buffer += chunk
        match = _MARK.search(buffer)
        if match:
            return n_dropped + match.start(), buffer[match.start() :]
        keep = min(len(buffer), _MARK_BYTES - 1)
        n_dropped += len(buffer) - keep
        buffer = buffer[len(buffer) - keep :]
    return n_dropped, b""
