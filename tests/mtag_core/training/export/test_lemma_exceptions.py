from types import SimpleNamespace
from typing import cast

from mtag_core.lemma_tables import exception_code, lemma_code
from mtag_core.tagging.tagger import Tagger
from mtag_core.training.data.train_dev_split import TreebankSplit
from mtag_core.training.data.treebanks import LabelledSentence
from mtag_core.training.export.lemma_exceptions import (
    find_exceptions,
    find_known_lemmas,
    languages_without_gain,
)


class _Lowering:
    """A tagger of verbs whose lemma is the form; among random words that of `sees` is not."""

    treebanks = ("en_a", "en_b", "fr_c")

    def following(self, treebank_style):
        return self

    def tag_tokens(self, sentences, *, language):
        for forms in map(tuple, sentences):
            lemmas = tuple(
                "seesaw" if form == "sees" and forms[0] != "she" else form for form in forms
            )
            sentence = SimpleNamespace(forms=forms)
            yield SimpleNamespace(sentence=sentence, upos=("VERB",) * len(forms), lemmas=lemmas)


def _sentence(treebank, **form_to_lemma):
    forms = tuple(form_to_lemma)
    n = len(forms)
    lemmas = tuple(form_to_lemma.values())
    return LabelledSentence(treebank, forms, ("VERB",) * n, ("_",) * n, "train", lemmas)


def _found(learnt, held_out=()):
    split = TreebankSplit(list(learnt), list(held_out))
    found = find_exceptions(cast(Tagger, _Lowering()), split, default_styles={"en_a"})
    return {treebank: set(rules.items()) for treebank, rules in found.items()}


GO = (exception_code("went", "VERB"), "=go")


def test_forms_that_the_student_gets_wrong_are_exceptions():
    learnt = [_sentence("en_a", she="she", went="go", run="run")]
    assert _found(learnt) == {"en_a": {GO}}


def test_random_words_show_what_the_student_is_unsure_of():
    learnt = [_sentence("en_a", she="she", sees="sees", run="run")]
    assert _found(learnt) == {"en_a": {(exception_code("sees", "VERB"), "l|0+|0+")}}


def test_forms_of_several_lemmas_are_left_to_the_student():
    learnt = [_sentence("en_a", saw="see"), _sentence("en_a", saw="saw")]
    assert _found(learnt) == {"en_a": set()}


def test_the_style_of_a_language_has_those_of_all_its_treebanks():
    learnt = [_sentence("en_a", run="run"), _sentence("en_b", went="go"), _sentence("de_x", a="b")]
    assert _found(learnt) == {"en_a": {GO}, "en_b": {GO}}
    learnt = [_sentence("en_a", went="go"), _sentence("en_b", run="run")]
    assert _found(learnt) == {"en_a": {GO}, "en_b": set()}


def test_exceptions_that_spoil_more_than_they_mend_are_dropped():
    learnt = [_sentence("en_a", went="go")]
    good, bad = _sentence("en_a", went="go"), _sentence("en_a", went="went")
    assert _found(learnt, [good, bad]) == {"en_a": {GO}}
    assert _found(learnt, [good, bad, bad]) == {"en_a": set()}


def test_known_lemmas_are_those_of_words_of_all_treebanks_of_a_language():
    mark = LabelledSentence("en_a", ("!",), ("PUNCT",), ("_",), "train", ("!",))
    sentences = [_sentence("en_a", went="go"), mark, _sentence("en_b", ran="run", is_="_")]
    assert find_known_lemmas([*sentences, _sentence("fr_c", va="aller")]) == {
        "en": {lemma_code("go"), lemma_code("run")},
        "fr": {lemma_code("aller")},
    }


class _Singular(_Lowering):
    """A tagger of verbs that takes the last letter off."""

    def tag_tokens(self, sentences, *, language):
        for forms in map(tuple, sentences):
            sentence = SimpleNamespace(forms=forms)
            lemmas = tuple(form[:-1] for form in forms)
            yield SimpleNamespace(sentence=sentence, upos=("VERB",) * len(forms), lemmas=lemmas)


def test_languages_in_which_known_lemmas_mend_nothing_are_found():
    plain, knowing = cast(Tagger, _Lowering()), cast(Tagger, _Singular())
    mended, spoilt = _sentence("en_a", runs="run"), _sentence("en_b", has="has")
    assert languages_without_gain(plain, knowing, [mended, mended, spoilt]) == set()
    both = [mended, spoilt, _sentence("fr_c", vas="va"), _sentence("de_x", geht="geht")]
    assert languages_without_gain(plain, knowing, both) == {"en"}
