import errno
import gzip
import io
import json
import os
from dataclasses import replace
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtag_core import conllu
from mtag_core.errors import UsageError
from mtag_core.output import writers
from mtag_core.output.columns import output_columns, schema_of
from mtag_core.output.writers import FORMATS, OutputFormat
from mtag_core.records import OutputRow
from mtag_core.tagging.tagged import TaggedSentence
from tests.mtag_core.output.rows import example_rows, multiword_row

SENTENCE_SCHEMA = schema_of(output_columns(has_lemmas=False))


def _written(rows: list[OutputRow], output_format: OutputFormat) -> bytes:
    sink = io.BytesIO()
    with output_format.open(sink) as writer:
        for row in rows:
            writer.write(row)
    return sink.getvalue()


def _decompressed(data: bytes, compression: str) -> str:
    if compression == "gz":
        data = gzip.decompress(data)
    elif compression == "zstd":
        data = pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
    return data.decode()


@pytest.mark.parametrize("compression", ["none", "gz", "zstd"])
@pytest.mark.parametrize("name", FORMATS)
def test_the_same_rows_give_the_same_bytes(name, compression):
    output_format = OutputFormat(name, compression)
    assert _written(example_rows(), output_format) == _written(example_rows(), output_format)


def test_parquet_has_a_row_a_sentence_with_the_columns_of_the_schema():
    rows = [*example_rows(), multiword_row()]
    table = pq.read_table(io.BytesIO(_written(rows, OutputFormat("parquet"))))
    assert table.schema.equals(SENTENCE_SCHEMA)
    assert table.column("forms").to_pylist() == [list(r.tagged.sentence.forms) for r in rows]
    assert table.column("feats").to_pylist() == [list(r.tagged.feats) for r in rows]
    assert table.column("multiword_tokens").to_pylist()[-1] == [
        {"first": 0, "last": 1, "form": "du", "start": 10, "end": 12}
    ]


def test_parquet_without_rows_is_a_table_without_rows():
    table = pq.read_table(io.BytesIO(_written([], OutputFormat("parquet"))))
    assert (table.num_rows, table.schema) == (0, SENTENCE_SCHEMA)


def test_parquet_row_groups_close_by_number_of_tokens(monkeypatch):
    monkeypatch.setattr(writers, "ROW_GROUP_TOKENS", 10)
    data = _written(example_rows(4), OutputFormat("parquet"))
    metadata = pq.read_metadata(io.BytesIO(data))
    sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert sizes == [2, 2, 2, 2]


def test_parquet_bytes_do_not_depend_on_when_rows_become_tables(monkeypatch):
    rows = example_rows(6)
    at_once = _written(rows, OutputFormat("parquet"))
    monkeypatch.setattr(writers, "_TABLE_TOKENS", 7)
    assert _written(rows, OutputFormat("parquet")) == at_once


def test_parquet_is_compressed_with_zstd():
    metadata = pq.read_metadata(io.BytesIO(_written(example_rows(), OutputFormat("parquet"))))
    assert metadata.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.parametrize("compression", ["none", "gz", "zstd"])
def test_jsonl_has_the_columns_of_the_schema(compression):
    rows = [*example_rows(), multiword_row()]
    text = _decompressed(_written(rows, OutputFormat("jsonl", compression)), compression)
    objects = [json.loads(line) for line in text.splitlines()]
    assert [list(o) for o in objects] == [SENTENCE_SCHEMA.names] * len(rows)
    assert objects[0]["text"] == rows[0].tagged.text


@pytest.mark.parametrize("compression", ["none", "gz", "zstd"])
def test_conllu_reads_back_with_the_same_forms_and_tags(compression):
    rows = [*example_rows(), multiword_row()]
    text = _decompressed(_written(rows, OutputFormat("conllu", compression)), compression)
    sentences = text.strip("\n").split("\n\n")
    assert len(sentences) == len(rows)
    for sentence, row in zip(sentences, rows, strict=True):
        lines = [line.split("\t") for line in sentence.split("\n") if line[0] != "#"]
        tokens = [fields for fields in lines if fields[0].isdecimal()]
        assert tuple(fields[1] for fields in tokens) == row.tagged.sentence.forms
        assert tuple(fields[3] for fields in tokens) == row.tagged.upos
        assert tuple(fields[5] for fields in tokens) == row.tagged.feats


@pytest.mark.parametrize("name", FORMATS)
def test_lemmas_are_written_where_the_bundle_has_them(name):
    rows = [_with_lemmas(row) for row in example_rows()]
    text = _written(rows, OutputFormat(name, "none", has_lemmas=True))
    found = [list(row.tagged.lemmas) for row in rows]
    if name == "parquet":
        table = pq.read_table(io.BytesIO(text))
        assert table.schema.equals(schema_of(output_columns(has_lemmas=True)))
        assert table.column("lemmas").to_pylist() == found
    elif name == "jsonl":
        assert [json.loads(line)["lemmas"] for line in text.splitlines()] == found
    elif name == "conllu":
        sentences = conllu.read(text.splitlines())
        assert [[token[conllu.LEMMA] for token in s.tokens] for s in sentences] == found
    else:
        lines = [line.split("\t") for line in text.decode().splitlines()]
        assert [line[3] for line in lines if len(line) == 4] == [
            lemma for lemmas in found for lemma in lemmas
        ]


def _with_lemmas(row: OutputRow) -> OutputRow:
    lemmas = tuple(form.lower() for form in row.tagged.sentence.forms)
    return replace(row, tagged=replace(row.tagged, lemmas=lemmas))


def test_sentences_of_untrained_languages_are_marked():
    trained, other = example_rows(1)
    other = replace(other, tagged=_untrained(other.tagged))
    text = _written([trained, other], OutputFormat("conllu", "none")).decode()
    assert [s.count("# is_trained = no\n") for s in text.strip().split("\n\n")] == [0, 1]
    rows = pq.read_table(io.BytesIO(_written([trained, other], OutputFormat("parquet"))))
    assert rows.column("is_trained").to_pylist() == [True, False]


def _untrained(tagged: TaggedSentence) -> TaggedSentence:
    return replace(tagged, sentence=replace(tagged.sentence, is_trained=False))


def test_conllu_names_each_document_once():
    text = _written(example_rows(3), OutputFormat("conllu", "none")).decode()
    ids = [line for line in text.splitlines() if line.startswith("# newdoc")]
    assert ids == [f"# newdoc id = doc {number}" for number in range(3)]


def test_conllu_keeps_a_line_break_out_of_the_document_id():
    row = example_rows(1)[0]
    broken = OutputRow("a\nb\u2028c", 0, row.sent_id, row.tagged)
    text = _written([broken], OutputFormat("conllu", "none")).decode()
    assert text.startswith("# newdoc id = a b c\n")


def test_scores_are_rounded():
    row = json.loads(_written(example_rows(1), OutputFormat("jsonl", "none")).splitlines()[0])
    assert row["upos_scores"][0] == 0.25
    assert row["feats_scores"][1] == 0.1429


def test_a_wrong_compression_names_the_known_ones():
    with pytest.raises(UsageError, match="'lz4'; choose one of none, gz, zstd"):
        _written([], OutputFormat("jsonl", "lz4"))


def test_conllu_output_round_trips_through_our_reader():
    data = _written([*example_rows(), multiword_row()], OutputFormat("conllu", "none"))
    again = "".join(conllu.write(conllu.read(io.BytesIO(data))))
    assert again.encode() == data


class Disk(io.RawIOBase):
    """Takes so many bytes."""

    def __init__(self, n_bytes):
        super().__init__()
        self.n_left = n_bytes

    def writable(self):
        return True

    def write(self, data):
        self.n_left -= len(data)
        if self.n_left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return len(data)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("n_bytes", [0, 100, 3000])
def test_a_full_disk_says_so(name, n_bytes):
    row = multiword_row()
    with pytest.raises(OSError, match="No space left on device"):
        with OutputFormat(name).open(cast(BinaryIO, Disk(n_bytes))) as writer:
            for number in range(20_000):
                writer.write(replace(row, doc_id=str(number * 7919 % 20_011)))


def test_conllu_names_its_generator_once_and_each_paragraph():
    first, second, third, *_ = example_rows(2)
    rows = [first, replace(second, starts_paragraph=True), third]
    output = OutputFormat("conllu", "none", generator="mtag 1, bundle x")
    comments = [each.comments for each in conllu.read(_written(rows, output).splitlines())]
    assert comments[0][:3] == (
        "# generator = mtag 1, bundle x",
        "# newdoc id = doc 0",
        "# newpar",
    )
    assert comments[1][0] == "# newpar"
    assert comments[2][:2] == ("# newdoc id = doc 1", "# newpar")


def test_parquet_names_its_generator_in_its_metadata():
    data = _written(example_rows(), OutputFormat("parquet", generator="mtag 1, bundle x"))
    assert pq.read_schema(io.BytesIO(data)).metadata[b"mtag.generator"] == b"mtag 1, bundle x"
