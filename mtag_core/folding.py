"""Folds text into the form that models read: forms that look or mean the same become one.

NFC; compatibility forms of letters and digits (ligatures, full width, mathematical letters) as the
letters they stand for; optional vowel points, niqqud and the Arabic lengthening mark taken off.
Marks keep their own look here: `mtag_core.segmentation.word_units` puts their styles together.

Source: Unicode Standard Annex 15.
"""

import re
import unicodedata
from functools import lru_cache

# Hebrew points and cantillation, Arabic vowel marks and tatweel: texts for learners have them.
OPTIONAL_MARKS = (
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u0652\u0670"
)
_OPTIONAL = re.compile(f"[{OPTIONAL_MARKS}]+")
_IGNORABLE = re.compile("[\u00ad\u200c-\u200f\u202a-\u202e\u2060\ufe00-\ufe0f]+")
_COMPATIBLE = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nd"})


def fold(text: str) -> str:
    """Folds a text; what is folded already, as nearly all text is, is returned as it is."""
    if text.isascii():
        return text
    if not unicodedata.is_normalized("NFKC", text):
        text = "".join(map(_fold_character, unicodedata.normalize("NFC", text)))
    return _OPTIONAL.sub("", text)


def fold_form(form: str) -> str:
    """Folds a form; one of nothing but optional marks stays as it is."""
    if form.isascii():
        return form
    if form.isalpha() and unicodedata.is_normalized("NFKC", form):
        return form.replace("\u0640", "") or form
    return _IGNORABLE.sub("", fold(form)) or form


@lru_cache(maxsize=16_384)
def _fold_character(character: str) -> str:
    """Folds letters and digits; a fraction or a superscript is more than its digits."""
    if unicodedata.category(character) not in _COMPATIBLE:
        return character
    if unicodedata.decomposition(character).startswith(("<super>", "<sub>")):
        return character
    return unicodedata.normalize("NFKC", character)
