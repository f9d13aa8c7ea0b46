from hypothesis import given
from hypothesis import strategies as st

from mtag_core.records import bare_sentence
from mtag_core.tagging.windows import EncodedSentence, Window, batches, buffers


def _windows(lengths: list[int]) -> list[Window]:
    return [Window(["x"] * length, 0, length) for length in lengths]


@given(st.lists(st.integers(3, 40)), st.integers(1, 100))
def test_batches_hold_each_window_once_and_one_length(lengths, budget):
    found = list(batches(_windows(lengths), piece_budget=budget))
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    for batch in found:
        assert len({lengths[index] for index in batch}) == 1
        assert len(batch) == 1 or sum(lengths[index] for index in batch) <= budget


def test_windows_of_a_treebank_are_together_in_a_batch():
    windows = [Window(["a", "b", "c"], 0, 3, treebank=index % 3) for index in range(9)]
    (found,) = batches(windows, piece_budget=100)
    assert found == [0, 3, 6, 1, 4, 7, 2, 5, 8]


@given(st.lists(st.integers(12, 160)), st.integers(1, 10))
def test_buffers_keep_order_and_bounds(lengths, budget):
    sentence = bare_sentence(("a",))
    items = [
        (index, EncodedSentence(sentence, _windows([length])))
        for index, length in enumerate(lengths)
    ]
    found = list(buffers(items, piece_budget=budget))
    assert [item for buffer in found for item in buffer] == items
    for buffer in found:
        assert sum(lengths[index] for index, _ in buffer[:-1]) < 64 * budget
