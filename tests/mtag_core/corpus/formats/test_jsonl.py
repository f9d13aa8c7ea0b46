"""None"""

import gzip
import json
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.corpus.formats.jsonl import _HEAD_BYTES, _is_by_lines
from mtag_core.records import Document
from tests.mtag_core.corpus.conftest import documents, read_path, reasons

RECORDS: list[dict] = [
    {"text": "One."},
    {"text": 'T"w[o,\\', "more": {"a": [1, {}]}},
    {"text": "Three\n."},
]
TEXTS = [record["text"] for record in RECORDS]
LAYOUTS = {
    "array on one line": json.dumps(RECORDS),
    "array, a record a line": "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]\n",
    "array, spread": json.dumps(RECORDS, indent=2),
    "array, records begin the line": "[" + "\n,".join(map(json.dumps, RECORDS)) + "]",
    "array in an array": json.dumps([RECORDS]),
    "records, spread": "\n".join(json.dumps(record, indent=2) for record in RECORDS),
    "records, spread, with commas": ",\n".join(json.dumps(r, indent="\t") for r in RECORDS),
    "windows line ends": json.dumps(RECORDS, indent=2).replace("\n", "\r\n"),
    "blanks around": "\n\n  " + json.dumps(RECORDS, indent=2) + "\n\n ",
    "lines": "\n".join(map(json.dumps, RECORDS)),
}


def test_text_and_id_come_from_their_fields(read):
    lines = b'{"t": "a", "k": "x"}\n\n{"t": "b", "k": 7}\n{"t": "c", "k": null}\n'
    results = read(lines, "a.jsonl", text_field="t", id_field="k")
    assert [d.text for d in results] == ["a", "b", "c"]
    assert [d.doc_id for d in results[:2]] == ["x", "7"]
    assert results[2].doc_id.endswith("a.jsonl#41")


def test_the_language_comes_from_its_field(read):
    lines = b'{"text": "a", "l": {"c": "French"}}\n{"text": "b", "l": {"c": null}}\n'
    results = read(lines, "a.jsonl", language_field="l.c")
    assert [d.language for d in results] == ["fr", None]


@pytest.mark.parametrize(
    ("value", "reason"),
    [('"frensh"', "unknown_language"), ("5", "wrong_type"), ('"\\ud800"', "unknown_language")],
)
def test_a_language_that_says_nothing_is_a_reject(read, value, reason):
    lines = f'{{"text": "a", "lang": {value}}}\n{{"text": "b", "lang": "de"}}\n'.encode()
    results = read(lines, "a.jsonl", language_field="lang")
    assert reasons(results) == [reason]
    assert [d.language for d in documents(results)] == ["de"]


def test_a_record_without_the_language_field_is_a_reject(read):
    assert reasons(read(b'{"text": "a"}\n', "a.jsonl", language_field="lang")) == ["missing_field"]


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
    def parse(line, _origin, _options):
        while b"slow" in line:
            pass
        return Document("id", "quick", "a.jsonl")

    module = sys.modules["mtag_core.corpus.formats.jsonl"]
    monkeypatch.setattr(module, "parse_record", parse)
    results = read(b'{"text": "slow"}\n{"text": "b"}\n', "a.jsonl", max_document_seconds=0.2)
    assert reasons(results) == ["too_slow"]
    assert [d.text for d in documents(results)] == ["quick"]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_records_are_read_however_they_are_laid_out(read, layout, name):
    results = read(LAYOUTS[layout].encode(), name)
    assert [r.text if isinstance(r, Document) else r.detail for r in results] == TEXTS


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_large_file_gives_the_same_records(read, layout):
    assert [d.text for d in read(LAYOUTS[layout].encode(), "a.json", item_bytes=10)] == TEXTS


def test_offsets_point_to_the_records(read):
    text = LAYOUTS["array, a record a line"]
    for document in read(text.encode(), "a.json"):
        assert text.startswith('{"text"', document.offset)
        assert document.doc_id == f"{document.source}#{document.offset}"


def test_a_bad_record_of_an_array_is_rejected_alone(read):
    data = b'[\n{"text": "a"},\n{"text": oops},\n7, "s",\n{"txt": 1},\n{"text": "b"}\n]'
    results = read(data, "a.json")
    assert [d.text for d in documents(results)] == ["a", "b"]
    assert reasons(results) == ["invalid_json", "wrong_type", "wrong_type", "missing_field"]
    assert results[1].input == b'{"text": oops}'


def test_an_array_that_ends_in_the_middle_is_one_reject(read):
    results = read(b'[{"text": "a"},\n{"text": "b', "a.json")
    assert [d.text for d in documents(results)] == ["a"]
    assert reasons(results) == ["invalid_json"]


def test_a_compressed_array_that_is_cut_off_is_truncated(read):
    data = gzip.compress(json.dumps([{"text": str(n)} for n in range(5000)], indent=1).encode())
    results = read(data[: len(data) // 2], "a.json.gz")
    assert reasons(results) == ["truncated"]
    assert [d.text for d in documents(results)] == [str(n) for n in range(len(results) - 1)]


def test_a_record_over_the_limit_is_named_not_held(read):
    blanks = " " * 1000
    record = json.dumps({"text": "x" * 1000}, indent=1)
    data = f'[{blanks}{record},{blanks}{{"text": "b"}}{blanks}]'
    results = read(data.encode(), "a.json", max_document_bytes=99)
    assert reasons(results) == ["document_too_large"]
    assert (results[0].offset, results[0].n_input_bytes) == (1001, len(record))
    assert [d.text for d in documents(results)] == ["b"]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"", True),
        (b'{"text": "a"}', True),
        (b'{"text": "cut\n{"text": "b"}\n', True),
        (b'{"text": "a"\n{"text": "b"}\n', True),
        (b'{"text":\n{"text": "b"}\n', True),
        (b"plain text\n[1]", True),
        (b'["a", "b"]\n["c"]\n', True),
        (b'{"a": ' + b"9" * 5000 + b'}\n{"text": "b"}', True),
        (b'{"text": "' + b"x" * _HEAD_BYTES, True),
        (b"[" * _HEAD_BYTES, True),
        (b"{\n", False),
        (b'{"a": 1,\n "text": oops}', False),
        (b'{"text":\n"' + b"x" * _HEAD_BYTES, False),
        (b"[\n", False),
        (b'["a", "b"]\n', False),
        (b'\xef\xbb\xbf\n[{"text": "a"},\n', False),
    ],
)
def test_the_first_bytes_say_whether_records_are_lines(head, expected):
    assert _is_by_lines(head[:_HEAD_BYTES]) is expected


@given(st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=9), max_size=3)), st.data())
def test_any_records_come_out_whole(tmp_path_factory, records, data):
    indent = data.draw(st.sampled_from([None, 1, "\t"]))
    values = [{**record, "text": str(n)} for n, record in enumerate(records)]
    path = tmp_path_factory.mktemp("values") / "a.json"
    path.write_text(json.dumps(values, indent=indent, ensure_ascii=False), "utf-8", newline="")
    assert [d.text for d in read_path(str(path))] == [str(n) for n in range(len(records))]


def test_names_with_line_ends_are_named_in_one_line(read):
    [reject] = read(b'{"a\\nb": 1}\n', "a.jsonl")
    assert reject.detail == "no field 'text'; fields found: a b"
