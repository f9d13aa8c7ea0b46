import numpy as np
import pytest

from mtag_core.labels import UPOS_LABELS, Labels
from mtag_core.lemma_tables import KnownLemmas, LemmaExceptions, exception_code, lemma_code
from mtag_core.tagging.answers import Answer, Labeller
from mtag_core.tagging.arguments import joined_sentence
from mtag_core.tagging.windows import EncodedSentence, Window

RULES = ("l|0+|0+", "l|0+|1+", "l|0+|2+", "=be")
EXCEPTIONS = [{exception_code("is", "ADJ"): "=be"}]


def _lemmas(forms, best, following, *, known, treebank=1):
    labels = Labels(
        upos=UPOS_LABELS,
        feats=("_",),
        feats_of_upos=((0,),) * 17,
        treebanks=("en_a",),
        lemma_rules=RULES,
        lemma_rules_of_upos=((0, 1, 2, 3),) * 17,
        exceptions=LemmaExceptions.of(EXCEPTIONS),
        known_lemmas=KnownLemmas.of({"en": map(lemma_code, known)} if known else {}),
    )
    zeros, scores = np.zeros(len(forms), np.int64), np.ones(len(forms), np.float32)
    rules = np.array(best), np.array(following)
    answer = Answer(zeros, zeros, zeros, scores, scores, *rules)
    sentence = joined_sentence(forms, 0, language="en", is_trained=True)
    encoded = EncodedSentence(sentence, [Window(forms, 0, len(forms), treebank)])
    (tagged,) = Labeller(labels).tagged([encoded], answer)
    return tagged.lemmas


@pytest.mark.parametrize(
    ("known", "lemmas"),
    [
        ((), ("churches", "dogs")),
        (("jig",), ("churches", "dogs")),
        (("church", "churche", "dog"), ("churche", "dog")),
        (("Church", "dog"), ("church", "dog")),
        (("churches", "church", "do"), ("churches", "dogs")),
    ],
)
def test_the_first_known_lemma_is_preferred_where_the_best_one_is_not_known(known, lemmas):
    following = [[1, 2, 0], [1, 0, 0]]
    assert _lemmas(["churches", "dogs"], [0, 0], following, known=known) == lemmas


def test_an_exception_is_preferred_to_known_lemmas():
    assert _lemmas(["is"], [1], [[0, 1, 1]], known=("is", "be")) == ("be",)


def test_without_a_treebank_no_lemma_is_known():
    assert _lemmas(["dogs"], [0], [[1, 0, 0]], known=("dog",), treebank=0) == ("dogs",)
