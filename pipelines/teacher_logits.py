"""Teacher logits: sentences of Wikipedia dumps or other text, scored by a teacher.

    python -m pipelines.teacher_logits --input 'dumps/*.xml.bz2' --teacher DIR --output out/

Two pipelines run one after the other. The first surveys each work item's sentences, and the choice
among them is made from all surveys; the second scores the chosen ones and writes a shard a work
item.
Parts, manifests, rejects, resuming and the summary are those of `pipelines.annotate`.
"""

import functools
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import apache_beam as beam

from mtag_core import storage
from mtag_core.errors import BundleError, OutputError
from mtag_core.output.layout import OutputLayout
from mtag_core.parts import run as runs
from mtag_core.parts.inputs import list_inputs
from mtag_core.parts.outcome import check_tagged
from mtag_core.parts.plan import PlannedPart, plan_parts
from mtag_core.parts.plan_file import PlanSize, measure_plan, write_plan
from mtag_core.records import Sentence
from mtag_core.segmentation import Segmenter
from mtag_core.tagging.bundle import Bundle
from mtag_core.training.logits.chosen_parts import (
    Selection,
    choose_parts,
    documents_of,
    remove_choice,
)
from mtag_core.training.logits.logit_parts import (
    LogitsConfig,
    LogitsFormat,
    LogitTagger,
    load_segmenter,
)
from mtag_core.training.logits.logit_stream import LogitStream, fit_basis
from mtag_core.training.logits.logit_teachers import TEACHER_FILE, OnnxTeacher, Teacher
from mtag_core.training.logits.sentence_choice import is_useful
from mtag_core.training.logits.tail_basis import TailBasis
from mtag_core.training.logits.trained_teacher import TrainedTeacher, is_trained_model
from pipelines.endpoints import check_runner
from pipelines.guard import RunGuard
from pipelines.jobs import finish_job, run_job, run_pipeline, worker_watch
from pipelines.logs import set_up_logging
from pipelines.progress import Progress
from pipelines.summary import print_plan
from pipelines.teacher_options import TeacherOptions, parse_teacher_options
from pipelines.transforms.finish_run import FinishRun
from pipelines.transforms.read_documents import ReadDocuments
from pipelines.transforms.read_plan import ReadPlan
from pipelines.transforms.segment import Segment
from pipelines.transforms.select_sentences import SelectSentences
from pipelines.transforms.steps import SharedModel
from pipelines.transforms.survey_parts import SurveyParts, SurveySettings
from pipelines.transforms.tag import Tag
from pipelines.transforms.wordpiece import Wordpiece
from pipelines.transforms.write_parts import WriteParts
from pipelines.unused_flags import unused_read_flags

_LOGGER = logging.getLogger(__name__)

BASIS = "tail_basis.npz"
# The basis is fitted on this many tokens, from documents spread over the plan.
_BASIS_TOKENS = 2000
_BASIS_ITEMS = 16
_BASIS_SENTENCES = 400
_DOCUMENT_SENTENCES = 8


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the job and turns errors into one line on standard error.

    Returns:
        The exit code: 0 done, 1 failed, 2 called wrongly, 130 interrupted.
    """

    def job() -> None:
        options = parse_teacher_options(sys.argv[1:] if argv is None else argv)
        set_up_logging(is_verbose=options.is_verbose, log_format=options.log_format)
        run(options)

    return run_job(job, name="teacher_logits")


def run(options: TeacherOptions) -> dict[str, Any] | None:
    """Runs the job with parsed flags.

    Args:
        options: The flags.

    Returns:
        The content of run.json, None for a dry run.

    Raises:
        UsageError: The output directory holds something else.
        InputNotFoundError: A pattern matches nothing.
        MtagError: The run failed.
    """
    if not options.dry_run:
        check_runner(options.runner, options.beam_flags)
    files = list_inputs(options.inputs, output=options.output)
    for line in unused_read_flags(options.read, files):
        _LOGGER.warning(line)
    load = functools.partial(load_teacher, options.teacher, options.device)
    teacher = load()
    config = _config(options, teacher)
    layout = OutputLayout(options.output, LogitsFormat())
    parts = list(
        plan_parts(
            files,
            options.read,
            salt=config.salt,
            item_bytes=options.item_bytes,
            limit=options.limit,
        )
    )
    if options.dry_run:
        print_plan(measure_plan(parts), output=options.output)
        return None
    with runs.only_run(layout):
        _prepare(layout, config, overwrite=options.overwrite)
        basis = _basis(options, layout, teacher, parts)
        stream = LogitStream(teacher, options.summary, basis=basis)
        layout = replace(layout, format=LogitsFormat(info=stream.info))
        try:
            return _run_prepared(options, _Job(layout, config, load), parts)
        finally:
            remove_choice(layout.base)


@dataclass(frozen=True)
class _Job:
    """What both pipelines need."""

    layout: OutputLayout
    config: LogitsConfig
    load_teacher: "functools.partial[Teacher]"


def load_teacher(directory: Path, device: str) -> Teacher:
    """Loads a teacher directory of any kind.

    Raises:
        BundleError: It is none, or damaged.
        CheckpointError: A trained model is damaged.
    """
    if (directory / TEACHER_FILE).exists():
        return OnnxTeacher(directory)
    if is_trained_model(directory):
        return TrainedTeacher(directory, device=device)
    if not (directory / "config.json").exists():
        raise BundleError(
            f"{directory}: neither {TEACHER_FILE} (see `python -m mtag_core export-teacher`) nor a "
            "model of `train-teacher` nor config.json of a Hugging Face model"
        )
    from mtag_core.training.logits.hugging_face_teacher import HuggingFaceTeacher

    return HuggingFaceTeacher(directory, device=device)


def load_tagger(options: TeacherOptions) -> LogitTagger:
    """Loads segmenter, teacher and basis in a worker process."""
    basis = _read_basis(storage.join(options.output, BASIS))
    stream = LogitStream(
        load_teacher(options.teacher, options.device), options.summary, basis=basis
    )
    return LogitTagger(load_segmenter(options.bundle), stream)


def _config(options: TeacherOptions, teacher: Teacher) -> LogitsConfig:
    """The part of the flags that decides what is written."""
    return LogitsConfig(
        inputs=options.inputs,
        model=teacher.digest,
        read=options.read,
        format="logits",
        compression="zstd",
        item_bytes=options.item_bytes,
        limit=options.limit,
        segmenters=Bundle.open(options.bundle).digest,
        choice=options.choice,
        summary=options.summary,
    )


def _prepare(layout: OutputLayout, config: LogitsConfig, *, overwrite: bool) -> None:
    """Checks the output directory and clears what must not stay."""
    runs.check_output(layout, config, overwrite=overwrite)
    basis_path = storage.join(layout.base, BASIS)
    if overwrite and storage.exists(basis_path):
        storage.delete(basis_path)
    runs.delete_leftovers(layout)
    runs.write_config(layout, config)
    remove_choice(layout.base)


def _basis(
    options: TeacherOptions, layout: OutputLayout, teacher: Teacher, parts: Sequence[PlannedPart]
) -> TailBasis | None:
    """The output's basis, fitted on the first run: all its shards must share one."""
    path = storage.join(layout.base, BASIS)
    if not options.summary.tail_rank:
        return None
    if storage.exists(path):
        return _read_basis(path)
    if runs.completed_parts(layout):
        raise OutputError(f"{path} is gone, but parts stand that need it; pass --overwrite")
    segmenter = load_segmenter(options.bundle)
    sample = _sample(options, segmenter, parts)
    basis = fit_basis(teacher, sample, options.summary, n_tokens=_BASIS_TOKENS)
    if basis is not None:
        with storage.atomic_writer(path) as sink:
            sink.write(basis.to_bytes())
    return basis


def _sample(
    options: TeacherOptions, segmenter: Segmenter, parts: Sequence[PlannedPart]
) -> Iterator[Sentence]:
    """Sentences from the first documents of work items spread over the plan."""
    sampled = parts[:: max(1, len(parts) // _BASIS_ITEMS)]
    n_sentences = -(-_BASIS_SENTENCES // max(1, len(sampled)))
    for part in sampled:
        useful = (
            sentence
            for document in documents_of(part, options.read)
            for sentence in islice(segmenter.segment(document.text), _DOCUMENT_SENTENCES)
            if is_useful(sentence, options.choice)
        )
        yield from islice(useful, n_sentences)


def _read_basis(path: str) -> TailBasis | None:
    """Reads the basis, None where there is none."""
    if not storage.exists(path):
        return None
    return TailBasis.from_bytes(storage.read_bytes(path), source=path)


def _run_prepared(
    options: TeacherOptions, job: _Job, parts: Sequence[PlannedPart]
) -> dict[str, Any]:
    """Surveys, chooses, scores and sums up."""
    layout = job.layout
    write_plan(layout.plan_path, parts, completed=())
    _survey(options, layout)
    chosen = choose_parts(parts, options.choice, base=layout.base)
    size = write_plan(layout.plan_path, chosen, completed=runs.completed_parts(layout))
    progress = Progress(
        n_bytes=size.n_pending_bytes, n_parts=size.n_pending, is_local=options.is_local
    )
    try:
        with progress, RunGuard():
            _score(options, job, progress.directory, size)
    finally:
        storage.delete(layout.plan_path)
    n_completed = size.n_parts - size.n_pending
    report = finish_job(options, layout, progress, n_completed=n_completed)
    check_tagged(layout, report)
    return report


def _survey(options: TeacherOptions, layout: OutputLayout) -> None:
    """Runs the first pipeline."""
    settings = SurveySettings(
        functools.partial(load_segmenter, options.bundle), options.read, options.choice, layout.base
    )

    watch = worker_watch(options, layout)
    started_path = watch.path if watch else None

    def build(pipeline: beam.Pipeline) -> None:
        parts = pipeline | "ReadPlan" >> ReadPlan(layout.plan_path, started_path=started_path)
        _ = parts | "SurveyParts" >> SurveyParts(settings)

    run_pipeline(build, options, watch=watch)


def _score(options: TeacherOptions, job: _Job, progress_dir: str | None, size: PlanSize) -> None:
    """Runs the second pipeline."""
    model = SharedModel(functools.partial(load_tagger, options))
    selection = Selection(job.layout.base, options.choice)

    watch = worker_watch(options, job.layout)
    started_path = watch.path if watch else None

    def build(pipeline: beam.Pipeline) -> None:
        parts = pipeline | "ReadPlan" >> ReadPlan(job.layout.plan_path, started_path=started_path)
        manifests = (
            parts
            | "ReadDocuments" >> ReadDocuments(options.read, job.layout)
            | "Segment" >> Segment(model)
            | "SelectSentences" >> SelectSentences(selection.of)
            | "Wordpiece" >> Wordpiece(model)
            | "Score" >> Tag(model)
            | "WriteParts" >> WriteParts(job.layout, progress_dir=progress_dir)
        )
        _ = manifests | "FinishRun" >> FinishRun(job.layout, job.config, n_parts=size.n_parts)

    run_pipeline(build, options, watch=watch)


if __name__ == "__main__":
    sys.exit(main())
