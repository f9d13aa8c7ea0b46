"""Teachers that give logits for every label of a token: what they share."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.labels import UPOS_LABELS
from mtag_core.records import Sentence
from mtag_core.tagging.tagged import BatchReport
from mtag_core.tagging.windows import EncodedSentence
from mtag_core.training.logits.piece_windows import TokenLogits
from mtag_core.training.logits.soft_targets import (
    FeatsSummary,
    SummaryOptions,
    TailBasis,
    summarise_feats,
)

# Sentences whose logits are in memory at a time: 46 KB a token with 11,583 FEATS bundles.
N_WAITING = 128


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
        """What is kept of each sentence's logits.

        Args:
            sentences: From `encode`.
            options: What to keep.
            basis: Of the tail's sketch; None for none.
        """
        return [
            TokenSummary(
                logits.upos,
                summarise_feats(
                    logits.feats,
                    top_k=options.top_k,
                    temperatures=options.temperatures,
                    basis=basis,
                ),
            )
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
