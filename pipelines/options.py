"""Flags of `pipelines.annotate`: parsed and checked before anything starts.

Our own flags are parsed here; every other flag must be one of Beam's and goes to the runner.
"""

import argparse
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from apache_beam.options.pipeline_options import PipelineOptions

from mtag_core.conventions import split_names
from mtag_core.corpus import ITEM_BYTES, ReadOptions
from mtag_core.errors import UsageError
from mtag_core.output.streams import COMPRESSION_SUFFIXES
from mtag_core.output.writers import FORMATS, OutputFormat
from mtag_core.storage import split_patterns
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
DEFAULT_COMPRESSION = "zstd"
DEFAULT_POLL_INTERVAL_S = 10.0


@dataclass(frozen=True, slots=True)
class AnnotateOptions:
    """The flags of one run; each is described by `--help`."""

    inputs: tuple[str, ...]
    output: str
    model: str | None
    conventions: tuple[str, ...]
    read: ReadOptions
    format: OutputFormat
    item_bytes: int
    limit: int | None
    dry_run: bool
    overwrite: bool
    max_reject_ratio: float | None
    piece_budget: int | None
    streaming: bool
    poll_interval_s: float
    worker_timeout_s: float
    log_format: str
    is_verbose: bool
    runner: str
    beam_flags: tuple[str, ...]

    @property
    def is_local(self) -> bool:
        """Whether the run stays in this process and its children."""
        return is_local(self.runner)


def parse_options(argv: Sequence[str]) -> AnnotateOptions:
    """Parses the command line.

    Raises:
        UsageError: A flag is unknown, missing or has a wrong value; the message says what to do.
    """
    parser = _parser()
    args, rest = parser.parse_known_args(list(argv))
    check_beam_flags(rest, known=_flags(parser))
    if args.streaming and (args.limit or args.dry_run or args.overwrite):
        raise UsageError("--streaming goes with none of --limit, --dry_run and --overwrite")
    return AnnotateOptions(
        inputs=input_patterns(args.input),
        output=args.output.rstrip("/") or "/",
        model=args.model,
        conventions=split_names(args.conventions) if args.conventions else (),
        read=ReadOptions(
            input_format=args.input_format,
            document=args.document,
            text_field=args.text_field,
            id_field=args.id_field,
        ),
        format=OutputFormat(args.format, args.compression),
        item_bytes=args.item_bytes,
        limit=args.limit,
        dry_run=args.dry_run,
        overwrite=args.overwrite,
        max_reject_ratio=args.max_reject_ratio,
        piece_budget=args.piece_budget,
        streaming=args.streaming,
        poll_interval_s=args.poll_interval,
        worker_timeout_s=args.worker_timeout,
        log_format=args.log_format,
        is_verbose=args.verbose,
        runner=args.runner,
        beam_flags=tuple(rest),
    )


class FlagParser(argparse.ArgumentParser):
    """Raises `UsageError` instead of printing the usage and leaving."""

    def error(self, message: str) -> NoReturn:
        """Raises the message."""
        raise UsageError(f"{message}; see --help")


def _parser() -> argparse.ArgumentParser:
    """The parser of our own flags."""
    parser = FlagParser(
        prog="python -m pipelines.annotate",
        description="Tags the text of files: raw text in, tagged corpus out.",
        epilog="Every other flag goes to the Beam runner, such as --direct_num_workers=2.",
        allow_abbrev=False,
    )
    add_input_flags(parser.add_argument_group("input"))
    _add_output_flags(parser.add_argument_group("output"))
    _add_run_flags(parser.add_argument_group("run"))
    return parser


def add_input_flags(group: "argparse._ArgumentGroup") -> None:
    """Flags that say what is read, and how."""
    group.add_argument(
        "--input",
        nargs="+",
        action="extend",
        required=True,
        metavar="PATTERN",
        help="files, folders, globs or URLs; several with spaces, commas or more --input",
    )
    group.add_argument(
        "--input_format",
        default="auto",
        choices=("auto", "text", "jsonl", "parquet", "mediawiki", "conllu"),
        help="how files are read; auto goes by their names (default: auto)",
    )
    group.add_argument(
        "--document",
        default="file",
        choices=("file", "line", "paragraph"),
        help="what one document is in plain text (default: file)",
    )
    group.add_argument(
        "--item_bytes",
        type=positive,
        default=ITEM_BYTES,
        metavar="N",
        help=f"bytes of input in a work item, about (default: {ITEM_BYTES})",
    )
    group.add_argument("--text_field", default="text", help="field of the text, JSONL and Parquet")
    group.add_argument("--id_field", help="field of the document id, JSONL and Parquet")


def _add_output_flags(group: "argparse._ArgumentGroup") -> None:
    """Flags that say what is written, and how."""
    group.add_argument("--output", required=True, metavar="DIR", help="folder or URL for the parts")
    group.add_argument("--format", default="parquet", choices=FORMATS, help="(default: parquet)")
    group.add_argument(
        "--compression",
        default=DEFAULT_COMPRESSION,
        choices=tuple(COMPRESSION_SUFFIXES),
        help="of CoNLL-U and JSONL parts (default: zstd)",
    )
    group.add_argument(
        "--overwrite",
        action="store_true",
        help="remove what earlier runs wrote to --output, and nothing else, and start anew",
    )


def _add_run_flags(group: "argparse._ArgumentGroup") -> None:
    """Flags that say how the run goes."""
    group.add_argument("--model", metavar="DIR", help="model bundle (default: the one in mtag)")
    group.add_argument(
        "--conventions",
        nargs="+",
        action="extend",
        metavar="TREEBANK",
        help="tag the treebank's language as it does, such as pl_lfg; several with commas",
    )
    group.add_argument("--limit", type=positive, metavar="N", help="first N documents only")
    group.add_argument("--dry_run", action="store_true", help="show the plan, tag nothing")
    group.add_argument(
        "--streaming",
        action="store_true",
        help="go on for ever and tag files as they appear; SIGTERM stops after the current part",
    )
    group.add_argument(
        "--poll_interval",
        type=_seconds,
        default=DEFAULT_POLL_INTERVAL_S,
        metavar="S",
        help="seconds between looks for new files; one that changed since the last look waits",
    )
    group.add_argument(
        "--max_reject_ratio",
        type=_ratio,
        metavar="R",
        help="fail at the end if more than this share of the documents is rejected, 0 to 1",
    )
    group.add_argument(
        "--piece_budget", type=positive, metavar="N", help="wordpieces in one batch of the model"
    )
    add_runner_flags(group)


def add_runner_flags(group: "argparse._ArgumentGroup") -> None:
    """Flags that say where the run goes, and how it is logged."""
    group.add_argument(
        "--runner", default="DirectRunner", help="Beam runner (default: DirectRunner)"
    )
    group.add_argument(
        "--worker_timeout",
        type=_seconds,
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


def _ratio(text: str) -> float:
    """A number from 0 to 1."""
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0.0 <= ratio <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return ratio


def _seconds(text: str) -> float:
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
