from dataclasses import replace

import pytest

from mtag_core.records import Document, Reject, bare_sentence
from mtag_core.segmentation.document_blocks import (
    BLOCK_SENTENCES,
    DocumentSegmenter,
    segment_document,
)
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


class _Counting(FakeTagger):
    """Notes the texts of each call; fails on "bad" and never ends on "endless"."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def segment(self, text, language=None, *, likely_language=None):
        if text == "bad":
            raise ValueError("cannot split")
        while text == "endless":
            pass
        yield from super().segment(text, language or likely_language)

    def segment_many(self, texts, language=None, *, likely_language=None):
        self.calls.append((list(texts), language, likely_language))
        return [list(self.segment(t, language, likely_language=likely_language)) for t in texts]


def _documents(*texts, **fields):
    return [
        Document(f"{index} of {fields}", text, "test", **fields) for index, text in enumerate(texts)
    ]


def _added(model, records, **limit):
    """What comes out for each record added, and at the end: pairs of a key and a record."""
    segmenter = DocumentSegmenter(model, **limit)
    found = [list(segmenter.add(key, record)) for key, record in enumerate(records)]
    found.append(list(segmenter.flush()))
    assert len(segmenter) == 0
    return found


def _alone(records):
    """Each record by itself."""
    for key, record in enumerate(records):
        if isinstance(record, Reject):
            yield key, record
            continue
        model = FakeTagger()
        for block in segment_document(record, model.segment, model.identify):
            yield key, block


def _joined(found):
    return [pair for pairs in found for pair in pairs]


def test_short_documents_are_split_in_one_call_and_come_out_in_order():
    model = _Counting()
    reject = Reject("test", 0, "r", "invalid_utf8", "a byte")
    many = "A cat. " * (BLOCK_SENTENCES + 1)
    records = [*_documents("One. Two.", "", many), reject, *_documents("Three.")]
    found = _added(model, records)
    assert found[:-1] == [[]] * len(records)
    assert found[-1] == list(_alone(records))
    assert model.calls == [(["One. Two.", "", many, "Three."], None, None)]


def test_documents_are_split_with_those_of_the_same_languages():
    model = _Counting()
    records = [
        *_documents("One.", language="pl"),
        *_documents("Two.", likely_language="de"),
        *_documents("Three.", language="pl"),
    ]
    blocks = [block for _, block in _joined(_added(model, records))]
    assert [block.sentences[0].language for block in blocks] == ["pl", "de", "pl"]
    assert model.calls == [(["One.", "Three."], "pl", None), (["Two."], None, "de")]


def test_no_more_text_is_split_together_than_stays_in_memory():
    model = _Counting()
    records = _documents(*["A cat sat. " * 1000] * 20)
    assert _joined(_added(model, records)) == list(_alone(records))
    sizes = [sum(map(len, texts)) for texts, _, _ in model.calls]
    assert len(sizes) == 10 and max(sizes) <= 32_768
    n_empty = [len(texts) for texts, _, _ in _calls_of([""] * 5000)]
    assert max(n_empty) < 2000


def _calls_of(texts):
    model = _Counting()
    _added(model, _documents(*texts))
    return model.calls


@pytest.mark.parametrize(
    "record",
    [
        Document("long", "A cat sat. " * 10_000, "test"),
        Document("d", "a b\nc", "in.conllu", 0, GIVEN),
        Reject("test", 0, "r", "too_long", "a text", b"a" * 100_000),
    ],
    ids=["long", "with sentences", "large reject"],
)
def test_what_cannot_be_split_with_others_follows_them_at_once(record):
    records = [*_documents("One.", "Two."), record, *_documents("Three.")]
    found = _added(_Counting(), records)
    expected = list(_alone(records))
    assert found[2] == expected[:-1]
    assert found[-1] == expected[-1:]


@pytest.mark.parametrize("bad", ["bad", None, b"bytes"])
def test_only_the_document_at_fault_is_rejected(bad):
    records = _documents("One.", bad, "Two.")
    (_, first), (key, reject), (_, last) = _joined(_added(_Counting(), records))
    assert [first.sentences[0].text, last.sentences[0].text] == ["One.", "Two."]
    assert (key, reject.doc_id, reject.step) == (1, records[1].doc_id, "segment")


def test_only_the_document_that_takes_too_long_is_rejected():
    records = _documents("One.", "endless", "Two.")
    found = [record for _, record in _joined(_added(_Counting(), records, limit_s=0.2))]
    assert [isinstance(record, Reject) for record in found] == [False, True, False]
    assert found[1].reason == "too_slow"


def test_running_out_of_memory_is_no_fault_of_documents_that_are_split_together():
    class Full(FakeTagger):
        def segment_many(self, texts, language=None, *, likely_language=None):
            raise MemoryError

    with pytest.raises(MemoryError):
        _added(Full(), _documents("One.", "Two."))
