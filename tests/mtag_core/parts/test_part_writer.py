from mtag_core.output.layout import OutputLayout
from mtag_core.output.writers import OutputFormat
from mtag_core.parts.part_records import RecordKey
from mtag_core.parts.part_writer import PartWriter
from mtag_core.records import Block, Document
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
