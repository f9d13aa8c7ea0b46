"""The main job: raw text in, tagged corpus out.

    python -m pipelines.annotate --input 'dump/*.xml.bz2' --output out/

Parses the flags, plans, builds the graph, runs it and sums up. The graph is

    ReadPlan       path of the plan       -> PlannedPart               spread over the workers here
    ReadDocuments  PlannedPart            -> Document | Reject | PartEnd
    Segment        Document               -> Block of sentences
    Wordpiece      Block of sentences     -> Block of sentences and their wordpieces
    Tag            Block with wordpieces  -> Block of tagged sentences  batches across documents
    WriteParts     Block | Reject | PartEnd -> Manifest                 part, rejects, manifest
    FinishRun      Manifest               -> run.json, report.html

The steps from ReadDocuments to WriteParts take one record at a time and run fused in one stage.
Each is a thin shell around `mtag_core`; they are in `pipelines.transforms`, a file each.
"""

import functools
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from mtag_core import storage
from mtag_core.corpus import ReadOptions
from mtag_core.errors import RejectRatioError
from mtag_core.output.layout import OutputLayout
from mtag_core.output.manifests import Manifest
from mtag_core.output.preview import Preview, preview_parts
from mtag_core.parts import run as runs
from mtag_core.parts.inputs import list_inputs
from mtag_core.parts.outcome import check_tagged
from mtag_core.parts.plan import PlannedPart, plan_parts
from mtag_core.parts.plan_file import measure_plan, write_plan
from mtag_core.parts.run import RunConfig
from mtag_core.storage import FileInfo
from pipelines.endpoints import check_dataflow, check_runner
from pipelines.guard import RunGuard
from pipelines.jobs import finish_job, run_job, run_pipeline, worker_watch
from pipelines.logs import set_up_logging
from pipelines.models import Model, TextTagger, bundle_model
from pipelines.options import AnnotateOptions, parse_options
from pipelines.progress import Progress
from pipelines.streaming import watch
from pipelines.summary import print_plan
from pipelines.transforms.finish_run import FinishRun
from pipelines.transforms.read_documents import ReadDocuments
from pipelines.transforms.read_plan import ReadPlan
from pipelines.transforms.segment import Segment
from pipelines.transforms.steps import SharedModel
from pipelines.transforms.tag import Tag
from pipelines.transforms.wordpiece import Wordpiece
from pipelines.transforms.write_parts import WriteParts
from pipelines.unbounded import is_flink, run_unbounded
from pipelines.unused_flags import (
    unused_convention_flags,
    unused_read_flags,
    unused_run_flags,
)

# How much is shown at the end, and how many parts are opened for it.
_PREVIEW_SENTENCES = 2
_PREVIEW_PARTS = 5

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class TagSettings:
    """What the workers have to know.

    Attributes:
        model: Segments, splits into wordpieces and tags.
        read: How inputs are read.
        layout: Where parts are written.
        progress_dir: A local folder for progress files, None where nobody reads them.
        stop_path: Once this local file is there, no further part is read.
    """

    model: SharedModel[TextTagger]
    read: ReadOptions
    layout: OutputLayout
    progress_dir: str | None = None
    stop_path: str | None = None


def main(argv: Sequence[str] | None = None, *, model: Model | None = None) -> int:
    """Runs the job and turns errors into one line on standard error.

    Args:
        argv: The command line; None takes the process's.
        model: The tagger; None loads the one that the flags name.

    Returns:
        The exit code: 0 done, 1 failed, 2 called wrongly, 130 interrupted.
    """

    def job() -> None:
        options = parse_options(sys.argv[1:] if argv is None else argv)
        set_up_logging(is_verbose=options.is_verbose, log_format=options.log_format)
        if options.streaming and is_flink(options.runner):
            _stream(options, _model(options, model))
        elif options.streaming:
            watch(options, functools.partial(run, model=_model(options, model)))
        else:
            run(options, model=model)

    return run_job(job, name="annotate")


def run(
    options: AnnotateOptions,
    *,
    model: Model | None = None,
    files: Sequence[FileInfo] | None = None,
    stop_path: str | None = None,
) -> dict[str, Any] | None:
    """Runs the job with parsed flags.

    Args:
        options: The flags.
        model: The tagger; None loads the one that the flags name.
        files: What to read; None lists what the patterns match.
        stop_path: Once this local file is there, no further part is begun and the run fails.

    Returns:
        The content of run.json, None for a dry run.

    Raises:
        UsageError: The output directory holds something else, or the model cannot follow the
            conventions.
        InputNotFoundError: A pattern matches nothing.
        MtagError: The run failed, or more documents were rejected than allowed.
    """
    paths = (*options.inputs, options.output)
    check_dataflow(options.runner, options.beam_flags, paths=paths)
    if not options.dry_run:
        check_runner(options.runner, options.beam_flags)
    if files is None:
        files = list_inputs(options.inputs, output=options.output)
        for line in (*unused_read_flags(options.read, files), *unused_run_flags(options)):
            _LOGGER.warning(line)
    model = _model(options, model)
    config = _config(options, model)
    layout = OutputLayout(options.output, options.format)
    plan = plan_parts(
        files,
        options.read,
        salt=config.salt,
        item_bytes=options.item_bytes,
        limit=options.limit,
    )
    if options.dry_run:
        print_plan(measure_plan(plan), output=options.output)
        return None
    with runs.only_run(layout):
        return _make_parts(options, model, config, layout, plan, stop_path=stop_path)


def tag_parts(
    parts: "beam.PCollection[PlannedPart]", settings: TagSettings
) -> "beam.PCollection[Manifest]":
    """Adds the steps that turn planned parts into written ones.

    Args:
        parts: Work items, some MiB of input each.
        settings: For the workers.

    Returns:
        A manifest a part: small.
    """
    model, layout = settings.model, settings.layout
    read = ReadDocuments(settings.read, layout, stop_path=settings.stop_path)
    write = WriteParts(layout, progress_dir=settings.progress_dir)
    return (
        parts
        | "ReadDocuments" >> read
        | "Segment" >> Segment(model)
        | "Wordpiece" >> Wordpiece(model)
        | "Tag" >> Tag(model)
        | "WriteParts" >> write
    )


def _stream(options: AnnotateOptions, model: Model) -> None:
    """Runs on Flink until SIGTERM."""
    layout = OutputLayout(options.output, options.format)
    settings = TagSettings(SharedModel(model.load), options.read, layout)
    check = functools.partial(_check_rejects, max_reject_ratio=options.max_reject_ratio)
    make = functools.partial(tag_parts, settings=settings)
    run_unbounded(options, layout, _config(options, model), make_parts=make, check=check)


def _model(options: AnnotateOptions, model: Model | None) -> Model:
    if model is not None:
        return model
    return bundle_model(options.model, options.piece_budget, options.conventions)


def _make_parts(
    options: AnnotateOptions,
    model: Model,
    config: RunConfig,
    layout: OutputLayout,
    plan: Iterable[PlannedPart],
    *,
    stop_path: str | None,
) -> dict[str, Any]:
    """Prepares the output directory, runs the pipeline and sums up."""
    runs.check_output(layout, config, overwrite=options.overwrite)
    runs.delete_leftovers(layout)
    runs.write_config(layout, config)
    size = write_plan(layout.plan_path, plan, completed=runs.completed_parts(layout))
    progress = Progress(
        n_bytes=size.n_pending_bytes, n_parts=size.n_pending, is_local=options.is_local
    )
    try:
        with progress, RunGuard():
            settings = TagSettings(
                SharedModel(model.load), options.read, layout, progress.directory, stop_path
            )
            _run_pipeline(options, settings, config, n_parts=size.n_parts)
    finally:
        storage.delete(layout.plan_path)
    return _finish(options, layout, progress, n_completed=size.n_parts - size.n_pending)


def _config(options: AnnotateOptions, model: Model) -> RunConfig:
    """The part of the flags that decides what is written."""
    return RunConfig(
        inputs=options.inputs,
        model=model.digest,
        read=options.read,
        format=options.format.name,
        compression=options.format.compression,
        item_bytes=options.item_bytes,
        limit=options.limit,
        conventions=options.conventions,
    )


def _run_pipeline(
    options: AnnotateOptions, settings: TagSettings, config: RunConfig, *, n_parts: int
) -> None:
    """Builds the graph and waits until the runner is done."""
    layout = settings.layout
    watch = worker_watch(options, layout)
    started_path = watch.path if watch else None

    def build(pipeline: beam.Pipeline) -> None:
        parts = pipeline | "ReadPlan" >> ReadPlan(layout.plan_path, started_path=started_path)
        manifests = tag_parts(parts, settings)
        _ = manifests | "FinishRun" >> FinishRun(layout, config, n_parts=n_parts)

    run_pipeline(build, options, watch=watch)


def _finish(
    options: AnnotateOptions, layout: OutputLayout, progress: Progress, *, n_completed: int
) -> dict[str, Any]:
    """Sums up and checks the share of rejects."""
    report = finish_job(options, layout, progress, n_completed=n_completed, preview=_preview)
    if not options.streaming:
        check_tagged(layout, report)
        for line in unused_convention_flags(options.conventions, report):
            _LOGGER.warning(line)
    _check_rejects(report, options.max_reject_ratio)
    return report


def _preview(parts: Sequence[str]) -> Sequence[Preview]:
    """The first sentences of the first parts."""
    return preview_parts(parts[:_PREVIEW_PARTS], n_sentences=_PREVIEW_SENTENCES)


def _check_rejects(report: Mapping[str, Any], max_reject_ratio: float | None) -> None:
    """Fails a run with too many rejects, after everything is written."""
    n_documents, n_rejected = report["counts"]["documents"], report["counts"]["rejected"]
    if max_reject_ratio is None or n_rejected <= max_reject_ratio * n_documents:
        return
    reasons = ", ".join(f"{reason} {n}" for reason, n in report["rejects_by_reason"].items())
    raise RejectRatioError(
        f"{n_rejected} of {n_documents} documents were rejected ({reasons}), more than "
        f"--max_reject_ratio={max_reject_ratio} allows; the output is complete"
    )


if __name__ == "__main__":
    sys.exit(main())
