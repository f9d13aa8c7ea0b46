"""A span's bytes, decompressed, and their lines, each with its offset.

Reading never raises: what goes wrong ends the bytes instead.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO

from mtag_core import storage
from mtag_core.corpus.compression import (
    ByteStream,
    CorruptError,
    DecompressedStream,
    ExpansionError,
    PeekableStream,
    TruncatedError,
)
from mtag_core.corpus.decoding import Fault, Origin
from mtag_core.corpus.items import ReadOptions, Span
from mtag_core.corpus.sniffing import KIND_BYTES, UTF8_MARK, codec_of, foreign_kind, sniffed
from mtag_core.errors import InputNotFoundError, MtagError
from mtag_core.records import READER_FAILED, Document, Reject

# A block's lines are held at once; short ones take many times their bytes.
_BLOCK_BYTES = 2**18
_DEFAULTS = ReadOptions()
_ERROR_TO_REASON = {
    TruncatedError: "truncated",
    CorruptError: "corrupt",
    ExpansionError: "expands_too_much",
    InputNotFoundError: "vanished",
}


class Source(AbstractContextManager["Source"]):
    """An open file, from byte `start` as it is stored.

    It is decompressed, and UTF-16 and UTF-32 become UTF-8, unless `wrap` makes the stream to read
    of the raw one, or `keeps_encoding`. What it gives is counted, so that a reader which loses
    something is noticed.

    Attributes:
        path: Path or URL of the file.
        position: Offset of the next byte, counted in decompressed bytes.
        failure: Set when `read` returned b"" too early.
        is_at_end: Whether `read` has returned b"" because there is no more.
    """

    def __init__(
        self,
        span: Span,
        options: ReadOptions = _DEFAULTS,
        *,
        start: int = 0,
        wrap: Callable[[BinaryIO], ByteStream] | None = None,
        keeps_encoding: bool = False,
    ) -> None:
        self._options = options
        self.path = span.file.path
        self.position = start
        self.failure: Fault | None = None
        self._raw: BinaryIO | None = None
        self._stream: PeekableStream | None = None
        self._keeps_encoding = keeps_encoding
        self._end = span.end
        self._n_line_feeds = 0
        self.is_at_end = False
        self._cut_off: tuple[int, bytes | None] | None = None
        try:
            self._raw = storage.open_read(self.path, start=start)
            self._stream = PeekableStream((wrap or self._decoded)(self._raw))
        except MtagError as error:
            self.failure = failure_of(error)

    def peek(self, n_bytes: int) -> bytes:
        """Returns the next `n_bytes` and stays before them; fewer at the end or a failure."""
        return b"" if self._stream is None else self._stream.peek(n_bytes)

    def foreign(self, title: str) -> Reject | None:
        """The reject of a file that is no text, to be asked for at its start."""
        kind = foreign_kind(self.peek(KIND_BYTES))
        detail = f"{kind}; expected {title}"
        return Reject(self.path, 0, self.path, "not_text", detail) if kind else None

    def read(self, n_bytes: int) -> bytes:
        """Reads at most `n_bytes`, not always as many as there are; b"" at the end."""
        if self._stream is None or self.failure:
            return b""
        try:
            data = self._stream.read(n_bytes)
        except (MtagError, OSError) as error:
            self.failure = failure_of(error)
            return b""
        self.position += len(data)
        self._n_line_feeds += data.count(b"\n")
        self.is_at_end = not data
        return data

    def read_exactly(self, n_bytes: int) -> bytes:
        """Reads `n_bytes`; fewer at the end only."""
        pieces = []
        while n_bytes and (data := self.read(n_bytes)):
            pieces.append(data)
            n_bytes -= len(data)
        return b"".join(pieces)

    def cut_off(self, offset: int, data: bytes | None) -> None:
        """Notes what was begun at `offset` when the source failed; None if it is not held."""
        self._cut_off = offset, data or None

    def check_lines(self, n_lines: int) -> None:
        """Compares the line feeds that were read with the lines that a reader made of them."""
        if self.failure is None and n_lines != self._n_line_feeds:
            detail = f"{n_lines} lines were made of {self._n_line_feeds}"
            self.failure = Fault(READER_FAILED, detail)

    def rejects(self) -> Iterator[Reject]:
        """Yields the reject for what a failure cut off, or for what its reader left unread.

        To be asked when the reader is done.
        """
        if self.failure:
            yield self._reject(*self.failure)
        elif not self.is_at_end and (self._end is None or self.position < self._end):
            detail = f"reading stopped at byte {self.position}, before the end"
            yield self._reject(READER_FAILED, detail)

    def records(
        self, read: Iterator[Document | Reject], *, title: str | None
    ) -> Iterator[Document | Reject]:
        """What a reader gives and then `rejects`, or the reject of a file that is `foreign`."""
        foreign = None if title is None else self.foreign(title)
        if foreign is not None:
            yield foreign
            return
        yield from read
        yield from self.rejects()

    def _reject(self, reason: str, detail: str) -> Reject:
        offset, data = self._cut_off or (self.position, None)
        return Origin(self.path, offset).reject(reason, detail, data)

    def __exit__(self, *_: object) -> None:
        """Closes the file."""
        if self._raw is not None:
            self._raw.close()

    def _decoded(self, raw: BinaryIO) -> ByteStream:
        codec = codec_of(self.path)
        limit = self._options.max_expansion
        stream = DecompressedStream(raw, codec, max_expansion=limit) if codec else raw
        if self.position:
            return stream
        return sniffed(
            stream,
            keeps_encoding=self._keeps_encoding,
            encoding=self._options.encoding,
            max_expansion=limit,
        )


def failure_of(error: Exception) -> Fault:
    """Names what an exception means for the file it came from."""
    reasons = (reason for kind, reason in _ERROR_TO_REASON.items() if isinstance(error, kind))
    return Fault(next(reasons, "unreadable"), str(error))


def changed_since_planned(span: Span) -> Fault | None:
    """Compares the file with what the plan knew of it; None when nothing changed."""
    planned = span.file
    try:
        now = storage.stat(planned.path)
    except MtagError as error:
        return failure_of(error)
    if (now.size, now.version) == (planned.size, planned.version):
        return None
    expected = f"planned with {planned.size} bytes, version {planned.version!r}"
    return Fault("changed", f"{now.size} bytes, version {now.version!r}; {expected}")


@dataclass(frozen=True, slots=True)
class LongLine:
    """Stands for a line over the limit."""

    n_bytes: int


class LimitedBytes:
    """Bytes that come in pieces: counted all, and held as long as they are within a limit."""

    def __init__(self, limit: int) -> None:
        self.n_bytes = 0
        self._limit = limit
        self._pieces: list[bytes] = []

    def add(self, data: bytes | LongLine) -> None:
        """Adds a piece behind the others."""
        self.n_bytes += data.n_bytes if isinstance(data, LongLine) else len(data)
        if isinstance(data, LongLine) or self.n_bytes > self._limit:
            self._pieces.clear()
        else:
            self._pieces.append(data)

    def held(self) -> bytes | None:
        """What was added; None where it is over the limit."""
        return b"".join(self._pieces) if self.n_bytes <= self._limit else None

    def take(self) -> bytes | LongLine:
        """What was added, or what stands for it; begins anew."""
        data = self.held()
        taken = LongLine(self.n_bytes) if data is None else data
        self.n_bytes, self._pieces = 0, []
        return taken


def read_lines(
    source: Source, *, end: int | None, limit: int, is_mid_line: bool = False
) -> Iterator[tuple[int, bytes | LongLine]]:
    """Yields (offset, line with its end) of the lines that start before `end`, None for all.

    What was read to the end is checked: a line feed that ended no line is a failure of the source.
    A byte order mark at the start of a file is dropped; its line starts at 0 all the same. A last
    line that a failure of the source cut off is not yielded but noted in the source. A line has at
    most `limit` bytes, its end included. With `is_mid_line` the source stands behind the start of a
    line that is not to be yielded, or on the line end right before the first line.
    """
    offset = source.position
    tail = LimitedBytes(limit)
    skips = is_mid_line
    n_lines = n_dropped = 0
    if offset == 0 and source.peek(len(UTF8_MARK)) == UTF8_MARK:
        n_dropped = len(source.read_exactly(len(UTF8_MARK)))
    while block := source.read(_BLOCK_BYTES):
        parts = (
            block.splitlines(keepends=True) if b"\r" not in block else _split_at_line_feeds(block)
        )
        for part in parts:
            if not part.endswith(b"\n"):
                tail.add(part)
                continue
            n_bytes = tail.n_bytes + len(part)
            n_lines += 1
            line: bytes | LongLine = part
            if n_bytes > len(part) or n_bytes > limit:
                tail.add(part)
                line = tail.take()
            if not skips:
                if end is not None and offset >= end:
                    return
                yield offset, line
            offset += n_bytes + n_dropped
            n_dropped = 0
            skips = False
    source.check_lines(n_lines)
    if source.failure:
        source.cut_off(offset, None if skips else tail.held())
    elif tail.n_bytes and not skips and (end is None or offset < end):
        yield offset, tail.take()


def _split_at_line_feeds(block: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in block.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
