"""What the steps over documents share: keyed records, time and counters, one model a process."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import Any, Generic, TypeVar

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared

T = TypeVar("T")
M_co = TypeVar("M_co", covariant=True)

METRICS_NAMESPACE = "mtag"

# A record with its key: what passes from step to step.
KeyedRecord = tuple[Any, Any]


class SharedModel(Generic[M_co]):
    """A model that all steps and threads of a process share; loaded on first use. Pickles.

    Attributes:
        load: Loads the model. Must pickle.
    """

    def __init__(self, load: Callable[[], M_co]) -> None:
        self.load = load
        self._shared = Shared()

    def acquire(self) -> "LockedModel[M_co]":
        """The process's model."""
        model: LockedModel[M_co] = self._shared.acquire(lambda: LockedModel(self.load()))
        return model


class LockedModel(Generic[M_co]):
    """A model for the threads of a process, which may call it one at a time.

    Attributes:
        model: The model.
        lock: To hold during each call.
    """

    def __init__(self, model: M_co) -> None:
        self.model = model
        self.lock = Lock()

    def iterate(self, start: Callable[[M_co], Iterator[T]]) -> Iterator[T]:
        """Yields what an iterator over the model gives; the lock is free in between.

        Args:
            start: Called with the model.
        """
        with self.lock:
            items = start(self.model)
        while True:
            with self.lock:
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item


class StepDoFn(beam.DoFn):
    """A step that measures the time of its own work, without that of the steps behind it.

    Adds the counters `<name>_micro_secs` and, for what `count` was called with, `<name>_<what>`.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._busy_ns = 0
        self._counts: Counter[str] = Counter()

    def timed(self, items: Iterable[T]) -> Iterator[T]:
        """Yields items and adds the time that it takes to make them."""
        iterator = iter(items)
        while True:
            started_ns = time.perf_counter_ns()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self._busy_ns += time.perf_counter_ns() - started_ns
            yield item

    def count(self, what: str, n: int = 1) -> None:
        """Adds to a counter."""
        self._counts[what] += n

    def finish_bundle(self) -> Iterator[Any] | None:
        """Reports; a step that also has records to give calls `report` itself."""
        self.report()
        return None

    def report(self) -> None:
        """Passes time and counts on to Beam; called at the end of each bundle, at least."""
        micro_secs, self._busy_ns = divmod(self._busy_ns, 1000)
        self._counts["micro_secs"] += micro_secs
        for what, n in self._counts.items():
            Metrics.counter(METRICS_NAMESPACE, f"{self._name}_{what}").inc(n)
        self._counts.clear()
