"""Plain text: a document a file, a line or a paragraph.

A file larger than the limit is read as several documents. They are cut where paragraphs or lines
end, at places that depend on the file and the limit only, never on how the file was split into
work items: the file is seen as windows of half the limit, and each window has one cut, the first
paragraph end in it or else the first line end. The first window has none, and one without a line
end has none either: it lies within a line of more than half the limit, which becomes a document of
its own, or a reject.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from mtag_core.corpus.decoding import Origin
from mtag_core.corpus.items import (
    AUTO,
    WHOLE,
    Format,
    Range,
    ReadOptions,
    Span,
    can_start_midway,
    even_ranges,
)
from mtag_core.corpus.sniffing import KIND_BYTES, codec_of, foreign_kind, is_html
from mtag_core.corpus.source import LimitedBytes, LongLine, Source, read_lines
from mtag_core.records import Document, Reject
from mtag_core.storage import FileInfo

_PARAGRAPH_END = re.compile(rb"\n[ \t\r]*\n")
# With the blank lines that follow: they make no document of their own.
_LINE_END = re.compile(rb"\n(?:[ \t\r]*\n)*")
_LINE_ENDS = b"\r\n"


def window_bytes(max_document_bytes: int) -> int:
    """Size of the windows in which documents are cut."""
    return max_document_bytes // 2


def read_text(
    span: Span, options: ReadOptions, _pages: Counter[str]
) -> Iterator[Document | Reject]:
    """Reads the documents that start in a span: whole windows where a document is a file."""
    readers = {"file": _read_file, "line": _read_lines, "paragraph": _read_paragraphs}
    # A byte early, to see a line end there.
    is_aligned = options.document == "file" or span.start == 0
    start = span.start if is_aligned else span.start - 1
    with Source(span, options, start=start) as source:
        foreign = _foreign(source, options) if span.start == 0 else None
        if foreign is not None:
            yield foreign
            return
        yield from readers[options.document](span, source, options)
        yield from source.rejects()


def _foreign(source: Source, options: ReadOptions) -> Reject | None:
    if options.input_format == AUTO and is_html(source.peek(KIND_BYTES)):
        kind = "an HTML page; --input_format=html takes its text, --input_format=text all of it"
        path = source.path
        return Reject(path, 0, path, "not_text", f"{kind}; expected plain text")
    return source.foreign("plain text")


def is_one_document(file: FileInfo, options: ReadOptions) -> bool:
    """Whether a document is a file, and this one within the limit of a document."""
    is_small = codec_of(file.path) is None and file.size <= options.max_document_bytes
    return options.document == "file" and is_small


def plan_text(file: FileInfo, options: ReadOptions, item_bytes: int) -> Sequence[Range]:
    """Splits plain text anywhere, or where a document is a file into whole windows."""
    if is_one_document(file, options) or options.encoding is not None:
        return WHOLE
    if not can_start_midway(file, n_bytes=KIND_BYTES, is_by_lines=_is_text):
        return WHOLE
    if options.document != "file":
        return even_ranges(file.size, item_bytes)
    window = window_bytes(options.max_document_bytes)
    return even_ranges(file.size, max(1, item_bytes // window) * window)


def _is_text(head: bytes) -> bool:
    return foreign_kind(head) is None and not is_html(head)


def _read_lines(span: Span, source: Source, options: ReadOptions) -> Iterator[Document | Reject]:
    limit = options.max_document_bytes
    for offset, line in read_lines(source, end=span.end, limit=limit, is_mid_line=span.start > 0):
        if isinstance(line, LongLine):
            yield Origin(source.path, offset).too_large(line.n_bytes, limit)
        elif not line.isspace():
            yield _document(line.rstrip(_LINE_ENDS), source, offset)


def _read_paragraphs(
    span: Span, source: Source, options: ReadOptions
) -> Iterator[Document | Reject]:
    """Reads a document a paragraph; a paragraph over the limit is cut at line ends.

    A paragraph belongs to the span in which the blank line before it starts.
    """
    limit = options.max_document_bytes
    is_owned = span.start == 0
    # One buffer: as objects, short lines would take many times their bytes.
    held = bytearray()
    start = 0
    for offset, line in read_lines(source, end=None, limit=limit, is_mid_line=span.start > 0):
        n_line = limit if isinstance(line, LongLine) or line.isspace() else len(line)
        if held and len(held) + n_line > limit:
            yield _document(bytes(held).rstrip(_LINE_ENDS), source, start)
            held.clear()
        if isinstance(line, LongLine):
            if is_owned:
                yield Origin(source.path, offset).too_large(line.n_bytes, limit)
        elif line.isspace():
            if span.end is not None and offset >= span.end:
                return
            is_owned = True
        elif is_owned:
            start = start if held else offset
            held += line
    if held:
        yield _document(bytes(held).rstrip(_LINE_ENDS), source, start)


def _read_file(span: Span, source: Source, options: ReadOptions) -> Iterator[Document | Reject]:
    limit = options.max_document_bytes
    head = b""
    if span.start == 0 and span.end is None:
        head = source.read_exactly(limit + 1)
        if len(head) <= limit and not source.failure:
            yield Origin(source.path, 0).decode(head, doc_id=source.path)
            return
    document = _Cutting(source, 0, limit) if span.start == 0 else None
    position = span.start
    for window in _windows(source, head, window_bytes(limit)):
        cut = _find_cut(window) if position else 0
        if cut == 0:
            is_within_line = len(window) == window_bytes(limit) and b"\n" not in window
            if document:
                yield from document.add(window, is_within_line=is_within_line)
        else:
            if document:
                yield from document.finish(window[:cut])
            if span.end is not None and position >= span.end:
                return
            document = _Cutting(source, position + cut, limit)
            yield from document.add(window[cut:], is_within_line=False)
        position += len(window)
    if document:
        yield from document.end()


def _windows(source: Source, head: bytes, size: int) -> Iterator[bytes]:
    while window := head[:size] + source.read_exactly(max(0, size - len(head))):
        head = head[size:]
        yield window


def _find_cut(window: bytes) -> int:
    paragraph_end = _PARAGRAPH_END.search(window)
    return paragraph_end.end() if paragraph_end else window.find(b"\n") + 1


class _Cutting:
    """The bytes from one cut on, of which at most the limit is held."""

    def __init__(self, source: Source, start: int, limit: int) -> None:
        self._source = source
        self._start = start
        self._limit = limit
        self._held = LimitedBytes(limit)
        self._is_within_line = False

    def add(self, data: bytes, *, is_within_line: bool) -> Iterator[Document | Reject]:
        """Adds bytes without a cut; before a line that fills a window all else is yielded."""
        if is_within_line and not self._is_within_line:
            yield from self._yield_lines()
            self._is_within_line = True
        self._held.add(data)

    def finish(self, data: bytes) -> Iterator[Document | Reject]:
        """Yields what was added together with the bytes up to the next cut."""
        if self._is_within_line:
            line_end = _LINE_END.search(data)
            end = line_end.end() if line_end else len(data)
            yield self._take(data[:end])
            self._is_within_line = False
            data = data[end:]
        if self._held.n_bytes or data:
            yield self._take(data)

    def end(self) -> Iterator[Document | Reject]:
        """Yields the rest; what a failure of the source cut off is noted there."""
        if self._source.failure:
            if not self._is_within_line:
                yield from self._yield_lines()
            self._source.cut_off(self._start, self._held.held())
        elif self._held.n_bytes:
            yield self._take(b"")

    def _yield_lines(self) -> Iterator[Document | Reject]:
        data = self._held.held()
        if data is not None:
            self._held.take()
            if end := data.rfind(b"\n") + 1:
                yield self._take(data[:end])
            self._held.add(data[end:])

    def _take(self, data: bytes) -> Document | Reject:
        self._held.add(data)
        start = self._start
        self._start += self._held.n_bytes
        taken = self._held.take()
        if isinstance(taken, LongLine):
            return Origin(self._source.path, start).too_large(taken.n_bytes, self._limit)
        return _document(taken, self._source, start)


def _document(data: bytes, source: Source, offset: int) -> Document | Reject:
    origin = Origin(source.path, offset)
    return origin.attempt(partial(origin.decode, data), data)


FORMATS = (
    Format(
        name="text",
        title="plain text",
        extensions=(".txt",),
        read=read_text,
        plan=plan_text,
        is_one_document=is_one_document,
        is_default=True,
        options=("document",),
    ),
)
