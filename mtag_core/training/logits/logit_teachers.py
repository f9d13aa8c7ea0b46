"""Teachers that give logits for every label of a token: what they share."""

import hashlib
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtag_core.labels import UPOS_LABELS
from mtag_core.records import Sentence
from mtag_core.tagging.tagged import BatchReport
from mtag_core.tagging.windows import EncodedSentence
from mtag_core.training.logits.soft_targets import (
    FeatsSummary,
    SummaryOptions,
    TailBasis,
    summarise_feats,
)

PIECE_BUDGET = 2048
"""Pieces in one batch on a CPU, padding included."""

# Sentences whose logits are in memory at a time: 46 KB a token with 11,583 FEATS bundles.
N_WAITING = 128


# What a model says about some tokens: arrays whose first axis is the tokens.
TokenRows = tuple[NDArray[Any], ...]


class TokenLogits(NamedTuple):
    """A sentence's logits.

    Attributes:
        upos: Shape (n_tokens, n_upos), float32.
        feats: Shape (n_tokens, n_feats), float32.
    """

    upos: NDArray[np.float32]
    feats: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TokenSummary:
    """What is kept of a sentence's logits.

    Attributes:
        upos: All UPOS logits. Shape (n_tokens, n_upos), float32.
        feats: Length n_tokens.
    """

    upos: NDArray[np.float32]
    feats: FeatsSummary


class Teacher(ABC):
    """What the making of shards needs of a teacher.

    Attributes:
        on_batch: Called after each batch with its size and duration; None for no call.
        n_waiting: Sentences that wait for each other so that batches are of like length.
        digest: Identifies its weights.
        upos_labels: UPOS inventory in label order.
        feats_labels: FEATS inventory in label order.
    """

    on_batch: Callable[[BatchReport], None] | None = None
    n_waiting: int = N_WAITING
    digest: str
    upos_labels: tuple[str, ...] = UPOS_LABELS
    feats_labels: tuple[str, ...]

    @abstractmethod
    def encode(self, sentence: Sentence) -> EncodedSentence:
        """Splits a sentence's tokens into the teacher's wordpieces."""

    @abstractmethod
    def logits(self, sentences: Sequence[EncodedSentence]) -> list[TokenLogits]:
        """Logits of each sentence; those of a token do not depend on the others beyond rounding."""

    def summaries(
        self,
        sentences: Sequence[EncodedSentence],
        options: SummaryOptions,
        *,
        basis: TailBasis | None,
    ) -> list[TokenSummary]:
        """What is kept of each sentence's logits; without a basis no sketch of the tail."""
        return [
            TokenSummary(logits.upos, summarise_feats(logits.feats, options, basis=basis))
            for logits in self.logits(sentences)
        ]


def labels_digest(upos: Sequence[str], feats: Sequence[str]) -> str:
    """First 16 hexadecimal digits of the SHA-256 of two inventories."""
    text = json.dumps([list(upos), list(feats)], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def files_digest(directory: Path, patterns: Sequence[str]) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a directory's files that match, in order."""
    digest = hashlib.sha256()
    for pattern in patterns:
        for path in sorted(directory.glob(pattern)):
            with path.open("rb") as stream:
                digest.update(path.name.encode())
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
    return digest.hexdigest()[:16]


def rows_of_batches(
    sentences: Sequence[EncodedSentence],
    groups: Iterable[Sequence[int]],
    run: Callable[[Sequence[Any]], TokenRows],
    *,
    piece_budget: int,
    on_batch: Callable[[BatchReport], None] | None,
) -> list[TokenRows]:
    """Runs a model over given batches of the windows of sentences.

    Args:
        sentences: Each with at least one window.
        groups: The batches, as indices into all windows of all sentences, each index once.
        run: Gives the arrays of the tokens of a batch's windows, in order.
        piece_budget: Pieces in one batch, padding included.
        on_batch: Called after each batch.
    """
    flat = [window for each in sentences for window in each.windows]
    results: dict[int, TokenRows] = {}
    for group in groups:
        batch = [flat[index] for index in group]
        started_s = time.perf_counter()
        rows = run(batch)
        if on_batch is not None:
            n_pieces = len(batch) * max(window.size for window in batch)
            duration_s = time.perf_counter() - started_s
            on_batch(BatchReport(len(batch), n_pieces, piece_budget, duration_s))
        ends = np.cumsum([window.n_tokens for window in batch])[:-1]
        split = zip(*(np.split(array, ends) for array in rows), strict=True)
        results.update(zip(group, split, strict=True))
    in_order = (results[index] for index in range(len(flat)))
    return [_joined(list(islice(in_order, len(each.windows)))) for each in sentences]


def _joined(parts: Sequence[TokenRows]) -> TokenRows:
    if len(parts) == 1:
        return parts[0]
    return tuple(map(np.concatenate, zip(*parts, strict=True)))
