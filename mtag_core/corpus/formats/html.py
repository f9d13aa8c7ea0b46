"""HTML and WARC: the main text of pages, by packages that the extra `html` brings."""

import importlib
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

from mtag_core.corpus.decoding import check_text, make_reject, one_line, or_failed, too_large
from mtag_core.corpus.format import Format
from mtag_core.corpus.items import ReadOptions, Span
from mtag_core.corpus.source import Failure, Source
from mtag_core.errors import MtagError, UsageError
from mtag_core.records import Document, Reject

_SKIP_BYTES = 2**16
# Line ends behind a record, and some more.
_BLANK_BYTES = 16
_HTML_TYPES = ("text/html", "application/xhtml+xml")


def read_html(
    span: Span, options: ReadOptions, _pages: Counter[str]
) -> Iterator[Document | Reject]:
    """Reads a page: a document, its text that of its main part.

    Args:
        span: The file.
        options: The limit is on the page.
    """
    limit, path = options.max_document_bytes, span.file.path
    with Source(span, keeps_encoding=True, max_expansion=options.max_expansion) as source:
        data = source.read_exactly(limit + 1)
        if len(data) > limit:
            yield too_large(max(span.file.size, len(data)), limit, source=path, offset=0)
            return
        if not source.failure:
            yield _page(data, path, 0, path, options)
        else:
            source.cut_off(0, data)
        yield from source.rejects()


def read_warc(
    span: Span, options: ReadOptions, _pages: Counter[str]
) -> Iterator[Document | Reject]:
    """Reads the HTML pages among the answers of servers in a web archive.

    Args:
        span: The file.
        options: The limit is on a page.

    Yields:
        Documents, their ids the URLs of the pages.
    """
    with Source(span, keeps_encoding=True, max_expansion=options.max_expansion) as source:
        try:
            yield from _read_answers(source, options)
        except (MtagError, MemoryError):
            raise
        except Exception as error:
            # Of the package: what makes documents has none.
            path, position = source.path, source.position
            detail = f"WARC: {one_line(error)}; the rest of the file is not read"
            yield Reject(path, position, f"{path}#{position}", "corrupt", detail)
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
            yield too_large(record.length, limit, source=path, offset=offset)
        elif record.raw_stream.limit or not record.rec_headers.get_header("Content-Length"):
            source.cut_off(offset, data)
            source.failure = source.failure or Failure("truncated", "WARC: the record is cut off")
            return
        elif is_page:
            doc_id = record.rec_headers.get_header("WARC-Target-URI") or f"{path}#{offset}"
            yield _page(data, path, offset, doc_id, options)
    if source.position > end + _BLANK_BYTES and not source.failure:
        # A record whose header is cut off does not come at all.
        source.cut_off(end, None)
        source.failure = Failure("truncated", "WARC: the header of a record is cut off")


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
    data: bytes, path: str, offset: int, doc_id: str, options: ReadOptions
) -> Document | Reject:
    make = partial(_document, data, path, offset, doc_id, options.encoding)
    return or_failed(make, data, source=path, offset=offset, limit_s=options.max_document_seconds)


def _document(
    data: bytes, path: str, offset: int, doc_id: str, encoding: str | None
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
        fault = "invalid_html", f"{' '.join(str(error).split())[:200]}; expected an HTML page"
        return make_reject(*fault, data, source=path, offset=offset, doc_id=doc_id)
    fault_of_text = check_text(main)
    if fault_of_text:
        return make_reject(*fault_of_text, data, source=path, offset=offset, doc_id=doc_id)
    return Document(doc_id, main, path, offset)


def _import(name: str) -> Any:  # noqa: ANN401
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise UsageError(f"{package} is not installed: pip install 'mtag[html]'") from error


HTML = Format(
    name="html",
    title="HTML",
    extensions=(".html", ".htm", ".xhtml"),
    read=read_html,
    may_abort=True,
)
WARC = Format(name="warc", title="WARC", extensions=(".warc",), read=read_warc, may_abort=True)
