"""Inventories and batches of the Meta-LSTM."""

import json
import random
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import fasttext
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.baselines.meta_lstm.network import MetaLstmBatch
from mtag_core.errors import UsageError
from mtag_core.storage import open_text
from mtag_core.training.data.treebanks import UNLABELLED, LabelledSentence, read_treebank

PADDING, UNKNOWN = 0, 1
_MAX_TOKENS = 200


@dataclass(frozen=True, slots=True)
class WordVectors:
    """Fixed vectors of forms.

    Attributes:
        rows: The row of each form, from 1; row 0 is zero.
        matrix: Shape (n_vectors, vector_width), float32.
    """

    rows: dict[str, int]
    matrix: NDArray[np.float32]

    def save(self, directory: Path) -> None:
        """Writes `vectors.npy` (float16) and `vectors.json` into a directory."""
        # fastText's vectors of a small text may leave the range of float16.
        largest = np.finfo(np.float16).max
        matrix = np.clip(self.matrix, -largest, largest).astype(np.float16)
        np.save(directory / "vectors.npy", matrix, allow_pickle=False)
        text = json.dumps(list(self.rows), ensure_ascii=False)
        (directory / "vectors.json").write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> "WordVectors":
        """Reads what `save` wrote."""
        forms = json.loads((directory / "vectors.json").read_text(encoding="utf-8"))
        matrix = np.load(directory / "vectors.npy", allow_pickle=False).astype(np.float32)
        return cls({form: row for row, form in enumerate(forms, start=1)}, matrix)


def train_vectors(
    texts: Sequence[Path], *, width: int, n_epochs: int, max_sentences: int
) -> WordVectors:
    """Trains skip-gram vectors, one model a text of one language, and unites them.

    A text has a sentence a line, plain or `.xz`. Without texts there is the zero row alone.

    Raises:
        InputNotFoundError: A text does not exist.
    """
    rows: dict[str, int] = {}
    found: list[NDArray[np.float32]] = [np.zeros((1, width), np.float32)]
    for path in texts:
        model = _train(path, max_sentences=max_sentences, dim=width, epoch=n_epochs, minCount=2)
        new = [form for form in model.get_words() if form not in rows]
        rows |= {form: row for row, form in enumerate(new, start=len(rows) + 1)}
        if new:
            found.append(np.stack([model.get_word_vector(form) for form in new]))
    return WordVectors(rows, np.concatenate(found))


def _train(path: Path, *, max_sentences: int, **options: int) -> "fasttext.FastText._FastText":
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as stream:
        stream.writelines(_lines(path, max_sentences=max_sentences))
        stream.flush()
        # One thread, so that the same text gives the same vectors: fastText's seed is fixed.
        return fasttext.train_unsupervised(
            stream.name, model="skipgram", thread=1, verbose=0, **options
        )


def _lines(path: Path, *, max_sentences: int) -> Iterator[str]:
    with open_text(path) as stream:
        for index, line in enumerate(stream):
            if index >= max_sentences:
                break
            yield "".join(f" {c} " if unicodedata.category(c)[0] in "PS" else c for c in line)


def load_sentences(
    paths: Iterable[Path], *, max_tokens_per_file: int | None = None
) -> list[LabelledSentence]:
    """Reads CoNLL-U files, plain or `.xz`; of each no further sentence after so many tokens.

    Raises:
        UsageError: The files hold no sentence.
    """
    sentences: list[LabelledSentence] = []
    for path in paths:
        n_tokens = 0
        for sentence in read_treebank(path):
            sentences.append(sentence)
            n_tokens += len(sentence.forms)
            if max_tokens_per_file is not None and n_tokens >= max_tokens_per_file:
                break
    if not sentences:
        raise UsageError("the training files hold no sentence; give CoNLL-U files that do")
    return sentences


@dataclass(frozen=True, slots=True)
class MetaLstmVocabulary:
    """Maps characters, forms and labels to ids, and back for labels.

    Characters, and forms with an embedding of their own, are in the order of their ids, from 2 on.
    """

    characters: tuple[str, ...]
    forms: tuple[str, ...]
    upos: tuple[str, ...]
    feats: tuple[str, ...]

    @classmethod
    def build(
        cls, sentences: Sequence[LabelledSentence], *, min_count: int
    ) -> "MetaLstmVocabulary":
        """Collects the inventories; forms that occur `min_count` times get an embedding."""
        forms = Counter(form for sentence in sentences for form in sentence.forms)
        characters = sorted({character for form in forms for character in form} | {" "})
        frequent = sorted(form for form, count in forms.items() if count >= min_count)
        upos = sorted({label for sentence in sentences for label in sentence.upos})
        feats = Counter(label for sentence in sentences for label in sentence.feats)
        by_frequency = sorted(feats, key=lambda label: (-feats[label], label))
        return cls(tuple(characters), tuple(frequent), tuple(upos), tuple(by_frequency))


class Encoder:
    """Turns sentences into batches; `vector_rows` has the row of each fixed vector, from 1."""

    def __init__(self, vocabulary: MetaLstmVocabulary, vector_rows: Mapping[str, int]) -> None:
        self._character_to_id = _ids(vocabulary.characters)
        self._form_to_id = _ids(vocabulary.forms)
        self._upos_to_id = {label: index for index, label in enumerate(vocabulary.upos)}
        self._feats_to_id = {label: index for index, label in enumerate(vocabulary.feats)}
        self._vector_rows = vector_rows

    def batch(self, sentences: Sequence[Sequence[str]]) -> MetaLstmBatch:
        """Encodes the forms of sentences, none of them empty."""
        characters, firsts, lasts = zip(*map(self._characters, sentences), strict=True)
        return MetaLstmBatch(
            characters=_padded(characters),
            n_characters=torch.tensor([len(row) for row in characters]),
            first_characters=_padded(firsts),
            last_characters=_padded(lasts),
            forms=_padded(
                [[self._form_to_id.get(form, UNKNOWN) for form in forms] for forms in sentences]
            ),
            vectors=_padded([[self._vector_row(form) for form in forms] for forms in sentences]),
            n_tokens=torch.tensor([len(forms) for forms in sentences]),
        )

    def labels(self, sentences: Sequence[LabelledSentence]) -> tuple[Tensor, Tensor]:
        """Encodes UPOS and FEATS; unknown labels and padding are `UNLABELLED`."""
        upos, feats = (
            _padded([[ids.get(each, UNLABELLED) for each in row] for row in rows], value=UNLABELLED)
            for ids, rows in (
                (self._upos_to_id, (sentence.upos for sentence in sentences)),
                (self._feats_to_id, (sentence.feats for sentence in sentences)),
            )
        )
        return upos, feats

    def _characters(self, forms: Sequence[str]) -> tuple[list[int], list[int], list[int]]:
        ids: list[int] = []
        firsts: list[int] = []
        lasts: list[int] = []
        for form in forms:
            firsts.append(len(ids))
            ids += [self._character_to_id.get(character, UNKNOWN) for character in form]
            lasts.append(len(ids) - 1)
            ids.append(self._character_to_id[" "])
        return ids, firsts, lasts

    def _vector_row(self, form: str) -> int:
        return self._vector_rows.get(form) or self._vector_rows.get(form.lower(), 0)


def without_rare_forms(batch: MetaLstmBatch, *, share: float) -> MetaLstmBatch:
    """Replaces a share, 0 to 1, of forms by the unknown one, so that its embedding is learned too.

    Drawn on the CPU, so that a training draws the same forms on any device.
    """
    is_kept = torch.rand(batch.forms.shape) >= share
    forms = torch.where(is_kept | (batch.forms == PADDING), batch.forms, UNKNOWN)
    return replace(batch, forms=forms)


def length_sorted_batches(
    lengths: Sequence[int], *, token_budget: int, seed: int | None = None
) -> Iterator[list[int]]:
    """Groups sentences of like length; yields the indices of each batch.

    A batch has at most `token_budget` padded tokens, but for a single longer sentence. A seed
    shuffles sentences of one length, and the batches; None keeps the order of length.
    """
    order = list(range(len(lengths)))
    generator = random.Random(seed)
    if seed is not None:
        generator.shuffle(order)
    order.sort(key=lambda index: lengths[index])
    batches: list[list[int]] = []
    for index in order:
        if batches and (len(batches[-1]) + 1) * lengths[index] <= token_budget:
            batches[-1].append(index)
        else:
            batches.append([index])
    if seed is not None:
        generator.shuffle(batches)
    yield from batches


def windows(forms: Sequence[str]) -> list[Sequence[str]]:
    """Cuts a long sentence into stretches that are tagged one by one; memory stays bounded."""
    return [forms[start : start + _MAX_TOKENS] for start in range(0, len(forms), _MAX_TOKENS)]


def _ids(entries: Sequence[str]) -> dict[str, int]:
    return {entry: index for index, entry in enumerate(entries, start=UNKNOWN + 1)}


def _padded(rows: Sequence[Sequence[int]], *, value: int = PADDING) -> Tensor:
    width = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (width - len(row))] for row in rows])
