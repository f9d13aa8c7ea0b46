import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.folding import fold, fold_form


@pytest.mark.parametrize(
    ("form", "folded"),
    [
        ("e\u0301t\u00e9", "été"),
        ("ﬁn", "fin"),
        ("\uff34\uff4f\uff4b\uff59\uff4f\uff11", "Tokyo1"),
        ("\U0001d400\U0001d41b", "Ab"),
        ("שָׁלוֹם", "שלום"),
        ("كِتَابٌ", "كتاب"),
        ("كتـــاب", "كتاب"),
        ("co\u00adop", "coop"),
        ("\u0640", "\u0640"),
        ("\u200b\u00ad", "\u200b"),
        ("x²", "x²"),
        ("½", "½"),
        ("İ", "İ"),
        ("…", "…"),
    ],
)
def test_forms_that_mean_the_same_become_one(form, folded):
    assert fold_form(form) == folded


@given(form=st.text(min_size=1))
def test_folding_is_done_once_and_leaves_something(form):
    folded = fold_form(form)
    assert folded
    assert fold_form(folded) == folded


@given(text=st.text(alphabet=st.characters(categories=["L", "Mn"])))
def test_a_text_and_its_decomposition_fold_alike(text):
    assert fold(unicodedata.normalize("NFD", text)) == fold(text)
