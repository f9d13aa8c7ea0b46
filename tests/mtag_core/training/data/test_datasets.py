import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.training.data.datasets import (
    WordSentences,
    cut_batches,
    cut_long,
    drawn_batches,
    sampling_rates,
)

SENTENCES = [["Le", "café", "d'", "été", "."], ["Ja", "!"], ["猫", "42"]]


def test_ids_give_the_forms_back():
    form_to_id: dict[str, int] = {}
    words = WordSentences.of(SENTENCES, form_to_id)
    forms = list(form_to_id)
    assert words.texts(forms) == SENTENCES
    assert words.select(np.array([2, 0])).texts(forms) == [SENTENCES[2], SENTENCES[0]]
    both = WordSentences.concatenate([words, words])
    assert both.texts(forms) == SENTENCES + SENTENCES


def test_no_sentences_have_no_texts():
    assert WordSentences.of([], {}).texts([]) == []


def test_long_sentences_are_cut_evenly():
    assert cut_long(5) == [slice(0, 5)]
    assert [part.stop - part.start for part in cut_long(300)] == [100, 100, 100]


def test_small_sources_are_shown_more_often_up_to_a_limit():
    rates = sampling_rates(np.array([40_000, 10_000, 1, 90_000]), full_tokens=40_000, most=8.0)
    assert rates.tolist() == [1.0, 2.0, 8.0, 1.0]


def test_an_epoch_shows_each_sentence_as_often_as_its_rate():
    lengths = np.full(4000, 5, np.int32)
    batches = drawn_batches(np.full(4000, 1.5), lengths, 80, np.random.default_rng(0))
    drawn = np.concatenate(batches)
    assert set(np.bincount(drawn, minlength=4000).tolist()) == {1, 2}
    assert len(drawn) == pytest.approx(6000, rel=0.05)


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=200),
    st.integers(8, 300),
    st.integers(0, 5),
)
def test_every_sentence_is_in_one_batch_within_the_budget(lengths, piece_budget, seed):
    n_pieces = np.array(lengths, np.int32)
    batches = cut_batches(
        n_pieces, piece_budget=piece_budget, generator=np.random.default_rng(seed)
    )
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        padded = -(-int(n_pieces[batch].max()) // 8) * 8
        assert len(batch) == 1 or padded * len(batch) <= piece_budget
