"""Reads treebanks and texts for training: forms and labels, surface tokens, names. Needs no torch.

A treebank is named by its file, as UD names them: `en_ewt-ud-train.conllu.xz`
is the train part of `en_ewt`, of language `en`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from csv import DictReader
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import NamedTuple

from mtag_core import conllu
from mtag_core.errors import FormatError, InputNotFoundError
from mtag_core.storage import open_text

# Marks that stand right after a word in running text of any script that has spaces.
_CLOSING = frozenset(".,!?;:\u2026\u0964\u060c\u061f\u3002")
_MOST_SPACED = 0.5
_TEXT_SUFFIXES = (".txt", ".txt.xz")

UNLABELLED = -100
"""Of a token without a label: neither learnt nor scored."""
NOT_IN_INVENTORY = -1
"""Of a dev token whose lemma needs a rule that the model does not have: scored, never right."""


@dataclass(frozen=True, slots=True)
class LabelledSentence:
    """A sentence of a part, `train`, `dev` or `test`, of a treebank such as `en_ewt`.

    Columns have the length n_tokens. FEATS are sorted by attribute, lemmas are as the file has
    them; both are `_` where there are none.
    """

    treebank: str
    forms: tuple[str, ...]
    upos: tuple[str, ...]
    feats: tuple[str, ...]
    part: str = "train"
    lemmas: tuple[str, ...] = ()

    def cut(self, tokens: slice) -> "LabelledSentence":
        """Some of its tokens alone."""
        columns = ("forms", "upos", "feats", "lemmas")
        return replace(self, **{name: getattr(self, name)[tokens] for name in columns})


class Surface(NamedTuple):
    """A surface token, the tokens it falls into or itself, and whether a space stands after it."""

    form: str
    tokens: tuple[str, ...]
    has_space: bool = True


Sentences = list[list[Surface]]


def treebank_files(directory: Path, part: str, *, is_required: bool = True) -> list[Path]:
    """Lists the files `*-PART.conllu[.xz]` under a directory, sorted by name.

    Raises:
        InputNotFoundError: There is none, and one is required.
    """
    files = [path for suffix in ("", ".xz") for path in directory.rglob(f"*-{part}.conllu{suffix}")]
    if not files and is_required:
        raise InputNotFoundError(
            f"{directory}: no file named *-{part}.conllu or *-{part}.conllu.xz"
        )
    return sorted(files, key=lambda path: path.name)


def read_licences(treebanks: Path) -> dict[str, str]:
    """Licence by name of a folder, from the columns `treebank` and `license` of `INDEX.tsv`.

    Raises:
        FormatError: A column is missing. Without the file there are no licences.
    """
    index = treebanks / "INDEX.tsv"
    if not index.exists():
        return {}
    with index.open(encoding="utf-8", newline="") as lines:
        rows = DictReader(lines, delimiter="\t")
        if missing := {"treebank", "license"}.difference(rows.fieldnames or ()):
            raise FormatError(f"{index}: no column {missing.pop()!r}; expected treebank, license")
        return {row["treebank"]: row["license"] for row in rows}


def treebanks_with(licences: Sequence[str], treebanks: Path) -> frozenset[str]:
    """Names the treebanks below a directory that have one of some licences; all if none is given.

    Raises:
        FormatError: See `read_licences`.
        InputNotFoundError: No treebank has such a licence.
    """
    licence_of = read_licences(treebanks) if licences else {}
    names = frozenset(
        treebank_name(path)
        for path in treebanks.rglob("*.conllu*")
        if not licences or licence_of.get(path.parent.name) in licences
    )
    if licences and not names:
        raise InputNotFoundError(f"{treebanks}/INDEX.tsv: no treebank with {' or '.join(licences)}")
    return names


def treebank_name(path: Path) -> str:
    """The treebank a file belongs to. Example: `ud/en_ewt-ud-dev.conllu.xz` -> `en_ewt`."""
    return path.name.split("-")[0]


def read_treebank(path: Path) -> Iterator[LabelledSentence]:
    """Yields the sentences of a CoNLL-U file, without multiword token lines and empty nodes.

    Raises:
        ConlluError: A line breaks the format.
    """
    name, part = treebank_name(path), path.name.split(".")[0].rpartition("-")[2]
    with open_text(path) as lines:
        for sentence in conllu.read(lines, source=str(path)):
            rows = sentence.tokens
            yield LabelledSentence(
                name,
                tuple(row[conllu.FORM] for row in rows),
                tuple(row[conllu.UPOS] for row in rows),
                tuple(sort_feats(row[conllu.FEATS]) for row in rows),
                part,
                tuple(row[conllu.LEMMA] for row in rows),
            )


def read_sentences(path: Path, n_tokens: float = inf) -> Sentences:
    """Reads surface tokens up to a number; marks follow their words in every second sentence.

    Some treebanks never say `SpaceAfter=No`. A segmenter that learns from one takes "word." for a
    word.
    """
    with open_text(path) as lines:
        parsed = conllu.read(lines, source=str(path))
        sentences = first_tokens(map(_surfaces, parsed), n_tokens)
    pairs = (pair for sentence in sentences for pair in pairwise(sentence))
    is_spaced = [left.has_space for left, right in pairs if right.form in _CLOSING]
    if sum(is_spaced) > _MOST_SPACED * len(is_spaced):
        for sentence in sentences[1::2]:
            for index, (left, right) in enumerate(pairwise(sentence)):
                if right.form in _CLOSING:
                    sentence[index] = left._replace(has_space=False)
    return sentences


def _surfaces(sentence: conllu.ConlluSentence) -> list[Surface]:
    forms = [row[conllu.FORM] for row in sentence.tokens]
    return [
        Surface(form, tuple(forms[first : last + 1]), "SpaceAfter=No" not in misc)
        for (_, form, *_, misc), first, last in sentence.surfaces
    ]


def first_tokens(sentences: Iterable[list[Surface]], n_tokens: float) -> Sentences:
    """Sentences until they have so many tokens."""
    found: Sentences = []
    for sentence in sentences:
        if n_tokens <= 0:
            break
        n_tokens -= len(sentence)
        found.append(sentence)
    return found


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


def sentence_text(sentence: Iterable[Surface]) -> tuple[str, list[int]]:
    """The text of a sentence of one token or more, and the offset after each surface token."""
    text, ends = "", []
    for form, _, has_space in sentence:
        text += form
        ends.append(len(text))
        text += " " * has_space
    return text[: ends[-1]], ends


def sort_feats(feats: str) -> str:
    """Sorts a bundle's attributes without regard to case, as UD asks.

    Example: `Number=Sing|Case=Nom` -> `Case=Nom|Number=Sing`
    """
    return "|".join(sorted(feats.split("|"), key=str.lower)) if "|" in feats else feats


def feats_inventory(sentences: Iterable[LabelledSentence]) -> list[str]:
    """Lists FEATS bundles in label order: `_` first, then by falling frequency, then by name."""
    counts = Counter(feats for sentence in sentences for feats in sentence.feats)
    counts.pop("_", None)
    return ["_", *sorted(counts, key=lambda feats: (-counts[feats], feats))]


def text_files(directory: Path) -> dict[str, Path]:
    """Finds the texts of a directory by name, `LANGUAGE` of `LANGUAGE.txt` or `LANGUAGE.txt.xz`.

    Raises:
        InputNotFoundError: There is none.
    """
    paths = sorted(path for suffix in _TEXT_SUFFIXES for path in directory.glob(f"*{suffix}"))
    if not paths:
        raise InputNotFoundError(f"{directory}: no *.txt or *.txt.xz file; expected one a language")
    return {path.name.split(".")[0]: path for path in paths}


def read_lines(path: Path) -> Iterator[str]:
    """Yields the lines of a text with their ends, decompressed as its name says."""
    with open_text(path) as lines:
        yield from lines
