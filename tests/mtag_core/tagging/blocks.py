"""Documents in blocks, for the steps behind segmentation."""

from collections.abc import Iterator

from mtag_core.records import Block, Document, Sentence
from tests.fake_tagger import FakeTagger


def document(doc_id: str, text: str = "") -> Document:
    return Document(doc_id, text or f"One {doc_id}. Two. Three.", source="test")


def blocks(of: Document) -> Iterator[Block[Sentence]]:
    """The document in blocks of one sentence."""
    sentences = list(FakeTagger().segment(of.text))
    for index, sentence in enumerate(sentences):
        yield Block(of, index, (sentence,), is_last=index == len(sentences) - 1)
