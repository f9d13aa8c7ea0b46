"""What files are whose names do not say it: byte order marks, compression, each in every format."""

import bz2
import gzip
import io
import json
import lzma
import zlib

import pytest

from mtag_core.corpus.compression import TruncatedError
from mtag_core.corpus.sniffing import (
    NUL_FOR_ERRORS,
    PeekableStream,
    TranscodedStream,
    sniffed,
)
from tests.mtag_core.corpus.conftest import documents, reasons

WORDS = "Größe, ещё 一 \U0001f600"
CONLLU = f"# newdoc id = d1\n1\t{WORDS.split()[0]}" + "\t_" * 8 + "\n\n"
XML = (
    "<mediawiki><siteinfo/><page><title>A</title><ns>0</ns><id>7</id><revision><id>1</id>"
    f"<text>{WORDS}</text></revision></page></mediawiki>"
)
NAME_TO_TEXT = {
    "a.txt": f"{WORDS}\n",
    "a.jsonl": f'{{"text": "{WORDS}"}}\n',
    "a.json": f'[\n{{"text": "{WORDS}"}}\n]\n',
    "a.conllu": CONLLU,
    "a.xml": XML,
}
ENCODINGS = ["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-be"]


def encoded(text, encoding):
    return (("\ufeff" if encoding.endswith("-be") else "") + text).encode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", NAME_TO_TEXT)
def test_every_text_format_is_read_behind_a_byte_order_mark(read, name, encoding):
    text = NAME_TO_TEXT[name]
    plain = read(text.encode(), name)
    marked = read(encoded(text, encoding), name)
    assert reasons(plain) == reasons(marked) == []
    assert [(d.text, d.sentences) for d in marked] == [(d.text, d.sentences) for d in plain]


def test_a_byte_order_mark_hides_no_document_id(read):
    (document,) = read(CONLLU.encode("utf-8-sig"), "a.conllu")
    assert document.doc_id == "d1"


@pytest.mark.parametrize("document", ["line", "paragraph"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_lines_and_paragraphs_are_read_behind_a_byte_order_mark(read, document, encoding):
    results = read(encoded("a\n\nb\n", encoding), document=document)
    assert [d.text for d in results] == ["a", "b"]
    assert results[0].offset == 0


def test_a_blank_line_behind_a_byte_order_mark_is_no_document(read):
    for name in ("a.txt", "a.jsonl", "a.conllu"):
        assert read("\n".encode("utf-8-sig"), name, document="line") == []


def test_a_large_file_of_utf16_is_planned_as_one_item(read):
    text = "".join(f"line {n}\n" for n in range(500))
    results = read(text.encode("utf-16"), document="line", item_bytes=100)
    assert [d.text for d in results] == text.splitlines()


def test_a_lone_surrogate_of_utf16_costs_its_document(read):
    data = "one\n".encode("utf-16") + b"\x00\xd8\n\x00" + "two\n".encode("utf-16-le")
    results = read(data, document="line")
    assert reasons(results) == ["invalid_utf8"]
    assert [d.text for d in documents(results)] == ["one", "two"]


def test_utf16_that_ends_within_a_character_is_truncated(read):
    results = read("one\ntwo\n".encode("utf-16") + b"t", document="line")
    assert reasons(results) == ["truncated"]
    assert [d.text for d in documents(results)] == ["one", "two"]


def test_utf32_out_of_range_is_corrupt(read):
    results = read("one\n".encode("utf-32") + b"\xff" * 4, document="line")
    assert reasons(results) == ["corrupt"]
    assert "utf-32-le damaged" in results[-1].detail


def test_utf16_without_a_mark_is_named(read):
    (reject,) = read("Some text.".encode("utf-16-le"))
    assert (reject.reason, "UTF-16 without" in reject.detail) == ("binary", True)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", NAME_TO_TEXT)
def test_compression_that_the_name_does_not_say_is_read(read, name, compress):
    text = NAME_TO_TEXT[name]
    assert [d.text for d in read(compress(text.encode()), name)] == [
        d.text for d in read(text.encode(), name)
    ]


def test_what_a_server_compressed_once_more_is_read(read):
    twice = gzip.compress(gzip.compress(b"text"))
    assert [d.text for d in read(twice, "a.txt.gz")] == ["text"]


def test_a_large_compressed_file_is_planned_as_one_item(read):
    lines = [json.dumps({"text": str(n)}) for n in range(2000)]
    results = read(gzip.compress("\n".join(lines).encode()), "a.jsonl", item_bytes=500)
    assert [d.text for d in results] == [str(n) for n in range(2000)]


def test_a_text_that_begins_like_bz2_is_text(read):
    assert [d.text for d in read(b"BZh9 is a mark.")] == ["BZh9 is a mark."]


def test_a_file_that_is_not_what_its_name_says_is_corrupt_still(read):
    assert reasons(read(zlib.compress(b"text"), "a.txt.gz")) == ["corrupt"]


def test_what_fails_ahead_raises_when_it_is_read():
    class Failing:
        def __init__(self):
            self.chunks = [b"ab", b"cd"]

        def read(self, n_bytes):
            if not self.chunks:
                raise TruncatedError("cut")
            return self.chunks.pop(0)

    ahead = PeekableStream(Failing())
    assert ahead.peek(10) == ahead.peek(10) == b"abcd"
    assert ahead.read(3) + ahead.read(3) == b"abcd"
    for _ in range(2):
        with pytest.raises(TruncatedError):
            ahead.read(1)


def test_reads_give_no_more_than_asked_for():
    stream = sniffed(io.BytesIO("\u00e9\u4e00".encode("utf-16")))
    assert stream.read(1) + stream.read(2) + stream.read(99) == "\u00e9\u4e00".encode()


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"%PDF-1.7\n", "pdftotext"),
        (b"PK\x03\x04\x14\x00", "pandoc"),
        (b"{\\rtf1\\ansi", "pandoc"),
        (b"a.txt".ljust(257, b"\0") + b"ustar\0", "tar archive"),
        (b"<!DOCTYPE html><html>", "--input_format=html"),
        (b"\xef\xbb\xbf\n<html lang=en>", "--input_format=html"),
    ],
)
@pytest.mark.parametrize("item_bytes", [1, 2**23])
@pytest.mark.parametrize("document", ["file", "line"])
def test_a_file_that_is_no_text_is_one_reject_that_says_what_to_do(
    read, head, word, item_bytes, document
):
    data = head + b"\nmore text\n" * 500
    [reject] = read(data, "a.txt", item_bytes=item_bytes, document=document)
    assert reject.reason == "not_text"
    assert word in reject.detail


def test_a_page_is_read_as_text_when_asked_for(read):
    assert read(b"<html>a</html>", "a.txt", input_format="text")[0].text == "<html>a</html>"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1251", "gb18030", "utf-16-le"])
def test_text_in_a_named_encoding_is_read_whatever_the_size_of_items(read, encoding):
    text = "Жук 一\n" if encoding in ("gb18030", "utf-16-le") else "Gr\u00fc\u00dfe\n"
    text = "Жук\n" if encoding == "cp1251" else text
    data = text.encode(encoding) * 200
    for item_bytes in (10, 2**23):
        results = read(data, item_bytes=item_bytes, encoding=encoding, document="line")
        assert [d.text + "\n" for d in results] == [text] * 200


def test_a_byte_order_mark_says_more_than_the_named_encoding(read):
    assert read("\ufeffGr\u00fc\u00dfe".encode(), encoding="latin-1")[0].text == "Gr\u00fc\u00dfe"


def test_bytes_that_the_named_encoding_has_not_are_one_reject(read):
    assert reasons(read(b"a\x81b", encoding="cp1252")) == ["corrupt"]


@pytest.mark.parametrize("n_bytes", [1, 3, 100])
def test_stream_is_utf_8_whatever_the_chunks(n_bytes: int):
    stream = TranscodedStream(io.BytesIO("ж日x".encode("utf-16")), "utf-16")
    assert b"".join(iter(lambda: stream.read(n_bytes), b"")).decode() == "ж日x"


def test_wrong_bytes_become_nul():
    stream = TranscodedStream(io.BytesIO(b"a\x81b"), "cp1252", errors=NUL_FOR_ERRORS)
    assert stream.read(10) == b"a\0b"
