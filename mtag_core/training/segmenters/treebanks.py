"""What segmenters learn from: treebanks as surface tokens, and running text that a labeller marked.

Labelled text comes in two kinds of files, of `<language>` or `<language>_<variety>`:

- `.segmented.txt.xz`: a line is a sentence. After a unit stands a mark that says how sure the
  labeller is that a token ends there; no mark: sure that none does. Text does not have these marks.
- `.splits.jsonl.xz`: a line is a sentence in JSON, a list of surface tokens, each a list of its
  form and its tokens. Where the labeller is unsure, the form is alone, there for its neighbours
  only: `[["habait", "ha", "bait"], ["gadol", "gadol"], ["shelo"]]`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtag_core import conllu
from mtag_core.storage import open_text
from mtag_core.training.data.treebanks import treebank_files, treebank_name
from mtag_core.training.treebank_facts import facts_of
from mtag_core.treebank_style import treebank_language

# A treebank with fewer tokens does not say enough about the language's words.
_FEW_TOKENS = 10_000

# Marks that stand right after a word in running text of any script that has spaces.
_CLOSING = frozenset(".,!?;:\u2026\u0964\u060c\u061f\u3002")
_MOST_SPACED = 0.5


SPACED_INSIDE = frozenset({"vi"})
"""Languages whose tokens may hold spaces."""

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


class Surface(NamedTuple):
    """A surface token.

    Attributes:
        form: As it stands in the text.
        tokens: What it falls into: the form alone where it is no multiword token.
        has_space: A space stands after it.
    """

    form: str
    tokens: tuple[str, ...]
    has_space: bool


Sentences = list[list[Surface]]


def treebank_files_of(treebanks: Path, language: str, part: str) -> list[Path]:
    """Finds the files of one part of a language's treebanks below a directory, sorted."""
    files = treebank_files(treebanks, part, is_required=False)
    return sorted(path for path in files if treebank_language(treebank_name(path)) == language)


def training_files(treebanks: Path) -> dict[str, list[Path]]:
    """Finds each language's training files below a directory, sorted."""
    files: dict[str, list[Path]] = {}
    for part in ("train", "dev"):
        for path in treebank_files(treebanks, part, is_required=False):
            name = treebank_name(path)
            if (part == "train") == facts_of(name).has_train_spacing:
                files.setdefault(treebank_language(name), []).append(path)
    return {language: sorted(files[language]) for language in sorted(files)}


def is_edited(path: Path) -> bool:
    """Whether a treebank is neither speech nor tweets."""
    return facts_of(treebank_name(path)).is_edited_text


def language_sentences(paths: Sequence[Path], n_tokens: int) -> Sentences:
    """Sentences of some files, as many tokens from each where they have them.

    What a small file lacks the others give.

    Args:
        paths: Training files.
        n_tokens: Roughly how many tokens, at most.
    """
    sentences = {path: read_sentences(path, n_tokens) for path in paths}
    shares = _shares({path: sum(map(len, sentences[path])) for path in paths}, n_tokens)
    return [s for path in paths for s in first_tokens(sentences[path], shares[path])]


def treebank_sentences(treebank: str, paths: Sequence[Path], n_tokens: int) -> Sentences:
    """Sentences of a treebank as they are, after them others of its language where they are few.

    Args:
        treebank: Such as `it_postwita`.
        paths: Training files of its language, its own among them.
        n_tokens: Roughly how many tokens of its own, at most.
    """
    own = [path for path in paths if treebank_name(path) == treebank]
    sentences = [sentence for path in own for sentence in read_sentences(path, n_tokens)]
    n_lacking = _FEW_TOKENS - sum(map(len, sentences))
    others = [path for path in paths if path not in own]
    return sentences + (language_sentences(others, n_lacking) if n_lacking > 0 else [])


def read_sentences(path: Path, n_tokens: int | None = None) -> Sentences:
    """Reads a file up to so many tokens; marks follow their words in every second sentence.

    Some treebanks never say `SpaceAfter=No`. A segmenter that learns from one takes "word." for a
    word.
    """
    with open_text(path) as lines:
        parsed = conllu.read(lines, source=str(path))
        sentences = first_tokens(map(_surfaces, parsed), n_tokens)
    marks = [
        left.has_space for sentence in sentences for left, right in _marks_after_words(sentence)
    ]
    if sum(marks) <= _MOST_SPACED * len(marks):
        return sentences
    return [_tight(sentence) if i % 2 else sentence for i, sentence in enumerate(sentences)]


def joined_letters(sentence: Iterable[Surface]) -> list[Surface]:
    """Takes what a treebank cuts between two letters, as Polish `byl` and `em`, for one form."""
    found: list[Surface] = []
    for surface in sentence:
        last = found[-1] if found else None
        if last and not last.has_space and last.form[-1].isalpha() and surface.form[0].isalpha():
            tokens = last.tokens + surface.tokens
            found[-1] = Surface(last.form + surface.form, tokens, surface.has_space)
        else:
            found.append(surface)
    return found


def first_tokens(sentences: Iterable[list[Surface]], n_tokens: int | None) -> Sentences:
    """Sentences until they have so many tokens."""
    found: Sentences = []
    n_left = float("inf") if n_tokens is None else n_tokens
    for sentence in sentences:
        if n_left <= 0:
            break
        n_left -= len(sentence)
        found.append(sentence)
    return found


def text_language(path: Path) -> str:
    """The language of a file of running or labelled text: `zh_hant.txt.xz` -> `zh`."""
    return path.name.split(".")[0].split("_")[0]


def _surfaces(sentence: conllu.ConlluSentence) -> list[Surface]:
    surfaces: list[Surface] = []
    last = 0
    for row in sentence.rows:
        first, _, end = row[conllu.ID].partition("-")
        if "." in first:
            continue
        form, has_space = row[conllu.FORM], "SpaceAfter=No" not in row[conllu.MISC]
        if end:
            surfaces.append(Surface(form, (), has_space))
            last = int(end)
        elif int(first) <= last:
            surfaces[-1] = surfaces[-1]._replace(tokens=(*surfaces[-1].tokens, form))
        else:
            surfaces.append(Surface(form, (form,), has_space))
    return surfaces


def _marks_after_words(sentence: Sequence[Surface]) -> Iterator[tuple[Surface, Surface]]:
    return ((left, right) for left, right in pairwise(sentence) if right.form in _CLOSING)


def _tight(sentence: Sequence[Surface]) -> list[Surface]:
    return [
        surface._replace(has_space=surface.has_space and after not in _CLOSING)
        for surface, after in zip(sentence, [*(s.form for s in sentence[1:]), ""], strict=True)
    ]


def _shares(sizes: Mapping[Path, int], n_tokens: int) -> dict[Path, int]:
    shares: dict[Path, int] = {}
    n_left = n_tokens
    for n_done, path in enumerate(sorted(sizes, key=lambda path: sizes[path])):
        shares[path] = min(sizes[path], n_left // (len(sizes) - n_done))
        n_left -= shares[path]
    return shares


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
    for line in _labelled_lines(directory, language, SEGMENTED):
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
    for line in _labelled_lines(directory, language, SPLITS):
        yield [Surface(form, tuple(tokens), True) for form, *tokens in json.loads(line)]


def _labelled_lines(directory: Path, language: str, suffix: str) -> Iterator[str]:
    for path in sorted(directory.glob("*" + suffix)):
        if text_language(path) == language:
            with open_text(path, newline="\n") as lines:
                yield from lines
