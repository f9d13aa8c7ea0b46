import json
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.records import Document
from tests.mtag_core.corpus.conftest import documents, read_path, reasons


def test_text_and_id_come_from_their_fields(read):
    lines = b'{"t": "a", "k": "x"}\n\n{"t": "b", "k": 7}\n{"t": "c", "k": null}\n'
    results = read(lines, "a.jsonl", text_field="t", id_field="k")
    assert [d.text for d in results] == ["a", "b", "c"]
    assert [d.doc_id for d in results[:2]] == ["x", "7"]
    assert results[2].doc_id.endswith("a.jsonl#41")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "a"', "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b'{"text": ' + b"9" * 5000 + b"}", "invalid_json"),
        (b'["text"]', "wrong_type"),
        (b'{"text": 5, "id": "x"}', "wrong_type"),
        (b'{"text": "a", "id": []}', "wrong_type"),
        (b'{"id": "x"}', "missing_field"),
        (b'{"text": "a"}', "missing_field"),
        (b'{"text": "\xff"}', "invalid_utf8"),
        (b'{"text": "\\ud800", "id": "x"}', "lone_surrogate"),
        (b'{"text": "a", "id": "\\udfff"}', "lone_surrogate"),
        (b'{"text": "\\u0000", "id": "x"}', "nul_character"),
    ],
)
def test_a_bad_line_is_rejected_with_its_bytes(read, line, reason):
    results = read(line + b'\n{"text": "good", "id": "1"}\n', "a.jsonl", id_field="id")
    assert reasons(results) == [reason]
    assert results[0].input == line
    assert [d.text for d in documents(results)] == ["good"]


def test_a_surrogate_pair_is_one_character(read):
    assert [d.text for d in read(b'{"text": "\\ud83d\\ude00"}', "a.jsonl")] == ["\U0001f600"]


def test_a_line_over_the_limit_is_named_not_held(read):
    line = json.dumps({"text": "x" * 100_000}).encode()
    results = read(line + b'\n{"text": "b"}', "a.jsonl", max_document_bytes=1000)
    assert reasons(results) == ["document_too_large"]
    assert (results[0].input, results[0].n_input_bytes) == (None, len(line) + 1)
    assert [d.offset for d in documents(results)] == [len(line) + 1]


@given(st.lists(st.text(max_size=40), max_size=20), st.integers(1, 100))
def test_records_are_read_once_however_split(texts, item_bytes):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        path.write_text(lines)
        results = read_path(str(path), item_bytes=item_bytes)
    assert [d.text for d in documents(results)] == [text for text in texts if "\0" not in text]


def test_a_field_may_be_nested(read):
    lines = [
        {"article": {"body": "a", "ids": {"key": 7}}},
        {"article.body": "b", "article": {"ids": {"key": "x"}}},
        {"article": {"body": {}}},
        {"article": {"title": "t"}, "n": 1},
        {"article": "no object"},
    ]
    data = "\n".join(map(json.dumps, lines)).encode()
    options = {"text_field": "article.body", "id_field": "article.ids.key"}
    results = read(data, "a.jsonl", **options)
    assert [(d.doc_id, d.text) for d in documents(results)] == [("7", "a"), ("x", "b")]
    assert reasons(results) == ["missing_field", "missing_field", "missing_field"]
    assert "fields found: article.title, n" in results[3].detail
    assert reasons(read(data, "a.jsonl", text_field="article.body"))[0] == "wrong_type"


def test_a_record_that_takes_too_long_is_one_reject(read, monkeypatch):
    def parse(line, **_more):
        while b"slow" in line:
            pass
        return Document("id", "quick", "a.jsonl")

    module = sys.modules["mtag_core.corpus.formats.jsonl"]
    monkeypatch.setattr(module, "parse_record", parse)
    results = read(b'{"text": "slow"}\n{"text": "b"}\n', "a.jsonl", max_document_seconds=0.2)
    assert reasons(results) == ["too_slow"]
    assert [d.text for d in documents(results)] == ["quick"]
