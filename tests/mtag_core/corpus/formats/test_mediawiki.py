import bz2
import importlib
import lzma
from itertools import islice

import pytest

from mtag_core import storage
from mtag_core.corpus.items import ReadOptions
from mtag_core.corpus.planning import ItemPlanner
from mtag_core.records import Reject
from tests.mtag_core.corpus.conftest import documents, reasons

HEAD = (
    '<mediawiki xml:lang="br"><siteinfo><namespaces>'
    '<namespace key="6">Restr</namespace></namespaces></siteinfo>\n'
)


def page(number, text="", namespace=0):
    text = text or f"Page {number} tells of the number {number}. " * 5
    return (
        f"<page><title>T{number}</title><ns>{namespace}</ns><id>{number}</id>"
        f"<revision><id>1</id><text>{text}</text></revision></page>\n"
    )


PAGES = [page(i) for i in range(1, 60)]
DUMP = (HEAD + "".join(PAGES) + "</mediawiki>\n").encode()


def ids(results):
    return [d.offset for d in documents(results)]


def streams(size):
    """The dump as a bz2 file with a stream every `size` bytes, as parallel compressors write."""
    return b"".join(bz2.compress(DUMP[i : i + size]) for i in range(0, len(DUMP), size))


def test_pages_are_documents(read):
    results = read(DUMP, "a.xml")
    assert ids(results) == list(range(1, 60))
    assert results[6].doc_id.endswith("a.xml#7")


@pytest.mark.parametrize("item_bytes", [100, 1000, 4567])
def test_plain_dumps_are_read_once_however_split(read, item_bytes):
    assert read(DUMP, "a.xml", item_bytes=item_bytes) == read(DUMP, "a.xml")


@pytest.mark.parametrize("start", [b"<page >", b'<page id="1">', b"<page" + b" " * 300 + b">"])
@pytest.mark.parametrize("item_bytes", [100, 1000])
def test_pages_with_longer_tags_are_read_once_however_split(read, item_bytes, start):
    dump = DUMP.replace(b"<page>", start)
    assert ids(read(dump, "a.xml", item_bytes=item_bytes)) == list(range(1, 60))


@pytest.mark.parametrize("item_bytes", [240, 2000, 5000])
@pytest.mark.parametrize("size", [100, 1000, 5003])
def test_multistream_dumps_are_read_once_however_split(read, item_bytes, size):
    results = read(streams(size), "a.xml.bz2", item_bytes=item_bytes)
    assert ids(results) == list(range(1, 60))


def test_a_dump_of_one_stream_is_one_item(tmp_path):
    path = tmp_path / "a.xml.bz2"
    path.write_bytes(bz2.compress(DUMP))
    files = storage.list_files([str(path)])
    assert len(list(ItemPlanner(ReadOptions(), salt="", item_bytes=100).plan(files))) == 1


def test_the_wikis_own_names_are_known_to_every_item(read):
    text = "Some words [[Restr:A.jpg|thumb|A caption]] and more words."
    dump = HEAD + page(1) * 20 + page(2, text) + "</mediawiki>"
    for item_bytes in (10**6, 1000):
        last = documents(read(dump.encode(), "a.xml", item_bytes=item_bytes))[-1]
        assert "caption" not in last.text


def test_namespaces_are_chosen(read):
    dump = (HEAD + page(1) + page(2, namespace=4) + "</mediawiki>").encode()
    assert ids(read(dump, "a.xml")) == [1]
    assert ids(read(dump, "a.xml", namespaces=(4,))) == [2]


def test_a_truncated_dump_is_read_up_to_there_with_one_reject(read):
    results = read(streams(1000)[:-400], "a.xml.bz2")
    assert reasons(results) == ["truncated"]
    assert ids(results) == list(range(1, len(results)))
    assert reasons(read(DUMP[: len(DUMP) // 2], "b.xml")) == ["truncated"]


def test_a_damaged_stream_costs_only_its_range(read):
    data = bytearray(streams(1000))
    data[len(data) // 2] ^= 255
    results = read(bytes(data), "a.xml.bz2", item_bytes=1000)
    # The page that goes on into the damaged stream belongs to the item before.
    assert set(reasons(results)) == {"corrupt"}
    assert len(ids(results)) > 45


def test_xml_that_is_no_dump_is_rejected(read):
    assert reasons(read(b"<html><body>x</body></html>", "a.xml")) == ["invalid_xml"]
    assert ids(read(lzma.compress(DUMP), "a.xml.xz")) == list(range(1, 60))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "iso-8859-1", "koi8-r"])
@pytest.mark.parametrize("item_bytes", [10**6, 3000])
@pytest.mark.parametrize("name", ["a.xml", "a.xml.bz2"])
def test_other_encodings_are_read_once_however_split(read, encoding, item_bytes, name):
    declared = f'<?xml version="1.0" encoding="{encoding}"?>' + DUMP.decode()
    data = declared.encode(encoding)
    if name.endswith("bz2"):
        data = b"".join(bz2.compress(data[i : i + 2000]) for i in range(0, len(data), 2000))
    results = read(data, name, item_bytes=item_bytes)
    assert ids(results) == list(range(1, 60))
    assert reasons(results) == []


def test_an_unknown_encoding_is_one_reject_that_names_it(read):
    data = b'<?xml version="1.0" encoding="x-none"?>' + DUMP
    (reject,) = read(data, "a.xml", item_bytes=2000)
    assert reject.reason == "invalid_xml" and "'x-none'" in reject.detail


def test_bytes_that_are_wrong_in_the_encoding_cost_their_page(read):
    pages = page(1) + page(2, "@@") + page(3)
    xml = f'<?xml version="1.0" encoding="cp1252"?>{HEAD}{pages}</mediawiki>'.encode("cp1252")
    results = read(xml.replace(b"@@", b"\x81"), "a.xml")
    assert ids(results) == [1, 3] and reasons(results) == ["invalid_xml"]
    assert "cp1252" in next(r for r in results if isinstance(r, Reject)).detail


def test_the_language_of_the_wiki_is_the_documents(read):
    assert {d.likely_language for d in documents(read(DUMP, "a.xml"))} == {"br"}
    plain = DUMP.replace(b' xml:lang="br"', b"")
    assert {d.likely_language for d in documents(read(plain, "eowiki-1-pages.xml"))} == {"eo"}
    assert {d.likely_language for d in documents(read(plain, "a.xml"))} == {None}


@pytest.mark.parametrize("item_bytes", [10**6, 1000])
def test_definitions_serve_every_item(read, item_bytes):
    template = page(99, "&lt;b&gt;{{{1}}}&lt;/b&gt;", 10).replace("T99", "Template:Zork")
    dump = HEAD + page(1, "So {{zork|loud}} it is.") * 20 + template + "</mediawiki>"
    texts = {d.text for d in documents(read(dump.encode(), "a.xml", item_bytes=item_bytes))}
    assert texts == {"So loud it is."}


@pytest.mark.parametrize("where", ["dumps.clean_wikitext", "pages.parse_page"])
def test_a_bug_costs_its_page_alone(read, monkeypatch, where):
    module = importlib.import_module(f"mtag_core.wikipedia.{where.partition('.')[0]}")
    name = where.partition(".")[2]
    real = getattr(module, name)

    def fail_once(*arguments, **keywords):
        monkeypatch.setattr(module, name, real)
        raise LookupError("a bug")

    monkeypatch.setattr(module, name, fail_once)
    results = read(DUMP, "a.xml")
    assert reasons(results) == ["reader_failed"]
    assert "LookupError: a bug" in results[0].detail
    assert ids(results) == list(range(2, 60))


@pytest.mark.parametrize("item_bytes", [10**6, 3000])
def test_pages_that_are_lost_are_noticed(read, monkeypatch, item_bytes):
    module = importlib.import_module("mtag_core.wikipedia.dumps")
    real = module.read_pages
    monkeypatch.setattr(module, "read_pages", lambda *a, **k: islice(real(*a, **k), 1, None))
    results = read(DUMP, "a.xml", item_bytes=item_bytes)
    assert set(reasons(results)) == {"reader_failed"}
    assert any("pages begin, " in r.detail for r in results if isinstance(r, Reject))
