"""Text with the places where its tokens and sentences end, from treebanks and from sentences."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class MarkedText:
    """Lines of text, marked.

    Attributes:
        text: Lines, each ended by a line break.
        lines: Start and end of each.
        is_token_end: Whether a token ends before an offset. Shape (n_characters + 1,).
        is_sentence_end: Likewise for sentences.
    """

    text: str
    lines: list[tuple[int, int]]
    is_token_end: NDArray[np.bool_]
    is_sentence_end: NDArray[np.bool_]


Surface = tuple[str, bool]
"""The form of a surface token and whether a space stands after it."""


def mark(paragraphs: Iterable[Sequence[Sequence[Surface]]]) -> MarkedText:
    """Writes each paragraph of sentences as a line; no sentence or form may be empty."""
    parts: list[str] = []
    token_ends: list[int] = []
    sentence_ends: list[int] = []
    lines: list[tuple[int, int]] = []
    position = 0
    for paragraph in paragraphs:
        start = position
        for sentence in paragraph:
            for form, has_space in sentence:
                parts += [form, " "] if has_space else [form]
                position += len(form)
                token_ends.append(position)
                position += has_space
            sentence_ends.append(token_ends[-1])
        lines.append((start, token_ends[-1]))
        parts.append("\n")
        position += 1
    return MarkedText(
        "".join(parts), lines, _marks(token_ends, position), _marks(sentence_ends, position)
    )


def paragraphs(
    sentences: Sequence[Sequence[Surface]], *, longest: int, generator: random.Random
) -> Iterator[list[list[Surface]]]:
    """Puts neighbouring sentences together, up to `longest` of them, with a space between."""
    first = 0
    while first < len(sentences):
        last = first + generator.randint(1, longest)
        yield [_spaced(sentence) for sentence in sentences[first:last]]
        first = last


def _spaced(sentence: Sequence[Surface]) -> list[Surface]:
    return [*sentence[:-1], (sentence[-1][0], True)]


def _marks(offsets: Sequence[int], size: int) -> NDArray[np.bool_]:
    marks = np.zeros(size + 1, np.bool_)
    marks[np.array(offsets, np.int64)] = True
    return marks
