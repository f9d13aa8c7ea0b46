import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.corpus.items import ReadOptions
from mtag_core.errors import CountMismatchError, FormatError, InputNotFoundError, StorageError
from mtag_core.output.layout import OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.parts import part_records
from mtag_core.parts.part_records import line_to_record, read_spool, record_to_line, write_spool
from mtag_core.parts.plan import plan_parts
from mtag_core.records import Document, MultiwordToken, Reject, Sentence
from mtag_core.storage import list_files
from tests.fake_tagger import FakeTagger
from tests.mtag_core.parts.making import make_part
from tests.mtag_core.wikipedia.dumps import dump_xml, page_xml

_LINES = ReadOptions(document="line")


@pytest.fixture
def layout(tmp_path):
    return OutputLayout(str(tmp_path / "out"), OutputFormat("jsonl", "none"))


@pytest.fixture
def part(tmp_path):
    path = tmp_path / "in.txt"
    path.write_text("".join(f"Ana reads {n}. It is fine.\n" for n in range(20)), "utf-8")
    [part] = plan_parts(list_files([str(path)]), _LINES, salt="s")
    return part


def _annotate(part, layout, tagger=None, **keywords):
    return make_part(part, layout, tagger=tagger, options=_LINES, **keywords)


def _rows(layout, part):
    with open(layout.part_path(part.part_id), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _read_as(monkeypatch, records):
    monkeypatch.setattr(part_records, "read_item", lambda *_, **__: iter(records))


def test_every_sentence_is_written_in_order(part, layout):
    manifest = _annotate(part, layout)
    rows = _rows(layout, part)
    assert [row["text"] for row in rows[:2]] == ["Ana reads 0.", "It is fine."]
    assert [row["sentence_index"] for row in rows] == [0, 1] * 20
    assert (manifest.n_documents, manifest.n_tagged, manifest.n_sentences) == (20, 20, 40)


def test_the_manifest_is_written_and_reads_back(part, layout):
    _annotate(part, layout)
    assert layout.read_manifest(part.part_id).n_tokens == 20 * 8


def test_a_second_attempt_writes_the_same_bytes(part, layout, tmp_path):
    again = OutputLayout(str(tmp_path / "again"), layout.format)
    assert _annotate(part, layout) == _annotate(part, again)


def test_sent_ids_are_unique_in_the_part(part, layout):
    _annotate(part, layout)
    ids = [row["sent_id"] for row in _rows(layout, part)]
    assert len(set(ids)) == len(ids)


def test_a_given_sent_id_is_kept_until_it_is_there_twice(part, layout, monkeypatch):
    sentence = Sentence("a", 0, 1, "en", ("a",), (0,), (1,), sent_id="s1")
    documents = [Document(f"d{n}", "a", "in.conllu", n, (sentence,)) for n in range(2)]
    _read_as(monkeypatch, documents)
    _annotate(part, layout)
    assert [row["sent_id"] for row in _rows(layout, part)] == ["s1", f"{part.part_id}.1.0"]


def test_a_document_without_sentences_counts_as_tagged(part, layout, monkeypatch):
    _read_as(monkeypatch, [Document(f"d{n}", "  ", "in.txt") for n in range(3)])
    manifest = _annotate(part, layout)
    assert (manifest.n_documents, manifest.n_tagged, manifest.n_sentences) == (3, 3, 0)


def test_rejects_of_the_reader_are_written_and_counted(part, layout, monkeypatch):
    reject = Reject("in.txt", 0, None, "binary", "NUL", b"\0")
    _read_as(monkeypatch, [reject, Document("d", "Ana reads.", "in.txt"), reject])
    manifest = _annotate(part, layout)
    assert (manifest.n_documents, manifest.n_tagged, manifest.n_rejected) == (3, 1, 2)
    assert manifest.rejects_by_reason == {"binary": 2}


def test_a_document_that_cannot_be_tagged_is_the_only_one_rejected(part, layout, monkeypatch):
    texts = ["Ana reads.", "Some poison here. More.", "It is fine.", "More poison."]
    _read_as(monkeypatch, [Document(f"d{n}", t, "in.txt", n) for n, t in enumerate(texts)])
    monkeypatch.setattr(
        part_records,
        "read_item",
        lambda *_, **__: iter([Document(f"d{n}", t, "in.txt", n) for n, t in enumerate(texts)]),
    )
    manifest = _annotate(part, layout, FakeTagger(fails_on="poison"))
    assert [row["doc_id"] for row in _rows(layout, part)] == ["d0", "d2"]
    assert manifest.rejects_by_reason == {"tagging_failed": 2}
    with open(layout.rejects_path(part.part_id), encoding="utf-8") as lines:
        reject = json.loads(next(lines))
    assert (reject["doc_id"], reject["input"]) == ("d1", texts[1])
    assert (reject["step"], reject["detail"]) == ("tag", "ValueError: cannot tag 'poison'")


def test_the_other_documents_come_out_as_without_the_bad_one(part, layout, tmp_path, monkeypatch):
    good = [Document(f"d{n}", "Ana reads. It is fine.", "in.txt", n) for n in range(9)]
    monkeypatch.setattr(part_records, "read_item", lambda *_, **__: iter(good))
    clean = _annotate(part, layout)
    bad = Document("bad", "poison.", "in.txt", 9)
    monkeypatch.setattr(part_records, "read_item", lambda *_, **__: iter([*good, bad]))
    other = OutputLayout(str(tmp_path / "other"), layout.format)
    manifest = _annotate(part, other, FakeTagger(fails_on="poison"))
    assert manifest.part == clean.part


def test_every_page_of_a_dump_has_an_outcome_in_the_manifest(layout, tmp_path):
    pages = [
        page_xml("Ana reads.", page_id=1),
        page_xml("#REDIRECT [[A]]", page_id=2, redirect="A"),
        page_xml("Talk.", page_id=3, namespace=1),
        page_xml("{{stub}}", page_id=4),
        page_xml("{{a|" * 10_000, page_id=5),
        page_xml("Some poison.", page_id=6),
        page_xml("cut", page_id=7)[:-20],
    ]
    (tmp_path / "d.xml").write_bytes(dump_xml(*pages))
    [part] = plan_parts(list_files([str(tmp_path / "d.xml")]), ReadOptions(), salt="s")
    manifest = _annotate(part, layout, FakeTagger(fails_on="poison"))
    assert manifest.pages_by_outcome == {
        "kept": 2,
        "redirect": 1,
        "other_namespace": 1,
        "empty": 1,
        "rejected": 2,
    }
    assert (manifest.n_documents, manifest.n_tagged, manifest.n_rejected) == (4, 1, 3)


def test_a_page_that_is_lost_between_dump_and_tagger_is_an_error(part, layout, monkeypatch):
    def lossy(*_, pages):
        pages.update(kept=2)
        yield Document("d", "Ana reads.", "d.xml")

    monkeypatch.setattr(part_records, "read_item", lossy)
    with pytest.raises(CountMismatchError, match="2 pages kept and 0 rejected, but 1 tagged"):
        _annotate(part, layout)


def test_parts_of_speech_are_counted(part, layout):
    assert _annotate(part, layout).tokens_by_upos["VERB"] > 0


def test_a_storage_error_stops_the_part_and_leaves_nothing(part, layout, monkeypatch, tmp_path):
    def broken(*_, **__):
        yield Document("d", "Ana reads.", "in.txt")
        raise StorageError("in.txt: the disk is gone")

    monkeypatch.setattr(part_records, "read_item", broken)
    with pytest.raises(StorageError, match="the disk is gone"):
        _annotate(part, layout)
    assert [p for p in (tmp_path / "out").rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 0, 1, 2, 3], [1, 0, 2, 3], [0, 1], [0, 2, 3]])
def test_lost_doubled_or_swapped_sentences_are_an_error(part, layout, monkeypatch, order):
    class LossyTagger(FakeTagger):
        def tag_encoded(self, sentences):
            tagged = list(super().tag_encoded(sentences))
            return iter([tagged[i] for i in order])

    documents = [Document(f"d{n}", "Ana reads. It is fine.", "in.txt", n) for n in range(2)]
    _read_as(monkeypatch, documents)
    with pytest.raises(CountMismatchError, match=r"the tagger (lost|returned)"):
        _annotate(part, layout, LossyTagger())


def _shuffled(order):
    def change(records):
        records = list(records)
        return iter([records[index] for index in order if index < len(records)])

    return change


# Five records: four documents and the end of the part.
@pytest.mark.parametrize(
    "order",
    [
        [1, 0, 2, 3, 4],
        [0, 1, 2, 4, 3],
        [4, 0, 1, 2, 3],
        [0, 2, 3, 4],
        [0, 1, 2, 3],
        [0, 1, 2, 4],
        [0, 1, 1, 2, 3, 4],
        [0, 1, 2, 3, 4, 3],
        [0, 1, 2, 3, 4, 4],
    ],
)
def test_records_that_are_lost_doubled_or_swapped_make_no_part(part, layout, tmp_path, order):
    four = type(part)(part.part_id, part.item, limit=4)
    with pytest.raises(CountMismatchError, match=f"part {part.part_id}"):
        _annotate(four, layout, change=_shuffled(order))
    if order[:5] != [0, 1, 2, 3, 4]:
        assert [p for p in (tmp_path / "out").rglob("*") if p.is_file()] == []


def test_a_document_that_fails_midway_leaves_no_sentence(part, layout, monkeypatch):
    text = "Fine. " * 2000 + "This is poison. " + "Fine. " * 2000
    texts = ["Ana reads.", text, "It is fine."]
    _read_as(monkeypatch, [Document(f"d{n}", t, "in.txt", n) for n, t in enumerate(texts)])
    manifest = _annotate(part, layout, FakeTagger(fails_on="poison"))
    assert [row["doc_id"] for row in _rows(layout, part)] == ["d0", "d2"]
    assert (manifest.n_tagged, manifest.rejects_by_reason) == (2, {"tagging_failed": 1})


def test_a_document_that_cannot_be_segmented_to_its_end_leaves_no_sentence(
    part, layout, monkeypatch
):
    class Segmenter(FakeTagger):
        def segment(self, text, language=None, *, likely_language=None):
            for sentence in super().segment(text, language):
                if "poison" in sentence.forms:
                    raise ValueError("cannot cut")
                yield sentence

    texts = ["Ana reads.", "Fine. " * 3000 + "poison.", "It is fine."]
    _read_as(monkeypatch, [Document(f"d{n}", t, "in.txt", n) for n, t in enumerate(texts)])
    manifest = _annotate(part, layout, Segmenter())
    assert [row["doc_id"] for row in _rows(layout, part)] == ["d0", "d2"]
    assert manifest.n_rejected == 1
    with open(layout.rejects_path(part.part_id), encoding="utf-8") as lines:
        assert json.loads(next(lines))["step"] == "segment"


def test_a_long_document_is_written_whole_and_in_order(part, layout, monkeypatch):
    text = " ".join(f"Word{n} is here." for n in range(5000))
    _read_as(monkeypatch, [Document("d", text, "in.txt")])
    _annotate(part, layout)
    rows = _rows(layout, part)
    assert [row["sentence_index"] for row in rows] == list(range(5000))
    assert " ".join(row["text"] for row in rows) == text


def test_a_limit_stops_after_that_many_documents(part, layout):
    limited = type(part)(part.part_id, part.item, limit=3)
    assert _annotate(limited, layout).n_documents == 3


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
