"""`--streaming`: tags files as they appear, until SIGTERM.

Where the runner has jobs without end (Flink), one job looks for files and makes their parts. On
every other runner bounded runs follow each other, each over the files that are stable by then.

A completed part is never made again, so either goes on after a restart without duplicates, and
without checkpoints. On Flink a part in work vanishes with its job and is made after the next start.
"""

import functools
import logging
import math
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import apache_beam as beam

from mtag_core import storage
from mtag_core.errors import MtagError
from mtag_core.output.layout import OutputLayout
from mtag_core.parts import run as runs
from mtag_core.parts.inputs import FileWatcher, StableFiles, list_present_inputs
from mtag_core.parts.run import RunConfig
from mtag_core.storage import FileInfo
from pipelines.job import run_pipeline
from pipelines.options import AnnotateOptions
from pipelines.runners.flink import FlinkJobs, WorkerWatch
from pipelines.runners.runner import check_runner, find_runner, worker_pool
from pipelines.transforms.parts import WatchFiles

_STOPPED = "stopped; the same command goes on from here"
_LOGGER = logging.getLogger(__name__)


def run_in_turn(options: AnnotateOptions, run: Callable[..., object]) -> None:
    """Runs whenever the set of stable files has changed, until SIGTERM.

    `run` is called with the options, `files` and `stop_path`.

    Raises:
        MtagError: A run failed.
    """
    stable, done = StableFiles(), list[FileInfo]()
    with tempfile.TemporaryDirectory(prefix="mtag-stop-") as folder:
        stop_path = Path(folder) / "stop"
        with _stop_on_sigterm(stop_path) as stop:
            while not stop.is_set():
                found = list_present_inputs(options.corpus.input, output=options.job.output)
                files = stable.among(found)
                if files != done and files:
                    _run(run, options, files, stop_path, stop)
                    done = files
                stop.wait(options.poll_interval)
    _LOGGER.info(_STOPPED)


def _run(
    run: Callable[..., object],
    options: AnnotateOptions,
    files: Sequence[FileInfo],
    stop_path: Path,
    stop: threading.Event,
) -> None:
    try:
        run(options, files=files, stop_path=str(stop_path))
    except MtagError:
        if not stop.is_set():
            raise


def run_unbounded(
    options: AnnotateOptions,
    layout: OutputLayout,
    config: RunConfig,
    *,
    make_parts: Callable[[beam.PCollection], beam.PCollection],
    check: Callable[[Mapping[str, Any]], None],
) -> None:
    """Runs one job until SIGTERM, on a runner with jobs without end.

    `make_parts` adds the steps from planned parts to manifests. `check` is called with each new
    content of run.json; what it raises ends the job.

    Raises:
        UsageError: The output directory holds something else.
        MtagError: The job failed.
    """
    check_runner(options.job.runner, options.job.beam_flags)
    with runs.only_run(layout):
        runs.prepare_output(layout, config, overwrite=False, verify=options.job.verify)
        with _end_on_sigterm():
            watch = _watch(options, _Reports(layout, check))
            run_pipeline(
                functools.partial(_build, options, layout, config, make_parts),
                options.job,
                watch=watch,
                more_flags=find_runner(options.job.runner).unbounded_flags or (),
            )


def _build(
    options: AnnotateOptions,
    layout: OutputLayout,
    config: RunConfig,
    make_parts: Callable[[beam.PCollection], beam.PCollection],
    pipeline: beam.Pipeline,
) -> None:
    interval_s = options.poll_interval
    make_watcher = functools.partial(
        storage.call_with_access,
        storage.http_access(),
        FileWatcher,
        layout,
        config,
        interval_s=interval_s,
    )
    # Elements are work items, some MiB of input each: small.
    parts = pipeline | "WatchFiles" >> WatchFiles(
        make_watcher, interval_s=interval_s, started_path=layout.started_path
    )
    _ = make_parts(parts)


def _watch(options: AnnotateOptions, reports: "_Reports") -> WorkerWatch:
    pool = worker_pool(options.job.beam_flags)
    timeout_s = math.inf if pool is None else options.job.worker_timeout
    jobs = FlinkJobs.from_flags(options.job.beam_flags)
    return WorkerWatch(reports.layout.started_path, pool or "", timeout_s, jobs, reports.poll)


class _Reports:
    """Reads run.json whenever a worker has written it again."""

    def __init__(self, layout: OutputLayout, check: Callable[[Mapping[str, Any]], None]) -> None:
        self.layout = layout
        self._check = check
        self._version: str | None = None

    def poll(self) -> None:
        """Logs and checks the counts of a new run.json."""
        if not storage.exists(self.layout.run_path):
            return
        version = storage.stat(self.layout.run_path).version
        if version == self._version:
            return
        self._version = version
        report = runs.read_report(self.layout.run_path)
        counts = report["counts"]
        message = "all stable files are tagged: %d documents, %d rejected, %d parts"
        numbers = (counts["documents"], counts["rejected"], counts["parts"])
        _LOGGER.info(message, *numbers, extra={"fields": counts})
        self._check(report)


class _Stopped(Exception):  # noqa: N818 (no error: SIGTERM came)
    """SIGTERM came."""


@contextmanager
def _stop_on_sigterm(stop_path: Path) -> Iterator[threading.Event]:
    """Between two parts: the file at `stop_path` reaches the workers."""
    stop = threading.Event()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        stop_path.touch()
        stop.set()

    with _sigterm_handler(handle):
        yield stop


@contextmanager
def _end_on_sigterm() -> Iterator[None]:
    def handle(_signal: int, _frame: FrameType | None) -> None:
        raise _Stopped

    try:
        with _sigterm_handler(handle):
            yield
    except _Stopped:
        _LOGGER.info(_STOPPED)


@contextmanager
def _sigterm_handler(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    old_handler = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, old_handler)
