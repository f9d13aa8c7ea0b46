"""Sentences of running text, a line each, as a source of sentence ends and abbreviations.

Nobody has checked that a line is one sentence. So a full stop inside a line and before a capital
says something only where its word is hardly ever without one: then it is an abbreviation.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import regex
from numpy.typing import NDArray

from mtag_core.segmentation.word_units import CLOSING, DOUBLE_QUOTES, OPENING, TERMINAL
from mtag_core.training.segmenters.marked_paragraphs import MarkedText

_LONGEST_PARAGRAPH = 8
_MOST_CHARACTERS = 400
_MIN_LINES = 2
_ABBREVIATION_SHARE = 0.7
_MOST_SHOWN = 12
_MOST_INITIALS = 300

_MARKS = regex.escape(TERMINAL)
_CLOSERS = regex.escape(CLOSING + DOUBLE_QUOTES + "'’‘")
_OPENERS = regex.escape(OPENING + DOUBLE_QUOTES + "'’‘-–—")
_DOUBTFUL = regex.compile(
    rf"(?P<word>[\p{{L}}\p{{M}}.]*)(?P<marks>[{_MARKS}]+)(?P<end>[{_CLOSERS}]*)(?=\s+[{_OPENERS}]*[^\p{{Ll}}\s])"
)
_STOP_INSIDE = regex.compile(rf"(?P<word>[\p{{L}}\p{{M}}.]*)(?P<marks>\.)(?=[{_CLOSERS},;:]*\s+\S)")
_ORDINAL = regex.compile(r"\d\.\s\p{Lu}?\p{Ll}")
_ENDS_WELL = regex.compile(rf"[{_MARKS}][{_CLOSERS}]*$")
_WORD = regex.compile(r"[\p{L}\p{M}][\p{L}\p{M}.]*")


@dataclass(frozen=True, slots=True)
class TextSentences:
    """Marked text, and where it says nothing.

    Attributes:
        marked: Its token ends are none.
        is_doubtful: Whether a sentence may or may not end before an offset.
    """

    marked: MarkedText
    is_doubtful: NDArray[np.bool_]


def choose_lines(
    lines: Iterable[str], short_forms: frozenset[str], n_lines: int, *, seed: int
) -> list[str]:
    """Chooses lines that end as sentences do.

    Half of them at random; the others show each abbreviation a few times, initials and ordinals
    more often.
    """
    fit = [line.strip() for line in lines if len(line) <= _MOST_CHARACTERS]
    fit = [line for line in fit if _ENDS_WELL.search(line)]
    generator = random.Random(seed)
    generator.shuffle(fit)
    chosen = fit[: n_lines // 2]
    counts: Counter[str] = Counter()
    for line in fit[n_lines // 2 :]:
        if len(chosen) == n_lines:
            break
        found = [match for match in _STOP_INSIDE.finditer(line) if _is_short(match, short_forms)]
        words = {match["word"].lower() for match in found}
        if any(counts[word] < (_MOST_SHOWN if len(word) > 1 else _MOST_INITIALS) for word in words):
            counts.update(words)
            chosen.append(line)
    generator.shuffle(chosen)
    return chosen


def abbreviations(lines: Iterable[str]) -> frozenset[str]:
    """Words that are hardly ever without a full stop, in small letters, without the last stop."""
    with_stop: Counter[str] = Counter()
    without: Counter[str] = Counter()
    for line in lines:
        words = list(_WORD.finditer(line))
        for match in words:
            word = match[0].lower()
            if match.end() >= len(line) - 2:
                continue
            if word.endswith("."):
                with_stop[word.rstrip(".")] += 1
            else:
                without[word] += 1
    return frozenset(
        word
        for word, count in with_stop.items()
        if count >= _MIN_LINES and count > _ABBREVIATION_SHARE * (count + without[word])
    )


def join_lines(lines: Sequence[str], short_forms: frozenset[str], *, seed: int) -> TextSentences:
    """Joins lines into paragraphs of a few sentences.

    Args:
        lines: One sentence each, more or less.
        short_forms: Words after which a full stop ends no sentence inside a line.
        seed: Chooses the lengths.
    """
    generator = random.Random(seed)
    parts: list[str] = []
    spans: list[tuple[int, int]] = []
    ends: list[int] = []
    doubtful: list[int] = []
    position = start = 0
    n_left = generator.randint(1, _LONGEST_PARAGRAPH)
    for line in lines:
        doubtful += [position + end for end in _doubtful_ends(line, short_forms)]
        parts.append(line)
        position += len(line)
        ends.append(position)
        n_left -= 1
        if not n_left:
            spans.append((start, position))
            start = position + 1
            n_left = generator.randint(1, _LONGEST_PARAGRAPH)
        parts.append(" " if n_left and start != position + 1 else "\n")
        position += 1
    if start < position:
        spans.append((start, position - 1))
    text = "".join(parts)
    marked = MarkedText(text, spans, _marks([], len(text)), _marks(ends, len(text)))
    return TextSentences(marked, _marks(doubtful, len(text)))


def _doubtful_ends(line: str, short_forms: frozenset[str]) -> list[int]:
    return [match.end() for match in _DOUBTFUL.finditer(line) if not _is_short(match, short_forms)]


def _is_short(match: regex.Match[str], short_forms: frozenset[str]) -> bool:
    """Whether a full stop inside a line belongs to an abbreviation, an initial or an ordinal."""
    word = match["word"].lower()
    is_number = not word and _ORDINAL.match(match.string, match.start() - 1) is not None
    return match["marks"] == "." and (is_number or len(word) == 1 or word in short_forms)


def _marks(offsets: Sequence[int], size: int) -> NDArray[np.bool_]:
    marks = np.zeros(size + 1, np.bool_)
    marks[np.array(offsets, np.int64)] = True
    return marks
