"""MediaWiki dumps: a document a page, whole dumps and ranges of them."""

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import BinaryIO, cast

from mtag_core.corpus.compression import ByteStream, StreamRange, is_multistream
from mtag_core.corpus.items import (
    WHOLE,
    Format,
    Range,
    ReadOptions,
    Span,
    can_start_midway,
    even_ranges,
)
from mtag_core.corpus.sniffing import NUL_FOR_ERRORS, TranscodedStream, codec_of
from mtag_core.corpus.source import Source
from mtag_core.records import READER_FAILED, Document, Reject
from mtag_core.storage import FileInfo
from mtag_core.wikipedia.dumps import read_definitions, read_documents
from mtag_core.wikipedia.site import Site, declared_encoding, is_known, keeps_ascii, read_site

_HEAD_BYTES = 2**18
# Definitions of templates are read from so much of a dump, once in a worker and file. A dump of a
# small wiki is in it whole.
_DEFINITIONS_BYTES = 32 * 2**20
_PAGE_START = re.compile(rb"<page[\s>]")
_PAGE_START_BYTES = len(b"<page>")
# Bytes of XML in a byte of a bz2 dump, about.
_BZ2_RATIO = 4


def read_mediawiki(
    span: Span, options: ReadOptions, pages: Counter[str]
) -> Iterator[Document | Reject]:
    """Reads the pages that start in a span, in the namespaces asked for, no redirects.

    Each page is counted under its `PageOutcome`. A file whose encoding does not keep ASCII, such as
    UTF-16, cannot be cut: its first span is all of it, the others are empty.
    """
    site = _site(span.file)
    if not is_known(site.encoding):
        if span.start == 0:
            path, encoding = span.file.path, f"encoding {site.encoding!r} in the XML declaration"
            detail = f"{encoding}; expected UTF-8 or another known one"
            yield Reject(path, 0, path, "invalid_xml", detail)
    elif span.start == 0 or not _is_whole(span):
        with _open(span, options) as source:
            yield from _read_pages(source, site, options, pages)


def plan_mediawiki(file: FileInfo, _options: ReadOptions, item_bytes: int) -> Sequence[Range]:
    """Splits plain dumps anywhere, and those that bz2 compressed in many streams."""
    if codec_of(file.path) == "bz2" and is_multistream(file):
        return even_ranges(file.size, max(1, item_bytes // _BZ2_RATIO))
    return even_ranges(file.size, item_bytes) if can_start_midway(file) else WHOLE


def _open(span: Span, options: ReadOptions) -> Source:
    if _is_whole(span):
        return Source(dataclasses.replace(span, start=0, end=None), options, keeps_encoding=True)
    return Source(span, start=span.start, wrap=partial(_wrap_range, span, options.max_expansion))


def _read_pages(
    source: Source, site: Site, options: ReadOptions, pages: Counter[str]
) -> Iterator[Document | Reject]:
    stream = _PageStarts(_as_utf8(source, site.encoding))
    n_before = pages.total()
    results = read_documents(
        cast(BinaryIO, stream),
        source=source.path,
        counts=pages,
        namespaces=frozenset(options.namespaces),
        site=site,
        limit_s=options.max_document_seconds,
    )
    result = None
    for result in results:
        if source.failure and isinstance(result, Reject) and result.reason == "truncated":
            # The page did not end because the source failed: one reject tells it.
            source.cut_off(result.offset, result.input)
        else:
            yield result
    if isinstance(result, Reject) and not (source.failure or source.is_at_end):
        # It ended the reading, as a document type declaration does.
        return
    n_pages = pages.total() - n_before
    if source.failure is None and n_pages < stream.n_pages:
        detail = f"{stream.n_pages} pages begin, {n_pages} came out"
        yield Reject(source.path, source.position, source.path, READER_FAILED, detail)
    yield from source.rejects()


def _is_whole(span: Span) -> bool:
    encoding = _site(span.file).encoding
    is_cut = span.start > 0 or span.end is not None
    return not is_cut or (is_known(encoding) and not keeps_ascii(encoding))


def _as_utf8(source: Source, encoding: str) -> ByteStream:
    if encoding == "utf-8":
        return source
    return TranscodedStream(source, encoding, errors=NUL_FOR_ERRORS)


def _site(file: FileInfo) -> Site:
    try:
        return _read_site(file)
    except _HeadError:
        return _site_of(file, b"")


class _HeadError(Exception):
    """The file's beginning could not be read; a cache must not keep what is known of it."""


@lru_cache(maxsize=8)
def _read_site(file: FileInfo) -> Site:
    with Source(Span(file), keeps_encoding=True) as source:
        head = source.read_exactly(_HEAD_BYTES)
        if source.failure and not head:
            raise _HeadError
    site = _site_of(file, head)
    if not is_known(site.encoding):
        return site
    with Source(Span(file), keeps_encoding=True) as source:
        definitions = read_definitions(
            cast(BinaryIO, _as_utf8(source, site.encoding)), site, max_bytes=_DEFINITIONS_BYTES
        )
    return dataclasses.replace(site, definitions=definitions)


def _site_of(file: FileInfo, head: bytes) -> Site:
    encoding = declared_encoding(head)
    if encoding != "utf-8" and is_known(encoding):
        head = head.decode(encoding, "replace").encode("utf-8", "replace")
    return dataclasses.replace(read_site(head, name=file.path), encoding=encoding)


def _wrap_range(span: Span, max_expansion: int, raw: BinaryIO) -> "_PageRange":
    length = None if span.end is None else span.end - span.start
    if codec_of(span.file.path) == "bz2":
        stream = StreamRange(raw, length=length, max_expansion=max_expansion)
        return _PageRange(stream, lambda: stream.boundary)
    return _PageRange(raw, lambda: length)


class _PageStarts:
    """Counts the pages that start in a stream, apart from what cuts it into pages."""

    def __init__(self, stream: ByteStream) -> None:
        self.n_pages = 0
        self._stream = stream
        self._tail = b""

    def read(self, n_bytes: int, /) -> bytes:
        data = self._stream.read(n_bytes)
        seen = self._tail + data
        self.n_pages += len(_PAGE_START.findall(seen))
        self._tail = seen[1 - _PAGE_START_BYTES :]
        return data


class _PageRange:
    """Reads from the first page that starts in the range up to the first one behind it.

    In an export `<` is escaped within text, so that `<page` is always the element. `boundary` gives
    the bytes before the range's end, None while that is not known.
    """

    def __init__(self, stream: ByteStream, boundary: Callable[[], int | None]) -> None:
        self._stream = stream
        self._boundary = boundary
        self._buffer = b""
        self._buffer_start = 0
        self._is_in_page = False
        self._is_at_end = False

    def read(self, n_bytes: int, /) -> bytes:
        """Reads about `n_bytes`; b"" at the end."""
        while not self._is_at_end:
            chunk = self._stream.read(n_bytes)
            self._buffer += chunk
            self._is_at_end = not chunk
            data = self._take()
            if data:
                return data
        return b""

    def _take(self) -> bytes:
        if not self._is_in_page and not self._find_first():
            return b""
        boundary = self._boundary()
        if boundary is not None:
            first = _PAGE_START.search(self._buffer, max(0, boundary - self._buffer_start))
            if first:
                self._is_at_end = True
                return self._drop(first.start())
        n_kept = 0 if self._is_at_end else min(len(self._buffer), _PAGE_START_BYTES - 1)
        return self._drop(len(self._buffer) - n_kept)

    def _find_first(self) -> bool:
        first = _PAGE_START.search(self._buffer)
        if first is None:
            self._drop(max(0, len(self._buffer) - _PAGE_START_BYTES + 1))
            return False
        self._drop(first.start())
        boundary = self._boundary()
        if boundary is not None and self._buffer_start >= boundary:
            self._is_at_end = True
            return False
        self._is_in_page = True
        return True

    def _drop(self, n_bytes: int) -> bytes:
        taken, self._buffer = self._buffer[:n_bytes], self._buffer[n_bytes:]
        self._buffer_start += n_bytes
        return taken


FORMATS = (
    Format(
        name="mediawiki",
        title="MediaWiki export",
        extensions=(".xml",),
        read=read_mediawiki,
        plan=plan_mediawiki,
        # Partial dumps, such as `pages-articles1.xml-p10p30302.bz2`.
        names=re.compile(r"\.xml-p\d+p\d+[^/]*$"),
    ),
)
