"""Progress of a run on standard error: a live line on a terminal, else a log line now and then.

Workers tell their totals through small files (`mtag_core.parts.counts`); a thread here adds
them up. On a cluster the workers have no file to share: the runner's own pages show the counters,
and where metrics are asked for, the manifests of new parts are read.
"""

import logging
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

from rich.console import Console
from rich.live import Live
from rich.text import Text

from mtag_core.errors import MtagError
from mtag_core.parts.counts import Tally, read_progress
from pipelines.metrics import MetricsOptions, metrics_output

_LOG_INTERVAL_S = 10.0
_FIRST_LOG_S = 1.0
_MOST_SAMPLES = 240
_LIVE_INTERVAL_S = 0.5
_NO_METRICS = MetricsOptions()
_LOGGER = logging.getLogger(__name__)


class Progress:
    """Shows a run's progress while its `with` block runs.

    Args:
        n_bytes: Bytes of input to be read, for the time left.
        n_parts: Parts to be made.
        n_completed: Parts from earlier runs.
        is_local: Whether the workers run on this machine.
        metrics: Where numbers go for Prometheus.
        poll: On a cluster, finds what the workers have done so far.

    Attributes:
        directory: Where workers write their totals, while the block runs; None on a cluster.
        throughput: Seconds since the start to the tokens so far.
        is_complete: Set to True where the run has succeeded, before the block ends.
    """

    def __init__(
        self,
        *,
        n_bytes: int,
        n_parts: int,
        is_local: bool,
        n_completed: int = 0,
        metrics: MetricsOptions = _NO_METRICS,
        poll: Callable[[], Tally] = Tally,
    ) -> None:
        self._n_completed = n_completed
        self._n_bytes = n_bytes
        self._n_parts = n_parts
        self._is_local = is_local
        self._stack = ExitStack()
        self.directory: str | None = None
        self._poll = poll
        self._metrics = metrics
        self._has_thread = is_local or metrics.are_wanted
        self.throughput: list[tuple[float, int]] = []
        self._sample_interval_s = 1.0
        self.is_complete = False
        self._polled = Tally()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._show, name="progress", daemon=True)
        self._started_s = time.time()
        self._start_s = time.monotonic()
        self._elapsed_s: float | None = None
        self._final = Tally()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start of the block, up to its end."""
        return self._elapsed_s or time.monotonic() - self._start_s

    @property
    def tally(self) -> Tally:
        """What the workers have done so far in this run."""
        return self._final if self._elapsed_s else self._read()

    def __enter__(self) -> "Progress":
        """Starts the clock, the metrics and, on a local run, the display.

        Raises:
            UsageError: The metrics cannot be served or written.
        """
        self._started_s = time.time()
        self._start_s = time.monotonic()
        metrics = metrics_output(self._metrics, self._numbers)
        self._write_metrics = self._stack.enter_context(metrics)
        if self._is_local:
            folder = tempfile.TemporaryDirectory(prefix="mtag-progress-")
            self.directory = self._stack.enter_context(folder)
        if self._has_thread:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stops the clock and the display."""
        self._stop.set()
        if self._has_thread:
            self._thread.join()
        if self._has_thread and self.directory is None:
            self._poll_cluster()
        self._final = self._read()
        self._elapsed_s = time.monotonic() - self._start_s
        self._sample(self._final)
        with suppress(OSError):
            self._write_metrics()
        self._stack.close()

    def _read(self) -> Tally:
        return read_progress(self.directory) if self.directory else self._polled

    def _poll_cluster(self) -> None:
        # A store that does not answer just now must not end the run.
        with suppress(MtagError):
            self._polled = self._poll()

    def _numbers(self) -> dict[str, float]:
        tally = self.tally
        return {
            **self._counts(tally),
            "documents_rejected": tally.n_rejected,
            "sentences": tally.n_sentences,
            "run_duration_seconds": self.elapsed_s,
            "run_start_time_seconds": self._started_s,
            "run_success_time_seconds": self.is_complete * (self._started_s + self.elapsed_s),
        }

    def _sample(self, tally: Tally) -> None:
        elapsed_s = self.elapsed_s
        last_s = self.throughput[-1][0] if self.throughput else -self._sample_interval_s
        if elapsed_s - last_s < self._sample_interval_s and self._elapsed_s is None:
            return
        self.throughput.append((round(elapsed_s, 1), tally.n_tokens))
        if len(self.throughput) > _MOST_SAMPLES:
            self.throughput = self.throughput[::2]
            self._sample_interval_s *= 2

    def _show(self) -> None:
        console = Console(stderr=True)
        if self.directory is None:
            while not self._stop.wait(_LOG_INTERVAL_S):
                self._poll_cluster()
                self._tick()
                self._log()
        elif not console.is_terminal:
            next_s = _FIRST_LOG_S
            while not self._stop.wait(_FIRST_LOG_S):
                self._tick()
                if self.elapsed_s >= next_s:
                    self._log()
                    next_s = self.elapsed_s + _LOG_INTERVAL_S
        else:
            with Live(console=console, transient=True, auto_refresh=False) as live:
                while not self._stop.wait(_LIVE_INTERVAL_S):
                    self._tick()
                    live.update(Text(self._line(self._read())), refresh=True)

    def _tick(self) -> None:
        self._sample(self._read())
        # A full disk must not end the run.
        with suppress(OSError):
            self._write_metrics()

    def _log(self) -> None:
        tally = self._read()
        rate = {"tokens_per_s": round(tally.n_tokens / self.elapsed_s)}
        _LOGGER.info("%s", self._line(tally), extra={"fields": self._counts(tally) | rate})

    def _counts(self, tally: Tally) -> dict[str, int]:
        return {
            "documents": tally.n_documents,
            "tokens": tally.n_tokens,
            "rejects": tally.n_rejected,
            "parts": tally.n_parts,
            "parts_planned": self._n_parts,
            "parts_from_earlier_runs": self._n_completed,
            "source_bytes": tally.n_source_bytes,
            "source_bytes_planned": self._n_bytes,
        }

    def _line(self, tally: Tally) -> str:
        n_bytes = min(tally.n_source_bytes, self._n_bytes)
        share = n_bytes / self._n_bytes if self._n_bytes else 0.0
        earlier = f" and {self._n_completed:,} from earlier runs" if self._n_completed else ""
        return (
            f"{share:.0%} of {_size(self._n_bytes)}, "
            f"{n_bytes / 1e6 / self.elapsed_s:,.2f} MB/s, "
            f"{tally.n_tokens / self.elapsed_s:,.0f} words/s, {self._time_left(n_bytes)}; "
            f"{tally.n_parts:,}/{self._n_parts:,} parts{earlier}, "
            f"{tally.n_documents:,} documents, {tally.n_rejected:,} rejected"
        )

    def _time_left(self, n_bytes: int) -> str:
        if not n_bytes:
            return "time left unknown"
        bytes_per_s = n_bytes / self.elapsed_s
        return f"{format_seconds((self._n_bytes - n_bytes) / bytes_per_s)} left"


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:,.1f} kB"


def format_seconds(seconds: float) -> str:
    """A duration for people: `2.5 s`, `59 s`, `4 min 10 s`, `3 h 5 min`.

    Example: format_seconds(250) -> "4 min 10 s"
    """
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
