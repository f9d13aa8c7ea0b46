"""Cuts text into the units between which a boundary model decides: characters or syllables."""

import re
import unicodedata
import zlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

# Marks and joiners stay with the character that they change.
_MARKS = "[\u0300-\u036f\u3099\u309a\u200d\ufe00-\ufe0f]*"
_MARK = re.compile(_MARKS.removesuffix("*"))
_CHARACTER = re.compile(rf"\S{_MARKS}")
_SYLLABLE = re.compile(rf"[^\W_]+{_MARKS}(?:[^\W_]+{_MARKS})*|\S{_MARKS}")


SPACED_LETTERS = (7, 8, 9)
"""The kinds of letters in scripts that put spaces between words."""


@dataclass(frozen=True, slots=True)
class UnitTable:
    """The units of a text, a column each.

    Attributes:
        starts: Offset of each unit's first character.
        ends: Offset after its last character.
        codes: A number that stands for the unit; digits are all alike, so are cases.
        kinds: The kind of its first character.
        is_after_space: There is a space before it.
    """

    starts: list[int]
    ends: list[int]
    codes: list[int]
    kinds: list[int]
    is_after_space: list[bool]


def find_units(text: str, *, has_spaces: bool) -> UnitTable:
    """Finds the units of a text.

    Args:
        text: Cleaned text.
        has_spaces: Units are runs of letters and digits, and single signs; else characters.
    """
    if not has_spaces and _MARK.search(text) is None:
        return _character_units(text)
    pattern = _SYLLABLE if has_spaces else _CHARACTER
    spans = [match.span() for match in pattern.finditer(text)]
    starts = [start for start, _ in spans]
    ends = [end for _, end in spans]
    described = [_describe(text[start:end]) for start, end in spans]
    return UnitTable(
        starts=starts,
        ends=ends,
        codes=[code for code, _ in described],
        kinds=[kind for _, kind in described],
        is_after_space=[start != end for start, end in zip(starts, [0, *ends], strict=False)],
    )


def _character_units(text: str) -> UnitTable:
    starts = [start for start, character in enumerate(text) if not character.isspace()]
    described = [_describe(text[start]) for start in starts]
    return UnitTable(
        starts=starts,
        ends=[start + 1 for start in starts],
        codes=[code for code, _ in described],
        kinds=[kind for _, kind in described],
        is_after_space=[start - 1 != before for before, start in pairwise([-1, *starts])],
    )


@lru_cache(maxsize=65_536)
def _describe(unit: str) -> tuple[int, int]:
    alike = "".join("0" if char.isdigit() else char.lower() for char in unit[:32])
    return zlib.crc32(alike.encode("utf-8", "replace")), _kind(unit)


def _kind(unit: str) -> int:
    category = unicodedata.category(unit[0])
    if category[0] == "N":
        return 2
    if category[0] in "PS":
        return 3
    name = unicodedata.name(unit[0], "").split(" ", 1)[0]
    if name == "LATIN":
        return 9 if category == "Lu" else 7
    return {"CJK": 4, "HIRAGANA": 5, "KATAKANA": 6, "HALFWIDTH": 6}.get(name, 8)
