"""Treebanks as arrays: encoded sentences, their labels and where they came from."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from mtag_core.training.data.pieces import (
    PackedSentences,
    encode_sentences,
    fits,
    ragged_rows,
)
from mtag_core.training.data.words import WordSentences

Sentences = TypeVar("Sentences", PackedSentences, WordSentences)


@dataclass(frozen=True)
class LabelledDataset(Generic[Sentences]):
    """Encoded, labelled sentences.

    Attributes:
        packed: The sentences; `n_sentences` of them.
        upos_ids: Label ids. Shape (total_tokens,), int64.
        feats_ids: Label ids, `UNLABELLED` where unknown or faulty. Shape (total_tokens,), int64.
        treebanks: Names of the treebanks.
        treebank_ids: Index into `treebanks` of each sentence. Shape (n_sentences,), int64.
        is_train: Whether each sentence is of a train file. Shape (n_sentences,), bool.
        lemma_ids: Lemma rule ids, `UNLABELLED` where there is no lemma. Shape (total_tokens,),
            int64.
    """

    packed: Sentences
    upos_ids: NDArray[np.int64]
    feats_ids: NDArray[np.int64]
    treebanks: tuple[str, ...]
    treebank_ids: NDArray[np.int64]
    is_train: NDArray[np.bool_]
    lemma_ids: NDArray[np.int64]

    def select(self, chosen: NDArray[np.int64]) -> "LabelledDataset[Sentences]":
        """Keeps the chosen sentences, in that order."""
        tokens = ragged_rows(self.packed.n_tokens, chosen)
        return LabelledDataset(
            self.packed.select(chosen),
            self.upos_ids[tokens],
            self.feats_ids[tokens],
            self.treebanks,
            self.treebank_ids[chosen],
            self.is_train[chosen],
            self.lemma_ids[tokens],
        )

    def tokens_by_treebank(self) -> NDArray[np.int64]:
        """Number of tokens of each treebank. Shape (n_treebanks,)."""
        counts: NDArray[np.int64] = np.bincount(
            self.treebank_ids, weights=self.packed.n_tokens, minlength=len(self.treebanks)
        ).astype(np.int64)
        return counts


LabelledPieces = LabelledDataset[PackedSentences]
LabelledWords = LabelledDataset[WordSentences]


def as_pieces(
    dataset: LabelledWords,
    forms: Sequence[str],
    tokenizer: Path,
    *,
    max_pieces: int,
    n_processes: int,
) -> LabelledPieces:
    """The same sentences in wordpieces.

    Args:
        dataset: Sentences as ids of forms.
        forms: In the order of their ids.
        tokenizer: A `tokenizer.json`.
        max_pieces: Longer sentences are left out, [CLS] and [SEP] counted.
        n_processes: Processes that encode.
    """
    packed = encode_sentences(dataset.packed.texts(forms), tokenizer, n_processes=n_processes)
    values = {each.name: getattr(dataset, each.name) for each in fields(dataset)}
    chosen = np.flatnonzero(fits(packed, max_pieces=max_pieces))
    return LabelledDataset(**{**values, "packed": packed}).select(chosen)


def sampling_rates(
    n_tokens: NDArray[np.int64], *, full_tokens: int, most: float
) -> NDArray[np.float64]:
    """How often an epoch goes through a source, by its size.

    Args:
        n_tokens: Tokens of each source. Shape (n_sources,).
        full_tokens: An epoch goes once through a source of this size or more.
        most: And through none more often than this.

    Returns:
        The square root of how much a source is smaller than `full_tokens`. Shape (n_sources,).

    Example: 10,000 tokens of 40,000 -> twice.
    """
    rates: NDArray[np.float64] = np.sqrt(full_tokens / np.maximum(n_tokens, 1))
    return np.clip(rates, 1.0, most)


def draw_epoch(rates: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Draws the sentences of one epoch.

    Args:
        rates: Times that each sentence is drawn on average. Shape (n_sentences,).
        generator: Decides about the fractions.

    Returns:
        Sentence indices, each `floor(rate)` or `ceil(rate)` times.
    """
    times = np.floor(rates + generator.random(len(rates))).astype(np.int64)
    drawn: NDArray[np.int64] = np.repeat(np.arange(len(rates)), times)
    return drawn
