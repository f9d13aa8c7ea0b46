"""What holds of chunks whatever the weights say: where tokens end, and where a space was forgotten.

Treebanks show these kinds too rarely, or in few languages.
"""

import re
from collections.abc import Sequence
from enum import Enum
from itertools import pairwise

import numpy as np
import regex
from numpy.typing import NDArray

from mtag_core.arrays import Integers
from mtag_core.segmentation.chunk_cuts import CutChunks
from mtag_core.segmentation.word_units import (
    CLOSING,
    DOUBLE_QUOTES,
    OPENING,
    TERMINAL,
    UNSPACED_LETTER,
    WORDS,
    UnitClass,
    unit_class_flags,
    unit_spans,
)

_CLOSERS = regex.escape(CLOSING + DOUBLE_QUOTES + "'’‘")
_OPENERS = regex.escape(OPENING + DOUBLE_QUOTES + "'’‘")
_TERMINAL = regex.escape(TERMINAL)
_UNSPACED_TERMINAL = "。！？｡।॥።。։༎។"
_SUPERSCRIPTS = "¹²³⁰⁴-⁹"
FOOTNOTE_MARK = r"\[(?:\d{1,4}|\p{Ll}{1,2})\]"

# Where a sentence may end inside a chunk: a space was forgotten, or is not used. Lines of dots are
# looked back on so far only.
_INNER_END = regex.compile(
    rf"(?:(?<=(?:[\p{{Ll}}\p{{Lo}}\p{{M}}]{{2}}[)\]”»\"]?|\d|\p{{Ll}}(?=[!?]))[{_TERMINAL}]{{1,30}}(?:{FOOTNOTE_MARK}|[{_CLOSERS}{_SUPERSCRIPTS}]){{0,30}})"
    rf"(?=[{_OPENERS}]*\p{{Lu}}(?:[\p{{Ll}}'’]|\Z))"
    rf"|(?<=[{_UNSPACED_TERMINAL}]{{1,30}}[{_CLOSERS}]{{0,30}})"
    rf"(?!{FOOTNOTE_MARK}|[{_SUPERSCRIPTS}])(?=[^{_CLOSERS}{_TERMINAL}\p{{M}}]))",
    regex.VERSION1,
)
FOOTNOTED = regex.compile(
    rf"[{_TERMINAL}][{_CLOSERS}]*"
    rf"(?:(?:{FOOTNOTE_MARK})+(?::\d{{1,4}})?|[{_SUPERSCRIPTS}]+|\(\d{{1,3}}\)|[*†‡§]{{1,3}})$",
    regex.VERSION1,
)
"""The end of a chunk with footnote marks behind a full stop."""

NOTE_BEGUN = regex.compile(rf"[{_TERMINAL}][{_CLOSERS}]*\[[^\[\]]+\Z", regex.VERSION1)
"""A full stop, and the beginning of a note of several words in brackets."""

FULL_STOPS = frozenset("।॥։۔።។။။")
"""Marks that stand for nothing but the end of a sentence."""

FIRST_FULL_STOP = "\u0589"
CLOSING_MARKS = CLOSING + DOUBLE_QUOTES + "'’‘"
FOOTNOTE_ENDS = frozenset("])*†‡§¹²³⁰⁴⁵⁶⁷⁸⁹0123456789")
ENUMERATOR = regex.compile(r"\(?(?:\d{1,3}(?:\.\d{1,3}){0,3}|[IVXLC]{1,5}|[ivx]{1,5}|\p{L})[.)]\Z")
"""The number of an item of a list."""
OMISSION = regex.compile(r"[\[(](?:\.{3,4}|…)[\])][,;:]?\Z")
"""Dots in brackets for what was left out."""

DECIMAL = regex.compile(
    r"[\p{Sc}+±−-]?(?:\d+(?:\.\d+)*[,:/]\d+(?:[.,:/]\d+)*|(?<=[\p{Sc}+±−-])\d+(?:\.\d+)?)\.\Z"
    r"|(?:[+±−-]?\d+(?:[.,]\d+)?)?°[CF]?\.\Z|(?:\d{2,3}-)+\d{3,7}\.\Z"
)
"""A number that is no ordinal, with a full stop."""

ORDINAL = regex.compile(r"(?:.*\D)?\d{1,2}\.\Z")
INITIALS = regex.compile(r"(?:\p{Lu}\p{Ll}?\.-?){2,4}\Z")
ROMAN = regex.compile(r"(?:[IVXІХ]|[IVXLCІХ]{2,6})\.\Z")

# Without r and l, which Slavic languages have for vowels; measures and sounds end sentences.
VOWELLESS = regex.compile(
    r"(?!(?i:[kcdmn]m|[kdm]g|[mcdh]l|h+m+|m+h+m*|p+s+t+|t+s+k*|s+h+|p+f+t*|z+|tv|pm|mk|[км]г|[ксм]м|гг)\.)"
    r"(?:[B-DF-HJ-KMNP-QSTVXZČĎŇŠŤŽ][b-df-hj-kmnp-qstvxzčďňšťž]{1,4}"
    r"|[b-df-hj-kmnp-qstvxzčďňšťž]{2,5}"
    r"|[Б-ДЖЗКМНПСТФ-Щ][б-джзкмнпстф-щ]{1,4}|[б-джзкмнпстф-щ]{2,5}"
    r"|[Β-ΔΖΘΚ-ΝΞΠ-ΤΦ-Ψ]?[β-δζθκ-νξπ-τφ-ψ]{2,4})\.\Z"
)
"""A word of consonants alone with a full stop."""

OPENING_MARKS = OPENING + DOUBLE_QUOTES + "'\u2018"
"""What may stand before an abbreviation."""
_LAST_PART = regex.compile(r"['’/(–-]")

# Marks that are tokens whatever the weights say.
_ALONE = frozenset("“”„‟«»〝〞〟❝❞‹›‚—―⸺⸻¿¡_")
_FOOTNOTE = regex.compile(FOOTNOTE_MARK, regex.VERSION1)
_FIRST_UNSPACED = "\u0e00"

# Zero-width: tokens end here. Behind an ampersand may stand an entity.
_APART = regex.compile(
    rf"""
      (?<=\p{{L}}{{2}}|[{_TERMINAL}])(?=\[)
    | (?<=\p{{L}}{{3}}|[{_TERMINAL}{_CLOSERS},;:])(?=[{_SUPERSCRIPTS}])
    | (?<=\p{{Greek}}{{2}})(?=[·\u0387]\p{{Greek}}) | (?<=\p{{Greek}}{{2}}[·\u0387])(?=\p{{Greek}})
    | (?<=(?:^|[^\p{{L}}\p{{M}}\p{{N}}])\*)(?=\p{{L}})
    | (?<=^<)(?=[^\n]*>[.,;:!?]*$) | (?<=^<[^\n]{{1,99}})(?=>[.,;:!?]*$)
    | (?<=\p{{L}}{{2}})(?<!&\p{{L}}{{1,8}})(?=[,;!?]+\p{{L}}{{2}})
    | (?<=\p{{L}}{{2}}[,;!?])(?<!&\p{{L}}{{1,8}};)(?=\p{{L}}{{2}})
    | (?<=\p{{L}}{{2}})(?=[!?]{{2,}}$) | (?<=\p{{L}}{{2}}[:.,;!?])(?=\*{{1,3}}$)
    | (?<=[\p{{L}}\p{{N}}_])(?=\(\))
    | (?<=\p{{L}}\.)(?=–\p{{L}}) | (?<=\p{{L}}\.–)(?=\p{{L}})
    | (?<=[\p{{Extended_Pictographic}}\p{{EMod}}\p{{RI}}\ufe0f])
      (?=[\p{{Extended_Pictographic}}\p{{RI}}])
    """,
    regex.VERBOSE | regex.MULTILINE | regex.VERSION1,
)
# Here they do unless the weights are sure of something else.
_LIKELY = regex.compile(
    r"""
      (?<=\p{L}{2}[…‥])(?=\p{L}{2}) | (?<=\p{L}{2})(?=[…‥](?:\p{L}{2}|[¿¡"“«(]))
    | (?<=[\[(])(?=[…‥]) | (?<=[…‥])(?=[\])])
    | (?<=\p{L})(?=[\u2600-\u27bf\U0001f000-\U0001faff])
    | (?<=[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f])(?=\p{L})
    | (?<=\p{L}{3})(?=–\p{L}{3}) | (?<=\p{L}{3}–)(?=\p{L}{3})
    | (?<=^['‘’‚‹])(?=\p{L}{4})
    | (?<=\p{Sc})(?=\d) | (?<=\d)(?=\p{Sc})
    | (?<=(?:^|[^\p{L}\p{M}\p{N}])[†‡~=])(?=\p{L})
    | (?<=[\p{L}\p{M}])(?=[*†‡~=]+(?:$|[^\p{L}\p{M}\p{N}]))
    | (?<=^\()(?=\p{L}{1,3}\)[.,;:]?$) | (?<=^\(\p{L}{1,3})(?=\)[.,;:]?$)
    """,
    regex.VERBOSE | regex.MULTILINE | regex.VERSION1,
)
_LIKELY_SCORE, _DOTS_SCORE, _CERTAIN = 24, 40, 1 << 20
_PLAIN = frozenset("-'\u2019.0123456789")
_TWO_DOTS = regex.compile(r"(?<=\p{Ll}{4}\.)(?=\.(?!\.))")
# "3rd".
_ENGLISH_ORDINAL = re.compile(r"(?<=[0-9])(?:st|nd|rd|th)(?!\w)")
# "Viens-tu ?", which a treebank of news and guides hardly has.
_FRENCH_TU = re.compile(r"(?<=[^\W\d_][^\W\d_])-tu(?!\w)")
_BEFORE_DOTS = regex.compile(r"(?<=[\p{L}\p{M}])(?=\.{3}|…)")
_NAMES = regex.compile(
    r"(?<![\p{L}\p{N}_])(?:[DLM]['’ʼ](?=\p{Lu}\p{L}{2})|(?<=\b[mM]a)['’](?=am\b))"
)
_APOSTROPHES = regex.compile(r"(?<=[\p{L}\p{M}])['’ʼ‘](?=\p{L})")
_C_H = regex.compile(r"(?<=[cC])['’ʼ‘](?=[hH])")
_GERSHAYIM = regex.compile(r"(?<=\p{Hebrew})[״׳](?=\p{Hebrew})|(?<=\p{Hebrew})׳")
_IS_WORD = unit_class_flags(WORDS)
_IS_NUMBER = unit_class_flags({UnitClass.DIGITS, UnitClass.NUMBER})
_BETWEEN_NUMBERS = "/:-–"
_DOTS = regex.compile(r"\.{3,}")


class Apostrophes(Enum):
    """What an apostrophe is between two letters.

    Attributes:
        EITHER: The end of a word, its beginning, or a letter.
        IN_NAMES: A letter in D'Arcy.
        IN_C_H: A letter in the Breton c'h.
        LETTER: A letter.
    """

    EITHER = 0
    IN_NAMES = 1
    IN_C_H = 2
    LETTER = 3


_LETTER_APOSTROPHES = {
    Apostrophes.IN_NAMES: _NAMES,
    Apostrophes.IN_C_H: _C_H,
    Apostrophes.LETTER: _APOSTROPHES,
}


def gap_bonuses(text: str, ends: Integers, apostrophes: Apostrophes) -> Integers:
    """What is added to the scores of gaps, in eighths of a nat.

    Args:
        text: Chunks, a line each.
        ends: Offset of each gap, in order. Shape (n,).
        apostrophes: Of the language.

    Returns:
        Shape (n,).
    """
    bonuses = np.zeros(len(ends), np.int64)
    for index, end in enumerate(ends.tolist()):
        before, after = text[end - 1], text[end]
        # Most gaps are beside an apostrophe or a hyphen, where patterns need not be asked.
        is_plain = before.isalpha() or (before in _PLAIN and text[end - 2 : end - 1] not in "\n")
        if is_plain and (after.isalpha() or after in _PLAIN):
            continue
        if _LIKELY.match(text, end):
            bonuses[index] = _LIKELY_SCORE
        elif _APART.match(text, end):
            bonuses[index] = _CERTAIN
    found = [(match.start(), -_LIKELY_SCORE // 2) for match in _TWO_DOTS.finditer(text)]
    found += [(match.start(), _DOTS_SCORE) for match in _BEFORE_DOTS.finditer(text)]
    found += [(match.start(), -_CERTAIN) for match in _ENGLISH_ORDINAL.finditer(text)]
    found += [(match.start(), _CERTAIN) for match in _FRENCH_TU.finditer(text)]
    patterns = [_GERSHAYIM]
    if apostrophes in _LETTER_APOSTROPHES:
        patterns.append(_LETTER_APOSTROPHES[apostrophes])
    inside = [match.end() for pattern in patterns for match in pattern.finditer(text)]
    found += [(end - before, -_CERTAIN) for end in inside for before in (0, 1)]
    if found:
        offsets, scores = np.array(found).T
        places = np.minimum(ends.searchsorted(offsets), len(ends) - 1)
        is_gap = ends[places] == offsets
        bonuses[places[is_gap]] = scores[is_gap]
    return bonuses


def is_apart(text: str, end: int, chunk: str) -> bool:
    """Whether a token ends at an offset for the marks on both sides alone.

    Args:
        text: Chunks, a line each.
        end: Inside one.
        chunk: That one.
    """
    before, after = text[end - 1], text[end]
    if (before in _ALONE or after in _ALONE) and before != after:
        return True
    if (before in "[]" or after in "[]") and _FOOTNOTE.search(chunk):
        return True
    return after >= _FIRST_UNSPACED and UNSPACED_LETTER.match(after) is not None


def keep_dots_whole(
    text: str, ends: Integers, is_end: NDArray[np.bool_], *, may_part: bool
) -> None:
    """Makes a token of dots.

    Args:
        text: Chunks, a line each.
        ends: Offset after each unit, in order. Shape (n_units,).
        is_end: Whether a token ends there; changed. Shape (n_units,).
        may_part: Dots that the weights all part are a token each.
    """
    for match in _DOTS.finditer(text):
        first, last = ends.searchsorted([match.start() + 1, match.end()])
        if not (may_part and is_end[first:last].all()):
            is_end[first:last] = False


def keep_joined(
    cut: CutChunks, is_end: NDArray[np.bool_], scores: NDArray[np.int32], joiners: Sequence[int]
) -> None:
    """Leaves no hyphen or the like at one of two words or numbers: it joins them or neither.

    Args:
        cut: Chunks.
        is_end: Whether a token ends behind each unit; changed. Shape (n_units,).
        scores: Of that. Shape (n_units,).
        joiners: Code points of what joins words.
    """
    gaps, _ = cut.gaps()
    classes = cut.classes.astype(np.int64)
    is_word = _IS_WORD[classes]
    is_part = is_word | _IS_NUMBER[classes]
    # Units that stand between two of the same chunk.
    inner = gaps[np.append(False, np.diff(gaps) == 1)]
    inner = inner[is_part[inner - 1] & is_part[inner + 1] & ~is_part[inner]]
    one_sided = inner[is_end[inner - 1] != is_end[inner]]
    for unit in one_sided.tolist():
        mark = cut.text[cut.ends[unit] - 1]
        n_words = int(is_word[unit - 1]) + int(is_word[unit + 1])
        is_likely = scores[unit - 1] + scores[unit] > 0
        if n_words < 2:
            if mark in _BETWEEN_NUMBERS:
                is_end[[unit - 1, unit]] = n_words == 1 and is_likely
        elif ord(mark) in joiners:
            is_end[[unit - 1, unit]] = False
        elif mark in ".–" and is_end[unit - 1]:
            # Initials may end before a name: "J.Novak".
            is_end[[unit - 1, unit]] = is_likely


def inner_parts(chunk: str) -> list[str]:
    """Parts a chunk where a sentence may end in it; addresses stay whole."""
    cuts = [match.start() for match in _INNER_END.finditer(chunk)]
    if not cuts:
        return [chunk]
    inside = {offset for start, end in unit_spans(chunk) for offset in range(start + 1, end)}
    bounds = [0, *(cut for cut in cuts if cut not in inside and 0 < cut < len(chunk)), len(chunk)]
    return [chunk[start:end] for start, end in pairwise(bounds)]


def stop_forms(chunk: str) -> set[str]:
    """How an abbreviation may be listed that a chunk ends with, without its full stop."""
    if chunk[-1:] != ".":
        return set()
    whole = chunk[:-1].lstrip(OPENING_MARKS)
    if whole.isalpha() and not whole.isupper():
        forms = {whole, whole.lower()}
        if whole.endswith("str"):
            # "Hauptstr." is listed so.
            forms.add("-str")
        return forms
    last = _LAST_PART.split(whole)[-1]
    forms = {whole, last} if len(last) > 1 else {whole}
    written = {form.title() for form in forms if form.isupper() and len(form) > 1}
    return forms | written | {form.lower() for form in forms}
