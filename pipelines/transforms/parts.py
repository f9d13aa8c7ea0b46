"""The first steps and the last: from planned parts to documents, from tagged blocks to run.json.

Parts come from the plan of a run or, without end, from files that appear. A file that cannot be
read from its middle becomes slices first, so that all workers read it. A part that killed its
worker is read again with each document tried in a child process.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from threading import Lock
from typing import Any

import apache_beam as beam
from apache_beam.internal import pickler
from apache_beam.metrics import Metrics
from apache_beam.transforms.combiners import ToListCombineFn
from apache_beam.transforms.periodicsequence import PeriodicImpulse, RebaseMode

from mtag_core import storage
from mtag_core.corpus.items import ReadOptions
from mtag_core.output.layout import Manifest, OutputLayout
from mtag_core.parts.counts import ProgressFile, Tally, tally_of
from mtag_core.parts.inputs import FileWatcher, mark_started
from mtag_core.parts.part_records import CompletedPart, RecordKey, read_part, slice_item
from mtag_core.parts.part_writer import PartWriter
from mtag_core.parts.plan import PlannedPart
from mtag_core.parts.read_alone import attempt, trial_if
from mtag_core.parts.run import RunConfig, finish_run
from mtag_core.parts.run_plan import PlanLine, plan_lines
from mtag_core.records import Block, Document, Reject
from mtag_core.segmentation.document_blocks import segment_document
from pipelines.transforms.steps import (
    METRICS_NAMESPACE,
    KeyedRecord,
    SharedModel,
    StepDoFn,
    TextTagger,
)


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
        with attempt(self._layout, part.part_id) as is_suspect, trial_if(is_suspect) as trial:
            for each in self.timed(slice_item(part, self._options, self._layout, trial=trial)):
                self.count("slices")
                yield each


class WriteParts(StepDoFn):
    """(RecordKey, Block | Reject | PartEnd | CompletedPart) -> Manifest.

    Manifests come without `sources`. Records must come in the order in which they were read; a
    runner that loses, doubles or swaps some gets an error and no part. Progress files go to a local
    folder, None where nobody reads them.
    """

    def __init__(self, layout: OutputLayout, *, progress_dir: str | None = None) -> None:
        super().__init__("write")
        self._layout = layout
        self._progress_dir = progress_dir
        self._progress: ProgressFile | None = None
        self._writer: PartWriter | None = None
        self._started_s = 0.0

    def setup(self) -> None:
        """Makes the writer."""
        if self._progress_dir is not None:
            self._progress = ProgressFile(self._progress_dir)
        self._writer = PartWriter(self._layout, self._show)

    def start_bundle(self) -> None:
        """Starts the clock."""
        self._started_s = time.monotonic()

    def process(self, keyed: KeyedRecord) -> Iterator[Manifest]:
        """Writes a record."""
        yield from self.timed(self._manifests(keyed))

    def finish_bundle(self) -> None:
        """Makes sure that no part is half done."""
        if self._writer is not None:
            self._writer.check_closed()
        self.report()

    def teardown(self) -> None:
        """Removes what is half done."""
        # Also called after a bundle that failed: its part is made anew.
        if self._writer is not None:
            self._writer.discard()

    def _manifests(self, keyed: KeyedRecord) -> Iterator[Manifest]:
        assert self._writer is not None
        key, record = keyed
        manifest = self._writer.write(key, record)
        if manifest is None:
            return
        if not isinstance(record, CompletedPart):
            self._finish(manifest)
        yield replace(manifest, sources=())

    def _show(self, tally: Tally) -> None:
        if self._progress is not None:
            self._progress.show(tally)

    def _finish(self, manifest: Manifest) -> None:
        now_s = time.monotonic()
        _count(manifest, elapsed_ms=round(1000 * (now_s - self._started_s)))
        self._started_s = now_s
        if self._progress is not None:
            self._progress.finish(tally_of(manifest))


def _count(manifest: Manifest, *, elapsed_ms: int) -> None:
    counts = {
        "parts": 1,
        "documents": manifest.n_documents,
        "sentences": manifest.n_sentences,
        "tokens": manifest.n_tokens,
        "rejects": manifest.n_rejected,
    }
    counts |= {f"rejects_{reason}": n for reason, n in manifest.rejects_by_reason.items()}
    counts |= {f"pages_{outcome}": n for outcome, n in manifest.pages_by_outcome.items()}
    for name, count in counts.items():
        Metrics.counter(METRICS_NAMESPACE, name).inc(count)
    Metrics.distribution(METRICS_NAMESPACE, "part_milli_secs").update(elapsed_ms)
    Metrics.distribution(METRICS_NAMESPACE, "part_tokens").update(manifest.n_tokens)


class FinishRun(beam.PTransform):
    """PCollection of Manifest -> PCollection of the path of run.json; arguments as `finish_run`."""

    def __init__(
        self, layout: OutputLayout, config: RunConfig, *, n_parts: int, sliced: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self._layout = layout
        self._config = config
        self._n_parts = n_parts
        self._sliced = tuple(sliced)

    def expand(self, manifests: "beam.PCollection[Manifest]") -> "beam.PCollection[str]":
        """Collects the manifests (a kilobyte each) and writes run.json."""
        return (
            manifests
            | "CollectManifests" >> beam.CombineGlobally(ToListCombineFn())
            | "WriteRun" >> beam.FlatMap(self._finish)
        )

    def _finish(self, manifests: list[Manifest]) -> Iterator[str]:
        finish_run(
            self._layout,
            self._config,
            manifests=manifests,
            n_parts=self._n_parts,
            sliced=self._sliced,
        )
        yield self._layout.run_path
