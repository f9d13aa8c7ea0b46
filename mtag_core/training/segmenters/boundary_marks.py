"""Running text with the places marked at which a labeller thinks that tokens end.

A line is a sentence. After a unit stands a mark that says how sure the labeller is that a token
ends there; no mark: sure that none does. The marks are symbols that text does not have.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.storage import open_text

# Probability of a token's end from which each mark is written, and what a mark then stands for.
MARKS = ("", "\u241d", "\u241e", "\u241f")
_THRESHOLDS = np.array([0.1, 0.5, 0.9])
UNMARKED = 0.01
"""Probability of a token's end where there is no mark."""
_MEANINGS = (UNMARKED, 0.3, 0.7, 0.99)

_MARK = re.compile("[\u241d-\u241f]")


def without_marks(text: str) -> str:
    """Takes out of a text what would be read as a mark."""
    return _MARK.sub("", text)


def marked_line(
    text: str, ends: list[int], token_ends: NDArray[np.float32], sentence_ends: NDArray[np.bool_]
) -> str:
    """Writes one line of text as lines of sentences.

    Args:
        text: Without marks.
        ends: Offset after each unit.
        token_ends: Probability that a token ends after each unit. Shape (n_units,).
        sentence_ends: Whether a sentence does. Shape (n_units,).

    Returns:
        The sentences, each with a line break.
    """
    parts: list[str] = []
    start = 0
    levels = np.digitize(token_ends, _THRESHOLDS).tolist()
    for end, level, is_last in zip(ends, levels, sentence_ends.tolist(), strict=True):
        parts.append(text[start:end].lstrip() if not parts else text[start:end])
        parts.append(MARKS[3] + "\n" if is_last else MARKS[level])
        start = end
    lines = "".join(parts).split("\n")
    return "".join(line.strip() + "\n" for line in lines if line.strip())


def read_marked(path: Path) -> Iterator[tuple[str, dict[int, float]]]:
    """Reads a file of marked lines, `.xz`.

    Yields:
        Each sentence's text, and the probabilities of token ends by the offset after a unit,
        where there is a mark.
    """
    with open_text(path, newline="\n") as lines:
        for line in lines:
            offsets: dict[int, float] = {}
            for count, match in enumerate(_MARK.finditer(line)):
                offsets[match.start() - count] = _MEANINGS[MARKS.index(match[0])]
            yield without_marks(line.rstrip("\n")), offsets
