"""The inputs of a run without end as a PCollection of parts to be made."""

from collections.abc import Callable, Iterator

import apache_beam as beam
from apache_beam.transforms.periodicsequence import PeriodicImpulse, RebaseMode

from mtag_core.annotation.looks import Looks, say_begun
from mtag_core.annotation.plan import PlannedPart


class WatchFiles(beam.PTransform):
    """PBegin -> unbounded PCollection of PlannedPart."""

    def __init__(
        self, make_looks: Callable[[], Looks], *, interval_s: float, begun_path: str
    ) -> None:
        """Keeps what is needed to look.

        Args:
            make_looks: Called in a worker. Must pickle.
            interval_s: Seconds between looks.
            begun_path: An empty file to write at first, for who waits for workers.
        """
        super().__init__()
        self._make_looks = make_looks
        self._interval_s = interval_s
        self._begun_path = begun_path

    def expand(self, begin: beam.pvalue.PBegin) -> "beam.PCollection[PlannedPart]":
        """Looks at intervals and spreads what is found over the workers."""
        clock = PeriodicImpulse(fire_interval=self._interval_s, rebase=RebaseMode.REBASE_START)
        return (
            begin
            | "Clock" >> clock
            | "Look" >> beam.ParDo(_LookDoFn(self._make_looks, self._begun_path))
            | "SpreadParts" >> beam.Reshuffle()
            | "ReadPart" >> beam.Map(PlannedPart.from_json)
        )


class _LookDoFn(beam.DoFn):
    """Calls `Looks.look`; the clock has one key, so that there is one of these at work."""

    def __init__(self, make_looks: Callable[[], Looks], begun_path: str) -> None:
        super().__init__()
        self._make_looks = make_looks
        self._begun_path = begun_path
        self._looks: Looks | None = None

    def process(self, _moment: object) -> Iterator[str]:
        """Looks once."""
        if self._looks is None:
            say_begun(self._begun_path)
            self._looks = self._make_looks()
        for part in self._looks.look():
            yield part.to_json()
