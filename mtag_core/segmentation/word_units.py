"""Cuts a chunk, what stands between two spaces, into units, and puts units into classes.

A token is one unit or several neighbouring ones. What is always one token is one unit: an address,
a number with its separators, an emoticon, and every extended grapheme cluster.

Source: Unicode Standard Annex 29.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence

import numpy as np
import regex
from numpy.typing import NDArray

from mtag_core.arrays import text_codes
from mtag_core.folding import fold_form, fold_forms

_EXTEND = r"[\p{M}\u200c\u200d]"
UNSPACED = r"\p{Han}\p{Hiragana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
# Neither stars and ticks of lists nor the signs of trade marks.
_PICTURE = regex.compile(
    r"[\u2639-\u263b\u2763\u2764[\p{Emoji_Presentation}--[\u2705\u274c\u2b50\u2b55]]]",
    regex.VERSION1,
)
UNSPACED_LETTER = regex.compile(r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
"""A letter of a script that no treebank shows and that is written without spaces."""

_BREAK_BEFORE = r"(?<![\p{L}\p{N}_])"
FILE_ENDING = (
    "7z|apk|avi|bak|bat|bmp|bz2|cfg|com|conf|cpp|css|csv|dat|deb|dll|dmg|doc|docx|edu|eml|epub|exe|flac|gif|"
    "git|go|gov|gz|hpp|htm|html|ico|info|ini|ipynb|iso|jar|java|jpeg|jpg|js|json|jsonl|jsx|kt|log|m4a|md|"
    "mkv|mov|mp3|mp4|ndjson|net|odp|ods|odt|ogg|org|parquet|pdf|php|png|ppt|pptx|ps|psd|py|rar|rb|rpm|rs|rtf|"
    "sh|sql|srt|svg|swift|tar|tex|tgz|tif|tmp|toml|ts|tsv|tsx|ttf|txt|vtt|wav|webm|webp|woff|xls|xlsx|xml|xz|"
    "yaml|yml|zip|zst"
)
# Endings of hosts that are no words which a forgotten space could put behind a full stop.
HOST_ENDING = (
    "at|bg|br|ch|cn|co\\.uk|cz|dk|eu|fi|hr|hu|io|jp|kr|nl|pl|pt|rs|ru|sk|su|tv|ua|uk|vn|бг|рф"
)
_ADDRESS_INSIDE = r"""(?:[^\s<>"«»“”„()]|\([^\s()]*\))"""
_ADDRESS_END = r"""[^\s<>"«»“”„.,;:!?'’‘()\[\]{}…]"""
# Irish names keep their first letter: O'Neil.
_NAME = rf"{_BREAK_BEFORE}O['’ʼ]\p{{Lu}}{_EXTEND}*+(?:\p{{L}}{_EXTEND}*+)++"
_WORD = rf"(?:(?![{UNSPACED}])\p{{L}}{_EXTEND}*+)++"
_REST = rf"""
      (?P<sign>[-_=*~#+>])(?P=sign)+(?!{_EXTEND})
    | \p{{Katakana}}[\p{{Katakana}}ー]*{_EXTEND}*
    | \X
"""
_PLAIN_UNIT = regex.compile(rf"{_NAME} | {_WORD} | {_REST}", regex.VERBOSE | regex.VERSION1)
_UNIT = regex.compile(
    rf"""
      (?:{_BREAK_BEFORE}[a-z][a-z0-9+]{{1,9}}://|{_BREAK_BEFORE}www\.){_ADDRESS_INSIDE}*(?:{_ADDRESS_END}|\([^\s()]*\))/?
    | [\p{{L}}\p{{N}}._%+-]{{0,63}}[\p{{L}}\p{{N}}_%+-]@
      [\p{{L}}\p{{N}}-]+(?:\.[\p{{L}}\p{{N}}-]+)+(?!{_EXTEND})
    | {_BREAK_BEFORE}[\p{{L}}\p{{N}}-]{{2,63}}(?:\.[\p{{L}}\p{{N}}-]{{2,63}}){{0,4}}(?:
        \.(?:{HOST_ENDING})(?![\p{{L}}\p{{N}}_@]|{_EXTEND})(?:/(?:{_ADDRESS_INSIDE}*{_ADDRESS_END}/?)?)?
      | \.[a-z]{{2,6}}/{_ADDRESS_INSIDE}*{_ADDRESS_END}/?)
    | {_BREAK_BEFORE}(?:~?/|\.{{1,2}}/)?[\p{{L}}\p{{N}}_][\p{{L}}\p{{N}}_./-]{{0,250}}
      \.(?:{FILE_ENDING})(?![\p{{L}}\p{{N}}_]|{_EXTEND})
    | {_BREAK_BEFORE}@[\p{{L}}\p{{N}}_]+{_EXTEND}*
    | {_BREAK_BEFORE}\#(?=[\p{{N}}_]*\p{{L}})[\p{{L}}\p{{M}}\p{{N}}_]+
    | {_BREAK_BEFORE}[:;=][-o*']?(?:
        (?<=\A\([^)]*)[)(|/\\*]
      | (?<!\A\([^)]*)(?:\)+|\(+|\]+|\[+|\|+|/+|\\+|\*+)
      | [dDpPoO3](?![\p{{L}}\p{{N}}]))(?!{_EXTEND})
    | (?:<3+|\^[_.-]?\^|-_+-|{_BREAK_BEFORE}[-¯]\\?_+\(ツ\)_+/?[-¯]
      | {_BREAK_BEFORE}[xX]D+(?![\p{{L}}\p{{N}}]))(?!{_EXTEND})
    | (?:(?<=\A[(\["'“„«]*)[-+−±])?
      (?:\d{{4}}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[-+]\d\d:?\d\d)?(?![\p{{L}}\p{{N}}])
      | \d+(?:\.\d+){{1,3}}-(?:rc|alpha|beta)(?:\.?\d+)?(?![\p{{L}}\p{{N}}])
      | \d+(?:\.\d+){{3}}[/:]\d+
      | \d{{1,4}}(?P<part>[-/.])\d{{1,2}}(?P=part)\d{{1,4}}|\d{{1,2}}:\d\d(?::\d\d(?:\.\d+)?)?
      | \d{{1,3}}(?:['’]\d{{3}})+(?:\.\d+)?(?![\d'’])
      | \d+(?:[.,٫٬]\d+)*(?:[eE][-+]?\d{{1,3}}(?![\p{{L}}\p{{N}}]))?)
      (?![\d{_EXTEND[1:]})
    | {_BREAK_BEFORE}(?:[vV]\d+(?:\.\d+)*(?:-(?:rc|alpha|beta)[.\d]*)?|IPv[46]|C\+\+(?:\d\d)?
      | [CF]\#)
      (?![\p{{L}}\p{{N}}_]|{_EXTEND})
    | {_NAME}
    | {_WORD}(?:_+[\p{{L}}\p{{N}}][\p{{L}}\p{{N}}_]*{_EXTEND}*)?
    | {_REST}
    """,
    regex.VERBOSE | regex.VERSION1,
)
# Without these in it, but at its end, a chunk has no unit that the plain pattern does not know.
_SPECIAL = regex.compile(r"[\p{N}@#/:;=<^_+±]|\.(?=.)|[xX]D")

DOUBLE_QUOTES = '"“”„‟«»″〝〞〟＂❝❞'
SINGLE_QUOTES = "'‘’‚‛‹›′ʼ´`＇❛❜"
LONG_DASHES = "—―⸺⸻–‒−─"
OPENING = "([{⟨〈《「『【〔（［｛¿¡"
CLOSING = ")]}⟩〉》」』】〕）］｝"
TERMINAL = ".!?…‥‼⁇⁈⁉。．！？｡؟۔।॥։።፧፨。჻។៕။༎꓿꘎"


class UnitClass:
    """What a unit looks like: plain numbers, which arrays and sets take fast."""

    NONE = 0
    LOWER = 1
    TITLE = 2
    UPPER = 3
    INITIAL = 4
    MIXED = 5
    UNCASED = 6
    DIGITS = 7
    NUMBER = 8
    ADDRESS = 9
    HANDLE = 10
    EMOTICON = 11
    STOP = 12
    ELLIPSIS = 13
    EXCLAMATION = 14
    COMMA = 15
    COLON = 16
    DOUBLE_QUOTE = 17
    SINGLE_QUOTE = 18
    OPENING = 19
    CLOSING = 20
    HYPHEN = 21
    LONG_DASH = 22
    SLASH = 23
    CURRENCY = 24
    OTHER_MARK = 25
    OTHER_SIGN = 26
    OTHER = 27


WORDS = frozenset(range(UnitClass.LOWER, UnitClass.DIGITS))
"""Classes of units of letters."""


def unit_class_flags(classes: Collection[int]) -> NDArray[np.bool_]:
    """Which classes are among some: shape (32,)."""
    return np.array([unit_class in classes for unit_class in range(32)])


_CHARACTER_CLASSES = {
    character: unit_class
    for characters, unit_class in (
        ("…‥", UnitClass.ELLIPSIS),
        ("!?‼⁇⁈⁉！？؟፧", UnitClass.EXCLAMATION),
        (TERMINAL, UnitClass.STOP),
        (",،、，", UnitClass.COMMA),
        (":;؛：；·", UnitClass.COLON),
        (DOUBLE_QUOTES, UnitClass.DOUBLE_QUOTE),
        (SINGLE_QUOTES, UnitClass.SINGLE_QUOTE),
        (OPENING, UnitClass.OPENING),
        (CLOSING, UnitClass.CLOSING),
        ("-‐‑־", UnitClass.HYPHEN),
        (LONG_DASHES, UnitClass.LONG_DASH),
        ("/\\", UnitClass.SLASH),
    )
    for character in reversed(characters)
}
_CHARACTER_CLASSES |= {"…": UnitClass.ELLIPSIS, "‥": UnitClass.ELLIPSIS}
_CHARACTER_CLASSES |= dict.fromkeys("!?‼⁇⁈⁉！？؟፧", UnitClass.EXCLAMATION)
_STYLES = (
    dict.fromkeys(DOUBLE_QUOTES, '"')
    | dict.fromkeys(SINGLE_QUOTES, "'")
    | dict.fromkeys(LONG_DASHES, "—")
    | dict.fromkeys("‐‑", "-")
    | {"…": "..."}
)
_STYLED = re.compile(f"[{''.join([old for old, new in _STYLES.items() if old != new])}]")


# Georgian sentences begin with small letters.
_UNCASED_LETTERS = frozenset(map(chr, range(0x10D0, 0x1100)))
_NAME_STARTS = frozenset({"O'", "O’", "Oʼ"})
CLASS_BITS = 5
# Units of these classes are not told apart, or by the number of their digits alone.
_ALIKE = {
    UnitClass.ADDRESS: "ADDRESS",
    UnitClass.HANDLE: "HANDLE",
    UnitClass.EMOTICON: "EMOTICON",
    UnitClass.DIGITS: "",
    UnitClass.NUMBER: "",
}
_DIGIT, _LONG = regex.compile(r"\d"), regex.compile(r"\d{5,}")


def unit_spans(chunk: str) -> list[tuple[int, int]]:
    """The ranges of a chunk's units, one after the other."""
    pattern = _UNIT if _SPECIAL.search(chunk) else _PLAIN_UNIT
    return [match.span() for match in pattern.finditer(chunk)]


def unit_numbers(forms: Sequence[str]) -> list[int]:
    """What is known of units wherever they stand: `code << CLASS_BITS | unit_class` of each.

    A code is 32 bits of the folded form; styles of quotation marks are alike, so are cases.
    """
    folded = fold_forms(forms)
    alike = in_one_style("\n".join([form[:32] for form in folded])).split("\n")
    # Most are words in small letters.
    classes = [
        UnitClass.LOWER
        if form.islower() and form.isalpha() and form[0] not in _UNCASED_LETTERS
        else _class_of(form)
        for form in folded
    ]
    for index, unit_class in enumerate(classes):
        if unit_class in _ALIKE:
            alike[index] = _ALIKE[unit_class] or _LONG.sub("00000", _DIGIT.sub("0", folded[index]))
    pairs = zip(text_codes(alike), classes, strict=True)
    return [code << CLASS_BITS | unit_class for code, unit_class in pairs]


def styleless(text: str) -> str:
    """A text, folded, in small letters, its quotation marks and dashes in one style."""
    return in_one_style(fold_form(text))


def in_one_style(text: str) -> str:
    """A folded text in small letters, its quotation marks, dashes and apostrophes in one style."""
    # Few characters have a style: looking for them is faster than translating all.
    return _STYLED.sub(_styleless, text.lower())


def _styleless(match: re.Match[str]) -> str:
    return _STYLES[match[0]]


def _class_of(folded: str) -> int:
    if folded[-1] == "D" and folded.strip("D") in ("x", "X"):
        return UnitClass.EMOTICON
    if folded.isalpha():
        return _class_of_case(folded)
    first = folded[0]
    if first.isalpha() and "@" not in folded and "://" not in folded:
        return _class_of_letters(folded)
    if first.isdigit():
        return UnitClass.DIGITS if folded.isdigit() else _class_of_digits(folded)
    if len(folded) > 1:
        return _class_of_signs(folded)
    return _class_of_character(first)


def _class_of_letters(folded: str) -> int:
    if "." in folded or "/" in folded:
        is_version = folded[0] in "vV" and folded[1].isdigit()
        return UnitClass.NUMBER if is_version else UnitClass.ADDRESS
    if (
        len(folded) > 1
        and not folded[-1].isalnum()
        and not unicodedata.category(folded[-1])[0] == "M"
    ):
        return UnitClass.EMOTICON
    return _class_of_case(folded)


def _class_of_case(folded: str) -> int:
    if folded[:2] in _NAME_STARTS:
        return UnitClass.TITLE
    if folded[0] in _UNCASED_LETTERS:
        return UnitClass.UNCASED
    if folded.islower():
        return UnitClass.LOWER
    if folded.isupper():
        return UnitClass.UPPER if len(folded) > 1 else UnitClass.INITIAL
    if not folded[0].isupper():
        return UnitClass.MIXED if any(map(str.isupper, folded)) else UnitClass.UNCASED
    return UnitClass.TITLE if folded[1:].islower() else UnitClass.MIXED


def _class_of_digits(folded: str) -> int:
    is_number = all(character.isdigit() or character in ".,:/-'’٫٬" for character in folded)
    return UnitClass.NUMBER if is_number else UnitClass.ADDRESS


def _class_of_signs(folded: str) -> int:
    if folded[0] in "@#" and (folded[1].isalnum() or folded[1] == "_"):
        return UnitClass.HANDLE
    if folded[0] in "+-−±." and folded[1].isdigit():
        return UnitClass.NUMBER
    if len(set(folded)) == 1:
        if folded[0] == ".":
            return UnitClass.ELLIPSIS
        if folded[0] in "-":
            return UnitClass.LONG_DASH
        return _class_of_character(folded[0])
    if set(folded) <= set("!?"):
        return UnitClass.EXCLAMATION
    if folded[0] in ":;=<^xX-¯":
        return UnitClass.EMOTICON
    return UnitClass.ADDRESS if "@" in folded or "." in folded else _class_of_character(folded[0])


def _class_of_character(character: str) -> int:
    known = _CHARACTER_CLASSES.get(character)
    if known is not None:
        return known
    category = unicodedata.category(character)
    if category == "Sc":
        return UnitClass.CURRENCY
    if category[0] == "P":
        return UnitClass.OTHER_MARK
    if category[0] == "S":
        is_picture = _PICTURE.match(character) is not None
        return UnitClass.EMOTICON if is_picture else UnitClass.OTHER_SIGN
    return UnitClass.DIGITS if category[0] == "N" else UnitClass.OTHER
