from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.errors import LabelError
from mtag_core.lemmas import KEEP, apply_rule, clean_lemma, lemma_rule, rule_inventory

RULES = [
    ("the", "the", KEEP),
    ("The", "the", KEEP),
    ("Cities", "city", "l|0+|3+y"),
    ("London", "London", "t|0+|0+"),
    ("LONDON", "London", "t|0+|0+"),
    ("NATOs", "NATO", "u|0+|1+"),
    ("McDonalds", "McDonald", "f|0+|1+"),
    ("gegangen", "gehen", "l|0+|6+hen"),
    ("unglücklich", "glücklich", "l|2+|0+"),
    ("went", "go", "=go"),
    ("|", "|", KEEP),
    ("x", "|", "=|"),
    # Vowel marks stand apart from the edit, so that words of one pattern share a rule.
    ("كتاب", "كِتَاب", "l|0+|0+|.ِ.َ"),
    ("حساب", "حِسَاب", "l|0+|0+|.ِ.َ"),
]


@pytest.mark.parametrize(("form", "lemma", "rule"), RULES)
def test_rules_say_how_a_lemma_is_made(form, lemma, rule):
    assert lemma_rule(form, lemma) == rule
    assert apply_rule(rule, form) == lemma


@pytest.mark.parametrize(
    ("form", "rule", "lemma"),
    [
        ("CITIES", "l|0+|3+y", "city"),
        ("İSTANBUL'DA", "t|0+|3+", "İstanbul"),
        # The same word in other clothes: decomposed, full width, with optional vowel marks.
        ("Cafe\u0301s", "l|0+|1+", "café"),
        ("Ｃｉｔｉｅｓ", "l|0+|3+y", "city"),
        ("כֶּלֶב", KEEP, "כלב"),
    ],
)
def test_rules_serve_other_forms(form, rule, lemma):
    assert apply_rule(rule, form) == lemma


@pytest.mark.parametrize("form", ["A", "ab", "abcde"])
def test_a_rule_that_would_cut_all_gives_the_form(form):
    assert apply_rule("t|2+un|3+en", form) == form.lower()


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_rule_always_gives_its_lemma(form, lemma):
    assert apply_rule(lemma_rule(form, lemma), form) == normalize("NFC", lemma)


@given(st.text(), st.sampled_from([rule for _, _, rule in RULES]))
def test_any_rule_can_be_applied_to_any_form(form, rule):
    assert apply_rule(rule, form) or not form


@pytest.mark.parametrize("rule", ["", "=", "x|0+|0+", "l|0|0", "l|0+|0+|", "l|-1+|0+"])
def test_other_texts_are_no_rules(rule):
    with pytest.raises(LabelError, match=r"expected one such as l\|0\+\|0\+"):
        apply_rule(rule, "form")


def test_the_inventory_holds_frequent_rules():
    assert rule_inventory(["a", "b", "a", "c", "b", KEEP, "c", "a", "c", "c"]) == (KEEP, "c", "a")


@pytest.mark.parametrize(
    ("language", "upos", "form", "lemma", "cleaned"),
    [
        ("fi", "NOUN", "yliopistossa", "yli#opisto", "yliopisto"),
        ("et", "NOUN", "sissetulekut", "sisse_tulek", "sissetulek"),
        ("et", "VERB", "olnud", "ol=nud", "olnud"),
        ("da", "ADV", "f.eks.", "for_eksempel", "for eksempel"),
        ("de", "PRON", "sich", "er|es|sie", "er"),
        ("fa", "VERB", "گفت", "گفت#گو", "گفت"),
        ("ko", "VERB", "있다", "있+다", "있"),
        ("fr", "ADP", "du", "de+le", "de le"),
        ("sv", "VERB", "ställa", "ställa+in", "ställa in"),
        ("hu", "VERB", "mondta", "el+mond", "elmond"),
        ("lt", "CCONJ", "bet ir", "bet%ir", "bet ir"),
        ("bg", "VERB", "обяви", "обявя-(се)", "обявя"),
        ("bg", "VERB", "отиде", "отида-(си)", "отида"),
        ("cs", "PROPN", "CIA", "CIA_;B", "CIA"),
        ("cs", "NOUN", "ha", "ha`hektar", "ha"),
        ("la", "NOUN", "dextera", "dext(e)ra", "dextera"),
        ("pt", "PRON", "lhe", "ele/ela", "ele"),
        ("eu", "NUM", "hirugarren", "hiru~+garren!", "hirugarren"),
        ("eu", "AUX", "du", "*edun", "edun"),
        ("no", "PUNCT", "«", '$"', '"'),
        ("la", "VERB", "volo", "volo#1", "volo"),
        ("la", "NOUN", "ἀρετή", "greek.expression", "ἀρετή"),
        ("en", "NUM", "1964", "@card@", "1964"),
        ("en", "PUNCT", '"', "&quot;", '"'),
        ("cs", "NUM", "#", "&camount;", "#"),
        ("hi", "PUNCT", ",", "COMMA", ","),
        # A mark that the form has is part of the word.
        ("ko", "PUNCT", "+", "+", "+"),
        ("en", "PROPN", "C++", "c++", "C++"),
        ("fi", "SYM", "a_b|c", "a_b|c", "a_b|c"),
        ("ko", "SYM", "＋", "+", "+"),
        # One case a language; names keep their capitals.
        ("ru", "NOUN", "Дома", "ДОМ", "дом"),
        ("ru", "PROPN", "Москвы", "МОСКВА", "Москва"),
        ("ru", "PROPN", "МОСКВЫ", "МОСКВА", "Москва"),
        ("ru", "PROPN", "Нью-Йорка", "НЬЮ-ЙОРК", "Нью-Йорк"),
        ("ru", "PROPN", "США", "США", "США"),
        ("fi", "PROPN", "USA:n", "USA", "USA"),
        ("bg", "PROPN", "Софии", "софия", "София"),
        ("nl", "PROPN", "van", "van", "van"),
        ("hi", "NOUN", "ज़मीन", "ज\u093cमीन", "ज\u093cमीन"),
    ],
)
def test_marks_and_constants_of_treebanks_are_taken_out(language, upos, form, lemma, cleaned):
    assert clean_lemma(form, lemma, upos, language) == cleaned


def test_no_lemma_is_none_but_an_underscore_is_its_own():
    assert clean_lemma("cats", "_", "NOUN", "en") is None
    assert clean_lemma("_", "_", "PUNCT", "en") == "_"
