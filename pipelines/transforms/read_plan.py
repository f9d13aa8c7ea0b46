"""The plan of a run as a PCollection."""

import apache_beam as beam

from mtag_core.annotation.plan import PlannedPart
from mtag_core.annotation.plan_file import PlanLine, plan_lines


class ReadPlan(beam.PTransform):
    """PBegin -> PCollection of PlannedPart."""

    def __init__(self, path: str) -> None:
        """Keeps the plan's path.

        Args:
            path: Where the plan was written; every worker must be able to read it.
        """
        super().__init__()
        self._path = path

    def expand(self, begin: beam.pvalue.PBegin) -> "beam.PCollection[PlannedPart]":
        """Spreads the plan's lines over the workers and reads them there."""
        return (
            begin
            | "PlanPath" >> beam.Create([self._path])
            | "Lines" >> beam.FlatMap(plan_lines)
            # One small element a work item: cheap to reshuffle, the unit of balance and of retries.
            | "SpreadLines" >> beam.Reshuffle()
            | "ReadLine" >> beam.Map(PlanLine.read)
        )
