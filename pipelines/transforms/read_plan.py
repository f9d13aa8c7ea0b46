"""The plan of a run as a PCollection."""

from collections.abc import Iterator

import apache_beam as beam

from mtag_core.parts.file_watcher import mark_started
from mtag_core.parts.plan import PlannedPart
from mtag_core.parts.plan_file import PlanLine, plan_lines


class ReadPlan(beam.PTransform):
    """PBegin -> PCollection of PlannedPart."""

    def __init__(self, path: str, *, started_path: str | None = None) -> None:
        """Keeps the paths.

        Args:
            path: Where the plan was written; every worker must be able to read it.
            started_path: An empty file to write before the plan is read, for who waits for workers.
        """
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
