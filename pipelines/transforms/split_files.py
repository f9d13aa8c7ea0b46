"""Items that cannot be read from the middle to slices that all workers tag."""

from collections.abc import Iterator

import apache_beam as beam

from mtag_core import storage
from mtag_core.corpus import ReadOptions
from mtag_core.output.layout import OutputLayout
from mtag_core.parts.attempts import attempt
from mtag_core.parts.plan import PlannedPart
from mtag_core.parts.read_alone import trial_if
from mtag_core.parts.slices import slice_item
from pipelines.transforms.steps import StepDoFn


class SplitFiles(beam.PTransform):
    """PCollection of PlannedPart -> the same with the slices of an item in its place.

    One worker reads such an item and writes its documents to the spool. Other parts pass.
    """

    def __init__(
        self, options: ReadOptions, layout: OutputLayout, *, stop_path: str | None = None
    ) -> None:
        """Takes what a worker has to know.

        Args:
            options: How to read.
            layout: Where the slices go.
            stop_path: Once this local file is there, no further item is read.
        """
        super().__init__()
        self._do_fn = _SplitFilesDoFn(options, layout, stop_path)

    def expand(self, parts: "beam.PCollection[PlannedPart]") -> "beam.PCollection[PlannedPart]":
        """Adds the step, and spreads the slices over the workers."""
        # One small element a part, as in ReadPlan.
        return parts | "Split" >> beam.ParDo(self._do_fn) | "SpreadSlices" >> beam.Reshuffle()


class _SplitFilesDoFn(StepDoFn):
    def __init__(self, options: ReadOptions, layout: OutputLayout, stop_path: str | None) -> None:
        super().__init__("split")
        self._options = options
        self._layout = layout
        self._stop_path = stop_path

    def process(self, part: PlannedPart) -> Iterator[PlannedPart]:
        if part.slice_bytes is None:
            yield part
            return
        if self._stop_path is not None and storage.exists(self._stop_path):
            return
        with (
            attempt(self._layout, part.part_id) as is_suspect,
            trial_if(is_suspect) as trial,
        ):
            slices = slice_item(part, self._options, self._layout, trial=trial)
            for each in self.timed(slices):
                self.count("slices")
                yield each

    def finish_bundle(self) -> None:
        self.report()
