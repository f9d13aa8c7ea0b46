"""What every pipeline of ours does around its steps: plan, run, sum up, report errors in a line."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import apache_beam as beam
from apache_beam.runners.runner import PipelineState

from mtag_core import __version__, storage
from mtag_core.errors import InputNotFoundError, MtagError, OutputError, UsageError
from mtag_core.output.json_files import write_json
from mtag_core.output.layout import PARTS, REJECTS, Manifest, OutputLayout
from mtag_core.output.preview import Preview
from mtag_core.parts import run as runs
from mtag_core.parts.completed_parts import NewParts
from mtag_core.parts.counts import Tally
from mtag_core.parts.inputs import list_inputs
from mtag_core.parts.outcome import read_times
from mtag_core.parts.plan import PlannedPart
from mtag_core.parts.report import write_report
from mtag_core.parts.run import RunConfig
from mtag_core.parts.run_plan import PlanSize
from mtag_core.storage import FileInfo
from pipelines.console import Progress, print_summary
from pipelines.options import CorpusOptions, JobOptions, unused_read_flags
from pipelines.process import RunGuard, Terminated, exit_code, run_folder, signal_message
from pipelines.runners.flink import FlinkJobs, WorkerWatch
from pipelines.runners.runner import check_runner, find_runner, mtag_error, worker_pool
from pipelines.transforms.parts import FinishRun, ReadPlan

AddSteps = Callable[["beam.PCollection[PlannedPart]", str | None], "beam.PCollection[Manifest]"]

# A process takes as long to start as to tag a tenth of what it should read at least.
_MIN_WORKER_INPUT_BYTES = 2**20
# Of memory: what a worker with the segmenters of many languages takes, and some more.
_WORKER_BYTES = 700 * 2**20
# How much is shown at the end, and how many parts are opened for it.
_PREVIEW_SENTENCES = 2
_PREVIEW_PARTS = 5
_LOGGER = logging.getLogger(__name__)


def run_job(job: Callable[[], object], *, name: str) -> int:
    """Calls an entry's work and turns errors into one line on standard error.

    Returns:
        The exit code: 0 done, 1 failed, 2 called wrongly, 130 interrupted, 143 ended by SIGTERM.
    """
    try:
        with RunGuard(name), run_folder():
            job()
        return 0
    except (UsageError, InputNotFoundError) as error:
        return _fail(name, str(error), code=2)
    except KeyboardInterrupt as error:
        number = signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT
        return _fail(name, signal_message(number), code=exit_code(number))
    except Exception as error:
        # Beam's log is on only when asked for with -v, and then so are traces.
        if logging.getLogger("apache_beam").isEnabledFor(logging.ERROR):
            _LOGGER.exception("the run failed")
        return _fail(name, _one_line(error), code=1)


def find_inputs(corpus: CorpusOptions, job: JobOptions) -> list[FileInfo]:
    """Lists what a run reads, and checks that its runner can be reached and read it.

    Raises:
        InputNotFoundError: A pattern matches nothing.
        UsageError: The runner cannot be reached, or not with these paths.
    """
    check_reachable(corpus, job)
    files = list_inputs(corpus.input, output=job.output)
    for line in unused_read_flags(corpus.read, files):
        _LOGGER.warning(line)
    return files


def check_reachable(corpus: CorpusOptions, job: JobOptions) -> None:
    """Checks that the runner can be reached, and that it can reach the files.

    Raises:
        UsageError: It cannot.
    """
    find_runner(job.runner).check_paths(job.beam_flags, (*corpus.input, job.output))
    if not job.dry_run:
        check_runner(job.runner, job.beam_flags)


def make_parts(
    options: JobOptions,
    layout: OutputLayout,
    config: RunConfig,
    size: PlanSize,
    *,
    add_steps: AddSteps,
    preview: Callable[..., Sequence[Preview]],
    title: str = "Tagged",
) -> dict[str, Any]:
    """Makes the parts of a plan that is written, in a prepared output directory, and sums up.

    `add_steps` turns planned parts into manifests; it also gets a local folder for progress files,
    None where nobody reads them. `preview` is called like `preview_parts`. Returns run.json's
    content.

    Raises:
        MtagError: The run failed.
    """
    n_parts = size.n_pending + size.n_expected_slices
    n_completed = size.n_parts - size.n_pending
    options = _with_workers(options, n_parts=n_parts, n_bytes=size.n_pending_bytes)
    progress = _progress(options, layout, size)

    def steps(parts: "beam.PCollection[PlannedPart]") -> None:
        manifests = add_steps(parts, progress.directory)
        finish = FinishRun(layout, config, n_parts=size.n_parts, sliced=size.sliced)
        _ = manifests | "FinishRun" >> finish

    try:
        with progress:
            run_planned(options, layout, steps)
            progress.is_complete = True
    finally:
        storage.delete(layout.plan_path)
    return _finish(options, layout, progress, n_completed=n_completed, preview=preview, title=title)


def _progress(options: JobOptions, layout: OutputLayout, size: PlanSize) -> Progress:
    return Progress(
        n_bytes=size.n_pending_bytes,
        n_parts=size.n_pending + size.n_expected_slices,
        n_completed=size.n_parts - size.n_pending,
        is_local=options.is_local,
        metrics=options.metrics,
        poll=Tally if options.is_local else NewParts(layout).poll,
    )


def _with_workers(options: JobOptions, *, n_parts: int, n_bytes: int) -> JobOptions:
    is_said = any(flag.startswith("--direct_") for flag in options.beam_flags)
    if not options.is_local or is_said:
        return options
    n_workers = options.workers or fitting_workers(n_parts, n_bytes)
    flags = (*options.beam_flags, f"--direct_num_workers={n_workers}")
    return replace(options, beam_flags=flags)


def fitting_workers(n_parts: int, n_input_bytes: int) -> int:
    """How many processes a run on this machine should have to make so many parts."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    free_bytes = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    most = n_input_bytes // _MIN_WORKER_INPUT_BYTES, free_bytes // _WORKER_BYTES
    return max(1, min(n_cores - 1, n_parts, *most))


def run_planned(
    options: JobOptions,
    layout: OutputLayout,
    steps: Callable[["beam.PCollection[PlannedPart]"], None],
) -> None:
    """Runs steps over the parts of a plan that is written.

    Raises:
        MtagError: The run failed.
    """
    watch = worker_watch(options, layout)
    started_path = watch.path if watch else None

    def build(pipeline: beam.Pipeline) -> None:
        steps(pipeline | "ReadPlan" >> ReadPlan(layout.plan_path, started_path=started_path))

    run_pipeline(build, options, watch=watch)


def worker_watch(options: JobOptions, layout: OutputLayout) -> WorkerWatch | None:
    """What to watch where the workers are a pool that others started; else None."""
    pool = None if options.is_local else worker_pool(options.beam_flags)
    if pool is None:
        return None
    jobs = FlinkJobs.from_flags(options.beam_flags)
    return WorkerWatch(layout.started_path, pool, options.worker_timeout, jobs)


def run_pipeline(
    build: Callable[[beam.Pipeline], None],
    options: JobOptions,
    *,
    watch: WorkerWatch | None,
    more_flags: Sequence[str] = (),
) -> None:
    """Builds a graph and waits until the runner is done.

    Raises:
        MtagError: A worker raised it, no worker began, or the runner ended in another state than
            done.
    """
    name = () if watch is None else (f"--job_name={watch.jobs.name}",)
    runner, beam_options = find_runner(options.runner).make(
        options.runner, (*options.beam_flags, *name, *more_flags), is_verbose=options.verbose
    )
    try:
        if watch is not None:
            storage.delete(watch.path)
        pipeline = beam.Pipeline(runner=runner, options=beam_options)
        build(pipeline)
        result = pipeline.run()
        state = result.wait_until_finish() if watch is None else watch.wait(result)
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


def _finish(
    options: JobOptions,
    layout: OutputLayout,
    progress: Progress,
    *,
    n_completed: int,
    preview: Callable[..., Sequence[Preview]],
    title: str,
) -> dict[str, Any]:
    report = runs.read_report(layout.run_path)
    moment = time.gmtime()
    times = {
        **_times(progress, moment, options),
        "parts_from_earlier_runs": n_completed,
        "parts_removed": runs.prune(layout, report),
        "version": __version__,
        "throughput": progress.throughput,
        **{name: report[name] for name in ("counts", "rejects_by_reason", "pages_by_outcome")},
    }
    write_json(layout.times_path(moment), times)
    write_report(layout, report, read_times(layout))
    heads = [layout.part_path(part["id"]) for part in report["parts"] if part["sentences"]]
    previews = preview(heads[:_PREVIEW_PARTS], n_sentences=_PREVIEW_SENTENCES)
    paths = _paths(layout, report)
    print_summary(report, times, previews=previews, paths=paths, title=title)
    if options.log_format == "json":
        _LOGGER.info("run complete", extra={"fields": report["counts"]})
    return report


def _times(progress: Progress, moment: time.struct_time, options: JobOptions) -> dict[str, Any]:
    n_tokens = progress.tally.n_tokens if options.is_local else None
    return {
        "ended": time.strftime("%Y-%m-%dT%H:%M:%SZ", moment),
        "runner": options.runner,
        "beam_flags": _public_flags(options.beam_flags),
        "elapsed_s": round(progress.elapsed_s, 3),
        "tokens": n_tokens,
        "tokens_per_s": n_tokens / progress.elapsed_s if n_tokens else None,
    }


def _public_flags(flags: Sequence[str]) -> list[str]:
    """Flags for run reports: without values that are secrets, by the names of their flags."""
    public = []
    is_value_secret = False
    for word in flags:
        name, equals, _ = word.partition("=")
        is_secret = name.startswith("--") and storage.is_secret_name(name)
        if is_value_secret and not name.startswith("--"):
            public.append("...")
        else:
            public.append(f"{name}=..." if is_secret and equals else storage.redacted(word))
        is_value_secret = is_secret and not equals
    return public


def _paths(layout: OutputLayout, report: Mapping[str, Any]) -> dict[str, str]:
    paths = {"parts": storage.join(layout.base, PARTS)}
    if report["counts"]["rejected"]:
        paths["rejects"] = storage.join(layout.base, REJECTS)
    return paths | {"counts": layout.run_path, "report": layout.report_path}


def _one_line(error: Exception) -> str:
    if isinstance(error, MtagError):
        return str(error)
    last_line = str(error).strip().split("\n")[-1]
    return f"unexpected {type(error).__name__}: {last_line}; -v shows where it comes from"


def _fail(name: str, message: str, *, code: int) -> int:
    print(f"{name}: {storage.redacted(message)}", file=sys.stderr)
    return code
