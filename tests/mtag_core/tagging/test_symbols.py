import pytest

from mtag_core.tagging.symbols import correct_symbols, is_garbled, is_its_own_lemma


@pytest.mark.parametrize(
    ("form", "wrong", "right"),
    [
        ("😂", "VERB", "SYM"),
        ("👍🏽", "NOUN", "SYM"),
        ("👩‍💻", "PROPN", "SYM"),
        ("❤️", "ADJ", "SYM"),
        (":-)", "PUNCT", "SYM"),
        ("<3", "NUM", "SYM"),
        ("https://example.org/a", "ADJ", "X"),
        ("jane.doe@example.com", "VERB", "X"),
        ("#搞笑", "ADJ", "SYM"),
        ("@anna", "NOUN", "SYM"),
        ("₹", "PROPN", "SYM"),
        ("￥", "VERB", "SYM"),
    ],
)
def test_symbols_get_a_tag_that_they_can_have(form, wrong, right):
    upos, feats = ["PRON", wrong], ["Case=Nom", "Number=Sing"]
    scores = [[0.9, 0.5], [0.8, 0.4]]
    correct_symbols([("I", ["I"]), (form, [form])], upos, feats, scores)
    assert (upos, feats) == (["PRON", right], ["Case=Nom", "_"])
    assert scores == [[0.9, 1.0], [0.8, 1.0]]


@pytest.mark.parametrize(
    ("form", "upos"),
    [
        ("https://example.org", "SYM"),
        ("www.example.org", "PROPN"),
        ("@anna", "PROPN"),
        ("#tag", "X"),
        (":", "PUNCT"),
        ("(", "PUNCT"),
        ("3", "NUM"),
        ("©", "SYM"),
        ("✓", "NOUN"),
        ("R@D", "NOUN"),
        ("C#", "PROPN"),
    ],
)
def test_what_may_be_right_stays(form, upos):
    columns = [upos], ["Number=Sing"], [[0.5]]
    correct_symbols([(form, [form])], *columns)
    assert columns == ([upos], ["Number=Sing"], [[0.5]])


@pytest.mark.parametrize(
    "form",
    "1.234,56 14:30 +49 2024-03-12 @Anna #Tag README.md src/main.py 😂 :-)"
    " https://example.org/A Jane.Doe@example.com".split(),
)
def test_own_lemmas(form):
    assert is_its_own_lemma(form)


@pytest.mark.parametrize(
    "form", ["Hunde", "z.B.", "2nd", "3-dages", "a@", "bzw.", "U.S.", "–", "Müller-Str."]
)
def test_forms_with_other_lemmas(form):
    assert not is_its_own_lemma(form)


@pytest.mark.parametrize(
    ("lemma", "form", "expected"),
    [
        ("1.234,.5", "1.234,56", True),
        ("@ANNA", "@anna", True),
        ("1234.56", "1.234,56", False),
        ("20/100", "20%", False),
        ("два", "2", False),
        ("readme.md", "README.md", False),
        ("hund", "Hunde", False),
    ],
)
def test_garbled_lemmas(lemma, form, expected):
    assert is_garbled(lemma, form) is expected


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("( p < 0,05 )", "SYM"),
        ("n > 30 .", "SYM"),
        ("> 30 people", "PUNCT"),
        ("see < 2019 > there", "PUNCT"),
        ("a > b", "PUNCT"),
    ],
)
def test_a_sign_before_a_number_compares_unless_it_is_a_bracket(text, right):
    forms = text.split()
    upos = ["PUNCT"] * len(forms)
    correct_symbols([(text, forms)], upos, ["_"] * len(forms), [])
    [place] = [place for place, form in enumerate(forms) if form in "<>"][:1]
    assert upos[place] == right
