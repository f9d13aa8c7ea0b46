import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.corpus.json_values import HEAD_BYTES, is_by_lines
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
        (b'{"text": "' + b"x" * HEAD_BYTES, True),
        (b"[" * HEAD_BYTES, True),
        (b"{\n", False),
        (b'{"a": 1,\n "text": oops}', False),
        (b'{"text":\n"' + b"x" * HEAD_BYTES, False),
        (b"[\n", False),
        (b'["a", "b"]\n', False),
        (b'\xef\xbb\xbf\n[{"text": "a"},\n', False),
    ],
)
def test_the_first_bytes_say_whether_records_are_lines(head, expected):
    assert is_by_lines(head[:HEAD_BYTES]) is expected


@given(st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=9), max_size=3)), st.data())
def test_any_records_come_out_whole(tmp_path_factory, records, data):
    indent = data.draw(st.sampled_from([None, 1, "\t"]))
    values = [{**record, "text": str(n)} for n, record in enumerate(records)]
    path = tmp_path_factory.mktemp("values") / "a.json"
    path.write_text(json.dumps(values, indent=indent, ensure_ascii=False), "utf-8", newline="")
    assert [d.text for d in read_path(str(path))] == [str(n) for n in range(len(records))]
