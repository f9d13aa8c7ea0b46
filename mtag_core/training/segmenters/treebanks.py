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
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby, islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import InputNotFoundError
from mtag_core.training.data.treebanks import (
    Sentences,
    Surface,
    first_tokens,
    joined_letters,
    read_lines,
    read_sentences,
    text_files,
    treebank_files,
    treebank_name,
    treebanks_with,
)
from mtag_core.training.segmenter_options import LabellingOptions
from mtag_core.training.segmenters.splits import LANGUAGE_TO_SHAPE
from mtag_core.training.treebank_facts import facts_of
from mtag_core.treebank_style import treebank_language

SEGMENTED, SPLITS = ".segmented.txt.xz", ".splits.jsonl.xz"

MARKS = ("", "\u241d", "\u241e", "\u241f")
UNMARKED = 0.01
"""Probability of a token's end where there is no mark."""
_THRESHOLDS = np.array([0.1, 0.5, 0.9])
_MEANINGS = dict(zip(MARKS, (UNMARKED, 0.3, 0.7, 0.99), strict=True))
_MARK = re.compile("[\u241d-\u241f]")

# A treebank with fewer tokens does not say enough about the language's words.
_FEW_TOKENS = 10_000

MarkedSentence = tuple[str, Mapping[int, float]]
"""A text, and the probabilities of token ends by the offset after a unit, where not near 0."""

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Treebanks:
    """Treebanks below a directory that have one of some licences, or any if none is given.

    Raises:
        FormatError: See `read_licences`.
        InputNotFoundError: There is no training file, or no treebank with such a licence.
    """

    directory: Path
    licences: tuple[str, ...] = ()

    @cached_property
    def files(self) -> dict[str, list[Path]]:
        """Training files by language: dev files of treebanks whose train files lack spaces."""
        paths = [p for p in self.part("train") if facts_of(treebank_name(p)).has_train_spacing]
        paths += [p for p in self.part("dev") if not facts_of(treebank_name(p)).has_train_spacing]
        if not paths:
            raise InputNotFoundError(f"{self.directory}: no *-train.conllu or .xz file below it")
        paths.sort(key=lambda path: (text_language(path), path))
        return {name: list(files) for name, files in groupby(paths, text_language)}

    def part(self, part: str) -> list[Path]:
        """Files of `train` or `dev`, sorted."""
        names = treebanks_with(self.licences, self.directory)
        paths = sorted(treebank_files(self.directory, part, is_required=False))
        return [path for path in paths if treebank_name(path) in names]

    def all(self, language: str) -> Sentences:
        """All sentences of a language."""
        return [sentence for path in self.files[language] for sentence in read_all(path)]

    def dev(self, language: str, n_tokens: int) -> list[Sentences]:
        """The first sentences of each dev file of a language."""
        paths = [path for path in self.part("dev") if text_language(path) == language]
        return [_whole(language, first_tokens(read_sentences(path), n_tokens)) for path in paths]

    def of_language(self, language: str, n_tokens: int, *, is_edited: bool) -> Sentences:
        """Sentences of roughly `n_tokens` tokens, as many from each file where it has them.

        What a small file lacks the others give. Speech and tweets are not edited; they stand for
        edited text where there is no other.
        """
        files = self.files[language]
        paths = [p for p in files if facts_of(treebank_name(p)).is_edited_text == is_edited]
        return _whole(language, _evenly(paths or files * is_edited, n_tokens))

    def of_treebank(self, treebank: str, n_tokens: int) -> Sentences:
        """Sentences of a treebank, after them others of its language where they are few."""
        paths = self.files[treebank_language(treebank)]
        own = next(path for path in paths if treebank_name(path) == treebank)
        sentences = read_sentences(own, n_tokens)
        n_lacking = max(0, _FEW_TOKENS - sum(map(len, sentences)))
        return sentences + _evenly([path for path in paths if path != own], n_lacking)


def read_all(path: Path) -> Sentences:
    """All sentences of a treebank's file."""
    return _whole(text_language(path), read_sentences(path))


def _whole(language: str, sentences: Sentences) -> Sentences:
    # A cut between letters is a split where the language has a split model.
    return list(map(joined_letters, sentences)) if language in LANGUAGE_TO_SHAPE else sentences


def _evenly(paths: Sequence[Path], n_tokens: int) -> Sentences:
    sentences = {path: read_sentences(path, n_tokens) for path in paths}
    sizes = {path: sum(map(len, sentences[path])) for path in paths}
    shares: dict[Path, int] = {}
    for n_done, path in enumerate(sorted(paths, key=sizes.__getitem__)):
        shares[path] = min(sizes[path], n_tokens // (len(paths) - n_done))
        n_tokens -= shares[path]
    return [s for path in paths for s in first_tokens(sentences[path], shares[path])]


def label_sources(options: LabellingOptions, languages: Sequence[str]) -> Iterator[list[Path]]:
    """Yields the texts, the train files and the dev files of some languages.

    Raises:
        InputNotFoundError: There is none of a kind.
    """
    sources = {f"{part} file": Treebanks(options.treebanks).part(part) for part in ("train", "dev")}
    for kind, paths in {"text": [*text_files(options.text).values()], **sources}.items():
        found = [path for name in languages for path in paths if text_language(path) == name]
        if not found:
            places = f"{options.text}, {options.treebanks}"
            raise InputNotFoundError(f"{places}: no {kind} of {', '.join(languages)}")
        yield found


def text_lines(path: Path) -> Iterator[str]:
    """Lines of a text but for empty ones, without marks and without blanks around them."""
    return filter(None, (_MARK.sub("", line).strip() for line in read_lines(path)))


def text_name(path: Path) -> str:
    """The name of a file without its suffixes: `zh_hant.txt.xz` -> `zh_hant`."""
    return path.name.split(".")[0]


def text_language(path: Path) -> str:
    """The language of a treebank or a text, labelled or not: `zh_hant.txt.xz` -> `zh`."""
    return text_name(path).split("_")[0]


def neighbours(items: Iterable[_Item], most: int, *, seed: int = 1) -> Iterator[list[_Item]]:
    """Cuts items into groups of up to `most` that follow one another; the seed chooses sizes."""
    generator, rest = random.Random(seed), iter(items)
    while group := list(islice(rest, generator.randint(1, most))):
        yield group


def marked_line(units: Sequence[str], probs: NDArray[np.float32]) -> str:
    """Writes one line of text, without marks, as lines of sentences, each with a line break.

    Units have the spaces before them; probs, (n_units, 3), are of no end, of a token's and of a
    sentence's after each.
    """
    levels = np.digitize(1 - probs[:, 0], _THRESHOLDS)
    marks = [
        f"{MARKS[3]}\n" if p > 0.5 else MARKS[n] for n, p in zip(levels, probs[:, 2], strict=True)
    ]
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
