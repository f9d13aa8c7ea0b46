"""`--streaming` on Flink: one job without end that looks for files and makes their parts.

A completed part is never made again, so a restarted job goes on without duplicates and needs no
checkpoints. SIGTERM cancels the job; a part in work then vanishes and is made after the next start.
"""

import functools
import logging
import math
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import apache_beam as beam

from mtag_core import storage
from mtag_core.output.layout import OutputLayout
from mtag_core.parts import run as runs
from mtag_core.parts.file_watcher import FileWatcher
from mtag_core.parts.run import RunConfig
from pipelines.annotate_options import AnnotateOptions
from pipelines.endpoints import check_runner, worker_pool
from pipelines.flink_jobs import FlinkJobs
from pipelines.job import run_pipeline
from pipelines.transforms.watch_files import WatchFiles
from pipelines.worker_watch import WorkerWatch

# Flink ends a job without checkpoints when its first source, a single impulse, has ended.
_KEEP_SOURCES = "--shutdown_sources_after_idle_ms=9000000000000"
_LOGGER = logging.getLogger(__name__)


def is_flink(runner: str) -> bool:
    """Whether a runner's name means Flink."""
    return runner.lower() in ("flinkrunner", "flink")


def run_unbounded(
    options: AnnotateOptions,
    layout: OutputLayout,
    config: RunConfig,
    *,
    make_parts: Callable[[beam.PCollection], beam.PCollection],
    check: Callable[[Mapping[str, Any]], None],
) -> None:
    """Runs until SIGTERM.

    Args:
        options: The flags.
        layout: The output directory.
        config: The run's configuration.
        make_parts: Adds the steps from planned parts to manifests.
        check: Called with each new content of run.json; what it raises ends the job.

    Raises:
        UsageError: The output directory holds something else.
        MtagError: The job failed.
    """
    check_runner(options.job.runner, options.job.beam_flags)
    with runs.only_run(layout):
        runs.prepare_output(layout, config, overwrite=False)
        with _until_sigterm():
            watch = _watch(options, _Reports(layout, check))
            run_pipeline(
                functools.partial(_build, options, layout, config, make_parts),
                options.job,
                watch=watch,
                more_flags=("--streaming", _KEEP_SOURCES),
            )


def _build(
    options: AnnotateOptions,
    layout: OutputLayout,
    config: RunConfig,
    make_parts: Callable[[beam.PCollection], beam.PCollection],
    pipeline: beam.Pipeline,
) -> None:
    interval_s = options.poll_interval
    make_watcher = functools.partial(FileWatcher, layout, config, interval_s=interval_s)
    # Elements are work items, some MiB of input each: small.
    parts = pipeline | "WatchFiles" >> WatchFiles(
        make_watcher, interval_s=interval_s, started_path=layout.started_path
    )
    _ = make_parts(parts)


def _watch(options: AnnotateOptions, reports: "_Reports") -> WorkerWatch:
    pool = worker_pool(options.job.beam_flags)
    timeout_s = math.inf if pool is None else options.job.worker_timeout
    jobs = FlinkJobs.from_flags(options.job.beam_flags)
    return WorkerWatch(reports.layout.started_path, pool or "", timeout_s, jobs, reports.look)


class _Reports:
    """Reads run.json whenever a worker has written it anew."""

    def __init__(self, layout: OutputLayout, check: Callable[[Mapping[str, Any]], None]) -> None:
        self.layout = layout
        self._check = check
        self._version: str | None = None

    def look(self) -> None:
        """Logs and checks the counts of a new run.json."""
        if not storage.exists(self.layout.run_path):
            return
        version = storage.stat(self.layout.run_path).version
        if version == self._version:
            return
        self._version = version
        report = runs.read_json(self.layout.run_path)
        counts = report["counts"]
        message = "all stable files are tagged: %d documents, %d rejected, %d parts"
        numbers = (counts["documents"], counts["rejected"], counts["parts"])
        _LOGGER.info(message, *numbers, extra={"fields": counts})
        self._check(report)


class _Stopped(Exception):  # noqa: N818 (no error: SIGTERM came)
    """SIGTERM came."""


@contextmanager
def _until_sigterm() -> Iterator[None]:
    def handle(_signal: int, _frame: FrameType | None) -> None:
        raise _Stopped

    old_handler = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    except _Stopped:
        _LOGGER.info("stopped; the same command goes on from here")
    finally:
        signal.signal(signal.SIGTERM, old_handler)
