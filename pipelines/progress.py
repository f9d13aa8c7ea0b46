"""Progress of a run on standard error: a live line on a terminal, else a log line now and then.

Workers tell their totals through small files (`mtag_core.parts.counts`); a thread here adds
them up. On a cluster the workers have no file to share; the runner's own pages show the counters.
"""

import logging
import tempfile
import threading
import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from mtag_core.parts.counts import Tally, read_progress

_LOG_INTERVAL_S = 10.0
_LIVE_INTERVAL_S = 0.5
_LOGGER = logging.getLogger(__name__)


class Progress:
    """Shows a run's progress while its `with` block runs.

    Args:
        n_bytes: Bytes of input to be read, for the time left.
        n_parts: Parts to be made.
        n_completed: Parts from earlier runs.
        is_local: Whether the workers run on this machine.

    Attributes:
        directory: Where workers write their totals, None on a cluster.
    """

    def __init__(self, *, n_bytes: int, n_parts: int, is_local: bool, n_completed: int = 0) -> None:
        self._n_completed = n_completed
        self._n_bytes = n_bytes
        self._n_parts = n_parts
        self._folder = tempfile.TemporaryDirectory(prefix="mtag-progress-") if is_local else None
        self.directory = self._folder.name if self._folder else None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._show, name="progress", daemon=True)
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
        """Starts the clock and, on a local run, the display."""
        self._start_s = time.monotonic()
        if self._folder:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops the clock and the display."""
        self._stop.set()
        self._final = self._read()
        self._elapsed_s = time.monotonic() - self._start_s
        if self._folder:
            self._thread.join()
            self._folder.cleanup()

    def _read(self) -> Tally:
        return read_progress(self.directory) if self.directory else Tally()

    def _show(self) -> None:
        console = Console(stderr=True)
        if not console.is_terminal:
            while not self._stop.wait(_LOG_INTERVAL_S):
                tally = self._read()
                _LOGGER.info("%s", self._line(tally), extra={"fields": self._fields(tally)})
            return
        with Live(console=console, transient=True, auto_refresh=False) as live:
            while not self._stop.wait(_LIVE_INTERVAL_S):
                live.update(Text(self._line(self._read())), refresh=True)

    def _fields(self, tally: Tally) -> dict[str, object]:
        return {
            "documents": tally.n_documents,
            "tokens": tally.n_tokens,
            "rejects": tally.n_rejected,
            "parts": tally.n_parts,
            "parts_planned": self._n_parts,
            "parts_from_earlier_runs": self._n_completed,
            "source_bytes": tally.n_source_bytes,
            "source_bytes_planned": self._n_bytes,
            "tokens_per_s": round(tally.n_tokens / self.elapsed_s),
        }

    def _line(self, tally: Tally) -> str:
        n_bytes = min(tally.n_source_bytes, self._n_bytes)
        share = n_bytes / self._n_bytes if self._n_bytes else 0.0
        earlier = f" and {self._n_completed:,} from earlier runs" if self._n_completed else ""
        return (
            f"{share:.0%} of {self._n_bytes / 1e6:,.1f} MB, "
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
