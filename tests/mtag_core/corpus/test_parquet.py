import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtag_core import storage
from mtag_core.corpus import ReadOptions, plan_items
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


@pytest.mark.parametrize("item_bytes", [1, 1000, 20_000, 10**7])
def test_rows_are_read_once_however_split(read, item_bytes):
    data = parquet({"text": TEXTS}, row_group_size=64, compression="none")
    results = read(data, "a.parquet", item_bytes=item_bytes)
    assert [(d.offset, d.text) for d in results] == list(enumerate(TEXTS))


def test_row_groups_are_grouped_into_items(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet({"text": TEXTS}, row_group_size=10, compression="none"))
    files = storage.list_files([str(path)])
    items = list(plan_items(files, ReadOptions(), salt="", item_bytes=path.stat().st_size // 4))
    assert 3 <= len(items) <= 5


@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())]
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
