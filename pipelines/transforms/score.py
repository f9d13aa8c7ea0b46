"""The step that asks a teacher for its logits, in batches across documents."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import apache_beam as beam

from mtag_core.tagging.windows import EncodedSentence
from mtag_core.training.logits.logit_shards import ScoredSentence
from pipelines.transforms.batch_step import BatchDoFn, BatchModel
from pipelines.transforms.steps import KeyedRecord, SharedModel


class SentenceScorer(BatchModel, Protocol):
    """What the step needs of `mtag_core.training.logits.scorer.Scorer`."""

    def score(self, sentences: Sequence[EncodedSentence]) -> Iterator[ScoredSentence]:
        """Scores sentences together; raises before it returns, or not at all."""


class Score(beam.PTransform):
    """PCollection of (K, Block[EncodedSentence]) -> PCollection of (K, Block[ScoredSentence]).

    The wordpieces are the teacher's own. Other records pass; see `BatchDoFn`.
    """

    def __init__(self, scorer: SharedModel[SentenceScorer]) -> None:
        super().__init__()
        self._do_fn = BatchDoFn("score", scorer, _score)

    def expand(self, blocks: "beam.PCollection[KeyedRecord]") -> "beam.PCollection[KeyedRecord]":
        """Adds the step."""
        return blocks | "Score" >> beam.ParDo(self._do_fn).with_output_types(KeyedRecord)


def _score(
    scorer: SentenceScorer, sentences: Sequence[EncodedSentence]
) -> Iterator[ScoredSentence]:
    return scorer.score(sentences)
