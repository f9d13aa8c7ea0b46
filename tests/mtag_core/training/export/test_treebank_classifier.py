import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from mtag_core.cli.commands import call
from mtag_core.labels import load_labels
from mtag_core.tagging.bundle import DEFAULT_BUNDLE, MANIFEST, Bundle, write_manifest
from mtag_core.training.data.treebanks import LabelledSentence
from mtag_core.training.export.treebank_classifier import fit_classifier
from mtag_core.treebank_classifier import MAX_WEIGHT, N_BUCKETS, TREEBANK_CLASSIFIER

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


@pytest.fixture
def bundle(tmp_path):
    """The shipped bundle without its classifier; what tags is linked."""
    folder = tmp_path / "bundle"
    shutil.copytree(DEFAULT_BUNDLE, folder, copy_function=_link)
    (folder / TREEBANK_CLASSIFIER).unlink()
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).unlink()
    write_manifest(folder, scores=manifest["scores"], is_trained_on_dev=True)
    return folder


def _link(source, target):
    Path(target).hardlink_to(source)


def test_a_bundle_without_a_classifier_gets_one(bundle, tmp_path):
    before = Bundle.open(bundle)
    for name in ("pl_lfg", "pl_sz"):
        rows = ["\t".join(["1", name, name, "X", *"______"])] * 5
        (tmp_path / f"{name}-ud-train.conllu").write_text("\n\n".join(rows) + "\n\n")
    argv = ["bundle", "classifier", "--bundle", str(bundle), "--treebanks", str(tmp_path)]
    assert call(argv, prog="mtag") == 0
    after = Bundle.open(bundle)
    assert (after.scores, after.is_trained_on_dev) == (before.scores, True)
    assert after.digest != before.digest
    classifier = load_labels(bundle).classifier
    assert classifier is not None and classifier.find("pl", [["pl_sz"]]) == "pl_sz"
