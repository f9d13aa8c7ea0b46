"""What the steps over documents share: keyed records, time and counters, the model of a run."""

import functools
import gc
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared
from apache_beam.utils.windowed_value import WindowedValue

from mtag_core import __version__
from mtag_core.labels import load_labels
from mtag_core.records import Block, Reject, Sentence
from mtag_core.segmentation.document_blocks import TextSegmenter
from mtag_core.tagging.arguments import TaggerOptions
from mtag_core.tagging.blocks import BatchTagger
from mtag_core.tagging.bundle import Bundle
from mtag_core.tagging.tagger import Tagger
from mtag_core.tagging.windows import EncodedSentence

T = TypeVar("T")
M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)

METRICS_NAMESPACE = "mtag"

# A record with its key: what passes from step to step.
KeyedRecord = tuple[Any, Any]


class SharedModel(Generic[M_co]):
    """A model that all steps and threads of a process share; loaded on first use. Pickles."""

    def __init__(self, load: Callable[[], M_co]) -> None:
        self.load = load
        self._shared = Shared()

    def acquire(self) -> "LockedModel[M_co]":
        """The process's model."""
        model: LockedModel[M_co] = self._shared.acquire(self._locked)
        return model

    def _locked(self) -> "LockedModel[M_co]":
        model = LockedModel(self.load())
        # Beam and the model stay: to look through them again and again for what is no longer
        # reachable takes a tenth of the time.
        gc.collect()
        gc.freeze()
        return model


class LockedModel(Generic[M_co]):
    """A model for the threads of a process, which hold its lock during each call."""

    def __init__(self, model: M_co) -> None:
        self.model = model
        self.lock = Lock()

    def iterate(self, start: Callable[[M_co], Iterator[T]]) -> Iterator[T]:
        """Yields what an iterator over the model gives; the lock is free in between."""
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
        self.name = name
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
            Metrics.counter(METRICS_NAMESPACE, f"{self.name}_{what}").inc(n)
        self._counts.clear()


@dataclass(slots=True)
class _Place:
    """Where a record belongs, for the time that it waits in the buffer."""

    key: Any
    timestamp: Any
    windows: tuple[Any, ...]
    pane_info: Any

    def put(self, record: object) -> WindowedValue:
        return WindowedValue((self.key, record), self.timestamp, self.windows, self.pane_info)


class RecordBuffer(Protocol):
    """Holds records until several are worth while."""

    def __len__(self) -> int:
        """Records that are held."""

    def add(self, key: Any, record: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401
        """Takes a record; gives what is ready, with the keys of the records it came from."""

    def flush(self) -> Iterator[tuple[Any, Any]]:
        """Gives all that is held."""


class BufferDoFn(StepDoFn, Generic[M]):
    """A step that holds records of a type, so that its model is called for several together.

    Rejects keep their place among them. Any other record empties the buffer, and so does the end of
    a bundle. Keys, timestamps and windows are kept.
    """

    def __init__(self, name: str, shared: SharedModel[M], *, holds: type) -> None:
        super().__init__(name)
        self._shared = shared
        self._holds = holds
        self._model: LockedModel[M] | None = None
        self._buffer: RecordBuffer | None = None
        # The record that was put into the buffer last, and its place.
        self._last: tuple[object, _Place] | None = None

    def open_buffer(self, model: M) -> RecordBuffer:
        """Makes an empty buffer."""
        raise NotImplementedError

    def count_block(self, block: Block[Any]) -> None:
        """Counts what a block that is ready holds."""
        self.count("sentences", len(block.sentences))

    def start_bundle(self) -> None:
        """Empties the buffer."""
        # A bundle that failed may have left records behind; its retry brings them again.
        self._buffer = self._last = None

    def process(
        self,
        keyed: KeyedRecord,
        timestamp: object = beam.DoFn.TimestampParam,
        window: object = beam.DoFn.WindowParam,
        pane_info: object = beam.DoFn.PaneInfoParam,
    ) -> Iterator[WindowedValue]:
        """Buffers a record."""
        key, record = keyed
        if self._is_in_one_more_window(record, window):
            return
        place = _Place(key, timestamp, (window,), pane_info)
        has_buffer = self._buffer is not None
        # With an empty buffer a reject has nothing to wait for.
        if isinstance(record, self._holds) or (has_buffer and isinstance(record, Reject)):
            yield from self._made(lambda buffer: buffer.add(place, record))
            self._last = (record, place) if self._buffer else None
        else:
            yield from self._flushed()
            yield place.put(record)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Gives what is left in the buffer."""
        yield from self._flushed()
        self.report()

    def _is_in_one_more_window(self, record: object, window: object) -> bool:
        """Adds the window to the last record's; Beam calls once for each window of a record."""
        if self._last is None:
            return False
        last, place = self._last
        if record is not last or window in place.windows:
            return False
        place.windows += (window,)
        return True

    def _flushed(self) -> Iterator[WindowedValue]:
        self._last = None
        # Where nothing was held the model is not even loaded.
        return iter(()) if self._buffer is None else self._made(lambda buffer: buffer.flush())

    def _made(
        self, call: Callable[[RecordBuffer], Iterator[tuple[_Place, Any]]]
    ) -> Iterator[WindowedValue]:
        if self._model is None:
            # Here, not in the buffer: where no model can be loaded, it is no record that fails.
            self._model = self._shared.acquire()
        if self._buffer is None:
            self._buffer = self.open_buffer(self._model.model)
        buffer = self._buffer
        for place, record in self.timed(self._model.iterate(lambda _: call(buffer))):
            if isinstance(record, Block):
                self.count_block(record)
            elif record.step == self.name:
                self.count("rejects")
            yield place.put(record)


PROGRAM = f"mtag {__version__}"
"""How outputs name what made them, without a model."""

_DEFAULTS = TaggerOptions()


class SentenceEncoder(Protocol):
    """What the step from sentences to wordpieces needs of a model."""

    def encode(self, sentence: Sentence) -> EncodedSentence:
        """Splits a sentence's tokens into wordpieces."""


class TextTagger(TextSegmenter, SentenceEncoder, BatchTagger, Protocol):
    """What the steps from text to tags need of `mtag_core.tagging.tagger.Tagger`."""


@dataclass(frozen=True, slots=True)
class Model:
    """Where the tagger of a run comes from; tests put a fake one in its place.

    `load`, which must pickle, is called once a process. Equal digests give equal tags. The
    generator names the model in what it writes.
    """

    load: Callable[[], TextTagger]
    digest: str
    has_lemmas: bool = False
    generator: str = PROGRAM


def bundle_model(
    path: str | None, piece_budget: int | None, options: TaggerOptions = _DEFAULTS
) -> Model:
    """The tagger of a model bundle; the bundle is checked, its model not loaded.

    Without a path it is the one inside mtag. The budget is of wordpieces in one batch.

    Raises:
        BundleError: The bundle is missing, damaged or of another version.
        UsageError: It does not know a treebank or a language of the options.
    """
    bundle = Bundle.open(path)
    labels = load_labels(bundle.directory)
    options = options.checked(labels.treebanks)
    load = functools.partial(load_tagger, path, piece_budget, options)
    digest = options.digest(bundle.digest)
    generator = f"{PROGRAM}, bundle sha256:{bundle.digest}"
    return Model(load, digest, bool(labels.lemma_rules), generator)


def load_tagger(
    path: str | None = None, piece_budget: int | None = None, options: TaggerOptions = _DEFAULTS
) -> Tagger:
    """Loads a model bundle in a worker process; arguments as in `bundle_model`."""
    tagger = Tagger.load(path, **asdict(options))
    if piece_budget is not None:
        tagger.piece_budget = piece_budget
    return tagger
