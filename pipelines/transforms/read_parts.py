"""The first steps: where the parts to be made come from, and the documents in them.

Parts come from the plan of a run or, without end, from files that appear. A file that cannot be
read from its middle becomes slices first, so that all workers read it. A part that killed its
worker is read again with each document tried in a child process.
"""

from collections.abc import Callable, Iterator
from functools import cache, partial
from threading import Lock
from typing import Any

import apache_beam as beam
from apache_beam.internal import pickler
from apache_beam.transforms.periodicsequence import PeriodicImpulse, RebaseMode

from mtag_core import storage
from mtag_core.corpus.items import ReadOptions
from mtag_core.output.layout import OutputLayout
from mtag_core.parts.inputs import FileWatcher, mark_started
from mtag_core.parts.part_records import CompletedPart, RecordKey, read_part, slice_item
from mtag_core.parts.plan import PlannedPart
from mtag_core.parts.read_alone import attempt, trial_if
from mtag_core.parts.run_plan import PlanLine, plan_lines
from mtag_core.records import Block, Document, Reject
from mtag_core.segmentation.document_blocks import segment_document
from pipelines.transforms.steps import KeyedRecord, SharedModel, StepDoFn, TextTagger


class ReadPlan(beam.PTransform):
    """PBegin -> PCollection of PlannedPart.

    Every worker must be able to read the path. An empty file at `started_path` is written before
    the plan is read, for who waits for workers.
    """

    def __init__(self, path: str, *, started_path: str | None = None) -> None:
        super().__init__()
        self._path = path
        self._started_path = started_path

    def expand(self, begin: beam.pvalue.PBegin) -> "beam.PCollection[PlannedPart]":
        """Spreads the plan's lines over the workers and reads them there."""
        return (
            begin
            | "PlanPath" >> beam.Create([self._path])
            | "Lines" >> beam.FlatMap(self._lines)
            # One small element a work item: cheap to reshuffle, the unit of balance and of retries.
            | "SpreadLines" >> beam.Reshuffle()
            | "ReadLine" >> beam.Map(PlanLine.read)
        )

    def _lines(self, path: str) -> Iterator[PlanLine]:
        if self._started_path is not None:
            mark_started(self._started_path)
        yield from plan_lines(path)


class WatchFiles(beam.PTransform):
    """PBegin -> unbounded PCollection of PlannedPart.

    `make_watcher`, which must pickle, is called in a worker. An empty file at `started_path` is
    written at first, for who waits for workers.
    """

    def __init__(
        self, make_watcher: Callable[[], FileWatcher], *, interval_s: float, started_path: str
    ) -> None:
        super().__init__()
        self._make_watcher = make_watcher
        self._interval_s = interval_s
        self._started_path = started_path

    def expand(self, begin: beam.pvalue.PBegin) -> "beam.PCollection[PlannedPart]":
        """Polls at intervals and spreads what is found over the workers."""
        clock = PeriodicImpulse(fire_interval=self._interval_s, rebase=RebaseMode.REBASE_START)
        return (
            begin
            | "Clock" >> clock
            | "Poll" >> beam.ParDo(_PollDoFn(self._make_watcher, self._started_path))
            | "SpreadParts" >> beam.Reshuffle()
            | "ReadPart" >> beam.Map(PlannedPart.from_json)
        )


class _PollDoFn(beam.DoFn):
    """Calls `FileWatcher.poll`; the clock has one key, so that there is one of these at work."""

    def __init__(self, make_watcher: Callable[[], FileWatcher], started_path: str) -> None:
        super().__init__()
        self._make_watcher = make_watcher
        self._started_path = started_path
        self._watcher: FileWatcher | None = None

    def process(self, _moment: object) -> Iterator[str]:
        """Polls once."""
        if self._watcher is None:
            mark_started(self._started_path)
            self._watcher = self._make_watcher()
        for part in self._watcher.poll():
            yield part.to_json()


# Threads of one process make one part after the other: two at once would take twice the memory,
# and no less time.
_ONE_PART = Lock()


def document_check(model: SharedModel[TextTagger]) -> Callable[[Document], None]:
    """Makes a function that does to a document what the steps with a model do; it pickles."""
    return partial(_check, pickler.dumps(model.load))


def _check(load: bytes, document: Document) -> None:
    try:
        model = _loaded(load)
        for block in segment_document(document, model.segment, model.identify):
            if isinstance(block, Block):
                encoded = [model.encode(sentence) for sentence in block.sentences]
                for _ in model.tag_encoded(encoded):
                    pass
    except Exception:
        # It comes again in the steps, which reject the document for it.
        return


@cache
def _loaded(load: bytes) -> Any:  # noqa: ANN401
    return pickler.loads(load)()


class _ReadingDoFn(StepDoFn):
    def __init__(
        self, name: str, options: ReadOptions, layout: OutputLayout, stop_path: str | None
    ) -> None:
        super().__init__(name)
        self._options = options
        self._layout = layout
        self._stop_path = stop_path
        self._access = storage.http_access()

    def setup(self) -> None:
        storage.use_http_access(self._access)

    def _is_stopped(self) -> bool:
        return self._stop_path is not None and storage.exists(self._stop_path)


class ReadDocuments(_ReadingDoFn):
    """PlannedPart -> (RecordKey, Document | Reject | PartEnd).

    A part that is done already is not read again: a `CompletedPart` takes its place. One that a
    process died of is tried in a child process first, with the `check` of a `Trial`: what ends that
    is rejected. Once there is a local file at `stop_path`, no further part is read.
    """

    def __init__(
        self,
        options: ReadOptions,
        layout: OutputLayout,
        *,
        stop_path: str | None = None,
        check: Callable[[Document], object] | None = None,
    ) -> None:
        super().__init__("read", options, layout, stop_path)
        self._check = check

    def process(self, part: PlannedPart) -> Iterator[KeyedRecord]:
        """Yields the records of a part."""
        if self._is_stopped():
            return
        if storage.exists(self._layout.manifest_path(part.part_id)):
            manifest = self._layout.read_manifest(part.part_id)
            yield RecordKey(part.part_id, 0), CompletedPart(manifest)
            return
        # A part is written before its last record comes back here: the mark covers all steps.
        with (
            _ONE_PART,
            attempt(self._layout, part.part_id) as is_suspect,
            trial_if(is_suspect, self._check) as trial,
        ):
            records = read_part(part, self._options, self._layout, trial=trial)
            for key, record in self.timed(records):
                if isinstance(record, Document):
                    self.count("documents")
                elif isinstance(record, Reject):
                    self.count("rejects")
                yield key, record


class SplitFiles(beam.PTransform):
    """PCollection of PlannedPart -> the same with the slices of an item in its place.

    One worker reads such an item and writes its documents to the spool. Other parts pass.
    """

    def __init__(
        self, options: ReadOptions, layout: OutputLayout, *, stop_path: str | None
    ) -> None:
        super().__init__()
        self._do_fn = _SplitFilesDoFn("split", options, layout, stop_path)

    def expand(self, parts: "beam.PCollection[PlannedPart]") -> "beam.PCollection[PlannedPart]":
        """Adds the step, and spreads the slices over the workers."""
        # One small element a part, as in ReadPlan.
        return parts | "Split" >> beam.ParDo(self._do_fn) | "SpreadSlices" >> beam.Reshuffle()


class _SplitFilesDoFn(_ReadingDoFn):
    def process(self, part: PlannedPart) -> Iterator[PlannedPart]:
        if part.slice_bytes is None:
            yield part
            return
        if self._is_stopped():
            return
        with (
            attempt(self._layout, part.part_id) as is_suspect,
            trial_if(is_suspect) as trial,
        ):
            for each in self.timed(slice_item(part, self._options, self._layout, trial=trial)):
                self.count("slices")
                yield each
