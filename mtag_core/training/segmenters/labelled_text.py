"""Running text that a labeller marked, for `train segmenters --labelled`.

Two kinds of files, of `<language>` or `<language>_<variety>`:

- `.segmented.txt.xz`: a line is a sentence. After a unit stands a mark that says how sure the
  labeller is that a token ends there; no mark: sure that none does. Text does not have these marks.
- `.splits.jsonl.xz`: a line is a sentence in JSON, a list of surface tokens, each a list of its
  form and its tokens. Where the labeller is unsure, the form is alone, there for its neighbours
  only: `[["habait", "ha", "bait"], ["gadol", "gadol"], ["shelo"]]`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.storage import open_text
from mtag_core.training.segmenters.treebanks import Surface, text_language

SEGMENTED = ".segmented.txt.xz"
SPLITS = ".splits.jsonl.xz"

MARKS = ("", "\u241d", "\u241e", "\u241f")
UNMARKED = 0.01
"""Probability of a token's end where there is no mark."""
_THRESHOLDS = np.array([0.1, 0.5, 0.9])
_MEANINGS = (UNMARKED, 0.3, 0.7, 0.99)
_MARK = re.compile("[\u241d-\u241f]")

MarkedSentence = tuple[str, Mapping[int, float]]
"""A text, and the probabilities of token ends by the offset after a unit, where not near 0."""


def without_marks(text: str) -> str:
    """Takes out of a text what would be read as a mark."""
    return _MARK.sub("", text)


def marked_line(
    text: str,
    ends: Sequence[int],
    token_ends: NDArray[np.float32],
    sentence_ends: NDArray[np.bool_],
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


def read_marked(directory: Path, language: str) -> Iterator[MarkedSentence]:
    """Yields the marked sentences of a language, of all varieties."""
    for line in _lines(directory, language, SEGMENTED):
        offsets: dict[int, float] = {}
        for count, match in enumerate(_MARK.finditer(line)):
            offsets[match.start() - count] = _MEANINGS[MARKS.index(match[0])]
        yield without_marks(line.rstrip("\n")), offsets


def split_line(sentence: Sequence[Surface]) -> str:
    """Writes a sentence, with a line break."""
    rows = [(surface.form, *surface.tokens) for surface in sentence]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")) + "\n"


def read_splits(directory: Path, language: str) -> Iterator[list[Surface]]:
    """Yields the split sentences of a language, of all varieties."""
    for line in _lines(directory, language, SPLITS):
        yield [Surface(form, tuple(tokens), True) for form, *tokens in json.loads(line)]


def _lines(directory: Path, language: str, suffix: str) -> Iterator[str]:
    for path in sorted(directory.glob("*" + suffix)):
        if text_language(path) == language:
            with open_text(path, newline="\n") as lines:
                yield from lines
