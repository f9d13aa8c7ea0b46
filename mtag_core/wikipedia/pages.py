"""Pages out of a MediaWiki XML export, bounded and safe.

The stream is cut at `<page>` and `</page>` and each page is parsed alone by expat. So a fragment
without a root element (streams of a multistream bz2) reads like a whole dump, a page that is not
well-formed costs only itself, and a page over the limit is skipped without being held. No document
type declaration is accepted, hence no entities beyond XML's five. In exported pages `<` is always
escaped, so a literal `<page>` can only be the element.

Does not decompress and does not look at wikitext.

Source: https://www.mediawiki.org/wiki/Help:Export (schemas export-0.3 to export-0.11; those before
0.6 have no `<ns>`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from xml.parsers import expat

from mtag_core.errors import one_line
from mtag_core.records import READER_FAILED, Reject
from mtag_core.wikipedia.site import UTF_8, Site

# MediaWiki stores at most 2 MiB of wikitext a page; XML escaping can make 12 MiB of it. A page with
# more is rejected without being held.
MAX_PAGE_BYTES = 16 << 20
# A reject carries its input up to this size, so that rejects stay small.
MAX_REJECT_INPUT_BYTES = 4 << 20

_CHUNK_BYTES = 1 << 20
_MAX_DEPTH = 16
_PAGE_START = re.compile(rb"<page(?=[\s>])")
_PAGE_END = b"</page>"
_PAGE_MARK = re.compile(rb"<(?:/page>|page(?=[\s>]))")
_HEAD_BYTES = 4096
_PAGE_ID = re.compile(rb"<id>(\d{1,12})</id>")
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_DUMP_MARK = re.compile(rb"</?mediawiki[\s>]|</page>|</?siteinfo>")
# Enough of a chunk's end to find a mark that two chunks share.
_OVERLAP_BYTES = 32


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a dump, with its newest revision; without text where that was deleted.

    The title has the namespace's prefix, number 0 holds the articles. The content model is
    `wikitext` but for code and data pages. `n_bytes` is the size of its XML.
    """

    page_id: int
    title: str
    namespace: int
    redirect: str | None
    text: str
    model: str
    n_bytes: int


class PageError(ValueError):
    """A page's XML cannot be used; the message says why."""


def read_pages(
    stream: BinaryIO, *, source: str, site: Site | None = None
) -> Iterator[Page | Reject]:
    """Reads the pages of an export or of a fragment of one, uncompressed XML in UTF-8, in order.

    Errors of the stream's `read` are not caught. The site says the namespace of a page without
    `<ns>`, by the prefix of its title.

    Yields:
        A `Page`, or a `Reject` with reason `invalid_xml`, `page_too_large` or `truncated`. At a
        document type declaration one reject ends the reading. Memory stays within a few
        times `MAX_PAGE_BYTES`, whatever the input.
    """
    site = site or Site()
    for outcome, xml, offset in PageCutter(stream).cut():
        if outcome == "page":
            yield _page_or_reject(xml, site, source=source, offset=offset)
        else:
            yield _reject(outcome, xml, source=source, offset=offset)


def parse_page(xml: bytes, site: Site) -> Page:
    """Parses one element, from `<page>` to `</page>`, in UTF-8.

    Raises:
        PageError: It is not well-formed, uses a declaration, or lacks id or title.
    """
    parser = expat.ParserCreate("utf-8")
    collector = _PageCollector(parser)
    parser.buffer_text = True
    parser.buffer_size = 1 << 16
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise PageError(f"not well-formed XML: {error}") from error
    finally:
        # The collector holds the parser and the parser the collector's methods.
        parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None
    return collector.page(len(xml), site)


class _PageCollector:
    """Gathers the fields of one page from expat's events.

    It asks for characters inside a field only: most of a small page is space between elements.
    """

    def __init__(self, parser: expat.XMLParserType) -> None:
        self._parser = parser
        self._path: list[str] = []
        self._field = ""
        self._field_depth = 0
        self._parts: list[str] = []
        self._fields: dict[str, str] = {}
        self._redirect: str | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Opens an element; only the fields of a page collect characters.

        An element within a field is a tag that the writer did not escape: it is text.
        """
        self._path.append(name)
        if len(self._path) > _MAX_DEPTH:
            raise PageError(f"elements nested more than {_MAX_DEPTH} deep at <{name}>")
        if self._field:
            values = "".join(f' {key}="{value}"' for key, value in attributes.items())
            self._parts.append(f"<{name}{values}>")
            return
        if name == "redirect" and len(self._path) == 2:
            self._redirect = attributes.get("title", "")
        field = _FIELDS.get("/".join(self._path), "") if name in _FIELD_NAMES else ""
        if field:
            self._field, self._field_depth, self._parts = field, len(self._path), []
            self._parser.CharacterDataHandler = self._parts.append

    def end(self, name: str) -> None:
        """Closes an element; a later revision's text replaces an earlier one's."""
        if self._field and len(self._path) > self._field_depth:
            if self._parts[-1].startswith(f"<{name}") and self._parts[-1].endswith(">"):
                self._parts[-1] = f"{self._parts[-1][:-1]}/>"
            else:
                self._parts.append(f"</{name}>")
        elif self._field:
            self._parser.CharacterDataHandler = None
            self._fields[self._field] = "".join(self._parts)
            self._field = ""
        self._path.pop()

    def page(self, n_bytes: int, site: Site) -> Page:
        """Builds the page, or says which field is missing or no number."""
        fields = self._fields
        missing = [name for name in ("page_id", "title") if name not in fields]
        if missing:
            raise PageError(f"page without {', '.join(missing)}")
        try:
            page_id = int(fields["page_id"])
            ns = fields.get("namespace")
            namespace = site.namespace_of(fields["title"]) if ns is None else int(ns)
        except ValueError as error:
            raise PageError(f"page id or namespace is no number: {error}") from error
        return Page(
            page_id=page_id,
            title=fields["title"],
            namespace=namespace,
            redirect=self._redirect,
            text=fields.get("text", ""),
            model=fields.get("model", "wikitext"),
            n_bytes=n_bytes,
        )


# Path of an element -> field of the page.
_FIELDS = {
    "page/title": "title",
    "page/ns": "namespace",
    "page/id": "page_id",
    "page/revision/text": "text",
    "page/revision/model": "model",
}
_FIELD_NAMES = frozenset(path.rpartition("/")[2] for path in _FIELDS)


def _refuse_doctype(name: str, *_: object) -> None:
    """Stops at a document type declaration, the only way to define entities."""
    raise PageError(f"document type declaration {name!r}: not allowed in a dump")


def _page_or_reject(xml: bytes, site: Site, *, source: str, offset: int) -> Page | Reject:
    try:
        return parse_page(xml, site)
    except PageError as error:
        detail = str(error)
        if site.encoding != UTF_8 and b"\0" in xml:
            detail += f"; bytes that are not {site.encoding}, as the file declares"
        return _reject("invalid_xml", xml, source=source, offset=offset, detail=detail)
    except MemoryError:
        raise
    except Exception as error:
        # A bug: it costs this page, not those behind it.
        return _reject(READER_FAILED, xml, source=source, offset=offset, detail=one_line(error))


_DETAILS = {
    "page_too_large": "page over the limit of bytes",
    "truncated": "the input ends inside a page",
    "doctype": "document type declaration: not allowed in a dump; nothing after it is read",
    "no_dump": "neither <mediawiki> nor <page> found: not a MediaWiki export",
}


def _reject(
    outcome: str, xml: bytes, *, source: str, offset: int, detail: str | None = None
) -> Reject:
    reason = "invalid_xml" if outcome in ("doctype", "no_dump") else outcome
    held = xml if 0 < len(xml) <= MAX_REJECT_INPUT_BYTES else None
    match = _PAGE_ID.search(xml[:_HEAD_BYTES])
    doc_id = f"{source}#{int(match[1])}" if match else None
    detail = detail or _DETAILS[outcome]
    return Reject(source, offset, doc_id, reason, detail, held, len(xml) or None)


class PageCutter:
    """Finds page after page in a stream, as for `read_pages`, with a bounded buffer."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._buffer = b""
        self._position = 0
        self._buffer_offset = 0
        self._is_at_end = False
        self._has_seen_dump = False
        self._has_content = False

    def cut(self) -> Iterator[tuple[str, bytes, int]]:
        """Yields "page" or a fault, the XML where it was held, and its offset in the stream."""
        while (found := self._skip_to_page()) == "page":
            offset = self._offset
            outcome, xml = self._take_page()
            yield outcome, xml, offset
        if found != "end":
            yield found, b"", self._offset

    @property
    def _offset(self) -> int:
        return self._buffer_offset + self._position

    def _skip_to_page(self) -> str:
        while True:
            match = _PAGE_START.search(self._buffer, self._position)
            end = match.start() if match else len(self._buffer)
            between = self._buffer[self._position : end]
            if _DOCTYPE.search(between):
                return "doctype"
            self._has_content = self._has_content or bool(between.strip())
            self._has_seen_dump = self._has_seen_dump or bool(_DUMP_MARK.search(between))
            if match:
                self._position, self._has_seen_dump = match.start(), True
                return "page"
            if self._is_at_end:
                return "no_dump" if self._has_content and not self._has_seen_dump else "end"
            self._drop(keep=_OVERLAP_BYTES)
            self._fill()

    def _take_page(self) -> tuple[str, bytes]:
        searched = self._position + len(b"<page")
        while not (mark := _PAGE_MARK.search(self._buffer, searched)):
            if len(self._buffer) - self._position > MAX_PAGE_BYTES:
                return self._skip_page()
            if self._is_at_end:
                return "truncated", self._take(len(self._buffer))
            self._drop(keep=len(self._buffer) - self._position)
            searched = max(len(b"<page"), len(self._buffer) - _OVERLAP_BYTES)
            self._fill()
        is_whole = mark[0] == _PAGE_END
        xml = self._take(mark.end() if is_whole else mark.start())
        if len(xml) > MAX_PAGE_BYTES:
            return "page_too_large", b""
        return ("page" if is_whole else "truncated"), xml

    def _skip_page(self) -> tuple[str, bytes]:
        while not (mark := _PAGE_MARK.search(self._buffer, self._position + 1)):
            self._position = max(self._position, len(self._buffer) - _OVERLAP_BYTES)
            if self._is_at_end:
                self._take(len(self._buffer))
                return "page_too_large", b""
            self._drop(keep=_OVERLAP_BYTES)
            self._fill()
        self._take(mark.end() if mark[0] == _PAGE_END else mark.start())
        return "page_too_large", b""

    def _take(self, end: int) -> bytes:
        taken, self._position = self._buffer[self._position : end], end
        return taken

    def _drop(self, *, keep: int) -> None:
        start = max(self._position, len(self._buffer) - keep)
        self._buffer_offset += start
        self._buffer = self._buffer[start:]
        self._position = 0

    def _fill(self) -> None:
        """Reads one more chunk; as much again as is held, so that long pages stay linear."""
        chunk = self._stream.read(max(_CHUNK_BYTES, len(self._buffer)))
        self._buffer += chunk
        self._is_at_end = not chunk
