"""Cleans a document and finds its lines.

Lines keep their place: cleaning replaces characters one by one and never moves any. Only where
words that a hyphen parts at the end of a line are joined do offsets change (see `rewritten`).
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex

from mtag_core.scripts import is_latin

# What no token may hold: control characters, lone surrogates, the
# byte order mark and the zero-width space, which separates words where it stands.
_UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\u200b]")
LINE_HYPHENS = ("-", "\u2010", "\u00ad")
"""What parts a word at the end of a line."""

_LINE_HYPHEN = regex.compile(
    r"(?<![\p{L}\p{M}])(?P<left>[\p{L}\p{M}]{2,}+)"
    r"(?P<hyphen>[-\u2010\u00ad])(?P<break>[ \t]*\n[ \t]*)"
    r"(?=(?P<right>[\p{L}\p{M}]{2,}))"
)
_SENTENCE_END = re.compile(
    "[.!?\u2026\u3002\uff01\uff1f\u061f\u06d4\u0964\u0589]"
    "[\"'\u00bb\u201d\u2019)\\]\u300d\u300f]*\\Z"
)
_HYPHENATED = regex.compile(r"[\p{L}\p{M}]+(?:-[\p{L}\p{M}]+)*")
_SOFT_HYPHEN = "\u00ad"

# Behind a hyphen that stands for what two words share, as in German "Vor- und Nachteile".
_CONJUNCTIONS = frozenset(
    "und oder bzw sowie and or en of og och eller et ou tai ja ali ili lub oraz nebo".split()
)

# Margins narrower than this do not happen in running text, so short lines are never joined.
_MIN_MARGIN = 36
# Not even where words are parted.
_LEAST_MARGIN = 12

# A line longer than this is a paragraph, not a line of one.
_MAX_MARGIN = 160

# Part of a paragraph's line breaks that must be inside a sentence or where a margin would be, part
# of them where it would be, and part of its width that a line has.
_WRAPPED_SHARE = 0.75
_FULL_SHARE = 0.5
_LEAST_WIDTH = 0.6

_FIRST_WIDE = re.compile(
    "\\S[\u3001\u3002\uff01\uff09\uff0c\uff1a\uff1b\uff1f\u3009\u300b\u300d\u300f\u3011\u201d\u2026\u30fc]*"
)

# Nearly no text has any of what `clean` replaces.
_UNCLEAN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\u200b]")
_ODD_LINE_BREAK = re.compile("\r\n|[\x0b\x0c\r\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class LineSpan:
    """A stretch of lines that belong together, by its offsets in the document."""

    start: int
    end: int


def clean(text: str) -> str:
    r"""Makes text safe for a tokenizer without moving a character.

    Returns:
        A string of the same length: every line break is `\n`, and every control character, lone
        surrogate, byte order mark and zero-width space is a space.
    """
    if not _UNCLEAN.search(text):
        return text
    text = _ODD_LINE_BREAK.sub(lambda match: "\n".rjust(len(match[0])), text)
    return _UNREADABLE.sub(" ", text)


def paragraphs(text: str) -> Iterator[list[LineSpan]]:
    """Yields the non-blank lines of cleaned text, those without a blank line between them together.

    Each unit is one line without the spaces around it.
    """
    lines: list[LineSpan] = []
    start = 0
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped:
            first = start + len(line) - len(line.lstrip())
            lines.append(LineSpan(first, first + len(stripped)))
        elif lines:
            yield lines
            lines = []
        start += len(line) + 1
    if lines:
        yield lines


def wrapped_lines(text: str) -> list[LineSpan]:
    """The lines of cleaned text, those that a margin alone broke apart joined."""
    return [span for group in paragraphs(text) for span in join_wrapped(text, group)]


def join_wrapped(text: str, lines: Sequence[LineSpan]) -> Iterator[LineSpan]:
    """Joins neighbouring lines of a paragraph where a margin broke them; all lines are covered."""
    current = lines[0]
    for line, is_soft in zip(lines[1:], _soft_breaks(text, lines), strict=True):
        if is_soft:
            current = LineSpan(current.start, line.end)
        else:
            yield current
            current = line
    yield current


def _soft_breaks(text: str, lines: Sequence[LineSpan]) -> list[bool]:
    """Tells for each line break whether the next line's first word would not have fitted before it.

    In text that was not wrapped this happens at a long line by chance, so one break is believed
    only when most breaks of the paragraph look the same, and one is inside a sentence.
    """
    if len(lines) == 1:
        return []
    is_long = any(line.end - line.start > _MAX_MARGIN for line in lines)
    if is_long or all(_ends_sentence(text, line) for line in lines[:-1]):
        return [False] * (len(lines) - 1)
    widths = [_n_columns(text[line.start : line.end]) for line in lines]
    margin = max(widths)
    is_full = [
        width + _first_word_columns(text, after) > margin or _parts_word(text, line, after)
        for width, line, after in zip(widths, lines, lines[1:], strict=False)
    ]
    # People break lines earlier, too.
    goes_on = [_goes_on(text, *pair) for pair in pairwise(lines)]
    is_inside = [
        is_line_full or (is_open and width >= _LEAST_WIDTH * margin)
        for is_line_full, is_open, width in zip(is_full, goes_on, widths, strict=False)
    ]
    has_parted = any(_parts_word(text, *pair) for pair in pairwise(lines))
    is_wrapped = (_LEAST_MARGIN if has_parted else _MIN_MARGIN) <= margin <= _MAX_MARGIN
    is_wrapped &= sum(is_full) >= _FULL_SHARE * len(is_full)
    is_wrapped &= sum(is_inside) >= _WRAPPED_SHARE * len(is_full)
    return [is_wrapped and is_soft for is_soft in is_inside]


def _ends_sentence(text: str, line: LineSpan) -> bool:
    return _SENTENCE_END.search(text, max(line.start, line.end - 4), line.end) is not None


def _parts_word(text: str, line: LineSpan, after: LineSpan) -> bool:
    end = text[max(line.start, line.end - 2) : line.end]
    return end[:1].isalpha() and end[1:] in LINE_HYPHENS and text[after.start].islower()


def _goes_on(text: str, line: LineSpan, after: LineSpan) -> bool:
    is_open = text[line.end - 1] not in ":;" and not _ends_sentence(text, line)
    return is_open and text[after.start].islower()


def _n_columns(text: str) -> int:
    if is_latin(text):
        return len(text)
    return sum(
        2
        if unicodedata.east_asian_width(character) in "WF"
        else not unicodedata.combining(character)
        for character in text
    )


def _first_word_columns(text: str, line: LineSpan) -> int:
    if unicodedata.east_asian_width(text[line.start]) in "WF":
        # Marks that close are never the first of a line.
        match = _FIRST_WIDE.match(text, line.start, line.end)
        return 2 * len(match[0]) if match else 2
    space = text.find(" ", line.start, line.end)
    return 1 + _n_columns(text[line.start : line.end if space < 0 else space])


def safe_cut(text: str, *, start: int, limit: int) -> int:
    """Finds where to cut a stretch that is too long for one tokenizer call.

    Args:
        text: Cleaned text.
        start: Where the stretch starts.
        limit: The largest offset to cut at; less than the length of the text.

    Returns:
        An offset above `start`: the last one before a space, else the last one that does not part
        a character from its combining marks, else `limit`.
    """
    space = text.rfind(" ", start + 1, limit + 1)
    if space > start:
        return space
    for cut in range(limit, max(start, limit - 64), -1):
        if not unicodedata.combining(text[cut]):
            return cut
    return limit


def hyphen_edits(text: str, lines: Sequence[LineSpan]) -> list[tuple[int, int, str]]:
    """Finds what to leave out of a text so that words are whole that line breaks part.

    A hyphen at the end of a line is left out, too, but before a capital, and where the text has the
    word with its hyphen elsewhere and never without.

    Args:
        text: Cleaned text.
        lines: Stretches that a margin alone broke into lines.

    Returns:
        Start and end of each stretch to leave out, in order, and the empty text in its place.
    """
    matches = [
        match for line in lines for match in _LINE_HYPHEN.finditer(text, line.start, line.end)
    ]
    if not matches:
        return []
    words = {word.lower() for word in _HYPHENATED.findall(text)}
    edits = []
    for match in matches:
        left, right = match["left"].lower(), match["right"].lower()
        if right in _CONJUNCTIONS and match["hyphen"] != _SOFT_HYPHEN:
            continue
        is_name = match["right"][0].isupper() and not match["left"].isupper()
        is_compound = f"{left}-{right}" in words and left + right not in words
        keeps_hyphen = (is_name or is_compound) and match["hyphen"] != _SOFT_HYPHEN
        start = match.start("break" if keeps_hyphen else "hyphen")
        edits.append((start, match.end("break"), ""))
    return edits
