import pytest

from mtag_core.errors import CountMismatchError
from mtag_core.records import Block, failed_document
from mtag_core.tagging.blocks import BlockEncoder, BlockTagger
from tests.fake_tagger import FakeTagger
from tests.mtag_core.tagging.blocks import blocks, document


def _encoded(*documents):
    encoder = BlockEncoder(FakeTagger().encode)
    return [encoder.encode(block) for each in documents for block in blocks(each)]


def _run(records, *, tagger=None, piece_budget=100):
    """What comes out for each record that goes in, and at the end."""
    tagger = tagger or FakeTagger(fails_on="bad")
    tagger.piece_budget = piece_budget
    tagging = BlockTagger(tagger.tag_encoded, piece_budget=tagger.piece_budget)
    out = [list(tagging.add(key, record)) for key, record in enumerate(records)]
    return [*out, list(tagging.flush())]


def _records(out):
    return [each for ready in out for each in ready]


def _name(record):
    if isinstance(record, Block):
        return record.document.doc_id, record.index
    return record.doc_id, record.step


# With a budget of 1 the buffer is full at 32 pieces, after 8 to 16 of these sentences.
@pytest.mark.parametrize("piece_budget", [1, 100])
def test_keys_and_order_are_kept_over_batches(piece_budget):
    documents = [document(str(index)) for index in range(20)]
    records = _encoded(*documents)
    out = _run(records, piece_budget=piece_budget)
    assert [key for key, _ in _records(out)] == list(range(60))
    assert [_name(each) for _, each in _records(out)] == [_name(each) for each in records]
    assert (len([ready for ready in out if ready]) > 1) == (piece_budget == 1)


def test_a_record_is_never_ready_when_it_is_added():
    records = _encoded(*(document(str(index)) for index in range(20)))
    for key, ready in enumerate(_run(records, piece_budget=1)):
        assert all(earlier < key for earlier, _ in ready)


@pytest.mark.parametrize("piece_budget", [1, 100])
@pytest.mark.parametrize("n_before", [0, 9, 17])
def test_only_the_document_at_fault_is_rejected_and_once(piece_budget, n_before):
    text = "One. " * n_before + "A bad. " + "Three. " * 20
    good, bad, after = document("good"), document("bad", text), document("after")
    out = _records(_run(_encoded(good, bad, after), piece_budget=piece_budget))
    names = [_name(each) for _, each in out]
    assert [each for each in names if each[0] == "bad" and each[1] == "tag"] == [("bad", "tag")]
    assert [each for each in names if each[0] != "bad"] == [
        (name, index) for name in ("good", "after") for index in range(3)
    ]
    # The blocks in front of the one at fault may have come out, those behind it never.
    indices = [index for name, index in names if name == "bad" and index != "tag"]
    assert indices == list(range(n_before))


def test_a_reject_from_an_earlier_step_keeps_its_place():
    reject = failed_document(document("x"), ValueError("no"), step="segment")
    records = [*_encoded(document("a")), reject, *_encoded(document("b"))]
    assert [each for _, each in _records(_run(records))][3] is reject


@pytest.mark.parametrize("change", [lambda tagged: tagged[1:], lambda tagged: tagged * 2])
def test_a_tagger_that_loses_or_doubles_sentences_is_an_error(change):
    class Wrong(FakeTagger):
        def tag_encoded(self, sentences):
            return iter(change(list(super().tag_encoded(sentences))))

    with pytest.raises(CountMismatchError, match="tagger"):
        _run(_encoded(document("a")), tagger=Wrong())


def test_running_out_of_memory_is_no_fault_of_the_document():
    class Large(FakeTagger):
        def tag_encoded(self, _sentences):
            raise MemoryError

    with pytest.raises(MemoryError):
        _run(_encoded(document("a")), tagger=Large())
