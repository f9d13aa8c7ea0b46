"""None"""

import bz2
import io
import re
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from mtag_core.records import Document, Reject
from mtag_core.wikipedia.dumps import read_definitions, read_documents
from mtag_core.wikipedia.pages import Page, read_pages
from mtag_core.wikipedia.site import Definitions, read_site
from tests.mtag_core.wikipedia.dumps import dump_xml, page_xml

LEFT_OVER = re.compile(
    r"\{\{|\}\}|\[\[|\]\]|\{\||\|\}|<ref|</|&nbsp;|^\||^!.*(!!|\|)", re.MULTILINE
)


def read(xml: bytes) -> tuple[list[Document | Reject], Counter[str]]:
    counts: Counter[str] = Counter()
    stream = io.BytesIO(xml)
    return list(read_documents(stream, source="d.xml", counts=counts, site=read_site(xml))), counts


def test_every_page_has_one_outcome():
    xml = dump_xml(
        page_xml("Words.", page_id=1),
        page_xml("#REDIRECT [[A]]", page_id=2, redirect="A"),
        page_xml("#redirect [[A]]", page_id=3),
        page_xml("Talk.", page_id=4, namespace=1),
        page_xml("{{stub}}", page_id=5),
        page_xml("{{a|" * 10_000, page_id=6),
        page_xml("cut", page_id=7)[:-20],
    )
    results, counts = read(xml)
    assert counts == {
        "kept": 1,
        "redirect": 2,
        "other_namespace": 1,
        "empty": 1,
        "rejected": 2,
    }
    assert [type(result) for result in results] == [Document, Reject, Reject]


def test_document_is_named_by_file_and_page_id():
    (document,), _ = read(dump_xml(page_xml("Words.", page_id=42)))
    assert document == Document("d.xml#42", "Words.", "d.xml", 42, likely_language="xx")


def test_nested_templates_are_one_reject_that_names_the_page():
    (reject,), _ = read(dump_xml(page_xml("{{a|" * 10_000 + "}}" * 10_000, title="Bomb")))
    assert isinstance(reject, Reject)
    assert reject.reason == "invalid_wikitext"
    assert reject.detail.startswith("Bomb: templates, tables and links nested")


def test_namespace_names_come_from_the_dump():
    (document,), _ = read(dump_xml(page_xml("[[Bildo:x.png|thumb|Hidden]]Shown [[Aro:Y]]here.")))
    assert isinstance(document, Document) and document.text == "Shown here."


@pytest.mark.parametrize("head", [b"", b"<siteinfo>", b"<siteinfo><a></siteinfo>", b"\xff" * 100])
def test_names_without_siteinfo_are_the_common_ones(head: bytes):
    assert {"file", "category", "файл", "ファイル"} <= read_site(head).silent_names


def test_memory_does_not_grow_with_the_dump():
    page = page_xml("A [[dog]] ''barks'' at {{convert|5|km|mi}}. " * 100)

    class Pages(io.RawIOBase):
        n_left = 300

        def read(self, size: int = -1) -> bytes:
            self.n_left -= 1
            return page.encode() if self.n_left >= 0 else b""

    counts: Counter[str] = Counter()
    tracemalloc.start()
    for _ in read_documents(Pages(), source="d.xml", counts=counts):  # type: ignore[arg-type]
        pass
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert counts["kept"] == 300
    assert peak_bytes < len(page) * 300 / 2


def dumps(shared_dir: Path) -> list[Path]:
    folder = shared_dir / "wiki-dumps"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    return sorted(
        p for p in folder.iterdir() if p.suffix in (".bz2", ".xml") and "index" not in p.name
    )


@pytest.mark.parametrize("pattern", ["ltgwiki", "fowiki", "aawiki", "enwiki-t", "mrwiki"])
def test_real_dumps_keep_no_markup_and_lose_no_page(shared_dir: Path, pattern: str):
    for path in dumps(shared_dir):
        if not path.name.startswith(pattern):
            continue
        xml = bz2.decompress(path.read_bytes()) if path.suffix == ".bz2" else path.read_bytes()
        results, counts = read(xml)
        lines = [line for d in results if isinstance(d, Document) for line in d.text.split("\n")]
        assert [line for line in lines if LEFT_OVER.search(line)] == []
        assert counts.total() == xml.count(b"<page>")
        assert counts["kept"] == sum(isinstance(d, Document) for d in results)


def test_titles_of_real_dumps_are_read(shared_dir: Path):
    first_titles = {
        "elwiki": "Βικιπαίδεια:Upload log",
        "jawiki": "Wikipedia:アップロードログ/2004年4月",
        "mrwiki": "औदुंबर (कविता)",
        "viwiki": "Alexandre De Rhodes",
        "ltgwiki-latest": "Suoku puslopa",
    }
    for path in dumps(shared_dir):
        title = next((t for name, t in first_titles.items() if path.name.startswith(name)), None)
        if title is not None:
            with bz2.open(path) as stream:
                page = next(read_pages(cast(BinaryIO, stream), source=str(path)))
            assert isinstance(page, Page) and page.title == title


def definitions_of(*pages: str, max_bytes: int = 1 << 20) -> Definitions:
    xml = dump_xml(*pages)
    return read_definitions(io.BytesIO(xml), read_site(xml), max_bytes=max_bytes)


def template(text: str, name: str = "Big Word") -> str:
    return page_xml(text, title=f"Template:{name}", namespace=10)


@pytest.mark.parametrize(
    ("wikitext", "transcluded"),
    [
        ("<big>{{{1}}}</big>", "<big>{{{1}}}</big>"),
        ("{{{1}}}<noinclude>\nHow to use it.</noinclude>", "{{{1}}}"),
        ("Help.\n\n<includeonly>{{{1}}}</includeonly><noinclude>x", "Help.\n\n{{{1}}}"),
        ("About <onlyinclude>{{{1}}}</onlyinclude> more", "{{{1}}}"),
        ("<ref>{{{1}}}</ref>", ""),
    ],
)
def test_what_is_transcluded_is_kept(wikitext: str, transcluded: str):
    expected = {"big word": transcluded} if "\n" not in transcluded else {}
    assert definitions_of(template(wikitext)).name_to_text == expected


@pytest.mark.parametrize(
    "wikitext",
    ["{| class=x\n| {{{1}}}\n|}", "<div>x</div>", "{{#invoke:a|b}}", ": note", "x" * 600],
)
def test_boxes_and_modules_are_no_substitution(wikitext: str):
    assert definitions_of(template(wikitext)).name_to_text == {}


@pytest.mark.parametrize("word", ["REDIRECT", "redirect ", "đổi", "पुनर्निर्देशन", "WEITERLEITUNG: "])
def test_redirects_are_read_in_any_language(word: str):
    found = definitions_of(template(f"#{word} [[Template:Small_word]]"))
    assert found == Definitions({}, {"big word": "small word"})


def test_other_pages_and_what_lies_behind_the_limit_are_left():
    pages = [page_xml("{{{1}}}"), template("x"), template("y", "Other")]
    assert definitions_of(*pages).name_to_text == {"big word": "x", "other": "y"}
    n_bytes = len(dump_xml(*pages[:2])) - 20
    assert definitions_of(*pages, max_bytes=n_bytes).name_to_text == {"big word": "x"}


def test_dumps_without_ns_have_definitions_too():
    pages = [template("x").replace("<ns>10</ns>", ""), page_xml("y").replace("<ns>0</ns>", "")]
    assert definitions_of(*pages).name_to_text == {"big word": "x"}


def test_a_page_that_takes_too_long_is_one_reject(monkeypatch):
    def clean(text: str, **_more: object) -> str:
        while "slow" in text:
            pass
        return text

    monkeypatch.setattr("mtag_core.wikipedia.dumps.clean_wikitext", clean)
    counts: Counter[str] = Counter()
    data = dump_xml(page_xml("slow"), page_xml("quick", page_id=2))
    slow, quick = read_documents(io.BytesIO(data), source="d.xml", counts=counts, limit_s=0.2)
    assert isinstance(slow, Reject) and isinstance(quick, Document)
    assert (slow.reason, slow.input) == ("too_slow", b"slow")
    assert counts == {"rejected": 1, "kept": 1}
