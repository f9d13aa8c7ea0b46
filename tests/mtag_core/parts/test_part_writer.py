import hashlib
from pathlib import Path

import pytest

from mtag_core.corpus.items import Span, WorkItem
from mtag_core.output.layout import OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.part_records import PartEnd, RecordKey
from mtag_core.parts.part_writer import PartWriter, open_part
from mtag_core.parts.plan import PlannedPart
from mtag_core.records import Block, Document, Reject
from mtag_core.storage import FileInfo
from tests.fake_tagger import tagged_sentences
from tests.mtag_core.output.rows import example_rows

_ID = "0123456789abcdef"
_REJECT = Reject("in.txt", 0, "in.txt", "binary", "a NUL at byte 3", b"abc\0")


@pytest.fixture
def layout(tmp_path):
    return OutputLayout(str(tmp_path), OutputFormat("jsonl", "none"))


def _files(tmp_path: Path) -> list[str]:
    return sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())


def test_a_part_appears_with_its_digest(layout, tmp_path):
    with open_part(layout, _ID) as files:
        for row in example_rows():
            files.rows.write(row)
    part, rejects, _ = files.digests()
    data = (tmp_path / "parts" / part.name).read_bytes()
    assert part.name == f"part-{_ID}.jsonl"
    assert (part.n_bytes, part.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert rejects is None
    assert _files(tmp_path) == [f"parts/part-{_ID}.jsonl"]


def test_the_first_reject_opens_the_file_of_rejects(layout, tmp_path):
    with open_part(layout, _ID) as files:
        files.reject(_REJECT)
        files.reject(_REJECT)
    _, rejects, _ = files.digests()
    data = (tmp_path / "rejects" / f"part-{_ID}.jsonl").read_bytes()
    assert data.count(b"\n") == 2
    assert rejects is not None
    assert rejects.sha256 == hashlib.sha256(data).hexdigest()


def test_after_an_exception_nothing_appears(layout, tmp_path):
    with pytest.raises(RuntimeError), open_part(layout, _ID) as files:
        files.rows.write(example_rows()[0])
        files.reject(_REJECT)
        raise RuntimeError
    assert _files(tmp_path) == []


def test_progress_counts_a_document_that_is_not_complete(tmp_path):
    shown = []
    layout = OutputLayout(str(tmp_path), OutputFormat("jsonl", "none"))
    writer = PartWriter(layout, lambda tally: shown.append((tally.n_sentences, tally.n_tokens)))
    sentences = tuple(tagged_sentences("Ana reads. It is fine."))
    document = Document("d", "", "in.txt")
    for index in (0, 2):
        writer.write(RecordKey("0" * 16, 0), Block(document, index, sentences, is_last=False))
    writer.discard()
    n_tokens = sum(map(len, sentences))
    assert shown == [(2, n_tokens), (4, 2 * n_tokens)]


def test_a_blank_line_before_a_sentence_starts_a_paragraph(tmp_path):
    text = "Ana reads.\nIt is fine.\n \nBo sleeps. He snores."
    layout = OutputLayout(str(tmp_path), OutputFormat("vertical", "none"))
    writer = PartWriter(layout)
    part_id = "0" * 16
    block = Block(Document("d", text, "in.txt"), 0, tuple(tagged_sentences(text)), is_last=True)
    writer.write(RecordKey(part_id, 0), block)
    planned = PlannedPart(part_id, WorkItem(part_id, "text", (Span(FileInfo("in.txt", 9, "")),)))
    writer.write(RecordKey(part_id, 1), PartEnd(planned, 1, {}))
    written = (tmp_path / "parts" / f"part-{part_id}.vertical").read_text()
    assert [part.count("<s ") for part in written.split("<p>")] == [0, 2, 2]
