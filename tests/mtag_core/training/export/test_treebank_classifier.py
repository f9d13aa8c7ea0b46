import random

import numpy as np
import pytest

from mtag_core.training.data.treebanks import LabelledSentence
from mtag_core.training.export.treebank_classifier import fit_classifier
from mtag_core.treebank_style import MAX_WEIGHT, N_BUCKETS

_RARE = {"en_a": "whilst", "en_b": "lol"}


def _sentence(treebank, forms):
    n = len(forms)
    return LabelledSentence(treebank, tuple(forms), ("X",) * n, ("_",) * n, "train", ("_",) * n)


def _sentences(treebank, n=300):
    """A tenth has a word that the other treebank lacks."""
    random_ = random.Random(treebank)
    for index in range(n):
        forms = random_.choices("the a cat dog sat ran on . !".split(), k=7)
        yield _sentence(treebank, [*forms, *[_RARE[treebank]] * (index % 10 == 0)])


@pytest.fixture(scope="module")
def learnt():
    return [*_sentences("en_a"), *_sentences("en_b", n=60)]


@pytest.fixture(scope="module")
def classifier(learnt):
    return fit_classifier(["en_a", "en_b", "de_a"], learnt, {})


def test_documents_are_named_by_their_words(classifier):
    for treebank in _RARE:
        forms = [sentence.forms for sentence in _sentences(treebank, n=40)]
        assert classifier.find("en", forms) == treebank
    assert classifier.languages == {"en"}


def test_no_word_decides_alone(classifier):
    weights = classifier.treebank_to_weights["en_a"]
    assert 0 < abs(weights).max() <= MAX_WEIGHT
    assert not classifier.treebank_to_weights["en_b"].any()


def test_the_same_sentences_give_the_same_weights(classifier, learnt):
    again = fit_classifier(["en_a", "en_b", "de_a"], learnt, {})
    assert (again.treebank_to_weights["en_a"] == classifier.treebank_to_weights["en_a"]).all()


def test_languages_whose_treebanks_are_not_at_hand_keep_their_weights():
    only = [_sentence("en_a", ["x"])]
    known = {"en_a": np.full(N_BUCKETS, 3, np.int8), "en_b": np.zeros(N_BUCKETS, np.int8)}
    kept = fit_classifier(["en_a", "en_b"], only, known)
    assert set(kept.treebank_to_weights["en_a"].tolist()) == {3}
    # One that the known weights lack cannot be chosen: nothing is, as without a classifier.
    assert fit_classifier(["en_a", "en_b", "en_own"], only, known).languages == frozenset()
