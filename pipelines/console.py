"""What a run shows on a terminal: its plan, its progress, and what it came to.

Progress goes to standard error: a live line, else a log line now and then. Workers tell their
totals through small files (`mtag_core.parts.counts`); a thread here adds them up. On a cluster the
workers have no file to share: the runner's own pages show the counters, and where metrics are asked
for, the manifests of new parts are read.
"""

import io
import logging
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mtag_core.errors import MtagError
from mtag_core.output.preview import Preview
from mtag_core.parts.counts import Tally, read_progress
from mtag_core.parts.report import format_seconds
from mtag_core.parts.run_plan import PlanSize
from mtag_core.records import READER_FAILED
from mtag_core.tagging.tagged import visible
from mtag_core.wikipedia.dumps import PageOutcome
from pipelines.metrics import MetricsOptions, metrics_output

_LOG_INTERVAL_S = 10.0
_FIRST_LOG_S = 1.0
_MOST_SAMPLES = 240
_LIVE_INTERVAL_S = 0.5
_NO_METRICS = MetricsOptions()
_LOGGER = logging.getLogger(__name__)
_MOST_LANGUAGES = 12


class Progress:
    """Shows a run's progress while its `with` block runs.

    The bytes of input are for the time left. On a cluster, `poll` finds what the workers have done.
    Else workers write their totals into `directory`. `throughput` are seconds since the start and
    the tokens so far; who runs sets `is_complete` before the block ends.
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
            f"{share:.0%} of {decimal(self._n_bytes)}, "
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


def print_plan(size: PlanSize, *, output: str) -> None:
    """Prints what a run would do."""
    table = _table("Plan (nothing was written)")
    n_completed = size.n_parts - size.n_pending
    table.add_row("work items", f"{size.n_parts:,} ({n_completed:,} of them made by earlier runs)")
    if size.sliced:
        table.add_row("slices", f"{size.n_expected_slices:,}, about, of {len(size.sliced):,} files")
    table.add_row("files", f"{size.n_files:,}, counting each range of a split file")
    table.add_row("input", decimal(size.n_bytes))
    table.add_row("largest item", decimal(size.largest_bytes))
    table.add_row("output", output)
    _console().print(table)


def print_summary(
    report: Mapping[str, Any],
    times: Mapping[str, Any],
    *,
    previews: Sequence[Preview],
    paths: Mapping[str, str],
    title: str = "Tagged",
) -> None:
    """Prints the end of a run: run.json, this run's times, sentences, and what was written."""
    console = _console()
    for preview in previews:
        console.print(visible(preview.title), style="bold", soft_wrap=True)
        console.print(_sentence_table(preview))
    table = _table(title)
    for name, value in _summary_rows(report, times):
        table.add_row(name, value)
    console.print(table)
    for name, path in paths.items():
        # Not in the table: a path must not be wrapped or cut, or nobody can copy it.
        console.print(f"{name:>8}  {path}", soft_wrap=True, highlight=False, markup=False)


def _summary_rows(report: Mapping[str, Any], times: Mapping[str, Any]) -> list[tuple[str, str]]:
    counts, n_completed = report["counts"], times["parts_from_earlier_runs"]
    rows = [
        *_pages(report["pages_by_outcome"]),
        ("documents", f"{counts['documents']:,}"),
        ("sentences", f"{counts['sentences']:,}"),
        ("tokens", f"{counts['tokens']:,}"),
        ("languages", _languages(report["tokens_by_language"])),
        *_untrained(report.get("untrained_tokens_by_language", {})),
        ("rejected", _rejects(counts["rejected"], report["rejects_by_reason"])),
        ("parts", f"{counts['parts']:,} ({n_completed:,} of them from earlier runs)"),
        ("time", format_seconds(times["elapsed_s"])),
    ]
    if n_failed := report["rejects_by_reason"].get(READER_FAILED):
        rows.append(("bugs", f"{n_failed:,} rejects {READER_FAILED}: please report them"))
    if n_removed := times["parts_removed"]:
        rows.append(("removed", f"{n_removed:,} parts whose input is gone or has changed"))
    if times["tokens_per_s"] is not None:
        rows.append(("words/s", f"{times['tokens_per_s']:,.0f}"))
    return rows


def _pages(by_outcome: Mapping[str, int]) -> list[tuple[str, str]]:
    if not by_outcome:
        return []
    shown = ", ".join(f"{o.replace('_', ' ')} {by_outcome[o]:,}" for o in PageOutcome)
    return [("pages", f"{sum(by_outcome.values()):,}: {shown}")]


def _languages(tokens_by_language: Mapping[str, int]) -> str:
    if not tokens_by_language:
        return "0"
    ordered = sorted(tokens_by_language, key=lambda code: (-tokens_by_language[code], code))
    shown = " ".join(ordered[:_MOST_LANGUAGES])
    n_more = len(ordered) - _MOST_LANGUAGES
    return f"{len(ordered)}: {shown}" + (f" and {n_more} more" if n_more > 0 else "")


def _untrained(tokens_by_language: Mapping[str, int]) -> list[tuple[str, str]]:
    if not tokens_by_language:
        return []
    n_tokens = sum(tokens_by_language.values())
    return [("not trained", f"{_languages(tokens_by_language)}, {n_tokens:,} tokens")]


def _rejects(n_rejected: int, by_reason: Mapping[str, int]) -> str:
    if not n_rejected:
        return "0"
    # Bugs first.
    ordered = sorted(by_reason.items(), key=lambda p: (p[0] != READER_FAILED, -p[1], p[0]))
    return f"{n_rejected:,}: " + ", ".join(f"{reason} {n:,}" for reason, n in ordered)


def _sentence_table(preview: Preview) -> Table:
    table = Table(box=box.SIMPLE)
    lemmas = ["lemma"] if preview.lemmas else []
    for column in ("form", *lemmas, "UPOS", "FEATS"):
        table.add_column(column, overflow="fold")
    for index, (form, *tags) in enumerate(preview.tokens):
        table.add_row(*map(visible, (form, *preview.lemmas[index : index + 1])), *tags)
    return table


def _table(title: str) -> Table:
    table = Table(
        title=title, box=box.SIMPLE, show_header=False, title_justify="left", title_style="bold"
    )
    table.add_column(justify="right", style="bold")
    table.add_column(overflow="fold")
    return table


def _console() -> Console:
    """Standard output; text of the corpus is no markup and gets no emoji.

    Characters that the output's encoding lacks become question marks: the run is complete.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console(markup=False, emoji=False, highlight=False)
