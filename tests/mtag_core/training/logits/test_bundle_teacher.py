from pathlib import Path

import numpy as np
import pytest

from mtag_core.tagging.tagger import Tagger
from mtag_core.training.logits.logit_teachers import BundleTeacher
from tests.mtag_core.training.logit_samples import logits_of
from tests.mtag_core.training.tiny_word_bundle import write_word_bundle

SAMPLE = Path(__file__).parents[4] / "sample_data" / "text"


@pytest.fixture(scope="module", params=["shipped", "words"])
def bundle(request, tmp_path_factory):
    """Bundles of two students: the shipped one, and a tiny one that reads words."""
    if request.param == "shipped":
        return None
    return write_word_bundle(tmp_path_factory.mktemp("words") / "bundle")


@pytest.fixture(scope="module")
def teacher(bundle):
    return BundleTeacher(bundle)


@pytest.fixture(scope="module")
def tagged(bundle):
    """Sentences of the sample in many languages, and one that is longer than the model."""
    tagger = Tagger.load(bundle)
    texts = [path.read_text(encoding="utf-8") for path in sorted(SAMPLE.iterdir())]
    sentences = [sentence.forms for text in texts for sentence in tagger.segment(text)]
    # Without a language they follow no treebank, as the teacher does.
    return tagger.tag_tokens([*sentences, ["Nobody", "knows", "\x01", "x" * 400, ","] * 60])


def test_best_labels_are_the_taggers(teacher, tagged):
    labels = teacher._labels
    assert len(tagged) > 100
    results = logits_of(teacher, [row.sentence for row in tagged])
    for row, logits in zip(tagged, results, strict=True):
        upos = logits.upos.argmax(1)
        assert tuple(teacher.upos_labels[label] for label in upos) == row.upos
        best = [
            labels.feats[ids[logits.feats[token, ids].argmax()]]
            for token, ids in enumerate(map(list, map(labels.feats_of_upos.__getitem__, upos)))
        ]
        assert tuple(best) == row.feats


def test_scores_follow_from_the_logits(teacher, tagged):
    (logits,) = logits_of(teacher, [tagged[0].sentence])
    upos = np.exp(logits.upos) / np.exp(logits.upos).sum(1, keepdims=True)
    assert upos.max(1) == pytest.approx(np.array(tagged[0].upos_scores), abs=1e-5)
    for token, tag in enumerate(tagged[0].upos):
        ids = list(teacher._labels.feats_of_upos[teacher.upos_labels.index(tag)])
        feats = np.exp(logits.feats[token, ids])
        assert feats.max() / feats.sum() == pytest.approx(tagged[0].feats_scores[token], abs=1e-5)


def test_logits_do_not_depend_on_neighbours(teacher, tagged):
    sentences = [row.sentence for row in tagged[:40]]
    for sentence, together in zip(sentences, logits_of(teacher, sentences), strict=True):
        (alone,) = logits_of(teacher, [sentence])
        assert np.array_equal(alone.upos, together.upos)
        assert np.array_equal(alone.feats, together.feats)


def test_every_label_has_a_finite_logit(teacher, tagged):
    (logits,) = logits_of(teacher, [tagged[0].sentence])
    assert logits.feats.shape == (len(tagged[0]), len(teacher.feats_labels))
    assert np.isfinite(logits.feats).all()
