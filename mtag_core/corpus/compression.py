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
_ZST_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 27}
# What the decoders say of such archives.
_MEMORY_MESSAGES = ("Memory usage limit", "too much memory")
# Files that hold less than this may do so in any number of bytes.
_FREE_BYTES = 64 * 2**20


class TruncatedError(FormatError):
    """The compressed data end in the middle of a stream."""


class CorruptError(FormatError):
    """The compressed data are damaged, or are not what the file's name says."""


class ExpansionError(FormatError):
    """The compressed data hold more than is allowed."""


class ByteStream(Protocol):
    """What bytes are read from."""

    def read(self, n_bytes: int, /) -> bytes:
        """Reads at most `n_bytes`; b"" at the end."""
        ...


class _Decoder(Protocol):
    """The decompressor objects of `bz2`, `lzma` and `zstd`."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


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


CODECS: dict[str, Callable[[], _Decoder]] = {
    "gz": _GzDecoder,
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY_BYTES),
    "zst": lambda: zstd.ZstdDecompressor(options=_ZST_OPTIONS),
}
_ERRORS: tuple[Any, ...] = (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, EOFError)


class DecompressedStream:
    """Reads compressed bytes forward, of a codec of `CODECS`.

    A compressed byte may hold `max_expansion` bytes, beyond the first 64 MiB.

    Attributes:
        n_consumed: Compressed bytes up to the start of the current member.
    """

    def __init__(self, raw: ByteStream, codec: str, *, max_expansion: int | None = None) -> None:
        self._raw = raw
        self._codec = codec
        self._max_expansion = max_expansion
        self._n_decompressed = 0
        self._decoder: _Decoder | None = None
        self._pending = b""
        self._n_read = 0
        self.n_consumed = 0

    def read(self, n_bytes: int) -> bytes:
        """Reads at most `n_bytes`, b"" at the end.

        Raises:
            TruncatedError: The input ends in the middle; all before was returned already.
            CorruptError: The input is damaged here; all before was returned already.
            FormatError: Decompressing it would take too much memory.
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

    def _start_member(self) -> _Decoder | None:
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

    def _decode(self, decoder: _Decoder, n_bytes: int) -> bytes:
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
                raise FormatError(f"{self._codec} data: {error}; {expected}") from error
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


class PeekableStream:
    """A stream whose next bytes can be read without taking them; a failure there raises later.

    The bytes `ahead` come before it.
    """

    def __init__(self, raw: ByteStream, ahead: bytes = b"") -> None:
        self._raw = raw
        self._ahead = ahead
        self._error: MtagError | OSError | None = None

    def peek(self, n_bytes: int) -> bytes:
        """Returns the next `n_bytes` and stays before them; fewer at the end or a failure."""
        try:
            while self._error is None and len(self._ahead) < n_bytes:
                data = self._raw.read(n_bytes - len(self._ahead))
                if not data:
                    break
                self._ahead += data
        except (MtagError, OSError) as error:
            self._error = error
        return self._ahead[:n_bytes]

    def read(self, n_bytes: int, /) -> bytes:
        """Reads at most `n_bytes`; b"" at the end."""
        if self._ahead:
            data, self._ahead = self._ahead[:n_bytes], self._ahead[n_bytes:]
            return data
        if self._error is not None:
            raise self._error
        return self._raw.read(n_bytes)


class StreamRange:
    """Reads on from the first stream that starts in a range of `length` bytes; None is to the end.

    Attributes:
        boundary: Decompressed bytes before the first stream behind the range; None until there.
    """

    def __init__(self, raw: BinaryIO, *, length: int | None, max_expansion: int | None) -> None:
        self.boundary: int | None = None
        self._length = length
        self._start, head = _skip_to_mark(raw)
        self._stream: DecompressedStream | None = None
        if head:
            ahead = PeekableStream(raw, head)
            self._stream = DecompressedStream(ahead, "bz2", max_expansion=max_expansion)
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
