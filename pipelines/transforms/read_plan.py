"""The plan of a run as a PCollection."""

from collections.abc import Iterator

import apache_beam as beam

from mtag_core.annotation.looks import say_begun
from mtag_core.annotation.plan import PlannedPart
from mtag_core.annotation.plan_file import PlanLine, plan_lines


class ReadPlan(beam.PTransform):
    """PBegin -> PCollection of PlannedPart."""

    def __init__(self, path: str, *, begun_path: str | None = None) -> None:
        """Keeps the paths.

        Args:
            path: Where the plan was written; every worker must be able to read it.
            begun_path: An empty file to write before the plan is read, for who waits for workers.
        """
        super().__init__()
        self._path = path
        self._begun_path = begun_path

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
        """Says that a worker has begun, then reads."""
        if self._begun_path is not None:
            say_begun(self._begun_path)
        yield from plan_lines(path)
