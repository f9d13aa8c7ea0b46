import pytest

from mtag_core.errors import CountMismatchError
from mtag_core.records import Block, failed_document
from mtag_core.tagging.blocks import DocumentCollector
from mtag_core.tagging.tagged import TaggedDocument
from tests.fake_tagger import tagged_sentences
from tests.mtag_core.tagging.blocks import document


def _blocks(of):
    sentences = tagged_sentences(of.text)
    last = len(sentences) - 1
    return [Block(of, index, (each,), index == last) for index, each in enumerate(sentences)]


def _collect(records):
    collector = DocumentCollector()
    found = [collector.add(each) for each in records]
    collector.check_empty()
    return [each for each in found if each is not None]


def test_blocks_become_documents():
    documents = [document("a"), document("b")]
    found = _collect([block for each in documents for block in _blocks(each)])
    assert found == [TaggedDocument(each, tuple(tagged_sentences(each.text))) for each in documents]


def test_a_reject_takes_the_place_of_the_blocks_before_it():
    reject = failed_document(document("a"), ValueError("no"), step="tag")
    found = _collect([*_blocks(document("a"))[:2], reject, *_blocks(document("b"))])
    assert found[0] is reject
    assert [each.document.doc_id for each in found[1:]] == ["b"]


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([1, 2], "document a: sentence 1 came after 0 sentences of no document"),
        ([0, 2], "document a: sentence 2 came after 1 sentences of a"),
        ([0, 0], "document a: sentence 0 came after 1 sentences of a"),
        ([0, 1], "document a: ends after 2 sentences without its last block"),
    ],
)
def test_blocks_that_are_lost_or_doubled_are_an_error(order, message):
    blocks = _blocks(document("a"))
    with pytest.raises(CountMismatchError, match=message):
        _collect([blocks[index] for index in order])


def test_blocks_of_two_documents_are_never_mixed():
    mixed = [_blocks(document("a"))[0], *_blocks(document("b"))[1:]]
    with pytest.raises(CountMismatchError, match=r"document b: sentence 1 came after 1 .* of a"):
        _collect(mixed)
