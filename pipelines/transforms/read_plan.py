"""The plan of a run as a PCollection."""

import apache_beam as beam

from mtag_core.annotation.plan import PlannedPart
from mtag_core.annotation.plan_file import read_plan


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
        """Reads the plan's lines."""
        return begin | "PlanPath" >> beam.Create([self._path]) | "Lines" >> beam.FlatMap(read_plan)
