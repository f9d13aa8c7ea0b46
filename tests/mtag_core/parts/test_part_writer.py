from mtag_core.corpus.items import Span, WorkItem
from mtag_core.output.layout import OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.part_records import PartEnd, RecordKey
from mtag_core.parts.part_writer import PartWriter
from mtag_core.parts.plan import PlannedPart
from mtag_core.records import Block, Document
from mtag_core.storage import FileInfo
from tests.fake_tagger import tagged_sentences


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
