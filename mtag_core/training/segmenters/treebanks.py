"""What segmenters learn from: treebanks as surface tokens, and running text that a labeller marked.

Labelled text comes in two kinds of files, of `<language>` or `<language>_<variety>`:

- `.segmented.txt.xz`: a line is a sentence. After a unit stands a mark that says how sure the
  labeller is that a token ends there; no mark: sure that none does. Text does not have these marks.
- `.splits.jsonl.xz`: a line is a sentence in JSON, a list of surface tokens, each a list of its
  form and its tokens. Where the labeller is unsure, the form is alone, there for its neighbours
  only: `[["habait", "ha", "bait"], ["gadol", "gadol"], ["shelo"]]`.
"""

import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import InputNotFoundError
from mtag_core.training.data.treebanks import (
    Surface,
    read_lines,
    text_files,
    treebank_files,
)

SPACED_INSIDE = frozenset({"vi"})
"""Languages whose tokens may hold spaces."""

SEGMENTED = ".segmented.txt.xz"
SPLITS = ".splits.jsonl.xz"

MARKS = ("", "\u241d", "\u241e", "\u241f")
UNMARKED = 0.01
"""Probability of a token's end where there is no mark."""
_THRESHOLDS = np.array([0.1, 0.5, 0.9])
_MEANINGS = dict(zip(MARKS, (UNMARKED, 0.3, 0.7, 0.99), strict=True))
_MARK = re.compile("[\u241d-\u241f]")

MarkedSentence = tuple[str, Mapping[int, float]]
"""A text, and the probabilities of token ends by the offset after a unit, where not near 0."""

_Item = TypeVar("_Item")


def files_of(directory: Path, part: str, languages: Sequence[str]) -> list[Path]:
    """The treebank files of one part and some languages.

    Raises:
        InputNotFoundError: There is none.
    """
    files = treebank_files(directory, part, is_required=False)
    paths = [path for name in languages for path in files if text_language(path) == name]
    if not paths:
        raise InputNotFoundError(f"{directory}: no {part} file of {', '.join(languages)}")
    return paths


def texts_of(directory: Path, languages: Sequence[str]) -> dict[str, Path]:
    """Files of text in some languages, by their names.

    Raises:
        InputNotFoundError: There is none.
    """
    found = text_files(directory).items()
    texts = {name: path for name, path in found if text_language(path) in languages}
    if not texts:
        raise InputNotFoundError(f"{directory}: no text of {', '.join(languages)}")
    return texts


def text_lines(path: Path) -> Iterator[str]:
    """Lines of a text but for empty ones, without marks and without blanks around them."""
    return filter(None, (_MARK.sub("", line).strip() for line in read_lines(path)))


def neighbours(items: Iterable[_Item], most: int, *, seed: int = 1) -> Iterator[list[_Item]]:
    """Cuts items into groups of up to `most` that follow one another; the seed chooses sizes."""
    generator, rest = random.Random(seed), iter(items)
    while group := list(islice(rest, generator.randint(1, most))):
        yield group


def text_language(path: Path) -> str:
    """The language of a file of running or labelled text: `zh_hant.txt.xz` -> `zh`."""
    return path.name.split(".")[0].split("_")[0]


def marked_line(text: str, ends: Sequence[int], probs: NDArray[np.float32]) -> str:
    """Writes one line of text, without marks, as lines of sentences, each with a line break.

    Args:
        text: Cleaned text.
        ends: Offset after each unit.
        probs: Of no end after each unit, a token's end, a sentence's end. Shape (n_units, 3).
    """
    levels = np.digitize(1 - probs[:, 0], _THRESHOLDS)
    marks = [
        f"{MARKS[3]}\n" if p > 0.5 else MARKS[n] for n, p in zip(levels, probs[:, 2], strict=True)
    ]
    units = (text[start:end] for start, end in pairwise([0, *ends]))
    lines = "".join(chain.from_iterable(zip(units, marks, strict=True))).split("\n")
    return "".join(line.strip() + "\n" for line in lines if line.strip())


def read_marked(directory: Path | None, language: str) -> Iterator[MarkedSentence]:
    """Yields the marked sentences of a language, of all varieties."""
    for line in _labelled_lines(directory, language, SEGMENTED):
        marks = enumerate(_MARK.finditer(line))
        offsets = {match.start() - number: _MEANINGS[match[0]] for number, match in marks}
        yield _MARK.sub("", line.rstrip("\n")), offsets


def split_line(sentence: Sequence[Surface]) -> str:
    """Writes a sentence, with a line break."""
    rows = [(surface.form, *surface.tokens) for surface in sentence]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")) + "\n"


def read_splits(directory: Path | None, language: str) -> Iterator[list[Surface]]:
    """Yields the split sentences of a language, of all varieties."""
    for line in _labelled_lines(directory, language, SPLITS):
        yield [Surface(form, tuple(tokens)) for form, *tokens in json.loads(line)]


def _labelled_lines(directory: Path | None, language: str, suffix: str) -> Iterator[str]:
    for path in sorted(directory.glob("*" + suffix)) if directory else ():
        if text_language(path) == language:
            yield from read_lines(path)
