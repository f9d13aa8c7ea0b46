from dataclasses import replace

import pytest

from mtag_core.records import Document, Reject, bare_sentence
from mtag_core.segmentation.document_blocks import BLOCK_SENTENCES, segment_document
from tests.fake_tagger import FakeTagger


def _document(n_sentences, sentences=None):
    text = " ".join(f"Cat {index} sat." for index in range(n_sentences))
    return Document("a", text, "test", sentences=sentences)


@pytest.mark.parametrize(
    ("n_sentences", "sizes"),
    [
        (0, [0]),
        (1, [1]),
        (BLOCK_SENTENCES, [BLOCK_SENTENCES]),
        (BLOCK_SENTENCES + 1, [BLOCK_SENTENCES, 1]),
        (2 * BLOCK_SENTENCES, [BLOCK_SENTENCES] * 2),
    ],
)
def test_blocks_follow_each_other_and_the_last_one_is_marked(n_sentences, sizes):
    document = _document(n_sentences)
    blocks = list(segment_document(document, FakeTagger().segment))
    assert [len(block.sentences) for block in blocks] == sizes
    assert [block.index for block in blocks] == [sum(sizes[:n]) for n in range(len(sizes))]
    assert [block.is_last for block in blocks] == [False] * (len(sizes) - 1) + [True]
    sentences = [sentence for block in blocks for sentence in block.sentences]
    assert sentences == list(FakeTagger().segment(document.text))


def test_a_language_that_the_document_states_goes_to_the_segmenter():
    document = replace(_document(2), language="pl")
    [block] = segment_document(document, FakeTagger().segment)
    assert [sentence.language for sentence in block.sentences] == ["pl", "pl"]


def test_a_language_that_is_likely_is_said_to_be_so():
    given = []
    document = replace(_document(2), likely_language="pl")
    list(segment_document(document, lambda text, **likely: given.append(likely) or []))
    assert given == [{"likely_language": "pl"}]


def test_sentences_that_a_document_brings_are_kept():
    given = tuple(FakeTagger().segment("One. Two."))
    [block] = segment_document(_document(3, given), FakeTagger().segment)
    assert block.sentences == given


@pytest.mark.parametrize("n_before", [0, BLOCK_SENTENCES, 2 * BLOCK_SENTENCES])
def test_an_error_becomes_a_reject_in_the_place_of_what_is_left(n_before):
    def segment(text):
        yield from list(FakeTagger().segment(text))[:n_before]
        raise ValueError("cannot split")

    *blocks, reject = segment_document(_document(3 * BLOCK_SENTENCES), segment)
    assert isinstance(reject, Reject)
    assert (reject.step, reject.detail) == ("segment", "ValueError: cannot split")
    # The last block is held back until the next one is there.
    assert not any(block.is_last for block in blocks)
    assert sum(len(block.sentences) for block in blocks) <= n_before


def test_running_out_of_memory_is_no_fault_of_the_document():
    def segment(_text):
        raise MemoryError

    with pytest.raises(MemoryError):
        list(segment_document(_document(1), segment))


GIVEN = (bare_sentence(("a", "b")), bare_sentence(("c",)))


def in_polish(sentences):
    return [replace(sentence, language="pl") for sentence in sentences]


def test_sentences_that_a_document_brings_are_kept_and_their_languages_found():
    document = Document("d", "a b\nc", "in.conllu", 0, GIVEN)
    [block] = segment_document(document, lambda text: [], in_polish)
    assert block.sentences == tuple(in_polish(GIVEN))
    assert block.is_last


def test_a_document_whose_languages_cannot_be_found_is_a_reject():
    def fail(_sentences):
        raise ValueError("no model")

    document = Document("d", "a b\nc", "in.conllu", 0, GIVEN)
    [reject] = segment_document(document, lambda text: [], fail)
    assert isinstance(reject, Reject)
    assert (reject.step, reject.reason) == ("segment", "tagging_failed")


def test_a_document_that_takes_too_long_is_a_reject_in_the_place_of_what_is_left():
    def segment(text):
        yield from [bare_sentence(("a",))] * (2 * BLOCK_SENTENCES)
        while True:
            pass

    *blocks, reject = segment_document(Document("id", "a", "a.txt"), segment, limit_s=0.2)
    assert [block.is_last for block in blocks] == [False]
    assert (reject.reason, reject.step, reject.input) == ("too_slow", "segment", b"a")
    assert "--max_document_seconds" in reject.detail
