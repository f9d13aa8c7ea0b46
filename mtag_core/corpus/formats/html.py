"""HTML and WARC: the main text of pages, by packages that the extra `html` brings."""

import importlib
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

from mtag_core.corpus.decoding import Fault, Origin, check_text
from mtag_core.corpus.items import Format, ReadOptions, Span
from mtag_core.corpus.source import Source
from mtag_core.errors import MtagError, UsageError, one_line
from mtag_core.records import Document, Reject

_SKIP_BYTES = 2**16
# Line ends behind a record, and some more.
_BLANK_BYTES = 16
_HTML_TYPES = ("text/html", "application/xhtml+xml")


def read_html(
    span: Span, options: ReadOptions, _pages: Counter[str]
) -> Iterator[Document | Reject]:
    """Reads a page: a document, its text that of its main part; the limit is on the page."""
    limit, path = options.max_document_bytes, span.file.path
    with Source(span, options, keeps_encoding=True) as source:
        data = source.read_exactly(limit + 1)
        if len(data) > limit:
            yield Origin(path, 0).too_large(max(span.file.size, len(data)), limit)
            return
        if not source.failure:
            yield _page(data, Origin(path, 0), path, options)
        else:
            source.cut_off(0, data)
        yield from source.rejects()


def read_warc(
    span: Span, options: ReadOptions, _pages: Counter[str]
) -> Iterator[Document | Reject]:
    """Reads the HTML pages among the answers of a web archive; their ids are their URLs."""
    with Source(span, options, keeps_encoding=True) as source:
        try:
            yield from _read_answers(source, options)
        except (MtagError, MemoryError):
            raise
        except Exception as error:
            # Of the package: what makes documents has none.
            detail = f"WARC: {one_line(error)}; the rest of the file is not read"
            yield Origin(source.path, source.position).reject("corrupt", detail)
            return
        yield from source.rejects()


def _read_answers(source: Source, options: ReadOptions) -> Iterator[Document | Reject]:
    limit, path = options.max_document_bytes, source.path
    records = _import("warcio.archiveiterator").ArchiveIterator(_Stream(source))
    end = 0
    for record in records:
        is_page = _is_page(record)
        data = record.content_stream().read(limit + 1) if is_page else b""
        while len(data) <= limit and record.raw_stream.read(_SKIP_BYTES):
            pass
        # Asking for it reads to the end.
        offset = records.get_record_offset()
        end = offset + records.get_record_length()
        if len(data) > limit:
            yield Origin(path, offset).too_large(record.length, limit)
        elif record.raw_stream.limit or not record.rec_headers.get_header("Content-Length"):
            source.cut_off(offset, data)
            source.failure = source.failure or Fault("truncated", "WARC: the record is cut off")
            return
        elif is_page:
            url = record.rec_headers.get_header("WARC-Target-URI") or None
            yield _page(data, Origin(path, offset), url, options)
    if source.position > end + _BLANK_BYTES and not source.failure:
        # A record whose header is cut off does not come at all.
        source.cut_off(end, None)
        source.failure = Fault("truncated", "WARC: the header of a record is cut off")


class _Stream:
    """A source as the package wants one."""

    def __init__(self, source: Source) -> None:
        self.read = source.read
        self._source = source

    def tell(self) -> int:
        return self._source.position


def _is_page(record: Any) -> bool:  # noqa: ANN401
    if record.rec_type != "response" or record.http_headers is None:
        return False
    content_type = record.http_headers.get_header("Content-Type") or ""
    return content_type.partition(";")[0].strip().lower() in _HTML_TYPES


def _page(
    data: bytes, origin: Origin, doc_id: str | None, options: ReadOptions
) -> Document | Reject:
    make = partial(_document, data, origin, doc_id, options.encoding)
    return origin.attempt(make, data, limit_s=options.max_document_seconds)


def _document(
    data: bytes, origin: Origin, doc_id: str | None, encoding: str | None
) -> Document | Reject:
    encodings = _import("resiliparse.parse.encoding")
    text = encodings.bytes_to_str(data, encoding or encodings.detect_encoding(data))
    extract = _import("resiliparse.extract.html2text").extract_plain_text
    try:
        main = extract(text, main_content=True, list_bullets=False, alt_texts=False)
    except BaseException as error:
        # A panic of the package is no Exception.
        if not isinstance(error, ValueError) and type(error).__name__ != "PanicException":
            raise
        detail = f"{' '.join(str(error).split())[:200]}; expected an HTML page"
        return origin.reject("invalid_html", detail, data, doc_id=doc_id)
    fault = check_text(main)
    if fault:
        return origin.reject(*fault, data, doc_id=doc_id)
    return Document(doc_id or origin.doc_id, main, *origin)


def _import(name: str) -> Any:  # noqa: ANN401
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise UsageError(f"{package} is not installed: pip install 'mtag[html]'") from error


FORMATS = (
    Format(
        name="html",
        title="HTML",
        extensions=(".html", ".htm", ".xhtml"),
        read=read_html,
        may_abort=True,
    ),
    Format(name="warc", title="WARC", extensions=(".warc",), read=read_warc, may_abort=True),
)
