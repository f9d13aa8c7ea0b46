"""A column that is not in mtag, as one entry of the table: Parquet and JSONL parts have it."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtag_core.output import columns
from mtag_core.output.columns import COLUMNS, Column, schema_of
from mtag_core.output.writers import OutputFormat
from tests.mtag_core.output.rows import example_rows

LENGTHS = Column(
    "lengths",
    pa.int32(),
    lambda row: [len(form) for form in row.tagged.sentence.forms],
    is_of_tokens=True,
)
N_TOKENS = Column("n_tokens", pa.int32(), lambda row: len(row.tagged))


@pytest.fixture
def added(monkeypatch):
    monkeypatch.setattr(columns, "COLUMNS", (*COLUMNS, LENGTHS, N_TOKENS))


def _written(name):
    sink = io.BytesIO()
    with OutputFormat(name, "none").open(sink) as writer:
        for row in example_rows():
            writer.write(row)
    return sink.getvalue()


def test_parquet_and_jsonl_have_an_added_column(added):
    rows = pq.read_table(io.BytesIO(_written("parquet"))).to_pylist()
    objects = [json.loads(line) for line in _written("jsonl").splitlines()]
    for row in (*rows, *objects):
        assert row["lengths"] == [len(form) for form in row["forms"]]
        assert row["n_tokens"] == len(row["forms"])


def test_both_formats_hold_the_same_values():
    rows = pq.read_table(io.BytesIO(_written("parquet"))).to_pylist()
    objects = [json.loads(line) for line in _written("jsonl").splitlines()]
    assert [list(row) for row in rows] == [list(each) for each in objects]
    for row, each in zip(rows, objects, strict=True):
        for name in ("upos_scores", "feats_scores"):
            assert row.pop(name) == pytest.approx(each.pop(name), abs=1e-6)
        assert row == each


def test_offsets_of_tokens_are_written_as_differences_and_sentences_have_bounds():
    group = pq.ParquetFile(io.BytesIO(_written("parquet"))).metadata.row_group(0)
    columns = {each.path_in_schema: each for each in map(group.column, range(group.num_columns))}
    for name in ("starts", "ends"):
        assert "DELTA_BINARY_PACKED" in columns[f"{name}.list.element"].encodings
    for name in ("language", "upos.list.element"):
        assert columns[name].has_dictionary_page
    assert columns["doc_id"].statistics.max == "doc 2"
    assert columns["forms.list.element"].statistics is None


def test_names_are_unique():
    names = schema_of(COLUMNS).names
    assert len(set(names)) == len(names)
