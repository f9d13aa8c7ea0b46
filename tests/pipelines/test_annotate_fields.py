"""`--keep_fields`: fields of the input in every output format, with one type in all parts."""

import gzip
import json
from datetime import date

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from mtag_core import conllu
from mtag_core.corpus.items import ReadOptions
from pipelines.options import parse_options
from tests.pipelines.trees import annotate, tree

_ROWS: list[dict[str, object]] = [
    {"text": "Ana reads.", "id": 7, "url": "http://a/?b=1&c", "date": "2024-02-29"},
    {"text": "It is fine.", "id": None, "url": None, "date": "2024-03-01"},
]


@pytest.fixture
def inputs(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in _ROWS))
    rows = [{**row, "date": date.fromisoformat(str(row["date"])), "id": 8} for row in _ROWS]
    schema = pa.schema(
        [("text", pa.string()), ("id", pa.int32()), ("url", pa.string()), ("date", pa.date32())]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "b.parquet")
    (folder / "c.txt").write_text("No fields here.")
    return str(folder)


def test_parquet_parts_have_typed_columns_that_agree(inputs, tmp_path):
    out = tmp_path / "out"
    assert annotate(inputs, out, "--keep_fields=id,url,date:date") == 0
    table = ds.dataset(out / "parts").to_table()
    assert [table.schema.field(name).type for name in ("id", "url", "date")] == [
        pa.int64(),
        pa.string(),
        pa.date32(),
    ]
    rows = {(row["text"], row["id"], row["url"], row["date"]) for row in table.to_pylist()}
    assert ("Ana reads.", 7, "http://a/?b=1&c", date(2024, 2, 29)) in rows
    assert ("It is fine.", None, None, date(2024, 3, 1)) in rows
    assert ("Ana reads.", 8, "http://a/?b=1&c", date(2024, 2, 29)) in rows
    assert ("No fields here.", None, None, None) in rows
    config = json.loads((out / "config.json").read_text())
    assert config["read"]["keep_fields"] == ["id:int", "url:string", "date:date"]


@pytest.mark.parametrize("form", ["conllu", "vertical", "jsonl"])
def test_text_formats_have_them_once_a_document_or_row(inputs, tmp_path, form):
    out = tmp_path / "out"
    flags = (f"--format={form}", "--compression=none", "--keep_fields=id,url")
    assert annotate(inputs, out, *flags) == 0
    text = "".join(path.read_text() for path in sorted((out / "parts").iterdir()))
    if form == "jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
        assert {(row["id"], row["url"]) for row in rows if row["text"] == "Ana reads."} == {
            (7, "http://a/?b=1&c"),
            (8, "http://a/?b=1&c"),
        }
    elif form == "conllu":
        found = [each.metadata for each in conllu.read(text.splitlines())]
        assert {each.get("meta::id") for each in found} == {"7", "8", None}
        assert sum(each.get("meta::url") == "http://a/?b=1&c" for each in found) == 2
    else:
        assert 'field_id="7" url="http://a/?b=1&amp;c">' in text
        assert 'field_id="" url="">' in text


def test_a_second_run_keeps_the_types_of_the_first(inputs, tmp_path):
    out = tmp_path / "out"
    assert annotate(inputs, out, "--keep_fields=id") == 0
    first = tree(out)
    (tmp_path / "in" / "0.jsonl").write_text('{"text": "Ana.", "id": "seven"}\n')
    assert annotate(inputs, out, "--keep_fields=id") == 0
    assert first.keys() - tree(out).keys() == set()
    report = json.loads((out / "run.json").read_text())
    assert report["rejects_by_reason"] == {"wrong_type": 1}


def test_fields_of_sliced_files_come_through_the_spool(tmp_path):
    path = tmp_path / "in.jsonl"
    rows = [{"text": f"Ana reads book {n}.", "n": n} for n in range(300)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    whole, sliced = tmp_path / "whole", tmp_path / "sliced"
    assert annotate(str(path), whole, "--keep_fields=n") == 0
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    flags = ("--keep_fields=n", "--spool_bytes=2000")
    assert annotate(str(tmp_path / "in.jsonl.gz"), sliced, *flags) == 0
    for out in (whole, sliced):
        table = ds.dataset(out / "parts").to_table()
        assert sorted(table.column("n").to_pylist()) == list(range(300))


def test_a_name_that_no_document_has_is_a_warning(inputs, tmp_path, capsys):
    assert annotate(inputs, tmp_path / "out", "--keep_fields=ulr") == 0
    assert "--keep_fields=ulr: none of the first 4 documents has it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("text", "the output has a column of this name"),
        ("a,a", "named twice"),
    ],
)
def test_names_that_cannot_be_columns_are_refused(tmp_path, capsys, flag, message):
    assert annotate(str(tmp_path), tmp_path / "out", f"--keep_fields={flag}") == 2
    assert message in capsys.readouterr().err


def test_without_the_flag_the_configuration_is_as_it_was():
    options = parse_options(["--input=x", "--output=y"])
    assert options.corpus.read == ReadOptions()
    assert "keep_fields" not in options.corpus.read.to_dict()
