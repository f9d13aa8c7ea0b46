import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtag_core.corpus.items import ReadOptions, Span, WorkItem
from mtag_core.corpus.kept_fields import FieldError, KeptField, kept_fields, kept_values, kind_of
from mtag_core.corpus.registry import read_item
from mtag_core.records import Document
from mtag_core.storage import FileInfo

_EAST = timezone(timedelta(hours=2))


def test_a_type_stands_behind_the_last_colon():
    words = ("id:int", "dc:title", "url")
    assert kept_fields(words) == (
        KeptField("id", "int"),
        KeptField("dc:title", ""),
        KeptField("url", ""),
    )
    assert tuple(map(str, kept_fields(words))) == words


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("string", "a", "a"),
        ("string", 7, "7"),
        ("string", {"b": [1, "ä"]}, '{"b": [1, "ä"]}'),
        ("int", 7, 7),
        ("int", "007", 7),
        ("float", 7, 7.0),
        ("float", Decimal("1.5"), 1.5),
        ("float", float("nan"), None),
        ("bool", "True", True),
        ("date", "2024-02-29", "2024-02-29"),
        ("date", date(2024, 2, 29), "2024-02-29"),
        ("timestamp", "2024-02-29T01:00:00+02:00", "2024-02-28T23:00:00Z"),
        ("timestamp", datetime(2024, 2, 29, 1, tzinfo=_EAST), "2024-02-28T23:00:00Z"),
        ("timestamp", "2024-02-29 01:00", "2024-02-29T01:00:00Z"),
        ("int", None, None),
        ("string", b"\xc3\xa4", "ä"),
    ],
)
def test_values_are_made_those_of_their_type(kind, value, kept):
    [found] = kept_values((f"x:{kind}",), [value])
    assert found == kept and type(found) is type(kept)


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("int", "seven", "wrong_type"),
        ("int", True, "wrong_type"),
        ("int", 2**63, "wrong_type"),
        ("int", 1.5, "wrong_type"),
        ("float", "inf", "wrong_type"),
        ("bool", 1, "wrong_type"),
        ("date", "29.2.2024", "wrong_type"),
        ("date", datetime(2024, 2, 29, tzinfo=UTC), "wrong_type"),
        ("timestamp", 7, "wrong_type"),
        ("string", "\ud800", "lone_surrogate"),
        ("string", b"\xff", "invalid_utf8"),
    ],
)
def test_a_value_of_another_type_is_an_error_that_names_the_field(kind, value, reason):
    with pytest.raises(FieldError, match="field 'x'") as caught:
        kept_values((f"x:{kind}",), [value])
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None], "int"),
        ([1, 2.5], "float"),
        ([1, True], "string"),
        ([2**70], "string"),
        ([[1]], "string"),
        ([date(2024, 1, 1)], "date"),
        ([datetime(2024, 1, 1, tzinfo=UTC)], "timestamp"),
        ([], "string"),
    ],
)
def test_a_type_fits_all_values(values, kind):
    assert kind_of(values) == kind


def _read(path, kind, *fields):
    file = FileInfo(str(path), path.stat().st_size, str(path.stat().st_mtime_ns))
    item = WorkItem("0" * 16, kind, (Span(file),))
    return list(read_item(item, ReadOptions(keep_fields=fields)))


def test_json_keeps_nested_fields_and_none_where_there_is_none(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"text": "a", "m": {"id": 7}}\n{"text": "b"}\n{"text": "c", "m": {"id": "x"}}\n'
    )
    first, second, third = _read(path, "jsonl", "m.id:int")
    assert (first.fields, second.fields) == ((7,), (None,))
    assert (third.reason, third.step) == ("wrong_type", "read")
    assert "--keep_fields=m.id:string" in third.detail
    assert json.loads(third.input) == {"text": "c", "m": {"id": "x"}}


def test_csv_values_are_text_until_a_type_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,text\n007,a\n,b\n")
    assert [each.fields for each in _read(path, "csv", "id")] == [("007",), (None,)]
    assert [each.fields for each in _read(path, "csv", "id:int")] == [(7,), (None,)]


def test_parquet_keeps_columns_of_any_type(tmp_path):
    path = tmp_path / "a.parquet"
    columns = {
        "text": pa.array(["a", "b"]),
        "at": pa.array([1, None], pa.timestamp("ns", "Europe/Paris")),
        "m": pa.array([{"id": 7}, {"id": None}], pa.struct([("id", pa.int8())])),
        "url": pa.array(["u", "u"]).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), path)
    words = ("at:timestamp", "m.id:int", "url:string", "gone:int", "m:string")
    documents = _read(path, "parquet", *words)
    assert all(isinstance(each, Document) for each in documents)
    assert documents[0].fields == ("1970-01-01T00:00:00Z", 7, "u", None, '{"id": 7}')
    assert documents[1].fields[:3] == (None, None, "u")
