import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.training.data.datasets import draw_epoch, sampling_rates


def test_small_sources_are_shown_more_often_up_to_a_limit():
    rates = sampling_rates(np.array([40_000, 10_000, 1, 90_000]), full_tokens=40_000, most=8.0)
    assert rates.tolist() == [1.0, 2.0, 8.0, 1.0]


def test_an_epoch_shows_each_sentence_as_often_as_its_rate():
    rates = np.full(4000, 1.5)
    drawn = draw_epoch(rates, np.random.default_rng(0))
    counts = np.bincount(drawn, minlength=4000)
    assert set(counts.tolist()) == {1, 2}
    assert len(drawn) == pytest.approx(6000, rel=0.05)
