"""The step that tags, and what it shares with every step that runs a model in batches."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.utils.windowed_value import WindowedValue

from mtag_core.records import Block, Reject
from mtag_core.tagging.blocks import BatchTagger, BlockTagger
from mtag_core.tagging.tagged import BatchReport, SentenceResult, TaggedSentence
from mtag_core.tagging.windows import EncodedSentence
from pipelines.transforms.steps import (
    METRICS_NAMESPACE,
    KeyedRecord,
    LockedModel,
    SharedModel,
    StepDoFn,
)


@dataclass(slots=True)
class _Place:
    """Where a record belongs, for the time that it waits in the buffer."""

    key: Any
    timestamp: Any
    windows: tuple[Any, ...]
    pane_info: Any

    def put(self, record: object) -> WindowedValue:
        return WindowedValue((self.key, record), self.timestamp, self.windows, self.pane_info)


class BatchModel(Protocol):
    """What the buffer needs of a model.

    Attributes:
        piece_budget: Wordpieces in one batch.
        on_batch: Called after each batch.
    """

    piece_budget: int
    on_batch: Callable[[BatchReport], None] | None


@beam.typehints.with_output_types(KeyedRecord)
class BatchDoFn(StepDoFn):
    """(K, Block[EncodedSentence]) -> (K, Block) of what a model makes of the sentences.

    Rejects keep their place among the blocks. Any other record empties the buffer, and so does
    the end of a bundle. Keys, timestamps and windows are kept.

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
        super().__init__(name)
        self._shared = shared
        self._call = call
        self._model: LockedModel[BatchModel] | None = None
        self._blocks: BlockTagger[_Place] | None = None
        # The record that was put into the buffer last, and its place.
        self._last: tuple[object, _Place] | None = None

    def start_bundle(self) -> None:
        """Empties the buffer."""
        # A bundle that failed may have left blocks behind; its retry brings them again.
        self._blocks = self._last = None

    def process(
        self,
        keyed: KeyedRecord,
        timestamp: object = beam.DoFn.TimestampParam,
        window: object = beam.DoFn.WindowParam,
        pane_info: object = beam.DoFn.PaneInfoParam,
    ) -> Iterator[WindowedValue]:
        """Buffers a block."""
        key, record = keyed
        if self._is_in_one_more_window(record, window):
            return
        place = _Place(key, timestamp, (window,), pane_info)
        # With an empty buffer a reject has nothing to wait for.
        if isinstance(record, Block) or (self._blocks is not None and isinstance(record, Reject)):
            self._last = record, place
            yield from self._made(lambda blocks: blocks.add(place, record))
        else:
            yield from self._flushed()
            yield place.put(record)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Gives what is left in the buffer."""
        yield from self._flushed()
        self.report()

    def _is_in_one_more_window(self, record: object, window: object) -> bool:
        """Adds the window to the last record's; Beam calls once for each window of a record."""
        if self._last is None:
            return False
        last, place = self._last
        if record is not last or window in place.windows:
            return False
        place.windows += (window,)
        return True

    def _flushed(self) -> Iterator[WindowedValue]:
        self._last = None
        # Where nothing was to be tagged the model is not even loaded.
        return iter(()) if self._blocks is None else self._made(BlockTagger.flush)

    def _made(
        self, call: Callable[[BlockTagger[_Place]], Iterator[tuple[_Place, Any]]]
    ) -> Iterator[WindowedValue]:
        blocks, model = self._opened()
        for place, record in self.timed(model.iterate(lambda _: call(blocks))):
            if isinstance(record, Block):
                self.count("sentences", len(record.sentences))
            elif record.step == self._name:
                self.count("rejects")
            yield place.put(record)

    def _opened(self) -> tuple[BlockTagger[_Place], LockedModel[BatchModel]]:
        if self._model is None:
            self._model = self._shared.acquire()
            self._model.model.on_batch = _count_batch
        if self._blocks is None:
            model = self._model.model
            self._blocks = BlockTagger(
                functools.partial(self._call, model),
                piece_budget=model.piece_budget,
                step=self._name,
            )
        return self._blocks, self._model


def _count_batch(report: BatchReport) -> None:
    fill_percent = round(100 * report.n_pieces / report.piece_budget)
    Metrics.distribution(METRICS_NAMESPACE, "batch_fill_percent").update(fill_percent)
    duration_ms = round(1000 * report.duration_s)
    Metrics.distribution(METRICS_NAMESPACE, "batch_milli_secs").update(duration_ms)


class Tag(BatchDoFn):
    """(K, Block[EncodedSentence]) -> (K, Block[TaggedSentence]). Other records pass."""

    def __init__(self, shared: SharedModel[BatchTagger]) -> None:
        super().__init__("tag", shared, _tag)


def _tag(tagger: BatchTagger, sentences: Sequence[EncodedSentence]) -> Iterator[TaggedSentence]:
    return tagger.tag_encoded(sentences)
