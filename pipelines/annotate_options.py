"""Flags of `pipelines.annotate`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from mtag_core.conventions import split_names
from mtag_core.errors import UsageError
from mtag_core.output.streams import COMPRESSION_SUFFIXES
from mtag_core.output.writers import FORMATS, OutputFormat
from pipelines.options import (
    CorpusOptions,
    FlagParser,
    JobOptions,
    add_corpus_flags,
    add_job_flags,
    add_output_flags,
    not_negative,
    parse_flags,
    seconds_above_0,
)
from pipelines.read_flags import positive

DEFAULT_COMPRESSION = "zstd"
DEFAULT_POLL_INTERVAL_S = 10.0


@dataclass(frozen=True, slots=True)
class AnnotateOptions:
    """The flags of one run; each is described by `--help`."""

    corpus: CorpusOptions
    job: JobOptions
    model: str | None
    treebank_style: tuple[str, ...]
    format: OutputFormat
    spool_bytes: int | None
    repack: bool
    max_reject_ratio: float | None
    piece_budget: int | None
    streaming: bool
    poll_interval_s: float


def parse_options(argv: Sequence[str]) -> AnnotateOptions:
    """Parses the command line.

    Raises:
        UsageError: A flag is unknown, missing or has a wrong value; the message says what to do.
    """
    args, rest = parse_flags(_parser(), argv)
    if args.streaming and (args.limit or args.dry_run or args.overwrite or args.repack):
        raise UsageError(
            "--streaming goes with none of --limit, --dry_run, --overwrite and --repack"
        )
    return AnnotateOptions(
        corpus=CorpusOptions.from_flags(args),
        job=JobOptions.from_flags(args, rest),
        model=args.model,
        treebank_style=split_names(args.treebank_style) if args.treebank_style else (),
        format=OutputFormat(args.format, args.compression),
        spool_bytes=args.spool_bytes,
        repack=args.repack,
        max_reject_ratio=args.max_reject_ratio,
        piece_budget=args.piece_budget,
        streaming=args.streaming,
        poll_interval_s=args.poll_interval,
    )


def _parser() -> argparse.ArgumentParser:
    """The parser of our own flags."""
    parser = FlagParser(
        prog="python -m pipelines.annotate",
        description="Tags the text of files: raw text in, tagged corpus out.",
        epilog="Every other flag goes to the Beam runner, such as --direct_num_workers=2.",
        allow_abbrev=False,
    )
    add_corpus_flags(parser.add_argument_group("input"))
    add_output_flags(parser.add_argument_group("output"))
    _add_format_flags(parser.add_argument_group("format of the output"))
    _add_tagging_flags(parser.add_argument_group("tagging"))
    add_job_flags(parser.add_argument_group("run"))
    return parser


def _add_format_flags(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("--format", default="parquet", choices=FORMATS, help="(default: parquet)")
    group.add_argument(
        "--compression",
        default=DEFAULT_COMPRESSION,
        choices=tuple(COMPRESSION_SUFFIXES),
        help="of CoNLL-U and JSONL parts (default: zstd)",
    )
    group.add_argument(
        "--repack",
        action="store_true",
        help="plan an output that grew in steps as if it were made at once: parts of small files "
        "are joined, those that differ are made anew",
    )


def _add_tagging_flags(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("--model", metavar="DIR", help="model bundle (default: the one in mtag)")
    group.add_argument(
        "--treebank_style",
        nargs="+",
        action="extend",
        metavar="TREEBANK",
        help="tag the treebank's language as it does, such as pl_lfg; several with commas",
    )
    group.add_argument(
        "--spool_bytes",
        type=not_negative,
        metavar="N",
        help="a file that holds more than this, about, and cannot be read from the middle is read "
        "by one worker and copied to --output for all; 0 for none (default: as --item_bytes; at "
        "first four work items or a 64th of the input)",
    )
    group.add_argument(
        "--streaming",
        action="store_true",
        help="go on for ever and tag files as they appear; SIGTERM stops after the current part",
    )
    group.add_argument(
        "--poll_interval",
        type=seconds_above_0,
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


def _ratio(text: str) -> float:
    """A number from 0 to 1."""
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0.0 <= ratio <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return ratio
