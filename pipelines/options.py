"""Flags that our pipelines share: parsed and checked before anything starts.

Every flag that is not ours must be one of Beam's and goes to the runner.
"""

import argparse
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from apache_beam.options.pipeline_options import PipelineOptions

from mtag_core.corpus import MAX_ITEM_BYTES, MIN_ITEM_BYTES, ReadOptions
from mtag_core.errors import UsageError
from mtag_core.storage import split_patterns
from pipelines.read_flags import add_read_flags, read_options
from pipelines.runners import is_local

# Flink takes these through the job server, so Beam's Python options do not declare them.
_JOB_SERVER_FLAGS = (
    "--parallelism",
    "--max_parallelism",
    "--checkpointing_interval",
    "--number_of_execution_retries",
    "--execution_retry_delay",
    "--object_reuse",
    "--latency_tracking_interval",
    "--shutdown_sources_after_idle_ms",
    "--max_bundle_size",
    "--max_bundle_time_mills",
)


@dataclass(frozen=True, slots=True)
class CorpusOptions:
    """The flags of what is read, in every pipeline.

    Attributes:
        inputs: Files, folders, globs or URLs.
        read: How they are read.
        item_bytes: Size of a work item, about; None for what earlier runs had or fits the input.
        limit: Documents at most; None for all.
    """

    inputs: tuple[str, ...]
    read: ReadOptions
    item_bytes: int | None
    limit: int | None

    @classmethod
    def from_flags(cls, args: argparse.Namespace) -> "CorpusOptions":
        """Takes them out of parsed flags."""
        return cls(input_patterns(args.input), read_options(args), args.item_bytes, args.limit)


@dataclass(frozen=True, slots=True)
class JobOptions:
    """The flags of where a run writes and how it goes, in every pipeline.

    Attributes:
        output: A folder or URL.
        overwrite: Remove what earlier runs wrote.
        dry_run: Show the plan only.
        runner: Name of the Beam runner.
        beam_flags: All flags that are not ours.
        worker_timeout_s: Seconds within which a worker of a pool must have begun.
        log_format: `text` or `json`.
        is_verbose: Show Beam's own log.
    """

    output: str
    overwrite: bool
    dry_run: bool
    runner: str
    beam_flags: tuple[str, ...]
    worker_timeout_s: float
    log_format: str
    is_verbose: bool

    @classmethod
    def from_flags(cls, args: argparse.Namespace, rest: Sequence[str]) -> "JobOptions":
        """Takes them out of parsed flags and the flags that are not ours."""
        return cls(
            output=args.output.rstrip("/") or "/",
            overwrite=args.overwrite,
            dry_run=args.dry_run,
            runner=args.runner,
            beam_flags=tuple(rest),
            worker_timeout_s=args.worker_timeout,
            log_format=args.log_format,
            is_verbose=args.verbose,
        )

    @property
    def is_local(self) -> bool:
        """Whether the run stays in this process and its children."""
        return is_local(self.runner)


def parse_flags(
    parser: argparse.ArgumentParser, argv: Sequence[str]
) -> tuple[argparse.Namespace, list[str]]:
    """Parses a command line of ours and of Beam's flags.

    Returns:
        Our flags, and the words that are Beam's.

    Raises:
        UsageError: A flag is nobody's, is missing or has a wrong value.
    """
    args, rest = parser.parse_known_args(list(argv))
    check_beam_flags(rest, known=_flags(parser))
    return args, rest


class FlagParser(argparse.ArgumentParser):
    """Raises `UsageError` instead of printing the usage and leaving."""

    def error(self, message: str) -> NoReturn:
        """Raises the message."""
        raise UsageError(f"{message}; see --help")


def add_corpus_flags(group: "argparse._ArgumentGroup") -> None:
    """Flags that say what is read, and how."""
    group.add_argument(
        "--input",
        nargs="+",
        action="extend",
        required=True,
        metavar="PATTERN",
        help="files, folders, globs or URLs; several with spaces, commas or more --input",
    )
    add_read_flags(group)
    group.add_argument(
        "--item_bytes",
        type=positive,
        metavar="N",
        help="bytes of input in a work item, about (default: as in the runs before on this output; "
        f"at first by the size of the input, {MIN_ITEM_BYTES} to {MAX_ITEM_BYTES})",
    )
    group.add_argument("--limit", type=positive, metavar="N", help="first N documents only")


def add_output_flags(group: "argparse._ArgumentGroup") -> None:
    """Flags that say where a run writes."""
    group.add_argument("--output", required=True, metavar="DIR", help="folder or URL for the parts")
    group.add_argument(
        "--overwrite",
        action="store_true",
        help="remove what earlier runs wrote to --output, and nothing else, and start anew",
    )


def add_job_flags(group: "argparse._ArgumentGroup") -> None:
    """Flags that say where the run goes, and how it is logged."""
    group.add_argument("--dry_run", action="store_true", help="show the plan and make no part")
    group.add_argument(
        "--runner", default="DirectRunner", help="Beam runner (default: DirectRunner)"
    )
    group.add_argument(
        "--worker_timeout",
        type=seconds_above_0,
        default=50.0,
        metavar="S",
        help="seconds until a pool of workers (--environment_type=EXTERNAL) must have begun",
    )
    group.add_argument(
        "--log_format", default="text", choices=("text", "json"), help="(default: text)"
    )
    group.add_argument("-v", "--verbose", action="store_true", help="show Beam's own log too")


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def not_negative(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def seconds_above_0(text: str) -> float:
    """A number above 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def input_patterns(values: Sequence[str]) -> tuple[str, ...]:
    """The patterns of `--input`."""
    patterns = split_patterns(values)
    if not patterns:
        raise UsageError("--input is empty; name a file, a folder, a glob or a URL")
    return patterns


def check_beam_flags(rest: Sequence[str], *, known: Sequence[str]) -> None:
    """Raises for a flag that neither we nor Beam know, with the nearest known one."""
    beam_parser = _beam_parser()
    _, unknown = beam_parser.parse_known_args(list(rest))
    names = [word.split("=", 1)[0] for word in unknown]
    wrong = [name for name in names if name.startswith("-") and name not in _JOB_SERVER_FLAGS]
    if wrong:
        candidates = [*known, *_flags(beam_parser), *_JOB_SERVER_FLAGS]
        near = difflib.get_close_matches(wrong[0], candidates, n=1)
        hint = f"did you mean {near[0]}?" if near else "see --help"
        raise UsageError(f"unknown flag {wrong[0]}; {hint}")
    if unknown and not names[0].startswith("-"):
        raise UsageError(f"unexpected argument {unknown[0]!r}; files are named with --input")


def _beam_parser() -> argparse.ArgumentParser:
    """A parser of all of Beam's pipeline options."""
    parser = FlagParser(add_help=False, allow_abbrev=False, conflict_handler="resolve")
    classes = list(PipelineOptions.__subclasses__())
    for options_class in classes:
        classes.extend(options_class.__subclasses__())
        if "_add_argparse_args" in vars(options_class):
            options_class._add_argparse_args(parser)
    return parser


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    """The long flags of a parser."""
    return [flag for action in parser._actions for flag in action.option_strings]
