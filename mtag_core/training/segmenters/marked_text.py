"""Text with the places where its tokens and sentences end, from treebanks and running text.

Nobody has checked that a line of running text is one sentence. So a full stop inside a line and
before a capital says something only where its word is hardly ever without one: then it is an
abbreviation.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import regex
from numpy.typing import NDArray

from mtag_core.segmentation.word_units import CLOSING, DOUBLE_QUOTES, OPENING, TERMINAL
from mtag_core.training.data.treebanks import Sentences, Surface, sentence_text
from mtag_core.training.segmenters.treebanks import neighbours

_LONGEST_PARAGRAPH = 10
_SAME_STYLE = 20
_MOST_LINES_JOINED = 8
_MOST_CHARACTERS = 400
_MIN_COUNT = 2
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
_NOTHING_BUT_MARKS = regex.compile(rf"[{_MARKS}{_CLOSERS}:;,]+")


@dataclass(frozen=True, slots=True)
class MarkedText:
    """Lines of text, marked.

    Attributes:
        text: Lines, each ended by a line break.
        is_token_end: Whether a token ends before an offset. Shape (n_characters + 1,).
        is_sentence_end: Likewise for sentences.
        is_doubtful: Whether a sentence may or may not end there, likewise; None where all is known.
    """

    text: str
    is_token_end: NDArray[np.bool_]
    is_sentence_end: NDArray[np.bool_]
    is_doubtful: NDArray[np.bool_] | None = None


def mark_sentences(
    sentences: Iterable[list[Surface]], *, longest: int = _LONGEST_PARAGRAPH
) -> MarkedText:
    """Writes up to `longest` neighbouring sentences a line; no sentence may be empty."""
    parts: list[str] = []
    token_ends: list[int] = []
    sentence_ends: list[int] = []
    position = 0
    for paragraph in neighbours(sentences, longest):
        for text, ends in map(sentence_text, paragraph):
            parts += [text, " "]
            token_ends += [position + end for end in ends]
            position += len(text) + 1
            sentence_ends.append(position - 1)
        parts[-1] = "\n"
    flags = (_flags(offsets, position) for offsets in (token_ends, sentence_ends))
    return MarkedText("".join(parts), *flags)


def bare(sentences: Sentences) -> Sentences:
    """Sentences as in speech and chats: twenty without marks, twenty that lose capitals, both."""
    found = []
    for number, sentence in enumerate(sentences):
        style = number // _SAME_STYLE % 3
        words = [s for s in sentence if style == 1 or not _NOTHING_BUT_MARKS.fullmatch(s.form)]
        if style:
            words = [surface._replace(form=surface.form.lower()) for surface in words]
        if style != 1:
            words = [surface._replace(has_space=True) for surface in words]
        found.append(words)
    return [sentence for sentence in found if sentence]


def mark_lines(lines: Sequence[str], n_lines: int) -> MarkedText | None:
    """Chooses lines of running text, a sentence each, more or less, that end as sentences do.

    Returns:
        Some of them joined, without token ends inside lines; None if there is no such line.
    """
    short_forms = _abbreviations(lines)
    chosen = _choose(lines, short_forms, n_lines)
    if not chosen:
        return None
    marked = mark_sentences([[Surface(s, (s,))] for s in chosen], longest=_MOST_LINES_JOINED)
    matches = _DOUBTFUL.finditer(marked.text)
    doubtful = [match.end() for match in matches if not _is_short(match, short_forms)]
    is_inside = ~marked.is_sentence_end
    return replace(marked, is_doubtful=_flags(doubtful, len(marked.text)) & is_inside)


def span_f1(guessed: NDArray[np.bool_], gold: NDArray[np.bool_]) -> float:
    """F1 of the spans between ends, in percent; one is right if both of its ends are.

    Example: ends [F, T, T] guessed, [T, T, T] gold: one span of two and three is right: 40.0.
    """
    n_alone = np.cumsum(guessed ^ gold)[guessed & gold]
    n_right = int((np.diff(n_alone, prepend=0) == 0).sum())
    return 200.0 * n_right / max(1, int(guessed.sum()) + int(gold.sum()))


def _choose(lines: Iterable[str], short_forms: frozenset[str], n_lines: int) -> list[str]:
    # Half at random; the others show each abbreviation a few times, initials and ordinals more.
    short = (line.strip() for line in lines if len(line) <= _MOST_CHARACTERS)
    fit = [line for line in short if _ENDS_WELL.search(line)]
    generator = random.Random(1)
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


def _abbreviations(lines: Iterable[str]) -> frozenset[str]:
    """Words that are hardly ever without a full stop, in small letters, without the last stop."""
    matches = ((line, match) for line in lines for match in _WORD.finditer(line))
    words = Counter(match[0].lower() for line, match in matches if match.end() < len(line) - 2)
    with_stop: Counter[str] = Counter()
    for word, count in words.items():
        if word.endswith("."):
            with_stop[word.rstrip(".")] += count
    return frozenset(
        word
        for word, count in with_stop.items()
        if count >= _MIN_COUNT and count > _ABBREVIATION_SHARE * (count + words[word])
    )


def _is_short(match: regex.Match[str], short_forms: frozenset[str]) -> bool:
    word = match["word"].lower()
    is_number = not word and _ORDINAL.match(match.string, match.start() - 1) is not None
    return match["marks"] == "." and (is_number or len(word) == 1 or word in short_forms)


def _flags(offsets: Sequence[int], size: int) -> NDArray[np.bool_]:
    return np.bincount(np.array(offsets, np.int64), minlength=size + 1) > 0
