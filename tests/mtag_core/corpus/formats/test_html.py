import gzip
import sys

import pytest

from tests.mtag_core.corpus.conftest import documents, reasons

pytest.importorskip("resiliparse")
pytest.importorskip("warcio")

_MAIN = "Ana reads a book in the garden. It is a very fine book, she says."


def _page(text=_MAIN, charset="utf-8"):
    menu = "<nav><a href=x>Menu</a></nav>"
    head = f"<!doctype html><html><head><meta charset={charset}><title>t</title></head>"
    return f"{head}<body>{menu}<main><p>{text}</p></main></body></html>".encode(charset)


def _record(body, url="http://example.org/a", content_type="text/html; charset=utf-8"):
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n\r\n".encode() + body
    header = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\n"
        "WARC-Date: 2020-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(answer)}\r\n\r\n"
    )
    return header.encode() + answer + b"\r\n\r\n"


@pytest.mark.parametrize("name", ["a.html", "a.htm", "a.xhtml.gz"])
def test_a_page_is_a_document_of_its_main_text(read, name):
    data = gzip.compress(_page()) if name.endswith(".gz") else _page()
    [document] = read(data, name)
    assert document.text == _MAIN
    assert document.doc_id.endswith(name)


def test_a_page_is_read_in_the_encoding_that_it_states(read):
    text = "Grüße aus Köln, sagt Ana, und liest weiter in ihrem schönen Buch über Bäume."
    assert read(_page(text, "windows-1252"), "a.html")[0].text == text


def test_a_page_over_the_limit_is_named_not_held(read):
    assert reasons(read(_page(), "a.html", max_document_bytes=99)) == ["document_too_large"]


def test_pages_of_a_web_archive_are_documents_named_by_their_urls(read):
    other = _record(b"\x89PNG", content_type="image/png")
    records = [_record(_page()), other, _record(_page(), "http://example.org/b")]
    results = read(b"".join(map(gzip.compress, records)), "a.warc.gz")
    assert [d.doc_id for d in results] == ["http://example.org/a", "http://example.org/b"]
    assert [d.text for d in results] == [_MAIN] * 2
    assert [d.offset for d in results] == [0, len(records[0]) + len(other)]


@pytest.mark.parametrize("n_cut", [20, 100, 300, 350])
def test_a_web_archive_that_is_cut_off_gives_what_came_before(read, n_cut):
    results = read(_record(_page()) + _record(_page())[:-n_cut], "a.warc")
    assert len(documents(results)) == 1
    assert reasons(results) == ["truncated"]


def test_what_is_no_web_archive_is_one_reject(read):
    assert reasons(read(_record(_page()) + b"nonsense\r\n\r\n" * 9, "a.warc")) == ["corrupt"]


def test_without_the_extra_the_reject_says_what_to_install(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "resiliparse.parse.encoding", None)
    [reject] = read(_page(), "a.html")
    assert "pip install 'mtag[html]'" in reject.detail
