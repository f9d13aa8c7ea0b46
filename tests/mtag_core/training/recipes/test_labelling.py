"""Tests of labelling."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch")

from mtag_core.errors import CheckpointError
from mtag_core.labels import UPOS_LABELS
from mtag_core.training.options import LabelOptions
from mtag_core.training.recipes.labelling import run, substitute_words
from tests.mtag_core.training.tiny_teacher import write_model


def test_words_are_substituted_within_language_and_class_alone() -> None:
    generator = np.random.default_rng(5)
    n = 4000
    words = generator.integers(10, 60, n).astype(np.uint64)
    upos = generator.integers(0, len(UPOS_LABELS), n)
    classes = (generator.integers(0, 2, n), upos, generator.integers(0, 3, n))
    sources = substitute_words(words, classes, share=0.5, generator=generator)
    for ids in classes:
        assert np.array_equal(ids[sources], ids)
    is_changed = sources != np.arange(n)
    changed = {UPOS_LABELS[tag] for tag in set(upos[is_changed])}
    assert changed == {"ADJ", "ADV", "NOUN", "PROPN", "VERB"}
    is_open = np.isin(upos, [UPOS_LABELS.index(tag) for tag in changed])
    assert 0.4 < is_changed[is_open].mean() < 0.55


def test_a_rare_word_is_drawn_as_often_as_a_frequent_one() -> None:
    words = np.array([10] * 900 + [11] * 100, np.uint64)
    noun = np.full(1000, UPOS_LABELS.index("NOUN"))
    classes = (np.zeros(1000, np.int64), noun, np.zeros(1000, np.int64))
    sources = substitute_words(words, classes, share=1.0, generator=np.random.default_rng(1))
    assert 0.4 < (sources >= 900).mean() < 0.6


def test_teachers_of_other_treebanks_do_not_label_together(tmp_path: Path) -> None:
    first = write_model(tmp_path / "first")
    second = write_model(tmp_path / "second", treebanks=["de_x", "en_z"])
    options = LabelOptions(teachers=(first, second), text=tmp_path, output=tmp_path / "labels")
    with pytest.raises(CheckpointError, match=r"second: other labels than .*first"):
        run(options)
