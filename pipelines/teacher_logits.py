"""Teacher logits: sentences of Wikipedia dumps or other text, scored by a teacher.

    python -m pipelines.teacher_logits --input 'dumps/*.xml.bz2' --teacher DIR --output out/

The graph is that of `pipelines.annotate` with a teacher in the place of the student:

    ReadPlan         path of the plan       -> PlannedPart              spread over the workers here
    ReadDocuments    PlannedPart            -> Document | Reject | PartEnd
    Segment          Document               -> Block of sentences
    SelectSentences  Block of sentences     -> Block of chosen sentences
    Wordpiece        Block of sentences     -> Block of sentences and the teacher's wordpieces
    Score            Block with wordpieces  -> Block of scored sentences  batches across documents
    WriteParts       Block | Reject | PartEnd -> Manifest                 shard, rejects, manifest
    FinishRun        Manifest               -> run.json, report.html

Where the choice of a sentence depends on others (a limit by language, equal sentences), another
pipeline runs before it: SurveyParts lists the sentences of each work item, and the choice is made
from all lists.
"""

if __name__ == "__main__":
    import sys

    from pipelines.process import start_job

    start_job("teacher_logits", command="logits", argv=sys.argv[1:])

import functools
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import apache_beam as beam

from mtag_core import storage
from mtag_core.cli.logs import set_up_logging
from mtag_core.errors import UsageError
from mtag_core.options import Flags, group, option
from mtag_core.output.layout import Manifest, OutputLayout
from mtag_core.parts import run as runs
from mtag_core.parts.completed_parts import completed_parts
from mtag_core.parts.outcome import check_tagged
from mtag_core.parts.plan import PlannedPart, plan_parts
from mtag_core.parts.run_plan import choose_sizes, measure_plan, write_plan
from mtag_core.records import Sentence
from mtag_core.storage import FileInfo
from mtag_core.tagging.bundle import Bundle
from mtag_core.training.logits.logit_shards import ShardFormat, preview_shards
from mtag_core.training.logits.logit_teachers import BundleTeacher, Teacher
from mtag_core.training.logits.logits_run import (
    LogitsConfig,
    basis_path,
    load_segmenter,
    load_teacher,
    make_basis,
    read_basis,
    sample_sentences,
)
from mtag_core.training.logits.sentence_choice import (
    ChoiceOptions,
    choose_parts,
    part_selector,
    remove_choice,
)
from mtag_core.training.logits.soft_targets import SummaryOptions
from pipelines.console import print_plan
from pipelines.job import find_inputs, make_parts, run_job, run_planned
from pipelines.options import CorpusOptions, JobOptions, parse_flags
from pipelines.process import exit_program
from pipelines.transforms.parts import ReadDocuments, WriteParts
from pipelines.transforms.steps import PROGRAM, SharedModel
from pipelines.transforms.tag_documents import Segment, Wordpiece
from pipelines.transforms.teacher_steps import Score, SelectSentences, SurveyParts

_LOGGER = logging.getLogger(__name__)

_HINT = "no sentence was kept: see --languages, --min_tokens and --max_tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherOptions:
    """The options of one run; each is described by `--help`."""

    corpus: CorpusOptions = group(section="input")
    job: JobOptions = group(section="output")
    choice: ChoiceOptions = group(ChoiceOptions(), section="sentences")
    teacher: Path | None = option(
        "made by `mtag train teacher` (torch), a Hugging Face token-classification directory "
        "(torch), or a model bundle; that of --model if left out",
        None,
        metavar="DIR",
        section="teacher",
    )
    device: str = option(
        "of a torch teacher, such as cuda", "cpu", metavar="NAME", section="teacher"
    )
    model: str | None = option(
        "bundle whose segmenters are used; the one in mtag if left out",
        None,
        metavar="DIR",
        section="teacher",
    )
    summary: SummaryOptions = group(SummaryOptions(), section="teacher")


_FLAGS = Flags(TeacherOptions)


def parse_teacher_options(argv: Sequence[str]) -> TeacherOptions:
    """Parses the command line.

    Raises:
        UsageError: A flag is unknown, missing or has a wrong value; the message says what to do.
    """
    does = "Lets a teacher score the sentences of Wikipedia dumps or other text."
    options = parse_flags(_FLAGS, argv, job="teacher_logits", does=does)
    choice = options.choice
    if choice.min_tokens > choice.max_tokens:
        raise UsageError(
            f"--min_tokens={choice.min_tokens} is above --max_tokens={choice.max_tokens}"
        )
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the job and turns errors into one line on standard error.

    Returns:
        The exit code: 0 done, 1 failed, 2 called wrongly, 130 interrupted, 143 ended by SIGTERM.
    """

    def job() -> None:
        options = parse_teacher_options(sys.argv[1:] if argv is None else argv)
        set_up_logging(is_verbose=options.job.verbose, log_format=options.job.log_format)
        run(options)

    return run_job(job, name="teacher_logits")


def run(options: TeacherOptions) -> dict[str, Any] | None:
    """Runs the job with parsed flags; gives the content of run.json, None for a dry run.

    Raises:
        UsageError: The output directory holds something else.
        InputNotFoundError: A pattern matches nothing.
        MtagError: The run failed, or kept no sentence.
    """
    files = find_inputs(options.corpus, options.job)
    teacher = load_teacher(options.teacher, bundle=options.model, device=options.device)
    if options.device != "cpu" and isinstance(teacher, BundleTeacher):
        _LOGGER.warning(
            "--device=%s changes nothing: ONNX Runtime runs this teacher, on the CPU",
            options.device,
        )
    teacher.summary = options.summary
    layout = _layout(options, teacher)
    config = _config(options, teacher, layout, files)
    # The basis is fitted on a sample of all parts, and the choice is made among them.
    parts = list(
        plan_parts(
            files, config.read, salt=config.salt, item_bytes=config.item_bytes, limit=config.limit
        )
    )
    if options.job.dry_run:
        print_plan(measure_plan(parts), output=layout.base)
        return None
    with runs.only_run(layout):
        _prepare(layout, config, overwrite=options.job.overwrite, verify=options.job.verify)
        teacher.basis = make_basis(layout, teacher, _sample(options, parts))
        try:
            return _make_shards(options, _layout(options, teacher), config, parts, teacher)
        finally:
            remove_choice(layout.base)


def load_scorer(load: Callable[[], Teacher], summary: SummaryOptions, output: str) -> Teacher:
    """Loads teacher and basis in a worker process."""
    teacher = load()
    teacher.summary, teacher.basis = summary, read_basis(output)
    return teacher


def score_parts(
    parts: "beam.PCollection[PlannedPart]",
    progress_dir: str | None,
    *,
    options: TeacherOptions,
    layout: OutputLayout,
) -> "beam.PCollection[Manifest]":
    """Adds the steps that turn planned parts, some MiB of input each, into manifests of shards.

    Progress files go to a local folder, None where nobody reads them.
    """
    segmenter = SharedModel(functools.partial(load_segmenter, options.model))
    # Not the options, whose class workers do not know where this module is the program.
    load = functools.partial(
        load_teacher, options.teacher, bundle=options.model, device=options.device
    )
    scorer = SharedModel(functools.partial(load_scorer, load, options.summary, options.job.output))
    selector_of = functools.partial(part_selector, choice=options.choice, base=layout.base)
    limit_s = options.corpus.read.max_document_seconds
    return (
        parts
        | "ReadDocuments" >> beam.ParDo(ReadDocuments(options.corpus.read, layout))
        | "Segment" >> beam.ParDo(Segment(segmenter, max_document_seconds=limit_s))
        | "SelectSentences" >> beam.ParDo(SelectSentences(selector_of))
        | "Wordpiece" >> beam.ParDo(Wordpiece(scorer))
        | "Score" >> beam.ParDo(Score(scorer))
        | "WriteParts" >> beam.ParDo(WriteParts(layout, progress_dir=progress_dir))
    )


def _layout(options: TeacherOptions, teacher: Teacher) -> OutputLayout:
    return OutputLayout(options.job.output, ShardFormat(teacher.info, PROGRAM))


def _config(
    options: TeacherOptions, teacher: Teacher, layout: OutputLayout, files: Sequence[FileInfo]
) -> LogitsConfig:
    corpus = options.corpus
    # Parts of several items have no list of sentences to choose from, so no file is sliced.
    sizes = choose_sizes(
        layout,
        files,
        item_bytes=corpus.item_bytes,
        spool_bytes=0,
        is_planned_anew=options.job.overwrite,
    )
    return LogitsConfig(
        inputs=corpus.input,
        model=teacher.digest,
        read=corpus.read,
        format="logits",
        compression="zstd",
        item_bytes=sizes.item_bytes,
        limit=corpus.limit,
        segmenters=Bundle.open(options.model).digest,
        choice=options.choice,
        summary=options.summary,
    )


def _prepare(layout: OutputLayout, config: LogitsConfig, *, overwrite: bool, verify: bool) -> None:
    runs.prepare_output(layout, config, overwrite=overwrite, verify=verify)
    if overwrite and storage.exists(basis_path(layout.base)):
        storage.delete(basis_path(layout.base))
    remove_choice(layout.base)


def _sample(options: TeacherOptions, parts: Sequence[PlannedPart]) -> Iterator[Sentence]:
    segmenter = load_segmenter(options.model)
    yield from sample_sentences(parts, segmenter, read=options.corpus.read, choice=options.choice)


def _make_shards(
    options: TeacherOptions,
    layout: OutputLayout,
    config: LogitsConfig,
    parts: Sequence[PlannedPart],
    teacher: Teacher,
) -> dict[str, Any]:
    if options.choice.needs_survey:
        write_plan(layout.plan_path, parts, completed=())
        _survey(options, layout)
        parts = choose_parts(parts, options.choice, base=layout.base)
    size = write_plan(layout.plan_path, parts, completed=completed_parts(layout))
    # By default one worker: a teacher may fill the memory of its device.
    report = make_parts(
        replace(options.job, workers=options.job.workers or 1),
        layout,
        config,
        size,
        add_steps=functools.partial(score_parts, options=options, layout=layout),
        preview=functools.partial(
            preview_shards, upos=teacher.upos_labels, feats=teacher.feats_labels
        ),
        title="Scored",
    )
    check_tagged(layout, report, done="scored", hint=_HINT)
    return report


def _survey(options: TeacherOptions, layout: OutputLayout) -> None:
    load = functools.partial(load_segmenter, options.model)
    survey = SurveyParts(load, options.corpus.read, options.choice, layout.base)

    def steps(parts: "beam.PCollection[PlannedPart]") -> None:
        _ = parts | "SurveyParts" >> beam.ParDo(survey)

    run_planned(options.job, layout, steps)


if __name__ == "__main__":
    exit_program(main())
