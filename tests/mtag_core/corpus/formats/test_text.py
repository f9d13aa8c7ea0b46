import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.records import Document
from tests.mtag_core.corpus.conftest import documents, read_path, reasons

# Pieces that make texts with blank lines, long lines, carriage returns and wide characters.
PIECES = st.sampled_from(["a", "bé ", "\n", "\n\n", "\r\n", " \n", "語", "x" * 30, "y" * 70])
TEXTS = st.lists(PIECES, max_size=60).map("".join)


def read_with(text, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.txt"
        path.write_bytes(text.encode())
        return [
            (r.offset, r.text if isinstance(r, Document) else (r.reason, r.n_input_bytes))
            for r in read_path(str(path), **options)
        ]


@given(TEXTS, st.integers(1, 200), st.integers(16, 64))
def test_a_file_is_read_the_same_however_it_is_split(text, item_bytes, limit):
    whole = read_with(text, item_bytes=10**6, max_document_bytes=limit)
    assert read_with(text, item_bytes=item_bytes, max_document_bytes=limit) == whole
    # Every byte is in one document or one reject.
    data = text.encode()
    sizes = [len(what.encode()) if isinstance(what, str) else what[1] for _, what in whole]
    assert [offset for offset, _ in whole] == [sum(sizes[:i]) for i in range(len(sizes))]
    assert sum(sizes) == len(data)
    assert all(
        data[offset : offset + size] == what.encode()
        for (offset, what), size in zip(whole, sizes, strict=True)
        if isinstance(what, str)
    )


@pytest.mark.parametrize("document", ["line", "paragraph"])
@given(TEXTS, st.integers(1, 200), st.integers(16, 64))
def test_lines_and_paragraphs_are_read_the_same_however_split(document, text, item_bytes, limit):
    options = {"document": document, "max_document_bytes": limit}
    whole = read_with(text, item_bytes=10**6, **options)
    assert read_with(text, item_bytes=item_bytes, **options) == whole
    n_bytes = sum(len(what.encode()) if isinstance(what, str) else what[1] for _, what in whole)
    assert n_bytes >= len("".join(text.split()).encode())


def test_lines_are_documents_with_byte_offsets(read):
    results = read("é\r\n\n \nb".encode(), document="line")
    assert [(d.offset, d.text) for d in results] == [(0, "é"), (7, "b")]
    assert results[1].doc_id.endswith("a.txt#7")


def test_paragraphs_are_separated_by_blank_lines(read):
    results = read(b"\n\na\nb\n\t\n\nc\n", document="paragraph")
    assert [(d.offset, d.text) for d in results] == [(2, "a\nb"), (9, "c")]


def test_a_small_file_is_one_document_with_its_path(read):
    (document,) = read(b"a\n\nb\n")
    assert (document.doc_id, document.text) == (document.source, "a\n\nb\n")


def test_an_empty_file_is_an_empty_document(read):
    assert [document.text for document in read(b"")] == [""]
    assert read(b"", document="line") == []


def test_a_large_file_is_cut_at_paragraphs(read):
    text = "".join(f"{i} one.\n{i} two.\n\n" for i in range(100))
    results = read(text.encode(), max_document_bytes=200)
    assert "".join(d.text for d in documents(results)) == text
    assert all(d.text.endswith("\n\n") and len(d.text) <= 200 for d in results)


def test_a_long_line_is_rejected_alone(read):
    data = b"before\n" * 5 + b"x" * 1000 + b"\n" + b"after\n" * 5
    results = read(data, max_document_bytes=64)
    assert reasons(results) == ["document_too_large"]
    assert [(r.offset, r.n_input_bytes) for r in results if not isinstance(r, Document)] == [
        (35, 1001)
    ]
    assert "".join(d.text for d in documents(results)) == "before\n" * 5 + "after\n" * 5


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a\xffb", "invalid_utf8"),
        (b"a lone \0 here", "nul_character"),
        (bytes(range(256)) * 40, "binary"),
        ("text".encode("utf-16-le"), "binary"),
        (b"\0" * 100, "binary"),
    ],
)
def test_what_is_no_text_is_rejected_with_its_bytes(read, data, reason):
    (reject,) = read(data)
    assert (reject.reason, reject.input) == (reason, data)


def test_a_bad_line_does_not_cost_its_neighbours(read):
    results = read(b"a\n\xff\nb\n", document="line")
    assert [d.text for d in documents(results)] == ["a", "b"]
    assert reasons(results) == ["invalid_utf8"]


def test_a_byte_order_mark_is_dropped(read):
    assert [d.text for d in read(b"\xef\xbb\xbfa")] == ["a"]
