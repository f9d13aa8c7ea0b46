"""Lemmas as edit rules: what a token's lemma is made of, given its form.

A rule is a short text, one label of the model. `l|0+|3+y` makes `city` of `Cities`: in lower case,
cut no letter at the start and add none, cut three at the end and add `y`. Its parts:

    casing  l lower, t first letter upper, u all upper, f as in the form
    start   letters to cut, `+`, letters to add
    end     likewise
    marks   vowel marks to put behind the letters, `.` between letters; only where there are some

Between start and end stays the longest stretch that form and lemma have in common. A lemma that
shares nothing with its form is a rule of its own: `=go`.

Rules read the folded form (`mtag_core.folding.fold`) and give NFC.

Treebanks write marks and constants into lemmas; `clean_lemma` takes them out, by one rule a
language (docs/lemmas.md).
"""

import re
from collections import Counter
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple
from unicodedata import normalize

from mtag_core.errors import LabelError
from mtag_core.folding import OPTIONAL_MARKS, fold

KEEP = "l|0+|0+"
"""The rule of a lemma that is the form in lower case; it goes with every part of speech."""
MIN_COUNT = 3
"""Rules that are seen less often in training are no labels."""

_NO_LEMMA = "_"
_CASINGS = "ltuf"
_RULE = re.compile(rf"([{_CASINGS}])\|(\d+)\+([^|]*)\|(\d+)\+([^|]*)(?:\|([^|]+))?", re.DOTALL)
_MARKS = re.compile(f"[{OPTIONAL_MARKS}]+")
_BETWEEN_MARKS = "."
_N_CACHED = 2**15

# What some treebanks write in place of a lemma.
_CONSTANT = re.compile(
    r"@\w+@|&\w+;|\*\w+\*|num\._\w+\.|greek\.expression|vox_breviata|goeswith"
    r"|COMMA|SINGLE_QUOTE|ПРОЦЕНТ-ЗНАК"  # noqa: RUF001
)
# Behind lemmas: numbers of homonyms, Bulgarian reflexives, Czech remarks.
_SUFFIX = re.compile(r"(?<=.)(?:#\d+|-\((?:се|си)\)|_[;:^].*|`.*)$")  # noqa: RUF001
# What a mark inside a lemma becomes; None cuts the lemma there.
_MARK_TO_TEXT: dict[str, str | None] = {
    **dict.fromkeys("|/"),
    **dict.fromkeys("#=*!$+~()", ""),
    **dict.fromkeys("%_", " "),
}
_MARKS_OF_LANGUAGE: dict[str, dict[str, str | None]] = {
    "et": {"_": ""},
    "fa": {"#": None},
    "fr": {"+": " "},
    "ko": {"+": None},
    "sv": {"+": " "},
}
_LOWER_CASE_LANGUAGE = "ru"


class _Rule(NamedTuple):
    casing: str
    start_cut: int
    start: str
    end_cut: int
    end: str
    marks: tuple[str, ...] = ()


def lemma_rule(form: str, lemma: str) -> str:
    """The rule that makes a cleaned lemma, which is not empty, from a form.

    Returns:
        `rule` such that `apply_rule(rule, form)` is the lemma in NFC.
    """
    lemma = normalize("NFC", lemma)
    plain = _MARKS.sub("", lemma)
    marks = _marks_by_letter(lemma) if plain != lemma else ()
    edit = _edit(_folded(form).lower(), plain.lower())
    for casing in _CASINGS:
        text = _text(edit._replace(casing=casing, marks=marks))
        if _RULE.fullmatch(text) and apply_rule(text, form) == lemma:
            return text
    return f"={lemma}"


def apply_rule(rule: str, form: str) -> str:
    """Makes a lemma by a rule that `lemma_rule` wrote, of any form.

    Returns:
        The lemma in NFC; the form in lower case where the rule would cut all of it.

    Raises:
        LabelError: The rule is none.
    """
    parsed = _parse(rule)
    if isinstance(parsed, str):
        return parsed
    # Called for every new form: names of fields and calls that change nothing would cost time.
    casing, start_cut, start, end_cut, end_added, marks = parsed
    folded = form if form.isascii() else _folded(form)
    base = folded if casing == "f" else folded.lower()
    end = len(base) - end_cut
    if start_cut >= end:
        return base.lower()
    lemma = start + base[start_cut:end] + end_added
    if marks:
        lemma = _with_marks(lemma, marks)
    if casing == "t":
        lemma = lemma[:1].upper() + lemma[1:]
    elif casing == "u":
        lemma = lemma.upper()
    return lemma if lemma.isascii() else normalize("NFC", lemma)


def rule_inventory(rules: Iterable[str]) -> tuple[str, ...]:
    """The frequent ones of rules of tokens: `KEEP` first, then by falling frequency, by text."""
    counts = Counter(rules)
    counts.pop(KEEP, None)
    frequent = [rule for rule, count in counts.items() if count >= MIN_COUNT]
    return (KEEP, *sorted(frequent, key=lambda rule: (-counts[rule], rule)))


def clean_lemma(form: str, lemma: str, upos: str, language: str) -> str | None:
    """A treebank's lemma without what is no part of the word.

    A mark that the form has, too, stays.

    Returns:
        The lemma in NFC; None where the treebank has none.

    Example: `yliopisto`, `yli#opisto` -> `yliopisto`; `sich`, `er|es|sie` -> `er`
    """
    if lemma == _NO_LEMMA:
        return lemma if form == _NO_LEMMA else None
    form, lemma = normalize("NFC", form), normalize("NFC", lemma)
    if lemma == form:
        return lemma
    if _CONSTANT.fullmatch(lemma):
        return form
    lemma = _without_marks(form, lemma, language) or lemma
    if language == _LOWER_CASE_LANGUAGE and (upos != "PROPN" or lemma.isupper()):
        lemma = lemma.lower()
    return _with_capitals(form, lemma) if upos == "PROPN" else lemma


def _without_marks(form: str, lemma: str, language: str) -> str:
    lemma = _SUFFIX.sub("", lemma)
    for mark, text in (_MARK_TO_TEXT | _MARKS_OF_LANGUAGE.get(language, {})).items():
        if mark in form or mark not in lemma:
            continue
        # A mark at the start leaves nothing to cut the lemma behind.
        lemma = lemma.lstrip(mark).partition(mark)[0] if text is None else lemma.replace(mark, text)
    return lemma.strip()


def _with_capitals(form: str, lemma: str) -> str:
    if lemma != lemma.lower() or not form[:1].isupper():
        return lemma
    if form.lower() == lemma:
        return form
    if form.isupper():
        return lemma[:1].upper() + lemma[1:]
    same = takewhile(lambda pair: pair[0].lower() == pair[1], zip(form, lemma, strict=False))
    start = "".join(letter for letter, _ in same)
    return start + lemma[len(start) :]


def _text(rule: _Rule) -> str:
    text = f"{rule.casing}|{rule.start_cut}+{rule.start}|{rule.end_cut}+{rule.end}"
    return f"{text}|{_BETWEEN_MARKS.join(rule.marks)}" if rule.marks else text


def _edit(form: str, lemma: str) -> _Rule:
    if form == lemma:
        return _Rule("l", 0, "", 0, "")
    common = SequenceMatcher(None, form, lemma, autojunk=False).find_longest_match()
    return _Rule(
        casing="l",
        start_cut=common.a,
        start=lemma[: common.b],
        end_cut=len(form) - common.a - common.size,
        end=lemma[common.b + common.size :],
    )


def _folded(form: str) -> str:
    return fold(form) or form


def _marks_by_letter(lemma: str) -> tuple[str, ...]:
    marks = [""]
    for character in lemma:
        if _MARKS.fullmatch(character):
            marks[-1] += character
        else:
            marks.append("")
    while not marks[-1]:
        marks.pop()
    return tuple(marks)


def _with_marks(letters: str, marks: tuple[str, ...]) -> str:
    padded = (*marks, *[""] * (len(letters) + 1 - len(marks)))
    return padded[0] + "".join(map(str.__add__, letters, padded[1:]))


@lru_cache(_N_CACHED)
def _parse(rule: str) -> _Rule | str:
    if rule.startswith("=") and len(rule) > 1:
        return rule[1:]
    parts = _RULE.fullmatch(rule)
    if parts is None:
        raise LabelError(f"lemma rule {rule[:40]!r}: expected one such as {KEEP} or =go")
    casing, start_cut, start, end_cut, end, marks = parts.groups()
    by_letter = tuple(marks.split(_BETWEEN_MARKS)) if marks else ()
    return _Rule(casing, int(start_cut), start, int(end_cut), end, by_letter)
