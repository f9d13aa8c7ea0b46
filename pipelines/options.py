"""Options of the jobs: those that all share, those of `annotate`, and how a command line is parsed.

Every flag that is not ours must be one of Beam's and goes to the runner.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from apache_beam.options.pipeline_options import PipelineOptions

from mtag_core.cli.commands import FlagParser
from mtag_core.corpus.items import AUTO, Format, ReadOptions
from mtag_core.corpus.kept_fields import KINDS, kept_fields
from mtag_core.corpus.planning import MAX_ITEM_BYTES, MIN_ITEM_BYTES
from mtag_core.corpus.registry import format_of, formats, formats_using
from mtag_core.errors import UsageError
from mtag_core.options import Flags, group, not_negative, option, positive, ratio, seconds
from mtag_core.output.columns import COLUMNS
from mtag_core.output.writers import COMPRESSION_SUFFIXES, FORMATS, OutputFormat
from mtag_core.storage import FileInfo, http_access, public_url, split_patterns, use_http_access
from mtag_core.tagging.arguments import TaggerOptions
from mtag_core.tagging.bundle import BUNDLE_HELP
from mtag_core.treebank_style import unused_styles
from pipelines.metrics import MetricsOptions
from pipelines.runners.runner import find_runner, job_flags

Options = TypeVar("Options")
_LOCAL_FLAGS = frozenset({"--direct_num_workers", "--direct_running_mode"})
_WORKER_FLAGS = frozenset({"--num_workers", "--max_num_workers"})
_DATAFLOW_FLAGS = _WORKER_FLAGS | {
    *("--project", "--region", "--zone", "--worker_zone", "--worker_region", "--temp_location"),
    *("--staging_location", "--template_location", "--machine_type", "--worker_machine_type"),
    *("--disk_size_gb", "--autoscaling_algorithm", "--subnetwork", "--network"),
    *("--dataflow_service_options", "--enable_streaming_engine", "--service_account_email"),
}
_DEFAULT_COMPRESSION = "zstd"
_DEFAULT_POLL_INTERVAL_S = 10.0


def _patterns(values: Sequence[str]) -> tuple[str, ...]:
    patterns = split_patterns(values)
    if not patterns:
        raise UsageError("--input is empty; name a file, a folder, a glob or a URL")
    return tuple(map(public_url, patterns))


def _folder(text: str) -> str:
    return public_url(text).rstrip("/") or "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusOptions:
    """What is read, in every pipeline."""

    input: tuple[str, ...] = option(
        "files, folders, globs or URLs; several with spaces, commas or more --input",
        metavar="PATTERN",
        split=_patterns,
    )
    read: ReadOptions = group(ReadOptions())
    item_bytes: int | None = option(
        "bytes of input in a work item, about; if left out as in the runs before on this output, "
        f"at first by the size of the input, {MIN_ITEM_BYTES} to {MAX_ITEM_BYTES}",
        None,
        parse=positive,
    )
    limit: int | None = option("first N documents only", None, parse=positive)
    allow_redirects: bool = option(
        "follow a server that sends us to another host for a file", False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """Where a run writes and how it goes, in every pipeline; Beam gets all other flags."""

    output: str = option("folder or URL for the parts", metavar="DIR", parse=_folder)
    overwrite: bool = option(
        "remove what earlier runs wrote to --output, and nothing else, and start anew", False
    )
    verify: bool = option(
        "compare finished parts with the SHA-256 of their manifests, not only their sizes, and "
        "make those that differ again",
        False,
    )
    dry_run: bool = option("show the plan and make no part", False, section="run")
    runner: str = option("Beam runner", "DirectRunner", metavar="NAME", section="run")
    workers: int | None = option(
        "processes of a run on this machine; if left out one a core but one, fewer where the input "
        "or the memory is small",
        None,
        parse=positive,
        section="run",
    )
    metrics: MetricsOptions = group(MetricsOptions(), section="run")
    worker_timeout: float = option(
        "seconds until a pool of workers (--environment_type=EXTERNAL) must have started",
        50.0,
        metavar="S",
        parse=seconds,
        section="run",
    )
    log_format: str = option(
        "of the log on standard error", "text", choices=("text", "json"), section="run"
    )
    verbose: bool = option("show Beam's own log, too", False, short="-v", section="run")
    beam_flags: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether the run stays in this process and its children."""
        return find_runner(self.runner).is_local


def parse_flags(flags: Flags[Options], argv: Sequence[str], *, job: str, does: str) -> Options:
    """Parses a command line of a job's flags and Beam's.

    Raises:
        UsageError: A flag is nobody's, is missing or has a wrong value.
    """
    parser = FlagParser(
        prog=_program(job),
        description=does,
        epilog="Every other flag goes to the Beam runner, such as --parallelism=8 to Flink.",
    )
    flags.add_to(parser, choices=_read_choices(), notes=_read_notes())
    parser.check_names(argv, others=_beam_flags() | job_flags())
    args, rest = parser.parse_known_args(list(argv))
    check_beam_flags(rest)
    _check_flags_of_runner(args.runner, rest, n_workers=args.workers)
    args.beam_flags = tuple(rest)
    use_http_access(replace(http_access(), allow_redirects=args.allow_redirects))
    return flags.parse(args)


def _check_flags_of_runner(name: str, words: Sequence[str], *, n_workers: int | None) -> None:
    given = [word.partition("=")[0] for word in words]
    if n_workers is not None and not find_runner(name).is_local:
        raise UsageError(
            f"--workers is for runs on this machine; --runner={name} has its own flags"
        )
    if n_workers is not None and not _LOCAL_FLAGS.isdisjoint(given):
        raise UsageError("give --workers or --direct_num_workers, not both")
    for flag in given if "dataflow" not in name.lower() else ():
        if flag in _DATAFLOW_FLAGS:
            more = "; did you mean --workers?" if flag in _WORKER_FLAGS else ""
            raise UsageError(f"{flag} is for Dataflow, the runner is {name}{more}")


def check_beam_flags(words: Sequence[str]) -> None:
    """Raises UsageError for a word that is neither a flag of Beam's nor the value of one."""
    _, rest = _beam_parser().parse_known_args(list(words))
    for word in rest:
        name = word.partition("=")[0]
        if not name.startswith("-"):
            raise UsageError(f"unexpected argument {word!r}; files are named with --input")
        if name not in job_flags():
            raise UsageError(f"unknown flag {name}; see --help")


def unused_read_flags(read: ReadOptions, files: Iterable[FileInfo]) -> list[str]:
    """A line for each flag of reading that no input uses."""
    found = {format_of(file, read) for file in files}
    lines = []
    for field in fields(read):
        value, users = getattr(read, field.name), formats_using(field.name)
        if users and value != field.default and found.isdisjoint(users):
            shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
            lines.append(
                f"--{field.name}={shown} changes nothing: it is for {_titles(users)}, and the "
                f"inputs are {_titles(found)}; --input_format says what they are"
            )
    return lines


def _titles(formats: Iterable[Format]) -> str:
    return ", ".join(sorted(each.title for each in formats))


def _program(job: str) -> str:
    name, command = Path(sys.argv[0]).name, {"teacher_logits": "logits"}.get(job, job)
    return f"mtag {command}" if name == "mtag" else f"python -m pipelines.{job}"


def _read_choices() -> dict[str, Sequence[str]]:
    return {"input_format": (AUTO, *(each.name for each in formats()))}


def _read_notes() -> dict[str, str]:
    users = {each.name: formats_using(each.name) for each in fields(ReadOptions)}
    return {name: ", ".join(each.title for each in used) for name, used in users.items() if used}


@cache
def _beam_flags() -> frozenset[str]:
    return frozenset(_beam_parser()._option_string_actions)


@cache
def _beam_parser() -> FlagParser:
    parser = FlagParser(prog="beam", add_help=False, conflict_handler="resolve")
    classes = list(PipelineOptions.__subclasses__())
    for options_class in classes:
        classes.extend(options_class.__subclasses__())
        if "_add_argparse_args" in vars(options_class):
            options_class._add_argparse_args(parser)
    return parser


def _fields(values: Sequence[str]) -> tuple[str, ...]:
    words = tuple(word.strip() for value in values for word in value.split(",") if word.strip())
    names = [field.name for field in kept_fields(words)]
    for name in names:
        if name in {column.name for column in COLUMNS}:
            raise UsageError(f"--keep_fields={name}: the output has a column of this name already")
        if names.count(name) > 1:
            raise UsageError(f"--keep_fields={name}: named twice")
    return words


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotateOptions:
    """The options of one run; each is described by `--help`."""

    corpus: CorpusOptions = group(section="input")
    spool_bytes: int | None = option(
        "a file that holds more than this, about, and cannot be read from the middle is read by "
        "one worker and copied to --output for all; 0 for none; if left out as --item_bytes, at "
        "first four work items or a 64th of the input",
        None,
        parse=not_negative,
        section="input",
    )
    job: JobOptions = group(section="output")
    format: str = option("of the parts", "parquet", choices=FORMATS, section="output")
    compression: str = option(
        "of CoNLL-U, JSONL and vertical parts",
        _DEFAULT_COMPRESSION,
        choices=tuple(COMPRESSION_SUFFIXES),
        section="output",
    )
    keep_fields: tuple[str, ...] = option(
        "fields of the input that go with each document, such as url,date; their types are found, "
        f"or named as in id:int ({', '.join(KINDS)})",
        (),
        metavar="NAME",
        split=_fields,
        section="output",
    )
    one_file_per_input: bool = option(
        "write files/ beside parts/: one file an input, by its name; inputs are not split, so one "
        "worker tags each",
        False,
        section="output",
    )
    repack: bool = option(
        "plan an output that grew in steps as if it were made at once: parts of small files are "
        "joined, those that differ are made again",
        False,
        section="output",
    )
    max_reject_ratio: float | None = option(
        "fail at the end if more than this share of the documents is rejected, 0 to 1",
        None,
        metavar="R",
        parse=ratio,
        section="output",
    )
    table: str | None = option(
        "folder or URL of a Delta Lake table that gets the sentences of a complete run in one "
        "commit; needs the extra delta",
        None,
        metavar="DIR",
        parse=public_url,
        section="output",
    )
    tagger: TaggerOptions = group(section="languages")
    model: str | None = option(BUNDLE_HELP, None, metavar="DIR", section="model")
    piece_budget: int | None = option(
        "wordpieces in one batch of the model", None, parse=positive, section="model"
    )
    streaming: bool = option(
        "go on for ever and tag files as they appear; SIGTERM stops after the current part",
        False,
        section="streaming",
    )
    poll_interval: float = option(
        "seconds between two lists of the inputs; a file that changed since the last one waits",
        _DEFAULT_POLL_INTERVAL_S,
        metavar="S",
        parse=seconds,
        section="streaming",
    )

    @property
    def output_format(self) -> OutputFormat:
        """How parts are written."""
        fields = self.corpus.read.keep_fields
        return OutputFormat(self.format, self.compression, keep_fields=fields)

    def with_fields(self, words: tuple[str, ...]) -> "AnnotateOptions":
        """The options of a run that keeps these fields, as `ReadOptions.keep_fields` has them."""
        corpus = self.corpus
        return replace(self, corpus=replace(corpus, read=replace(corpus.read, keep_fields=words)))


_FLAGS = Flags(AnnotateOptions)


def parse_options(argv: Sequence[str]) -> AnnotateOptions:
    """Parses the command line.

    Raises:
        UsageError: A flag is unknown, missing or has a wrong value; the message says what to do.
    """
    does = "Tags the text of files: raw text in, tagged corpus out."
    options = parse_flags(_FLAGS, argv, job="annotate", does=does)
    options = options.with_fields(options.keep_fields)
    job = options.job
    bounded = {
        "--limit": options.corpus.limit,
        "--dry_run": job.dry_run,
        "--overwrite": job.overwrite,
        "--repack": options.repack,
        "--one_file_per_input": options.one_file_per_input,
        "--table": options.table,
    }
    if options.streaming and any(bounded.values()):
        given = ", ".join(name for name, value in bounded.items() if value)
        raise UsageError(f"--streaming goes without {given}")
    if options.table and options.format != "parquet":
        raise UsageError(f"--table is made of Parquet parts; leave --format={options.format} out")
    return options


def unused_run_flags(options: AnnotateOptions) -> list[str]:
    """A line for each flag of writing and running that nothing uses."""
    lines = []
    compression = options.compression
    if options.format == "parquet" and compression != _DEFAULT_COMPRESSION:
        lines.append(f"--compression={compression} changes nothing: Parquet compresses its columns")
    if options.poll_interval != _DEFAULT_POLL_INTERVAL_S and not options.streaming:
        lines.append("--poll_interval changes nothing without --streaming")
    return lines


def unused_style_flags(treebanks: Iterable[str], report: Mapping[str, Any]) -> list[str]:
    """A line for each treebank whose style no sentence has."""
    languages = report["tokens_by_language"]
    found = ", ".join(sorted(languages)) or "none"
    return [
        f"--treebank_style={name} changed nothing: no sentence is in its language, found: {found}"
        for name in unused_styles(treebanks, languages=languages)
    ]
