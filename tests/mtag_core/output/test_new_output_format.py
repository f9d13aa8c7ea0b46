"""A format of output that is not in mtag, as one entry: parts, manifests and names follow."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pytest

from mtag_core.output import writers
from mtag_core.output.layout import PARTS, OutputLayout
from mtag_core.output.preview import preview_parts
from mtag_core.output.writers import OutputFormat, RowWriter, compressed
from mtag_core.parts.part_writer import open_part
from mtag_core.tagging.tagged import TaggedRow, TaggedSentence
from tests.mtag_core.output.rows import example_rows


class _TaggedTextWriter:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, row: TaggedRow) -> None:
        pairs = zip(row.tagged.sentence.forms, row.tagged.upos, strict=True)
        self._stream.write(" ".join(f"{form}_{upos}" for form, upos in pairs).encode() + b"\n")


@contextmanager
def _open_tagged_text(sink: BinaryIO, output: OutputFormat) -> Iterator[RowWriter[TaggedSentence]]:
    with compressed(sink, output.compression) as stream:
        yield _TaggedTextWriter(stream)


@pytest.fixture
def layout(monkeypatch, tmp_path) -> OutputLayout:
    monkeypatch.setitem(writers._OPENERS, "taggedtext", _open_tagged_text)
    return OutputLayout(str(tmp_path), OutputFormat("taggedtext", "none"))


def test_a_part_of_an_added_format_is_written_found_and_passed_over_by_previews(layout):
    part_id = "0" * 16
    with open_part(layout, part_id) as files:
        for row in example_rows(1):
            files.rows.write(row)
    [path] = layout.own_files(PARTS)[part_id]
    assert path.endswith(f"part-{part_id}.taggedtext")
    with open(path, encoding="utf-8") as stream:
        assert stream.readline() == "Ana_PUNCT reads_NOUN book_X 0_VERB ._VERB\n"
    assert preview_parts([path], n_sentences=1) == []
