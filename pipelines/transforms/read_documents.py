"""The first step over documents: planned parts to the documents in them."""

from collections.abc import Iterator
from threading import Lock

import apache_beam as beam

from mtag_core import storage
from mtag_core.corpus import ReadOptions
from mtag_core.output.layout import OutputLayout
from mtag_core.parts.part_records import CompletedPart, RecordKey
from mtag_core.parts.plan import PlannedPart
from mtag_core.parts.read_part import read_part
from mtag_core.records import Document, Reject
from pipelines.transforms.steps import KeyedRecord, StepDoFn

# Threads of one process make one part after the other: two at once would take twice the memory,
# and no less time.
_ONE_PART = Lock()


class ReadDocuments(beam.PTransform):
    """PCollection of PlannedPart -> PCollection of (RecordKey, Document | Reject | PartEnd).

    A part that is done already is not read again: a `CompletedPart` takes its place.
    """

    def __init__(
        self, options: ReadOptions, layout: OutputLayout, *, stop_path: str | None = None
    ) -> None:
        """Takes what a worker has to know.

        Args:
            options: How to read.
            layout: Where completed parts are.
            stop_path: Once this local file is there, no further part is read.
        """
        super().__init__()
        self._do_fn = _ReadDocumentsDoFn(options, layout, stop_path)

    def expand(self, parts: "beam.PCollection[PlannedPart]") -> "beam.PCollection[KeyedRecord]":
        """Adds the step."""
        return parts | "Read" >> beam.ParDo(self._do_fn)


class _ReadDocumentsDoFn(StepDoFn):
    def __init__(self, options: ReadOptions, layout: OutputLayout, stop_path: str | None) -> None:
        super().__init__("read")
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
        with _ONE_PART:
            for key, record in self.timed(read_part(part, self._options, self._layout)):
                if isinstance(record, Document):
                    self.count("documents")
                elif isinstance(record, Reject):
                    self.count("rejects")
                yield key, record

    def finish_bundle(self) -> None:
        self.report()
