"""Sentences to sentences with a teacher's logits."""

from collections.abc import Callable, Iterator, Sequence

from mtag_core.records import Sentence
from mtag_core.tagging.tagged import BatchReport
from mtag_core.tagging.windows import EncodedSentence
from mtag_core.training.logits.logit_shards import ScoredSentence, ShardInfo
from mtag_core.training.logits.logit_teachers import (
    Teacher,
    TokenSummary,
    labels_digest,
)
from mtag_core.training.logits.piece_windows import PIECE_BUDGET
from mtag_core.training.logits.soft_targets import SummaryOptions, relative_logits
from mtag_core.training.logits.tail_basis import TailBasis


class Scorer:
    """Asks a teacher about encoded sentences.

    Args:
        teacher: Gives the logits.
        options: What is kept of them.
        basis: Of the tail's sketch; None for none.

    Attributes:
        teacher: Gives the logits.
        piece_budget: Wordpieces in one batch of a teacher on a CPU.
    """

    def __init__(
        self, teacher: Teacher, options: SummaryOptions, *, basis: TailBasis | None = None
    ) -> None:
        self.teacher = teacher
        self.piece_budget = PIECE_BUDGET
        self._options = options
        self._basis = basis

    @property
    def info(self) -> ShardInfo:
        """What the shards' metadata say."""
        return shard_info(self.teacher, self._options, basis=self._basis)

    @property
    def on_batch(self) -> Callable[[BatchReport], None] | None:
        """Called by the teacher after each batch; None for no call."""
        return self.teacher.on_batch

    @on_batch.setter
    def on_batch(self, hook: Callable[[BatchReport], None] | None) -> None:
        self.teacher.on_batch = hook

    def encode(self, sentence: Sentence) -> EncodedSentence:
        """Splits a sentence's tokens into the teacher's wordpieces."""
        return self.teacher.encode(sentence)

    def score(self, sentences: Sequence[EncodedSentence]) -> Iterator[ScoredSentence]:
        """Scores sentences, in order.

        Batches are cut from a fixed number of sentences, so the same sentences give the same bytes.
        """
        scored: list[ScoredSentence] = []
        for start in range(0, len(sentences), self.teacher.n_waiting):
            waiting = sentences[start : start + self.teacher.n_waiting]
            summaries = self.teacher.summaries(waiting, self._options, basis=self._basis)
            scored += map(self._scored, waiting, summaries)
        return iter(scored)

    def _scored(self, encoded: EncodedSentence, summary: TokenSummary) -> ScoredSentence:
        labels = self.teacher.upos_labels
        return ScoredSentence(
            sentence=encoded.sentence,
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
