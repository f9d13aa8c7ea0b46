"""Counts of parts and their sums, against a plain count of the same rows."""

import io
from collections import Counter
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from mtag_core.output import count_tables, part_counts
from mtag_core.output.count_tables import write_count_tables
from mtag_core.output.layout import OutputLayout
from mtag_core.output.part_counts import CountsWriter
from mtag_core.output.writers import OutputFormat, whole_parquet
from mtag_core.records import Document, Reject
from mtag_core.tagging.tagged import TaggedSentence
from tests.fake_tagger import tagged_sentences

_TEXTS = {
    "a#0": "Ana reads a book. The book is open.",
    "a#1": "",
    "b": "Ana sleeps. Le chat dort, le chat est noir.",
}


def _sentences(doc_id: str) -> list[TaggedSentence]:
    return [
        replace(tagged, sentence=replace(tagged.sentence, language="fr"))
        if "chat" in tagged.text
        else tagged
        for tagged in tagged_sentences(_TEXTS[doc_id])
    ]


def _write(layout: OutputLayout, part_id: str, doc_ids: list[str], n_rejects: int = 0) -> None:
    sink = io.BytesIO()
    with whole_parquet(sink, CountsWriter) as counts:
        for doc_id in doc_ids:
            sentences = _sentences(doc_id)
            for tagged in sentences:
                counts.add(tagged)
            source = doc_id.partition("#")[0]
            counts.end_document(Document(doc_id, _TEXTS[doc_id], source), len(sentences))
        for offset in range(n_rejects):
            counts.reject(Reject("b", offset, None, "binary", ""))
    path = layout.part_counts_path(part_id)
    with open(path, "wb") as stream:
        stream.write(sink.getvalue())


@pytest.fixture
def layout(tmp_path) -> OutputLayout:
    (tmp_path / "counts").mkdir()
    layout = OutputLayout(str(tmp_path), OutputFormat(), words="form")
    _write(layout, "0" * 16, ["a#0", "a#1"])
    _write(layout, "1" * 16, ["b"], n_rejects=2)
    return layout


_PARTS = ["0" * 16, "1" * 16]


def _expected_words() -> Counter:
    return Counter(
        (tagged.sentence.language, upos, form)
        for doc_id in _TEXTS
        for tagged in _sentences(doc_id)
        for upos, form in zip(tagged.upos, tagged.sentence.forms, strict=True)
    )


def _words(layout: OutputLayout) -> list[tuple[str, str, str, int]]:
    return [tuple(row.values()) for row in pq.read_table(layout.words_path).to_pylist()]


def test_words_are_summed_over_parts_the_most_frequent_of_a_language_first(layout):
    write_count_tables(layout, _PARTS)
    words = _words(layout)
    assert {row[:3]: row[3] for row in words} == _expected_words()
    assert words == sorted(words, key=lambda row: (row[0], -row[3], row[1], row[2]))
    assert pq.read_schema(layout.words_path).names == ["language", "upos", "form", "n"]


def test_counts_have_a_row_a_document_language_and_part_of_speech(layout):
    write_count_tables(layout, _PARTS)
    rows = [tuple(row.values()) for row in pq.read_table(layout.counts_path).to_pylist()]
    expected = Counter(
        (doc_id, tagged.sentence.language, upos)
        for doc_id in _TEXTS
        for tagged in _sentences(doc_id)
        for upos in tagged.upos
    )
    assert {row[:3]: row[3] for row in rows} == expected
    assert len(rows) == len(expected)


def test_the_summary_has_files_documents_languages_and_scores(layout):
    summary = write_count_tables(layout, _PARTS)
    n_tokens = {doc_id: sum(map(len, _sentences(doc_id))) for doc_id in _TEXTS}
    assert summary.sources == [("b", 1, 2, 2, n_tokens["b"]), ("a", 2, 0, 2, n_tokens["a#0"])]
    assert summary.n_sources == 2
    assert [row[:2] for row in summary.documents] == [("b", n_tokens["b"]), ("a#0", 10)]
    assert sum(summary.confidence.values()) == sum(n_tokens.values())
    assert set(summary.upos_by_language) == {"en", "fr"}
    assert not any(upos == "PUNCT" for _, upos, _, _ in summary.words)


def test_sums_in_temporary_files_are_the_same(layout, monkeypatch):
    plain = write_count_tables(layout, _PARTS)
    words, counts = _words(layout), pq.read_table(layout.counts_path)
    monkeypatch.setattr(count_tables, "_MOST_ROWS", 3)
    assert write_count_tables(layout, _PARTS) == plain
    assert sorted(_words(layout)) == sorted(words)
    assert pq.ParquetFile(layout.words_path).metadata.num_row_groups > 1
    assert pq.read_table(layout.counts_path).equals(counts)


def test_a_part_that_forgets_words_in_between_gives_the_same_sums(layout, monkeypatch):
    monkeypatch.setattr(part_counts, "_MOST_WORDS", 4)
    monkeypatch.setattr(part_counts, "_ROWS", 3)
    _write(layout, _PARTS[0], ["a#0", "a#1"])
    write_count_tables(layout, _PARTS)
    assert {row[:3]: row[3] for row in _words(layout)} == _expected_words()


def test_lemmas_take_the_place_of_forms_where_there_are_any(layout):
    [tagged] = tagged_sentences("Ana reads")
    sink = io.BytesIO()
    with whole_parquet(sink, CountsWriter) as counts:
        counts.add(replace(tagged, lemmas=("Ana", "read")))
        counts.end_document(Document("a", "Ana reads", "a"), 1)
    with open(layout.part_counts_path(_PARTS[0]), "wb") as stream:
        stream.write(sink.getvalue())
    lemmas = replace(layout, words="lemma")
    write_count_tables(lemmas, _PARTS[:1])
    assert sorted(row[2] for row in _words(layout)) == ["Ana", "read"]
    assert pq.read_schema(layout.words_path).names[2] == "lemma"


def test_long_names_and_words_are_cut_in_the_summary_alone(layout):
    [tagged] = tagged_sentences("x" * 5000)
    sink = io.BytesIO()
    with whole_parquet(sink, CountsWriter) as counts:
        counts.add(tagged)
        counts.end_document(Document("d" * 5000, "", "s" * 5000), 1)
    with open(layout.part_counts_path(_PARTS[0]), "wb") as stream:
        stream.write(sink.getvalue())
    summary = write_count_tables(layout, _PARTS[:1])
    names = summary.documents[0][0], summary.sources[0][0], summary.words[0][2]
    assert [len(name) for name in names] == [200] * 3
    assert len(_words(layout)[0][2]) == 5000


def test_an_output_without_tokens_has_tables_without_rows(layout):
    _write(layout, _PARTS[0], [])
    summary = write_count_tables(layout, _PARTS[:1])
    assert (summary.words, summary.documents, summary.n_sources) == ([], [], 0)
    assert pq.read_table(layout.counts_path).num_rows == 0
    assert pq.read_table(layout.words_path).num_rows == 0
