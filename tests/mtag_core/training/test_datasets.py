import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.training.datasets import draw_epoch, read_dev_sentences, sampling_rates
from tests.mtag_core.training.tiny_training import write_treebank


def test_small_sources_are_shown_more_often_up_to_a_limit():
    rates = sampling_rates(np.array([40_000, 10_000, 1, 90_000]), full_tokens=40_000, most=8.0)
    assert rates.tolist() == [1.0, 2.0, 8.0, 1.0]


def test_an_epoch_shows_each_sentence_as_often_as_its_rate():
    rates = np.full(4000, 1.5)
    drawn = draw_epoch(rates, np.random.default_rng(0))
    counts = np.bincount(drawn, minlength=4000)
    assert set(counts.tolist()) == {1, 2}
    assert len(drawn) == pytest.approx(6000, rel=0.05)


def test_dev_sentences_that_teach_are_not_scored(tmp_path):
    for treebank in ("id_gsd", "en_toy"):
        write_treebank(tmp_path / f"{treebank}-ud-dev.conllu", repeats=1)
    scored = [sentence.treebank for sentence in read_dev_sentences(tmp_path)]
    assert scored.count("id_gsd") == 2
    assert scored.count("en_toy") == 4
