"""Folds text into the form that models read: forms that look or mean the same become one.

NFC; compatibility forms of letters and digits (ligatures, full width, mathematical letters) as the
letters they stand for; optional vowel points, niqqud and the Arabic lengthening mark taken off.
Serbian, which is written in two scripts letter for letter, is read in that of its treebank, Latin;
Chinese in traditional characters; letters and marks in words that keyboards put in the place of
others, as the language's treebanks have them.
Marks keep their own look here: `mtag_core.segmentation.word_units` puts their styles together.

Source: Unicode Standard Annex 15.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from mtag_core.simplified_chinese import in_traditional

# Hebrew points and cantillation, Arabic vowel marks and tatweel: texts for learners have them.
OPTIONAL_MARKS = (
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u0652\u0670"
)
_OPTIONAL = re.compile(f"[{OPTIONAL_MARKS}]+")
_IGNORABLE_MARKS = "\u00ad\u200c-\u200f\u202a-\u202e\u2060\ufe00-\ufe0f"
_IGNORABLE = re.compile(f"[{_IGNORABLE_MARKS}]+")
_LEFT_OUT = re.compile(f"[{OPTIONAL_MARKS}{_IGNORABLE_MARKS}]")
# Fewer letters in capitals may be names and abbreviations.
_MIN_CAPITALS = 12
_MIN_WORDS = 3
_LETTERS = re.compile(r"[^\W\d_]+")
_DOTTED = str.maketrans({"I": "\u0131", "\u0130": "i"})
_DOTTED_LANGUAGES = frozenset({"tr", "az", "tt", "kk", "crh"})
_SENTENCE_START = re.compile(
    "(?:^|(?<![.!?\u2026])[.!?\u2026]+[\"'\u00bb\u201c\u201d\u2019)\\]]*\\s)[\"'\u00ab\u201e\u201c\u201d\u2018(\\[\u00bf\u00a1\u2013\u2014\\s-]*([^\\W\\d_])"
)

CHINESE, SERBIAN = "zh", "sr"
_CYRILLIC = "абвгдђежзијклљмнњопрстћуфхцчџш"
_LATIN = "a b v g d đ e ž z i j k l lj m n nj o p r s t ć u f h c č dž š".split()
_LETTER_PAIRS = [
    pair
    for cyrillic, latin in zip(_CYRILLIC, _LATIN, strict=True)
    for pair in ((cyrillic, latin), (cyrillic.upper(), latin.capitalize()))
]
# Apostrophes, hyphens and Hebrew marks in words; soft hyphens.
_MARKS_IN_WORDS = str.maketrans(
    "\u2019\u02bc\uff07\u05f3\u05f4\u2010\u2011\uff0d", "''''\"---", "\u00ad"
)
_QUOTES = "\u2019\u02bc\uff07\u05f3\u05f4"
_HAS_MARKS = re.compile(f"[{''.join(map(chr, _MARKS_IN_WORDS))}]")
_ARABIC_DIGITS = "".join(map(chr, range(0x660, 0x66A)))
_PERSIAN_DIGITS = "".join(map(chr, range(0x6F0, 0x6FA)))
# Arabic ye, alef maksura and kaf, which Persian and Urdu keyboards do not have, and theirs.
_YE_KAF, _PERSIAN_YE_KAF = "\u064a\u0649\u0643", "\u06cc\u06cc\u06a9"
# Encyclopedias and textbooks mark the stress of a word and the length of its vowels.
_STRESS = "\u0300\u0301"
_LANGUAGE_TO_LETTERS = {
    "ar": str.maketrans(f"{_ARABIC_DIGITS}\u066a", "0123456789%", ""),
    "be": str.maketrans("", "", _STRESS),
    "bg": str.maketrans("", "", _STRESS),
    "fa": str.maketrans(_YE_KAF + _ARABIC_DIGITS, _PERSIAN_YE_KAF + _PERSIAN_DIGITS, ""),
    "la": str.maketrans("āēīōūȳĀĒĪŌŪȲăĕĭŏŭĂĔĬŎŬ", "aeiouyAEIOUYaeiouAEIOU", ""),
    # Old code pages had cedillas in the place of commas.
    "ro": str.maketrans("\u015f\u0163\u015e\u0162", "\u0219\u021b\u0218\u021a", ""),
    "ru": str.maketrans("", "", _STRESS),
    "uk": str.maketrans("'", "\u2019", _STRESS),
    "ur": str.maketrans(
        f"{_YE_KAF}\u0647{_ARABIC_DIGITS}", f"{_PERSIAN_YE_KAF}\u06c10123456789", ""
    ),
}
_SERBIAN_TO_LATIN = dict.fromkeys(map(ord, _STRESS), "")
_SERBIAN_TO_LATIN |= {ord(cyrillic): latin for cyrillic, latin in _LETTER_PAIRS}
_TO_CYRILLIC = {latin: cyrillic for cyrillic, latin in _LETTER_PAIRS}
_SERBIAN_LETTER = re.compile("[Dd]ž|[LlNn]j|.", re.DOTALL)

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


def fold_forms(forms: Sequence[str]) -> Sequence[str]:
    """Folds each of some forms as `fold_form` does; nearly all stay as they are."""
    text = "\n".join(forms)
    if text.isascii():
        return forms
    has_marks = _LEFT_OUT.search(text) is not None
    usual = forms
    if not unicodedata.is_normalized("NFKC", text):
        usual = unicodedata.normalize("NFKC", text).split("\n")
    elif not has_marks:
        return forms
    if len(usual) != len(forms):
        return list(map(fold_form, forms))
    return [
        form if form == other and not (has_marks and _LEFT_OUT.search(form)) else fold_form(form)
        for form, other in zip(forms, usual, strict=True)
    ]


def usual_letters(forms: Sequence[str], language: str, *, text: str) -> Sequence[str]:
    """Forms in the letters that a language's treebanks are in; nearly all stay as they are.

    Args:
        forms: Of a sentence.
        language: Of it.
        text: Of it: without the marks in question forms are not asked.
    """
    if _HAS_MARKS.search(text):
        forms = [form if form.isascii() else _with_usual_marks(form) for form in forms]
    if language == SERBIAN:
        return [_in_latin(form) for form in forms]
    if language == CHINESE:
        return in_traditional(forms, text=text)
    table = _LANGUAGE_TO_LETTERS.get(language)
    return forms if table is None else [form.translate(table) or form for form in forms]


def _with_usual_marks(form: str) -> str:
    # Alone it may be a quotation mark.
    return form.translate(_MARKS_IN_WORDS) or form if form.strip(_QUOTES) else form


def lemma_as_written(lemma: str, form: str, language: str) -> str:
    """A lemma that was made of a form in Serbian or Chinese usual letters, in those of the form.

    `inj` is two letters in *injekcija* and `nj` one in *konj*: what a lemma has in common with its
    form is written as there.
    """
    if language == CHINESE:
        return form if [lemma] == in_traditional([form], text=form) else lemma
    if _in_latin(form) == form:
        return lemma
    small, kept = lemma.lower(), ""
    for letter in form.lower():
        if not small.startswith(_in_latin(kept + letter)):
            break
        kept += letter if _in_latin(letter) else ""
    rest = small[len(_in_latin(kept)) :]
    if rest[:1] in ("j", "ž") and kept:
        kept, rest = kept[:-1], _in_latin(kept[-1]) + rest
    written = kept + "".join(
        _TO_CYRILLIC.get(letter, letter) for letter in _SERBIAN_LETTER.findall(rest)
    )
    if lemma == small:
        return written
    return (
        written.upper() if lemma.isupper() and len(lemma) > 1 else written[:1].upper() + written[1:]
    )


def _in_latin(form: str) -> str:
    latin = form.translate(_SERBIAN_TO_LATIN)
    return latin.upper() if form.isupper() and len(form) > 1 else latin


def is_in_capitals(text: str) -> bool:
    """Whether a text is in capitals alone, and long enough to have other letters otherwise."""
    if not text.isupper():
        return False
    words = [word for word in _LETTERS.findall(text) if len(word) > 1]
    # A text in a script without cases may hold an abbreviation in Latin capitals.
    is_long = len(words) >= _MIN_WORDS and sum(map(len, words)) >= _MIN_CAPITALS
    return is_long and all(map(str.isupper, words))


def usual_case(text: str, language: str) -> str:
    """A text in capitals in small letters, but for the first letters of sentences; as long.

    Turkish has a dotless one of I.
    """
    small = small_letters(text, language)
    return _SENTENCE_START.sub(lambda match: match[0][:-1] + _capital(match[1]), small)


def small_letters(text: str, language: str) -> str:
    """A text in small letters, as long as before."""
    lowered = (text.translate(_DOTTED) if language in _DOTTED_LANGUAGES else text).lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(small if len(small := char.lower()) == 1 else char for char in text)


def _capital(letter: str) -> str:
    capital = letter.upper()
    return capital if len(capital) == 1 else letter


@lru_cache(maxsize=16_384)
def _fold_character(character: str) -> str:
    """Folds letters and digits; a fraction or a superscript is more than its digits."""
    if unicodedata.category(character) not in _COMPATIBLE:
        return character
    if unicodedata.decomposition(character).startswith(("<super>", "<sub>")):
        return character
    return unicodedata.normalize("NFKC", character)
