import io
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from mtag_core.records import Reject
from mtag_core.wikipedia.pages import Page, read_pages
from mtag_core.wikipedia.site import read_site
from tests.mtag_core.wikipedia.dumps import HEAD, TAIL, dump_xml, page_xml


def read(xml: bytes, **options: Any) -> list[Page | Reject]:
    return list(read_pages(io.BytesIO(xml), source="d.xml", **options))


def reasons(results: list[Page | Reject]) -> list[str]:
    return [r.reason if isinstance(r, Reject) else "page" for r in results]


class Chunks(io.RawIOBase):
    """A stream of generated chunks that never holds them all."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def read(self, size: int = -1) -> bytes:
        return next(self._chunks, b"")


def test_page_fields_are_read():
    (page,) = read(dump_xml(page_xml("Saluton & <b>", page_id=7, title="A & B", namespace=4)))
    assert isinstance(page, Page)
    assert (page.page_id, page.title, page.namespace) == (7, "A & B", 4)
    assert page.text == "Saluton & <b>"
    assert page.redirect is None


def test_redirect_target_is_read():
    (page,) = read(dump_xml(page_xml("#REDIRECT [[X]]", redirect="X")))
    assert isinstance(page, Page) and page.redirect == "X"


def test_last_revision_wins():
    xml = page_xml("old").replace(
        "</page>", "<revision><id>9</id><text>new</text></revision></page>"
    )
    (page,) = read(dump_xml(xml))
    assert isinstance(page, Page) and page.text == "new" and page.page_id == 1


@pytest.mark.parametrize("prefix", ["", HEAD])
@pytest.mark.parametrize("suffix", ["", TAIL])
def test_fragments_without_root_read_like_dumps(prefix: str, suffix: str):
    xml = prefix + page_xml("a", page_id=1) + page_xml("b", page_id=2) + suffix
    pages = read(xml.encode())
    assert [page.text for page in pages if isinstance(page, Page)] == ["a", "b"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_pages_do_not_depend_on_chunk_borders(size: int):
    xml = dump_xml(page_xml("a"), page_xml("ж" * 40), page_xml("c"))
    chunks = Chunks(iter(xml[i : i + size] for i in range(0, len(xml), size)))
    assert list(read_pages(chunks, source="d.xml")) == read(xml)  # type: ignore[arg-type]


def test_closing_mediawiki_alone_is_no_reject():
    assert read(TAIL.encode()) == []


def test_empty_input_is_no_reject():
    assert read(b"") == []


def test_other_files_are_one_reject():
    (reject,) = read(b"<html><body>no dump</body></html>")
    assert isinstance(reject, Reject) and reject.reason == "invalid_xml"
    assert "not a MediaWiki export" in reject.detail


def test_truncated_page_is_one_reject_with_its_input():
    whole = page_xml("first")
    cut = page_xml("second", page_id=2)[:-30]
    page, reject = read((HEAD + whole + cut).encode())
    assert isinstance(page, Page) and isinstance(reject, Reject)
    assert (reject.reason, reject.doc_id, reject.input) == ("truncated", "d.xml#2", cut.encode())


def test_page_without_end_does_not_swallow_the_next():
    broken = page_xml("lost").replace("</page>", "")
    assert reasons(read(dump_xml(broken, page_xml("kept")))) == ["truncated", "page"]


@pytest.mark.parametrize(
    "fault", ["<b>", "&undefined;", "\x00", "\x02", "<!DOCTYPE x []>", "</revision>"]
)
def test_malformed_page_costs_only_itself(fault: str):
    broken = page_xml("@@").replace("@@", fault)
    assert reasons(read(dump_xml(page_xml("a"), broken, page_xml("c")))) == [
        "page",
        "invalid_xml",
        "page",
    ]


def test_invalid_utf8_page_costs_only_itself():
    xml = dump_xml(page_xml("a"), page_xml("@@"), page_xml("c")).replace(b"@@", b"\xff\xfe")
    assert reasons(read(xml)) == ["page", "invalid_xml", "page"]


def test_page_without_id_says_so():
    (reject,) = read(dump_xml(page_xml("a").replace("<id>1</id>", "")))
    assert isinstance(reject, Reject) and reject.detail == "page without page_id"


@pytest.mark.parametrize(
    ("raw", "text"),
    [("A.<br/>B.", "A.<br/>B."), ("A <i>b</i> c", "A <i>b</i> c"), ('<p a="x" />', '<p a="x"/>')],
)
def test_tags_that_were_not_escaped_are_text(raw: str, text: str):
    (page,) = read(dump_xml(page_xml("@@").replace("@@", raw)))
    assert isinstance(page, Page) and page.text == text


@pytest.mark.parametrize(
    ("title", "namespace"), [("Heron", 0), ("Talk:Heron", 1), ("Aro:Birds", 14), ("Re: Heron", 0)]
)
def test_namespace_without_ns_is_the_titles(title: str, namespace: int):
    xml = dump_xml(page_xml("a", title=title).replace("<ns>0</ns>", ""))
    (page,) = read_pages(io.BytesIO(xml), source="d.xml", site=read_site(xml))
    assert isinstance(page, Page) and page.namespace == namespace


@pytest.mark.parametrize("version", [3, 4, 5, 6, 7, 8, 9, 10, 11])
def test_every_schema_is_read(version: int):
    ns = "<ns>0</ns>" if version >= 6 else ""
    model = "<model>wikitext</model><format>text/x-wiki</format>" if version >= 8 else ""
    attributes = ' bytes="5" sha1="x"' if version == 11 else ""
    slot = "<content><role>aux</role><text>no</text></content>" if version == 11 else ""
    xml = (
        f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.{version}/">'
        f"<page><title>T</title>{ns}<id>1</id><restrictions>sysop</restrictions><revision><id>2</id>"
        f'{model}<text xml:space="preserve"{attributes}>Words</text>{slot}</revision></page>'
    )
    (page,) = read((xml + TAIL).encode())
    assert isinstance(page, Page) and (page.namespace, page.text) == (0, "Words")


def test_entity_bomb_is_one_reject():
    bomb = '<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12)
    )
    (reject,) = read(f"{bomb}]>{HEAD}{page_xml('x').replace('x', '&a11;')}{TAIL}".encode())
    assert isinstance(reject, Reject) and reject.reason == "invalid_xml"
    assert "document type declaration" in reject.detail


def test_hundred_megabyte_page_is_one_reject_in_bounded_memory():
    def chunks() -> Iterator[bytes]:
        start, end = page_xml("@@").split("@@")
        yield (HEAD + start).encode()
        yield from (b"word " * (1 << 18) for _ in range(80))
        yield (end + page_xml("after", page_id=2) + TAIL).encode()

    tracemalloc.start()
    results = list(read_pages(Chunks(chunks()), source="d.xml"))  # type: ignore[arg-type]
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reasons(results) == ["page_too_large", "page"]
    assert peak_bytes < 80 << 20


def test_page_over_the_limit_is_rejected_though_it_fits_the_buffer(monkeypatch):
    monkeypatch.setattr("mtag_core.wikipedia.pages.MAX_PAGE_BYTES", 2000)
    results = read(dump_xml(page_xml("x" * 5000), page_xml("b")))
    assert reasons(results) == ["page_too_large", "page"]


def test_endless_page_at_the_end_is_one_reject(monkeypatch):
    monkeypatch.setattr("mtag_core.wikipedia.pages.MAX_PAGE_BYTES", 2000)
    xml = HEAD + page_xml("x" * 5000)[:4000]
    assert reasons(read(xml.encode())) == ["page_too_large"]
