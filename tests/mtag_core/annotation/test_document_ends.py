import pytest

from mtag_core.annotation.document_ends import DocumentEnds
from mtag_core.errors import CountMismatchError


def _fed(n_sentences):
    ends = DocumentEnds("ab")
    for ordinal, n in enumerate(n_sentences):
        ends.expect(ordinal, n)
    return ends


def test_documents_complete_when_the_next_one_starts_or_all_is_over():
    ends = _fed([2, 0, 1])
    assert [ends.received(0, 0), ends.received(0, 1), ends.received(2, 0)] == [0, 0, 2]
    assert ends.finish() == 1


def test_documents_without_sentences_complete_too():
    assert _fed([0, 0, 0]).finish() == 3


def test_a_lost_last_sentence_is_found_at_the_end():
    ends = _fed([2])
    ends.received(0, 0)
    with pytest.raises(CountMismatchError, match="part ab, document 0: 1 of 2 sentences came out"):
        ends.finish()


def test_a_sentence_out_of_turn_is_found_at_once():
    ends = _fed([3])
    ends.received(0, 0)
    with pytest.raises(CountMismatchError, match="sentence 2 came where 1 was due"):
        ends.received(0, 2)
