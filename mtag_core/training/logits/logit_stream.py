"""Sentences in, sentences with a teacher's logits out: order kept, buffer bounded."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np

from mtag_core.records import Sentence
from mtag_core.training.logits.logit_shards import ScoredSentence, ShardInfo
from mtag_core.training.logits.logit_teachers import (
    N_WAITING,
    Teacher,
    TokenSummary,
    labels_digest,
)
from mtag_core.training.logits.soft_targets import SummaryOptions, relative_logits
from mtag_core.training.logits.tail_basis import TailBasis, fit_tail_basis

K = TypeVar("K")


class LogitStream:
    """Scores a stream of sentences with a teacher.

    Attributes:
        teacher: Gives the logits.
    """

    def __init__(
        self, teacher: Teacher, options: SummaryOptions, *, basis: TailBasis | None = None
    ) -> None:
        """Keeps the teacher.

        Args:
            teacher: Gives the logits.
            options: What is kept of them.
            basis: Of the tail's sketch; None for none.
        """
        self.teacher = teacher
        self._options = options
        self._basis = basis

    @property
    def info(self) -> ShardInfo:
        """What the shards' metadata say."""
        return shard_info(self.teacher, self._options, basis=self._basis)

    def score_stream(
        self, pairs: Iterable[tuple[K, Sentence]]
    ) -> Iterator[tuple[K, ScoredSentence]]:
        """Scores sentences.

        Args:
            pairs: A key and a sentence each.

        Yields:
            The pairs in order, the sentences with their logits. Batches are cut from a fixed number
            of sentences, so the same stream gives the same bytes.
        """
        iterator = iter(pairs)
        while buffer := list(islice(iterator, self.teacher.n_waiting)):
            sentences = [sentence for _, sentence in buffer]
            results = self.teacher.summaries(sentences, self._options, basis=self._basis)
            for (key, sentence), summary in zip(buffer, results, strict=True):
                yield key, self._scored(sentence, summary)

    def _scored(self, sentence: Sentence, summary: TokenSummary) -> ScoredSentence:
        labels = self.teacher.upos_labels
        return ScoredSentence(
            sentence=sentence,
            upos=tuple(labels[label] for label in summary.upos.argmax(axis=1)),
            upos_logits=relative_logits(summary.upos),
            feats_summary=summary.feats,
        )


def shard_info(teacher: Teacher, options: SummaryOptions, *, basis: TailBasis | None) -> ShardInfo:
    """The metadata of shards made with these."""
    return ShardInfo(
        teacher=teacher.digest,
        labels=labels_digest(teacher.upos_labels, teacher.feats_labels),
        n_upos=len(teacher.upos_labels),
        n_feats=len(teacher.feats_labels),
        top_k=min(options.top_k, len(teacher.feats_labels)),
        temperatures=options.temperatures,
        tail_rank=0 if basis is None else basis.rank,
        tail_basis="" if basis is None else basis.digest,
    )


def fit_basis(
    teacher: Teacher, sentences: Iterable[Sentence], options: SummaryOptions, *, n_tokens: int
) -> TailBasis | None:
    """Finds a basis for the tail's sketch on the first tokens of a corpus.

    Args:
        teacher: Gives the logits.
        sentences: Read until there are enough tokens.
        options: Of the summary; a rank of 0 gives no basis.
        n_tokens: How many tokens to look at; 4 bytes times the number of labels each.
    """
    if not options.tail_rank:
        return None
    parts: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = []
    n_seen = 0
    iterator = iter(sentences)
    while n_seen < n_tokens and (buffer := list(islice(iterator, N_WAITING))):
        for logits in teacher.logits(buffer):
            parts.append(logits.feats)
            n_seen += len(logits.feats)
    if not parts:
        return None
    return fit_tail_basis(
        np.concatenate(parts)[:n_tokens],
        rank=options.tail_rank,
        top_k=options.top_k,
        temperatures=options.temperatures,
    )
