"""The step that tags, and what it shares with every step that runs a model in batches."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import apache_beam as beam
from apache_beam.metrics import Metrics

from mtag_core.records import Block
from mtag_core.tagging.blocks import BatchTagger, BlockTagger
from mtag_core.tagging.tagged import BatchReport, SentenceResult, TaggedSentence
from mtag_core.tagging.windows import EncodedSentence
from pipelines.transforms.steps import (
    METRICS_NAMESPACE,
    BufferDoFn,
    KeyedRecord,
    RecordBuffer,
    SharedModel,
)


class BatchModel(Protocol):
    """What the buffer needs of a model.

    Attributes:
        piece_budget: Wordpieces in one batch.
        on_batch: Called after each batch.
    """

    piece_budget: int
    on_batch: Callable[[BatchReport], None] | None


@beam.typehints.with_output_types(KeyedRecord)
class BatchDoFn(BufferDoFn[BatchModel]):
    """(K, Block[EncodedSentence]) -> (K, Block) of what a model makes of the sentences.

    Args:
        name: Of the step.
        shared: The model.
        call: Calls the model. Must pickle.
    """

    def __init__(
        self,
        name: str,
        shared: SharedModel[BatchModel],
        call: Callable[[Any, Sequence[EncodedSentence]], Iterator[SentenceResult]],
    ) -> None:
        super().__init__(name, shared, holds=Block)
        self._call = call

    def open_buffer(self, model: BatchModel) -> RecordBuffer:
        """Makes a buffer."""
        model.on_batch = _count_batch
        call = functools.partial(self._call, model)
        return BlockTagger(call, piece_budget=model.piece_budget, step=self.name)


# Made once: that takes ten times as long as an update.
_FILL = Metrics.distribution(METRICS_NAMESPACE, "batch_fill_percent")
_DURATION = Metrics.distribution(METRICS_NAMESPACE, "batch_milli_secs")


def _count_batch(report: BatchReport) -> None:
    _FILL.update(round(100 * report.n_pieces / report.piece_budget))
    _DURATION.update(round(1000 * report.duration_s))


class Tag(BatchDoFn):
    """(K, Block[EncodedSentence]) -> (K, Block[TaggedSentence]). Other records pass."""

    def __init__(self, shared: SharedModel[BatchTagger]) -> None:
        super().__init__("tag", shared, _tag)


def _tag(tagger: BatchTagger, sentences: Sequence[EncodedSentence]) -> Iterator[TaggedSentence]:
    return tagger.tag_encoded(sentences)
