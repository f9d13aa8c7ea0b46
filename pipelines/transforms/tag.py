"""The step that runs the model, in batches across documents."""

from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.utils.windowed_value import WindowedValue

from mtag_core.records import Block, Reject
from mtag_core.tagging.block_tagger import BatchTagger, BlockTagger
from mtag_core.tagging.tagged import BatchReport
from pipelines.transforms.steps import (
    METRICS_NAMESPACE,
    KeyedRecord,
    LockedModel,
    SharedModel,
    StepDoFn,
)

# What a record's key, timestamp and window are while the record waits in the buffer.
_Place = tuple[Any, Any, Any]


class Tag(beam.PTransform):
    """PCollection of (K, Block[EncodedSentence]) -> PCollection of (K, Block[TaggedSentence]).

    Rejects keep their place among the blocks. Any other record empties the buffer, and so does
    the end of a bundle. Keys, timestamps and windows are kept.
    """

    def __init__(self, model: SharedModel[BatchTagger]) -> None:
        """Takes the model that tags."""
        super().__init__()
        self._do_fn = _TagDoFn(model)

    def expand(self, blocks: "beam.PCollection[KeyedRecord]") -> "beam.PCollection[KeyedRecord]":
        """Adds the step."""
        return blocks | "Tag" >> beam.ParDo(self._do_fn).with_output_types(KeyedRecord)


class _TagDoFn(StepDoFn):
    def __init__(self, shared: SharedModel[BatchTagger]) -> None:
        super().__init__("tag")
        self._shared = shared
        self._model: LockedModel[BatchTagger] | None = None
        self._blocks: BlockTagger[_Place] | None = None

    def start_bundle(self) -> None:
        # A bundle that failed may have left blocks behind; its retry brings them again.
        self._blocks = None

    def process(
        self,
        keyed: KeyedRecord,
        timestamp: object = beam.DoFn.TimestampParam,
        window: object = beam.DoFn.WindowParam,
    ) -> Iterator[WindowedValue]:
        key, record = keyed
        place = key, timestamp, window
        if isinstance(record, Block | Reject):
            yield from self._made(lambda blocks: blocks.add(place, record))
        else:
            yield from self._flushed()
            yield _windowed(place, record)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        yield from self._flushed()
        self.report()

    def _flushed(self) -> Iterator[WindowedValue]:
        # Where nothing was to be tagged the model is not even loaded.
        return iter(()) if self._blocks is None else self._made(BlockTagger.flush)

    def _made(
        self, call: Callable[[BlockTagger[_Place]], Iterator[tuple[_Place, Any]]]
    ) -> Iterator[WindowedValue]:
        """Calls the buffer; yields what is ready."""
        blocks, model = self._opened()
        for place, record in self.timed(model.iterate(lambda _: call(blocks))):
            if isinstance(record, Block):
                self.count("sentences", len(record.sentences))
            elif record.step == "tag":
                self.count("rejects")
            yield _windowed(place, record)

    def _opened(self) -> tuple[BlockTagger[_Place], LockedModel[BatchTagger]]:
        if self._model is None:
            self._model = self._shared.acquire()
            self._model.model.on_batch = _count_batch
        if self._blocks is None:
            self._blocks = BlockTagger(self._model.model)
        return self._blocks, self._model


def _windowed(place: _Place, record: object) -> WindowedValue:
    key, timestamp, window = place
    return WindowedValue((key, record), timestamp, (window,))


def _count_batch(report: BatchReport) -> None:
    """Beam's distributions hold whole numbers."""
    fill_percent = round(100 * report.n_pieces / report.piece_budget)
    Metrics.distribution(METRICS_NAMESPACE, "batch_fill_percent").update(fill_percent)
    duration_ms = round(1000 * report.duration_s)
    Metrics.distribution(METRICS_NAMESPACE, "batch_milli_secs").update(duration_ms)
