import decimal
import gzip
import io
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtag_core import storage
from mtag_core.corpus.items import ReadOptions
from mtag_core.corpus.planning import ItemPlanner
from tests.mtag_core.corpus.conftest import documents, reasons


def parquet(columns, **options):
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream, **options)
    return stream.getvalue()


TEXTS = [f"text {i} " * 20 for i in range(1000)]


def test_rows_are_documents_with_their_row_numbers(read):
    results = read(parquet({"text": ["a", "b"], "more": [1, 2]}), "a.parquet")
    assert [(d.offset, d.text) for d in results] == [(0, "a"), (1, "b")]
    assert results[1].doc_id.endswith("a.parquet#1")


def test_ids_come_from_their_column(read):
    results = read(
        parquet({"t": ["a", "b"], "k": [7, None]}), "a.parquet", text_field="t", id_field="k"
    )
    assert results[0].doc_id == "7"
    assert results[1].doc_id.endswith("#1")


def test_languages_come_from_their_column(read):
    columns = {"text": ["a", "b", "c"], "lang": pa.array(["fr-CA", None, "xx"]).dictionary_encode()}
    results = read(parquet(columns), "a.parquet", language_field="lang")
    assert [d.language for d in documents(results)] == ["fr", None]
    assert reasons(results) == ["unknown_language"]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [({"text": ["a"]}, "missing_field"), ({"text": ["a"], "lang": [5]}, "wrong_type")],
)
def test_a_column_of_languages_is_there_and_of_strings(read, columns, reason):
    (reject,) = read(parquet(columns), "a.parquet", language_field="lang")
    assert reject.reason == reason


@pytest.mark.parametrize("item_bytes", [1, 1000, 20_000, 10**7])
def test_rows_are_read_once_however_split(read, item_bytes):
    data = parquet({"text": TEXTS}, row_group_size=64, compression="none")
    results = read(data, "a.parquet", item_bytes=item_bytes)
    assert [(d.offset, d.text) for d in results] == list(enumerate(TEXTS))


def test_row_groups_are_grouped_into_items(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet({"text": TEXTS}, row_group_size=10, compression="none"))
    files = storage.list_files([str(path)])
    items = list(
        ItemPlanner(ReadOptions(), salt="", item_bytes=path.stat().st_size // 4).plan(files)
    )
    assert 3 <= len(items) <= 5


@pytest.mark.parametrize(
    "kind",
    [
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.large_binary(),
        pa.binary_view(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int8(), pa.large_string()),
    ],
)
def test_other_string_types_are_text(read, kind):
    column = pa.array(["a", "b", "a"]).cast(kind)
    assert [d.text for d in read(parquet({"text": column}), "a.parquet")] == ["a", "b", "a"]


def test_a_null_or_bad_value_is_rejected_alone(read):
    column = pa.array([b"a", None, b"\xff", b"a text with \0", b"x" * 100])
    results = read(parquet({"text": column}), "a.parquet", max_document_bytes=50)
    expected = ["wrong_type", "invalid_utf8", "nul_character", "document_too_large"]
    assert reasons(results) == expected
    assert [d.text for d in documents(results)] == ["a"]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [({"other": ["a"]}, "missing_field"), ({"text": [1]}, "wrong_type")],
)
def test_a_file_without_the_text_column_is_one_reject(read, columns, reason):
    (reject,) = read(parquet(columns), "a.parquet")
    assert reject.reason == reason
    assert "column" in reject.detail


def test_a_truncated_file_is_one_reject(read):
    data = parquet({"text": TEXTS})
    assert reasons(read(data[:-100], "a.parquet", item_bytes=100)) == ["corrupt"]
    assert reasons(read(b"", "a.parquet")) == ["corrupt"]


def test_json_columns_are_text(read):
    column = pa.ExtensionArray.from_storage(pa.json_(), pa.array(['"a"', "7"]))
    assert [d.text for d in read(parquet({"text": column}), "a.parquet")] == ['"a"', "7"]


@pytest.mark.parametrize("kind", [pa.string_view(), pa.dictionary(pa.int32(), pa.string())])
def test_a_column_may_be_nested(read, kind):
    body = pa.array(["a", "b", None, "d"], pa.string()).cast(kind)
    inner = pa.StructArray.from_arrays([body, pa.array([1, 2, 3, 4])], ["body", "key"])
    article = pa.StructArray.from_arrays(
        [inner], ["text"], mask=pa.array([False, False, False, True])
    )
    results = read(
        parquet({"article": article, "n": [0] * 4}),
        "a.parquet",
        text_field="article.text.body",
        id_field="article.text.key",
    )
    assert [(d.doc_id, d.text) for d in documents(results)] == [("1", "a"), ("2", "b")]
    assert reasons(results) == ["wrong_type"] * 2


def test_a_column_whose_name_has_a_dot_is_that_column(read):
    columns = {"a.b": ["whole name"], "a": pa.array([{"c": "field"}])}
    assert read(parquet(columns), "a.parquet", text_field="a.b")[0].text == "whole name"
    assert read(parquet(columns), "a.parquet", text_field="a.c")[0].text == "field"
    (reject,) = read(parquet(columns), "a.parquet", text_field="a.d")
    assert (reject.reason, "a.c" in reject.detail) == ("missing_field", True)


def test_a_list_is_no_place_for_a_text(read):
    (reject,) = read(parquet({"a": [[{"b": "x"}]]}), "a.parquet", text_field="a.b")
    assert reject.reason == "missing_field"


@pytest.mark.parametrize("name", ["a.parquet.gz", "a.parquet"])
def test_a_file_compressed_as_a_whole_is_read(read, name):
    data = gzip.compress(parquet({"text": TEXTS}, row_group_size=64))
    assert [d.text for d in read(data, name, item_bytes=1000)] == TEXTS


def test_a_file_without_columns_costs_itself_alone(read):
    table = pa.table({"text": ["a"]}).select([])
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, table.schema) as writer:
        writer.write_table(table)
    assert reasons(read(sink.getvalue(), "a.parquet")) == ["missing_field"]


@pytest.mark.parametrize("option", ["text_field", "id_field"])
def test_a_column_that_is_there_twice_is_named(read, option):
    names = {"text_field": ["text", "text", "id"], "id_field": ["text", "id", "id"]}[option]
    table = pa.Table.from_arrays([pa.array(["a"])] * 3, names=names)
    sink = io.BytesIO()
    pq.write_table(table, sink)
    (reject,) = read(sink.getvalue(), "a.parquet", id_field="id")
    assert (reject.reason, "is there twice" in reject.detail) == ("wrong_type", True)


def test_other_columns_may_be_there_twice(read):
    table = pa.Table.from_arrays([pa.array(["a"])] * 3, names=["text", "x", "x"])
    sink = io.BytesIO()
    pq.write_table(table, sink)
    assert [d.text for d in read(sink.getvalue(), "a.parquet")] == ["a"]


@pytest.mark.parametrize(
    "kind",
    [
        pa.date32(),
        pa.date64(),
        pa.duration("ns"),
        pa.time32("s"),
        pa.time64("ns"),
        pa.timestamp("s"),
        pa.timestamp("us", tz="Mars/Olympus"),
        pa.bool_(),
        pa.list_(pa.string()),
    ],
)
def test_an_id_that_is_no_string_or_number_is_the_wrong_type(read, kind):
    data = parquet({"text": ["a"], "id": pa.array([None], kind)})
    (reject,) = read(data, "a.parquet", id_field="id")
    assert reject.reason == "wrong_type"
    assert "expected a string or a number" in reject.detail


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (pa.array(["x"], pa.string_view()), "x"),
        (pa.array([b"x"]), "x"),
        (pa.array([1.5]), "1.5"),
        (pa.array([decimal.Decimal("1.50")]), "1.50"),
        (pa.array([2**63], pa.uint64()), str(2**63)),
        (pa.array(["x"]).dictionary_encode(), "x"),
        (pa.array([uuid.UUID(int=7).bytes], pa.binary(16)).cast(pa.uuid()), str(uuid.UUID(int=7))),
    ],
)
def test_ids_may_be_strings_numbers_and_uuids(read, ids, expected):
    (document,) = read(parquet({"text": ["a"], "id": ids}), "a.parquet", id_field="id")
    assert document.doc_id == expected


def test_a_bad_id_costs_its_row_alone(read):
    columns = {"text": list("abcd"), "id": pa.array([b"1", b"\xff", None, b"a long id \0"])}
    results = read(parquet(columns), "a.parquet", id_field="id")
    assert [d.text for d in documents(results)] == ["a", "c"]
    assert reasons(results) == ["invalid_utf8", "nul_character"]
    assert results[1].detail.startswith("column 'id': ")
    assert results[1].input == b"b"


def test_a_damaged_row_group_costs_itself_alone(read):
    data = bytearray(parquet({"text": TEXTS}, row_group_size=250, compression="gzip"))
    metadata = pq.read_metadata(io.BytesIO(data))
    column = metadata.row_group(1).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    data[start + 40 : start + 80] = b"\xff" * 40
    results = read(bytes(data), "a.parquet")
    assert reasons(results) == ["corrupt"]
    assert [d.offset for d in documents(results)] == [*range(250), *range(500, 1000)]
