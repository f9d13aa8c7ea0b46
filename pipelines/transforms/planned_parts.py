"""Where the parts to be made come from: the plan of a run, or files that appear."""

from collections.abc import Callable, Iterator

import apache_beam as beam
from apache_beam.transforms.periodicsequence import PeriodicImpulse, RebaseMode

from mtag_core.parts.inputs import FileWatcher, mark_started
from mtag_core.parts.plan import PlannedPart
from mtag_core.parts.run_plan import PlanLine, plan_lines


class ReadPlan(beam.PTransform):
    """PBegin -> PCollection of PlannedPart.

    Args:
        path: Where the plan was written; every worker must be able to read it.
        started_path: An empty file to write before the plan is read, for who waits for workers.
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

    Args:
        make_watcher: Called in a worker. Must pickle.
        interval_s: Seconds between polls.
        started_path: An empty file to write at first, for who waits for workers.
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
