"""Tags and lemmas of what is no word: pictures, addresses, `@names`, `#tags`, numbers in digits.

Few treebanks have them, so that the model may take a picture for a verb in a language whose
treebank has none. UD says what they are (https://universaldependencies.org/u/pos/SYM.html).
"""

import re
from collections.abc import Iterable, MutableSequence, Sequence

import regex

# Emoji and emoticons.
_PICTURE = regex.compile(
    r"[\u2639-\u263b\u2763\u2764\U0001f000-\U0001faff\u200d\ufe0f\p{EMod}[\p{Emoji_Presentation}]]+"
    r"|[:;=]['\u2019]?-?[()DPpOo/\\|*]+|<3+",
    regex.VERSION1,
)
_ADDRESS = r"(?:\w+://|www\.)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_NAME_OR_TAG = r"[@#]\w+"
_CURRENCY = regex.compile(r"\p{Sc}")
_COMPARISONS = {"<": ">", ">": "<"}
# Nearly all sentences hold none: this has to be fast.
_MAY_HOLD_ANY = re.compile(
    "[@#<>=:;$\u00a2-\u00a5\u20a0-\u20cf\uffe0-\uffe6\u231a-\u27bf\u2b1b-\u2b55\U0001f000-\U0001faff]"
)
# What is right of each kind, and what else it is.
_KINDS = (
    (_PICTURE, frozenset({"SYM"}), "SYM"),
    (regex.compile(_ADDRESS), frozenset({"SYM", "X", "PROPN", "NOUN"}), "X"),
    (regex.compile(_NAME_OR_TAG), frozenset({"SYM", "X", "PROPN"}), "SYM"),
    (_CURRENCY, frozenset({"SYM", "NOUN", "X", "PUNCT"}), "SYM"),
)
_NO_DIGIT = regex.compile(r"\D+")
_ITSELF = regex.compile(
    rf"{_ADDRESS}|{_NAME_OR_TAG}|[\W\d_]*\d[\W\d_]*|(?:[\w-]+[./\\])+\p{{Latin}}\w{{1,4}}"
    rf"|{_PICTURE.pattern}",
    regex.VERSION1,
)


def is_its_own_lemma(form: str) -> bool:
    """Whether a form has no other lemma: a number in digits, a name of a file, an address."""
    return not form.isalpha() and _ITSELF.fullmatch(form) is not None


def is_garbled(lemma: str, form: str) -> bool:
    """Whether a number or name lost something in its lemma.

    Some treebanks spell numbers out, leave out the marks in them, or write `20/100` for `20%`; some
    have names of files in small letters.
    """
    if lemma.isalpha() or lemma in (form, form.lower()) or not is_its_own_lemma(form):
        return False
    digits = _NO_DIGIT.sub("", form)
    return not (digits and _NO_DIGIT.sub("", lemma).startswith(digits))


def correct_symbols(
    texts: Iterable[tuple[str, Sequence[str]]],
    upos: MutableSequence[str],
    feats: MutableSequence[str],
    scores: Sequence[MutableSequence[float]],
) -> None:
    """Gives symbols a part of speech that they can have, and no features.

    Args:
        texts: Text and forms of sentences.
        upos: Of the tokens of all of them; changed.
        feats: Likewise.
        scores: Columns of probabilities, of what is changed 1; likewise.
    """
    start = 0
    for text, forms in texts:
        if _MAY_HOLD_ANY.search(text) or "www." in text:
            for place, form in enumerate(forms, start):
                tag = _right_tag(form, upos[place])
                if tag == "PUNCT" and _compares(forms, place - start):
                    tag = "SYM"
                if tag != upos[place]:
                    upos[place], feats[place] = tag, "_"
                    for column in scores:
                        column[place] = 1.0
        start += len(forms)


def _right_tag(form: str, upos: str) -> str:
    if form.isalpha():
        return upos
    for kind, right, other in _KINDS:
        if kind.fullmatch(form):
            return upos if upos in right else other
    return upos


def _compares(forms: Sequence[str], place: int) -> bool:
    # Not as brackets do: "p < 0.05".
    other = _COMPARISONS.get(forms[place])
    if other is None or other in forms or not 0 < place < len(forms) - 1:
        return False
    return forms[place - 1][-1].isalnum() and forms[place + 1][-1].isdigit()
