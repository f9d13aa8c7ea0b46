"""Treebanks as surface tokens, which segmenters learn from: forms, what they fall into, spaces."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from mtag_core import conllu
from mtag_core.storage import open_text
from mtag_core.training.treebank_facts import facts_of

_FILE = re.compile(r"^(?P<language>[a-z]+)_(?P<treebank>\w+)-ud-(?P<split>\w+)\.conllu(\.xz)?$")

# A treebank with fewer tokens does not say enough about the language's words.
_FEW_TOKENS = 10_000

# Marks that stand right after a word in running text of any script that has spaces.
_CLOSING = frozenset(".,!?;:\u2026\u0964\u060c\u061f\u3002")
_MOST_SPACED = 0.5


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
    found = ((path, _FILE.match(path.name)) for path in sorted(treebanks.rglob("*.conllu*")))
    return [
        p
        for p, match in found
        if match and match["language"] == language and match["split"] == part
    ]


def training_files(treebanks: Path) -> dict[str, list[Path]]:
    """Finds each language's training files below a directory, sorted."""
    files: dict[str, list[Path]] = {}
    for path in sorted(treebanks.rglob("*.conllu*")):
        match = _FILE.match(path.name)
        is_dev_wanted = match is not None and not facts_of(treebank_of(path)).has_train_spacing
        if match and match["split"] == ("dev" if is_dev_wanted else "train"):
            files.setdefault(match["language"], []).append(path)
    return dict(sorted(files.items()))


def treebank_of(path: Path) -> str:
    """The treebank of a file that is named as UD names them, such as `fr_sequoia`."""
    return path.name.partition("-ud-")[0]


def is_edited(path: Path) -> bool:
    """Whether a treebank is neither speech nor tweets."""
    return facts_of(treebank_of(path)).is_edited_text


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
    own = [path for path in paths if treebank_of(path) == treebank]
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
    """How many tokens each file gives: an equal part, or all that it has."""
    shares: dict[Path, int] = {}
    n_left = n_tokens
    for n_done, path in enumerate(sorted(sizes, key=lambda path: sizes[path])):
        shares[path] = min(sizes[path], n_left // (len(sizes) - n_done))
        n_left -= shares[path]
    return shares
