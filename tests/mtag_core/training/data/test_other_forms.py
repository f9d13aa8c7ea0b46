from itertools import starmap

import pytest

from mtag_core.training.data.other_forms import in_other_letters, with_other_pronouns
from mtag_core.training.data.treebanks import LabelledSentence, Surface


def sentence(treebank: str, forms: str, lemmas: str) -> LabelledSentence:
    n = len(forms.split())
    return LabelledSentence(
        treebank, tuple(forms.split()), ("NOUN",) * n, ("_",) * n, "train", tuple(lemmas.split())
    )


@pytest.mark.parametrize(
    ("treebank", "forms", "lemmas", "changed_forms", "changed_lemmas"),
    [
        ("ar_padt", "أكل إلى الآن", "أكل إلى آن", "اكل الى الان", "أكل إلى آن"),
        ("de_gsd", "große Straßen", "groß Straße", "grosse Strassen", "gross Strasse"),
    ],
)
def test_copies(treebank, forms, lemmas, changed_forms, changed_lemmas):
    own = sentence(treebank, forms, lemmas)
    assert list(in_other_letters([own])) == [sentence(treebank, changed_forms, changed_lemmas)]


@pytest.mark.parametrize(
    ("treebank", "forms"),
    [("zh_gsd", "這個 國家"), ("de_gsd", "ein Haus"), ("fr_gsd", "straße"), ("lzh_kyoto", "國 之")],
)
def test_no_copies_of_what_reads_alike(treebank, forms):
    assert list(in_other_letters([sentence(treebank, forms, forms)])) == []


def test_verbs_end_in_other_pronouns_too():
    forms = {"y": ("y",), "hacerlo": ("hacer", "lo"), "del": ("de", "el")}
    sentence = list(starmap(Surface, forms.items()))
    learnt, *copies = with_other_pronouns([sentence], [], "es")
    assert learnt == sentence
    assert [sentence[0], Surface("hacerte", ("hacer", "te")), sentence[2]] in copies
    assert with_other_pronouns([sentence], [], "fr") == [sentence]


def test_words_that_seem_to_end_in_a_pronoun_are_one_token():
    lines = ["La gente lo comparte.", "Quiero ayudar y ayudarte mirándome."]
    assert with_other_pronouns([], lines, "es") == [
        [Surface("comparte", ("comparte",))],
        [Surface("gente", ("gente",))],
    ]
