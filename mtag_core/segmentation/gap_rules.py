"""What holds of text of gap networks whatever they say: what stays whole, and where sentences end.

Treebanks of these languages have few addresses, emoji and the like, and not all marks.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import regex
from numpy.typing import NDArray

from mtag_core.arrays import Integers
from mtag_core.segmentation.abbreviations import abbreviations_of
from mtag_core.segmentation.chunk_rules import FOOTNOTE_MARK, stop_forms
from mtag_core.segmentation.word_units import (
    CLOSING,
    FILE_ENDING,
    HOST_ENDING,
)

_IDEOGRAPHS = r"\p{Han}\p{Hiragana}\p{Katakana}ー"
_LETTER = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{_IDEOGRAPHS}]]"
_MARKS = r"""\s<>\[\]"«»“”„()、。，．！？；：（）「」『』【】《》〈〉…"""
# Such letters are part of an address only where one of its own marks is before them.
_ADDRESS_PART = rf"(?:[^{_MARKS}{_IDEOGRAPHS}]|\([^\s()]*\)|(?<=[/=_%])[{_IDEOGRAPHS}]+)"
_ADDRESS_END = r"(?<![.,;:!?'’])"
_PICTURE = r"\p{Extended_Pictographic}[\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
_EMOTICON = (
    r"[:;][-o*']?(?:[)(|/*]|[dDpPoO3](?![\p{L}\p{N}]))|<3+|\^[_.-]?\^|-_+-|[xX]D+(?![\p{L}\p{N}])"
)
_WHOLE = regex.compile(
    rf"""
      (?:(?P<apart>
        (?<![{_LETTER}._-])(?=[^\s@./:]{{0,64}}[@./:])(?:
          (?:[a-z][a-z0-9]{{1,9}}://|www\.){_ADDRESS_PART}+{_ADDRESS_END}
        | [[{_LETTER}._%+-]--[\p{{M}}]]{{1,64}}@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+
        | [{_LETTER}_][[{_LETTER}]_./-]{{0,99}}\.(?:{FILE_ENDING}|{HOST_ENDING})(?![{_LETTER}_])
          (?:/(?:{_ADDRESS_PART}*{_ADDRESS_END})?)?)
      | (?<![{_LETTER}_])@[{_LETTER}_]+
      | (?<![{_LETTER}_])\#\p{{L}}[\p{{L}}\p{{M}}\p{{N}}_]+
      | (?<!{_LETTER})(?:{_EMOTICON})
      | [0-9\#*]\ufe0f?\u20e3 | \p{{RI}}\p{{RI}}
      | {_PICTURE}(?:\u200d{_PICTURE})*
      )
    | (?P<parted>{FOOTNOTE_MARK} | \p{{Sc}}(?=\d) | (?<=\d)\p{{Sc}})
    | \d{{4}}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[-+]\d\d:?\d\d)?
    | \d{{1,4}}(?P<part>[-/.])\d{{1,2}}(?P=part)\d{{1,4}}(?!\d) | \d{{1,2}}:\d\d(?::\d\d)?(?!\d)
    | [vV]?\d+(?:[.,]\d+)+ | \d+e-?\d+ | C\+\+
    | (?<![\w)\]])[-+−±]\d+(?:[.,]\d+)*)
    """,
    regex.VERBOSE | regex.VERSION1,
)
# What cannot be whole but for such a character is not looked at.
_SIGN = re.compile(
    r"[\d@#+/:;^\[$\xa2-\xa5\u20a0-\u20cf\u203c\u2049\u2139-\u27bf\u2934-\u2b55\U0001f000-\U0001faff]"
    r"|<3|[xX]D|-_|(?<=\w)\.(?=\w)"
)
_BEFORE_SIGN = regex.compile(rf"[^{_IDEOGRAPHS}\s]{{0,100}}", regex.VERSION1 | regex.REVERSE)

_MARKS_BEHIND = frozenset('.,;:!?)]}"')
_CLOSERS = regex.escape(CLOSING + "”’»")
_ENDS = regex.compile(
    rf"[。｡．！？!?]+(?P<closing>[{_CLOSERS}]*)(?:{FOOTNOTE_MARK}|[¹²³⁰⁴-⁹]+)*", regex.VERSION1
)
# What goes on behind a quotation: a particle, or who says it.
_GOES_ON = regex.compile(
    r"\s*(?:[,，、;；:：]|[とってなはをがにのもでへや]|\p{Han}{0,5}?[说說问問道喊叫答笑想写寫称稱])"
)
_BESIDE_IDEOGRAPHS = regex.compile(rf"[\s{_IDEOGRAPHS}]", regex.VERSION1)
_HAN = regex.compile(r"\p{Han}")
# Around the title of a book, which may be a question.
_AROUND_TITLES = ("》", "〉")
_ALWAYS = frozenset("。｡")
_SPACED_ENDS = regex.compile(
    rf"(?P<mark>[.!?…]+)(?P<closing>[{_CLOSERS}\"']*)(?P<notes>(?:{FOOTNOTE_MARK}|[¹²³⁰⁴-⁹]+)*)"
    r"(?=\s+(?P<next>\w))",
    regex.VERSION1,
)
# Who says it.
_SAID = regex.compile(r"[!?…]+\s+[-–—]\s*(?=\p{Ll})")
_ITEM = regex.compile(r"[(（]?(?:\d{1,3}|[a-zA-Z])[.．)）](?=\s*\p{L})")
_LAST_CHUNK = regex.compile(r"\S{1,12}\Z")


class SureEnd(NamedTuple):
    """Marks of which is known whether a sentence ends behind them.

    Attributes:
        start: Offset of the first mark.
        end: Offset after the last one.
        is_end: A sentence ends there; it ends nowhere between the two.
    """

    start: int
    end: int
    is_end: bool


def keep_whole(
    text: str,
    starts: Integers,
    ends: Integers,
    is_end: NDArray[np.bool_],
    is_last: NDArray[np.bool_],
) -> None:
    """Makes tokens of addresses, numbers, emoji and the like, and of each mark of a footnote.

    Args:
        text: Of some units.
        starts: Offset of each unit's first character. Shape (n_units,).
        ends: Offset after its last one.
        is_end: Whether a token ends behind each unit; changed.
        is_last: Whether a sentence does; changed.
    """
    for match in _whole(text):
        first, last = starts.searchsorted(match.start()), ends.searchsorted(match.end())
        if first > last or last >= len(ends) or ends[last] != match.end():
            continue
        is_end[first:last] = match["parted"] is not None
        is_last[first:last] = False
        is_apart = bool(match["apart"] or match["parted"])
        is_end[last] |= is_apart or text[match.end() : match.end() + 1] in _MARKS_BEHIND
        if is_apart and first:
            is_end[first - 1] = True


def _whole(text: str) -> Iterator[regex.Match[str]]:
    done = 0
    for sign in _SIGN.finditer(text):
        if sign.start() < done:
            continue
        before = _BEFORE_SIGN.match(text, done, sign.start())
        first = before.start() if before else sign.start()
        for start in range(first, sign.start() + 1):
            if first < start < sign.start() and text[start - 1].isalnum():
                continue
            match = _WHOLE.match(text, start)
            if match and match.end() > sign.start():
                yield match
                done = match.end()
                break


def sure_ends(
    text: str, lines: Sequence[tuple[int, int]], *, has_spaces: bool
) -> Iterator[SureEnd]:
    """Yields marks of which is known whether a sentence ends behind them.

    Args:
        text: A document.
        lines: Start and end of each line.
        has_spaces: Between syllables.
    """
    for start, end in lines:
        yield from (_spaced_ends if has_spaces else _unspaced_ends)(text, start, end)
        item = _ITEM.match(text, start, end)
        if item:
            yield SureEnd(item.end() - 1, item.end(), False)


def _unspaced_ends(text: str, start: int, end: int) -> Iterator[SureEnd]:
    for match in _ENDS.finditer(text, start, end):
        mark, last, is_closed = match[0][0], match.end(), bool(match["closing"])
        if text[last : last + 1] == '"' and text.count('"', start, last) % 2:
            last, is_closed = last + 1, True
        after = text[last : min(last + 8, end)]
        if not after or (mark in "!?．" and not _BESIDE_IDEOGRAPHS.match(after)):
            continue
        goes_on = _GOES_ON.match(after) if is_closed else after[0] in ",，、;；:："
        if match["closing"][:1] in _AROUND_TITLES and mark not in _ALWAYS:
            yield SureEnd(match.start(), last, False)
            continue
        if mark in _ALWAYS and is_closed and goes_on:
            # What is said in full ends even where who says it follows: but before a particle.
            goes_on = not _HAN.match(after)
        yield SureEnd(match.start(), last, not goes_on)


def _spaced_ends(text: str, start: int, end: int) -> Iterator[SureEnd]:
    short_forms = abbreviations_of("vi")
    for said in _SAID.finditer(text, start, end):
        yield SureEnd(said.start(), said.end(), False)
    for match in _SPACED_ENDS.finditer(text, start, end):
        if match["mark"] == ".":
            chunk = _LAST_CHUNK.search(text, max(start, match.start() - 12), match.start() + 1)
            forms = stop_forms(chunk[0]) if chunk else set()
            is_inside = bool(forms & (short_forms.titles | short_forms.others))
            if match["next"].islower():
                is_inside |= not short_forms.before_small.isdisjoint(forms)
            elif match["next"].isdigit():
                is_inside |= not short_forms.before_numbers.isdisjoint(forms)
            if is_inside or match["notes"]:
                yield SureEnd(match.start(), match.end(), not is_inside)
        elif match["next"].isupper() and not match["closing"] and not match["mark"].strip("!?"):
            yield SureEnd(match.start(), match.end(), True)
