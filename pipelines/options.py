"""Options that our pipelines share, and how a command line of ours and Beam's flags is parsed.

Every flag that is not ours must be one of Beam's and goes to the runner.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from apache_beam.options.pipeline_options import PipelineOptions

from mtag_core.cli.commands import FlagParser
from mtag_core.corpus.items import AUTO, Format, ReadOptions
from mtag_core.corpus.planning import MAX_ITEM_BYTES, MIN_ITEM_BYTES
from mtag_core.corpus.registry import format_of, formats, formats_using
from mtag_core.errors import UsageError
from mtag_core.option_values import positive, seconds
from mtag_core.options import Flags, group, option
from mtag_core.storage import (
    FileInfo,
    http_access,
    public_url,
    split_patterns,
    use_http_access,
)
from pipelines.metrics import MetricsOptions
from pipelines.runners.registry import find_runner, job_flags

Options = TypeVar("Options")
_LOCAL_FLAGS = frozenset({"--direct_num_workers", "--direct_running_mode"})
_WORKER_FLAGS = frozenset({"--num_workers", "--max_num_workers"})
_DATAFLOW_FLAGS = _WORKER_FLAGS | {
    *("--project", "--region", "--zone", "--worker_zone", "--worker_region", "--temp_location"),
    *("--staging_location", "--template_location", "--machine_type", "--worker_machine_type"),
    *("--disk_size_gb", "--autoscaling_algorithm", "--subnetwork", "--network"),
    *("--dataflow_service_options", "--enable_streaming_engine", "--service_account_email"),
}


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
    """Where a run writes and how it goes, in every pipeline.

    Attributes:
        beam_flags: All flags that are not ours.
    """

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
