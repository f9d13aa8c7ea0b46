"""What every batch entry does: run a pipeline, sum up, and tell errors in one line."""

import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import apache_beam as beam
from apache_beam.runners.runner import PipelineResult, PipelineState

from mtag_core import storage
from mtag_core.errors import InputNotFoundError, MtagError, OutputError, UsageError
from mtag_core.output.layout import PARTS, REJECTS, OutputLayout
from mtag_core.output.preview import Preview
from mtag_core.parts import run as runs
from pipelines.endpoints import worker_pool
from pipelines.flink_jobs import FlinkJobs
from pipelines.progress import Progress
from pipelines.runners import make_runner, mtag_error
from pipelines.summary import RunTimes, print_summary
from pipelines.worker_watch import WorkerWatch

_LOGGER = logging.getLogger(__name__)


class JobOptions(Protocol):
    """The flags that all entries share."""

    @property
    def log_format(self) -> str:
        """`text` or `json`."""

    @property
    def is_verbose(self) -> bool:
        """Show Beam's own log."""

    @property
    def runner(self) -> str:
        """Name of the Beam runner."""

    @property
    def beam_flags(self) -> tuple[str, ...]:
        """Flags for Beam."""

    @property
    def worker_timeout_s(self) -> float:
        """Seconds within which a worker of a pool must have begun."""

    @property
    def is_local(self) -> bool:
        """Whether the run stays in this process and its children."""


def run_job(job: Callable[[], object], *, name: str) -> int:
    """Calls an entry's work and turns errors into one line on standard error.

    Args:
        job: Parses the flags, sets up logging and runs.
        name: Begins the line.

    Returns:
        The exit code: 0 done, 1 failed, 2 called wrongly, 130 interrupted.
    """
    try:
        job()
        return 0
    except (UsageError, InputNotFoundError) as error:
        return _fail(name, str(error), code=2)
    except KeyboardInterrupt:
        return _fail(name, "interrupted; the same command goes on where this one stopped", code=130)
    except Exception as error:
        # Beam's log is on only when asked for with -v, and then so are traces.
        if logging.getLogger("apache_beam").isEnabledFor(logging.ERROR):
            _LOGGER.exception("the run failed")
        return _fail(name, _one_line(error), code=1)


def worker_watch(options: JobOptions, layout: OutputLayout) -> WorkerWatch | None:
    """What to watch where the workers are a pool that others started; else None."""
    pool = None if options.is_local else worker_pool(options.beam_flags)
    if pool is None:
        return None
    jobs = FlinkJobs.from_flags(options.beam_flags)
    return WorkerWatch(layout.started_path, pool, options.worker_timeout_s, jobs)


def run_pipeline(
    build: Callable[[beam.Pipeline], None],
    options: JobOptions,
    *,
    watch: WorkerWatch | None = None,
    more_flags: Sequence[str] = (),
) -> None:
    """Builds a graph and waits until the runner is done.

    Args:
        build: Adds the steps to an empty pipeline.
        options: Name the runner.
        watch: Ends the wait for workers that do not begin.
        more_flags: For Beam, beside those of the options.

    Raises:
        MtagError: A worker raised it, no worker began, or the runner ended in another state than
            done.
    """
    name = () if watch is None else (f"--job_name={watch.jobs.name}",)
    runner, beam_options = make_runner(
        options.runner, (*options.beam_flags, *name, *more_flags), is_verbose=options.is_verbose
    )
    try:
        if watch is not None:
            storage.delete(watch.path)
        pipeline = beam.Pipeline(runner=runner, options=beam_options)
        build(pipeline)
        state = _wait(pipeline.run(), watch)
    except Exception as error:
        ours = mtag_error(error)
        if ours is None:
            raise
        raise ours from error
    finally:
        if watch is not None:
            storage.delete(watch.path)
    if state not in (None, PipelineState.DONE):
        raise OutputError(f"{options.runner} ended the job with state {state}")


def _wait(result: PipelineResult, watch: WorkerWatch | None) -> str | None:
    """Waits for the end of a job."""
    return result.wait_until_finish() if watch is None else watch.wait(result)


def finish_job(
    options: JobOptions,
    layout: OutputLayout,
    progress: Progress,
    *,
    n_completed: int,
    preview: Callable[[Sequence[str]], Sequence[Preview]] = lambda _paths: (),
) -> dict[str, Any]:
    """Removes stale parts, writes the times and prints the summary.

    Args:
        options: The flags.
        layout: The output directory, with its run.json.
        progress: Of the run.
        n_completed: Parts that stood before it.
        preview: Paths of the parts that hold sentences to what is shown of them.

    Returns:
        The content of run.json.
    """
    report = runs.read_json(layout.run_path)
    times = RunTimes(
        elapsed_s=progress.elapsed_s,
        n_tokens=progress.tally.n_tokens if options.is_local else None,
        n_completed=n_completed,
        n_pruned=runs.prune(layout, report),
    )
    moment = time.gmtime()
    fields = _times_fields(times, moment, options) | _outcome(report)
    runs.write_json(layout.times_path(moment), fields)
    heads = [layout.part_path(part["id"]) for part in report["parts"] if part["sentences"]]
    print_summary(report, times, previews=preview(heads), paths=_paths(layout, report))
    if options.log_format == "json":
        _LOGGER.info("run complete", extra={"fields": report["counts"]})
    return report


def _times_fields(times: RunTimes, moment: time.struct_time, options: JobOptions) -> dict[str, Any]:
    """The content of runs/<date>.json."""
    return {
        "ended": time.strftime("%Y-%m-%dT%H:%M:%SZ", moment),
        "runner": options.runner,
        "beam_flags": options.beam_flags,
        "elapsed_s": round(times.elapsed_s, 3),
        "tokens": times.n_tokens,
        "tokens_per_s": times.tokens_per_s,
        "parts_from_earlier_runs": times.n_completed,
        "parts_removed": times.n_pruned,
    }


def _outcome(report: Mapping[str, Any]) -> dict[str, Any]:
    """The sums of run.json, which the next run replaces."""
    return {name: report[name] for name in ("counts", "rejects_by_reason", "pages_by_outcome")}


def _paths(layout: OutputLayout, report: Mapping[str, Any]) -> dict[str, str]:
    """What to look at next."""
    paths = {"parts": storage.join(layout.base, PARTS)}
    if report["counts"]["rejected"]:
        paths["rejects"] = storage.join(layout.base, REJECTS)
    return paths | {"counts": layout.run_path, "report": layout.report_path}


def _one_line(error: Exception) -> str:
    """What an exception says; one that is none of ours is shown by its end, with a hint."""
    if isinstance(error, MtagError):
        return str(error)
    lines = str(error).strip().splitlines() or [""]
    return f"unexpected {type(error).__name__}: {lines[-1]}; -v shows where it comes from"


def _fail(name: str, message: str, *, code: int) -> int:
    """Prints one line and returns the exit code."""
    print(f"{name}: {message}", file=sys.stderr)
    return code
