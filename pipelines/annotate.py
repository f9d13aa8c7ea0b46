"""The main job: raw text in, tagged corpus out.

    python -m pipelines.annotate --input 'dump/*.xml.bz2' --output out/

Parses the flags, plans, builds the graph, runs it and sums up. The graph is

    ReadPlan       path of the plan       -> PlannedPart               spread over the workers here
    SplitFiles     PlannedPart            -> PlannedPart               slices; where there are any
    ReadDocuments  PlannedPart            -> Document | Reject | PartEnd
    Segment        Document               -> Block of sentences
    Wordpiece      Block of sentences     -> Block of sentences and their wordpieces
    Tag            Block with wordpieces  -> Block of tagged sentences  batches across documents
    WriteParts     Block | Reject | PartEnd -> Manifest                 part, rejects, manifest
    FinishRun      Manifest               -> run.json, report.html

The steps from ReadDocuments to WriteParts take one record at a time and run fused in one stage.
Each is a thin shell around `mtag_core`; they are in `pipelines.transforms`.
"""

if __name__ == "__main__":
    import sys

    from pipelines.process import start_job

    start_job("annotate", command="annotate", argv=sys.argv[1:])

import functools
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import apache_beam as beam

from mtag_core.cli.logs import set_up_logging
from mtag_core.corpus.items import ReadOptions
from mtag_core.output.beside_parts import (
    FILES,
    check_table,
    commit_table,
    input_names,
    publish_files,
)
from mtag_core.output.layout import Manifest, OutputLayout
from mtag_core.output.preview import preview_parts
from mtag_core.parts import run as runs
from mtag_core.parts.completed_parts import read_manifests
from mtag_core.parts.inputs import list_present_inputs
from mtag_core.parts.outcome import check_reject_ratio, check_tagged
from mtag_core.parts.plan import NO_PARTS, PlannedPart
from mtag_core.parts.run import RunConfig
from mtag_core.parts.run_plan import (
    choose_fields,
    choose_sizes,
    find_completed,
    find_intact,
    measure_plan,
    plan_run,
    write_plan,
)
from mtag_core.storage import FileInfo
from pipelines.console import print_plan
from pipelines.job import check_reachable, find_inputs, make_parts, run_job
from pipelines.options import AnnotateOptions, parse_options, unused_run_flags, unused_style_flags
from pipelines.process import exit_program
from pipelines.runners.runner import find_runner
from pipelines.streaming import run_in_turn, run_unbounded
from pipelines.transforms.parts import ReadDocuments, SplitFiles, WriteParts, document_check
from pipelines.transforms.steps import Model, SharedModel, TextTagger, bundle_model
from pipelines.transforms.tag_documents import Segment, Tag, Wordpiece

_LOGGER = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None, *, model: Model | None = None) -> int:
    """Runs the job and turns errors into one line on standard error.

    Without a command line the process's is taken, without a model the one that the flags name.
    """

    def job() -> None:
        options = parse_options(sys.argv[1:] if argv is None else argv)
        set_up_logging(is_verbose=options.job.verbose, log_format=options.job.log_format)
        if not options.streaming:
            run(options, model=model)
        elif find_runner(options.job.runner).unbounded_flags is None:
            run_in_turn(options, functools.partial(run, model=_model(options, model)))
        else:
            _stream(options, _model(options, model))

    return run_job(job, name="annotate")


def run(
    options: AnnotateOptions,
    *,
    model: Model | None = None,
    files: Sequence[FileInfo] | None = None,
    stop_path: str | None = None,
) -> dict[str, Any] | None:
    """Runs the job with parsed flags; gives the content of run.json, None for a dry run.

    Without a model the one that the flags name is loaded, without files what the patterns match is
    read. Once there is a local file at `stop_path`, no further part is begun and the run fails.

    Raises:
        UsageError: The output directory holds something else, or the model does not know a
            treebank or a language that a flag names.
        InputNotFoundError: A pattern matches nothing.
        MtagError: The run failed, or more documents were rejected than allowed.
    """
    if files is None:
        files = find_inputs(options.corpus, options.job)
        for line in unused_run_flags(options):
            _LOGGER.warning(line)
    else:
        check_reachable(options.corpus, options.job)
    model = _model(options, model)
    options = _with_fields(options, model, files)
    layout = _layout(options, model)
    names = _names(options, layout, files)
    if options.table is not None:
        check_table(options.table)
    config = _config(options, model, files)
    if options.job.dry_run:
        _show_plan(options, config, layout, files)
        return None
    with runs.only_run(layout):
        report = _make_parts(options, model, config, layout, files, stop_path=stop_path)
        _check(options, layout, report)
        _hand_out(options, layout, report, names)
        return report


def _show_plan(
    options: AnnotateOptions, config: RunConfig, layout: OutputLayout, files: Sequence[FileInfo]
) -> None:
    completed = NO_PARTS
    if not options.job.overwrite:
        runs.check_output(layout, config, overwrite=False, repack=options.repack)
        completed = find_intact(layout, verify=options.job.verify)
    plan = plan_run(layout, config, files, NO_PARTS if options.repack else completed)
    print_plan(measure_plan(plan, completed=completed.part_ids), output=layout.base)


def tag_parts(
    parts: "beam.PCollection[PlannedPart]",
    progress_dir: str | None,
    *,
    model: SharedModel[TextTagger],
    read: ReadOptions,
    layout: OutputLayout,
    stop_path: str | None = None,
    has_slices: bool = False,
) -> "beam.PCollection[Manifest]":
    """Adds the steps that turn planned parts, some MiB of input each, into manifests.

    Progress files go to a local folder, None where nobody reads them. Once there is a local file at
    `stop_path`, no further part is read. With slices there may be items that one worker reads for
    all.
    """
    if has_slices:
        parts = parts | "SplitFiles" >> SplitFiles(read, layout, stop_path=stop_path)
    reader = ReadDocuments(read, layout, stop_path=stop_path, check=document_check(model))
    limit_s = read.max_document_seconds
    return (
        parts
        | "ReadDocuments" >> beam.ParDo(reader)
        | "Segment" >> beam.ParDo(Segment(model, max_document_seconds=limit_s))
        | "Wordpiece" >> beam.ParDo(Wordpiece(model))
        | "Tag" >> beam.ParDo(Tag(model))
        | "WriteParts" >> beam.ParDo(WriteParts(layout, progress_dir=progress_dir))
    )


def _stream(options: AnnotateOptions, model: Model) -> None:
    files = list_present_inputs(options.corpus.input, output=options.job.output)
    options = _with_fields(options, model, files)
    layout = _layout(options, model)
    config = _config(options, model, files)
    make = functools.partial(
        tag_parts,
        progress_dir=None,
        model=SharedModel(model.load),
        read=options.corpus.read,
        layout=layout,
        has_slices=config.spool_bytes > 0,
    )
    check = functools.partial(check_reject_ratio, max_reject_ratio=options.max_reject_ratio)
    run_unbounded(options, layout, config, make_parts=make, check=check)


def _model(options: AnnotateOptions, model: Model | None) -> Model:
    if model is not None:
        return model
    return bundle_model(options.model, options.piece_budget, options.tagger)


def _layout(options: AnnotateOptions, model: Model) -> OutputLayout:
    output = options.output_format
    return OutputLayout(
        options.job.output,
        replace(output, has_lemmas=model.has_lemmas, generator=model.generator),
        words="lemma" if model.has_lemmas else "form",
    )


def _with_fields(
    options: AnnotateOptions, model: Model, files: Sequence[FileInfo]
) -> AnnotateOptions:
    fields = choose_fields(
        _layout(options, model), files, options.corpus.read, is_planned_anew=options.job.overwrite
    )
    return options.with_fields(fields)


def _make_parts(
    options: AnnotateOptions,
    model: Model,
    config: RunConfig,
    layout: OutputLayout,
    files: Sequence[FileInfo],
    *,
    stop_path: str | None,
) -> dict[str, Any]:
    runs.prepare_output(
        layout,
        config,
        overwrite=options.job.overwrite,
        repack=options.repack,
        verify=options.job.verify,
    )
    completed = find_completed(layout)
    plan = plan_run(layout, config, files, NO_PARTS if options.repack else completed)
    size = write_plan(layout.plan_path, plan, completed=completed.part_ids)
    add_steps = functools.partial(
        tag_parts,
        model=SharedModel(model.load),
        read=options.corpus.read,
        layout=layout,
        stop_path=stop_path,
        has_slices=bool(size.sliced),
    )
    return make_parts(options.job, layout, config, size, add_steps=add_steps, preview=preview_parts)


def _names(
    options: AnnotateOptions, layout: OutputLayout, files: Sequence[FileInfo]
) -> Mapping[str, str]:
    if not options.one_file_per_input:
        return {}
    paths = (file.path for file in files)
    return input_names(paths, options.corpus.input, suffix=layout.format.suffix)


def _hand_out(
    options: AnnotateOptions,
    layout: OutputLayout,
    report: Mapping[str, Any],
    names: Mapping[str, str],
) -> None:
    if options.one_file_per_input:
        ids = [part["id"] for part in report["parts"]]
        n_files = publish_files(layout, list(read_manifests(layout, ids)), names)
        _LOGGER.info("%s: %d files by the names of inputs", f"{layout.base}/{FILES}", n_files)
    if options.table is not None:
        n_parts = commit_table(layout, report, options.table)
        _LOGGER.info("--table=%s: %d parts in a new commit", options.table, n_parts)


def _config(options: AnnotateOptions, model: Model, files: Sequence[FileInfo]) -> RunConfig:
    sizes = choose_sizes(
        _layout(options, model),
        files,
        item_bytes=options.corpus.item_bytes,
        spool_bytes=0 if options.one_file_per_input else options.spool_bytes,
        is_planned_anew=options.job.overwrite or options.repack,
    )
    return RunConfig(
        inputs=options.corpus.input,
        model=model.digest,
        read=options.corpus.read,
        format=options.format,
        compression=options.compression,
        item_bytes=sizes.item_bytes,
        spool_bytes=sizes.spool_bytes,
        limit=options.corpus.limit,
        tagger=options.tagger,
        one_file_per_input=options.one_file_per_input,
    )


def _check(options: AnnotateOptions, layout: OutputLayout, report: Mapping[str, Any]) -> None:
    if not options.streaming:
        check_tagged(layout, report)
        for line in unused_style_flags(options.tagger.treebank_style, report):
            _LOGGER.warning(line)
    check_reject_ratio(report, max_reject_ratio=options.max_reject_ratio)


if __name__ == "__main__":
    exit_program(main())
