"""The first step over documents: planned parts to the documents in them."""

from collections.abc import Callable, Iterator
from threading import Lock

import apache_beam as beam

from mtag_core import storage
from mtag_core.corpus import ReadOptions
from mtag_core.output.layout import OutputLayout
from mtag_core.parts.attempts import attempt
from mtag_core.parts.part_records import CompletedPart, RecordKey
from mtag_core.parts.plan import PlannedPart
from mtag_core.parts.read_alone import trial_if
from mtag_core.parts.read_part import read_part
from mtag_core.records import Document, Reject
from pipelines.transforms.steps import KeyedRecord, StepDoFn

# Threads of one process make one part after the other: two at once would take twice the memory,
# and no less time.
_ONE_PART = Lock()


class ReadDocuments(beam.PTransform):
    """PCollection of PlannedPart -> PCollection of (RecordKey, Document | Reject | PartEnd).

    A part that is done already is not read again: a `CompletedPart` takes its place. One that a
    process died of is tried in a child process first: what ends that is rejected.
    """

    def __init__(
        self,
        options: ReadOptions,
        layout: OutputLayout,
        *,
        stop_path: str | None = None,
        check: Callable[[Document], object] | None = None,
    ) -> None:
        """Takes what a worker has to know.

        Args:
            options: How to read.
            layout: Where completed parts are.
            stop_path: Once this local file is there, no further part is read.
            check: As in `Trial`.
        """
        super().__init__()
        self._do_fn = _ReadDocumentsDoFn(options, layout, stop_path, check)

    def expand(self, parts: "beam.PCollection[PlannedPart]") -> "beam.PCollection[KeyedRecord]":
        """Adds the step."""
        return parts | "Read" >> beam.ParDo(self._do_fn)


class _ReadDocumentsDoFn(StepDoFn):
    def __init__(
        self,
        options: ReadOptions,
        layout: OutputLayout,
        stop_path: str | None,
        check: Callable[[Document], object] | None,
    ) -> None:
        super().__init__("read")
        self._check = check
        self._options = options
        self._layout = layout
        self._stop_path = stop_path

    def process(self, part: PlannedPart) -> Iterator[KeyedRecord]:
        if self._stop_path is not None and storage.exists(self._stop_path):
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

    def finish_bundle(self) -> None:
        self.report()
