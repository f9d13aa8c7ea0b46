import pytest

from mtag_core.records import Block, failed_document
from mtag_core.tagging.blocks import BlockEncoder
from tests.fake_tagger import FakeTagger
from tests.mtag_core.tagging.blocks import blocks, document


def _encode(sentence):
    if "bad" in sentence.forms:
        raise ValueError("cannot\nencode")
    return FakeTagger().encode(sentence)


def _encoded(records):
    encoder = BlockEncoder(_encode)
    return [found for each in records if (found := encoder.encode(each)) is not None]


def test_a_block_keeps_its_place_and_gets_windows():
    given = list(blocks(document("a")))
    found = _encoded(given)
    assert [(each.document, each.index, each.is_last) for each in found] == [
        (each.document, each.index, each.is_last) for each in given
    ]
    assert [each.sentences[0].sentence for each in found] == [each.sentences[0] for each in given]


@pytest.mark.parametrize(
    ("text", "n_before"), [("A bad. Two. Three.", 0), ("One. A bad. Three.", 1), ("One. A bad.", 1)]
)
def test_what_follows_a_failing_block_of_a_document_is_dropped(text, n_before):
    bad, after = document("bad", text), document("after")
    *before, reject, first, second, third = _encoded([*blocks(bad), *blocks(after)])
    assert [each.document for each in before] == [bad] * n_before
    assert (reject.doc_id, reject.step, reject.detail) == ("bad", "wordpiece", "ValueError: cannot")
    assert {each.document.doc_id for each in (first, second, third)} == {"after"}


def test_a_reject_of_the_rest_of_a_failing_document_is_dropped():
    bad, after = document("bad", "A bad. Two. Three."), document("after")
    rest = failed_document(bad, ValueError("cannot split"), step="segment")
    records = [next(iter(blocks(bad))), rest, rest, *blocks(after)]
    # The second one is of another document: the first ended the one that failed.
    steps = [each.step for each in _encoded(records) if not isinstance(each, Block)]
    assert steps == ["wordpiece", "segment"]


def test_a_failing_document_that_comes_twice_is_rejected_twice():
    bad = document("bad", "A bad. Two. Three.")
    found = _encoded([*blocks(bad), *blocks(bad)])
    assert [each.step for each in found] == ["wordpiece", "wordpiece"]


def test_copies_of_a_document_are_the_same_document():
    text = "A bad. Two. Three."
    copies = [list(blocks(document("bad", text)))[index] for index in range(3)]
    [reject] = _encoded(copies)
    assert reject.doc_id == "bad"


def test_other_records_pass():
    end = object()
    bad = next(iter(blocks(document("bad", "A bad. Two."))))
    assert _encoded([end, bad, end])[::2] == [end, end]


def test_running_out_of_memory_is_no_fault_of_the_document():
    def encode(_sentence):
        raise MemoryError

    with pytest.raises(MemoryError):
        BlockEncoder(encode).encode(next(iter(blocks(document("a")))))
