import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.errors import FormatError, InputNotFoundError
from mtag_core.parts.spool import line_to_record, read_spool, record_to_line, write_spool
from mtag_core.records import Document, MultiwordToken, Reject, Sentence

_SEGMENTED = Document(
    "d",
    "Je vais au parc.",
    "a.conllu.xz",
    17,
    (
        Sentence(
            "Je vais au parc.",
            0,
            16,
            "fr",
            ("Je", "vais", "à", "le", "parc", "."),
            (0, 3, 8, 8, 11, 15),
            (2, 7, 10, 10, 15, 16),
            (MultiwordToken(2, 3, "au", 8, 10),),
            "s-1",
        ),
    ),
)
_RECORDS: list[Document | Reject] = [
    Document("a.gz#0", "Ana sings.\r\nIt is\u2028fine.\x85", "a.gz", 0),
    Document("a\udcff.gz", "", "a\udcff.gz", 0, ()),
    Reject("a.gz", 30, None, "invalid_json", "no \udc80 value", b"\xff\n", 2),
    Reject("a.gz", 40, "id", "document_too_large", "long", None, 5_000_000),
    _SEGMENTED,
]


@pytest.mark.parametrize("record", _RECORDS)
def test_records_survive_a_line(record):
    line = record_to_line(record)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert line_to_record(line) == record


@given(st.text(), st.text(), st.integers(0))
def test_any_document_survives_a_line(doc_id, text, offset):
    document = Document(doc_id, text, "source", offset)
    assert line_to_record(record_to_line(document)) == document


def test_records_are_read_in_the_order_they_were_written(tmp_path):
    path = str(tmp_path / "spool" / "part.jsonl.zst")
    long = [Document(f"d{n}", "Ana sings. " * 50_000, "a.gz", n) for n in range(5)]
    write_spool(path, [record_to_line(record) for record in (*long, *_RECORDS)])
    assert list(read_spool(path)) == [*long, *_RECORDS]


def test_a_slice_without_records_is_read(tmp_path):
    path = str(tmp_path / "part.jsonl.zst")
    write_spool(path, [])
    assert list(read_spool(path)) == []


def test_a_spool_that_is_gone_or_damaged_is_an_error(tmp_path):
    path = tmp_path / "part.jsonl.zst"
    with pytest.raises(InputNotFoundError, match=r"part\.jsonl\.zst"):
        list(read_spool(str(path)))
    write_spool(str(path), [record_to_line(record) for record in _RECORDS])
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(FormatError):
        list(read_spool(str(path)))
