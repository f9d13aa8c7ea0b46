"""Flags of `pipelines.teacher_logits`; input and run flags are those of `pipelines.annotate`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mtag_core
from mtag_core.corpus import ReadOptions
from mtag_core.errors import UsageError
from mtag_core.languages import normalise_language
from mtag_core.training.logits.sentence_choice import ChoiceOptions
from mtag_core.training.logits.soft_targets import SummaryOptions
from pipelines.options import (
    FlagParser,
    add_input_flags,
    add_runner_flags,
    check_beam_flags,
    input_patterns,
    positive,
)
from pipelines.runners import is_local


@dataclass(frozen=True, slots=True)
class TeacherOptions:
    """The flags of one run; each is described by `--help`."""

    inputs: tuple[str, ...]
    output: str
    teacher: Path
    device: str
    bundle: Path
    read: ReadOptions
    choice: ChoiceOptions
    summary: SummaryOptions
    item_bytes: int
    limit: int | None
    dry_run: bool
    overwrite: bool
    worker_timeout_s: float
    log_format: str
    is_verbose: bool
    runner: str
    beam_flags: tuple[str, ...]

    @property
    def is_local(self) -> bool:
        """Whether the run stays in this process and its children."""
        return is_local(self.runner)


def parse_teacher_options(argv: Sequence[str]) -> TeacherOptions:
    """Parses the command line.

    Raises:
        UsageError: A flag is unknown, missing or has a wrong value; the message says what to do.
    """
    parser = _parser()
    args, rest = parser.parse_known_args(list(argv))
    check_beam_flags(rest, known=list(parser._option_string_actions))
    if args.min_tokens > args.max_tokens:
        raise UsageError(f"--min_tokens={args.min_tokens} is above --max_tokens={args.max_tokens}")
    return TeacherOptions(
        inputs=input_patterns(args.input),
        output=args.output.rstrip("/") or "/",
        teacher=args.teacher,
        device=args.device,
        bundle=args.bundle or Path(mtag_core.__file__).parent / "bundles" / "default",
        read=ReadOptions(
            input_format=args.input_format,
            document=args.document,
            text_field=args.text_field,
            id_field=args.id_field,
        ),
        choice=ChoiceOptions(
            languages=tuple(sorted(set(map(normalise_language, args.languages or ())))),
            max_sentences_per_language=args.max_sentences_per_language,
            min_tokens=args.min_tokens,
            max_tokens=args.max_tokens,
            deduplicate=args.deduplicate,
        ),
        summary=SummaryOptions(
            top_k=args.top_k, temperatures=args.temperatures, tail_rank=args.tail_rank
        ),
        item_bytes=args.item_bytes,
        limit=args.limit,
        dry_run=args.dry_run,
        overwrite=args.overwrite,
        worker_timeout_s=args.worker_timeout,
        log_format=args.log_format,
        is_verbose=args.verbose,
        runner=args.runner,
        beam_flags=tuple(rest),
    )


def _parser() -> argparse.ArgumentParser:
    """The parser of our own flags."""
    parser = FlagParser(
        prog="python -m pipelines.teacher_logits",
        description="Lets a teacher score the sentences of Wikipedia dumps or other text.",
        epilog="Every other flag goes to the Beam runner, such as --direct_num_workers=2.",
        allow_abbrev=False,
    )
    add_input_flags(parser.add_argument_group("input"))
    _add_choice_flags(parser.add_argument_group("sentences"))
    _add_teacher_flags(parser.add_argument_group("teacher"))
    _add_run_flags(parser.add_argument_group("output and run"))
    return parser


def _add_choice_flags(group: "argparse._ArgumentGroup") -> None:
    """Flags that say which sentences are kept."""
    group.add_argument("--languages", nargs="+", metavar="CODE", help="keep only these languages")
    group.add_argument(
        "--max_sentences_per_language",
        type=positive,
        metavar="N",
        help="keep a sample of N sentences where a language has more",
    )
    group.add_argument("--min_tokens", type=positive, default=4, metavar="N", help="(default: 4)")
    group.add_argument(
        "--max_tokens", type=positive, default=128, metavar="N", help="(default: 128)"
    )
    group.add_argument(
        "--deduplicate",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep the first of equal sentences in the run (default: yes)",
    )


def _add_teacher_flags(group: "argparse._ArgumentGroup") -> None:
    """Flags that say who scores, and what is kept."""
    group.add_argument(
        "--teacher",
        type=Path,
        required=True,
        metavar="DIR",
        help="made by `python -m mtag_core export-teacher` (ONNX, on the CPU) or `train-teacher` "
        "(torch), or a Hugging Face token-classification directory (torch)",
    )
    group.add_argument(
        "--device", default="cpu", help="of a torch teacher, such as cuda (default: cpu)"
    )
    group.add_argument(
        "--bundle", type=Path, metavar="DIR", help="whose segmenters to use (default: mtag's)"
    )
    group.add_argument(
        "--top_k", type=positive, default=32, metavar="K", help="FEATS logits kept (default: 32)"
    )
    group.add_argument(
        "--temperatures",
        type=_temperatures,
        default=(1.0, 2.0, 3.0),
        metavar="T,T",
        help="the rest's log-sum-exp is kept for each of these (default: 1,2,3)",
    )
    group.add_argument(
        "--tail_rank",
        type=_not_negative,
        default=32,
        metavar="N",
        help="bytes a token for the shape of the rest, 0 for none (default: 32)",
    )


def _add_run_flags(group: "argparse._ArgumentGroup") -> None:
    """Flags that say where shards go and how the run goes."""
    group.add_argument(
        "--output", required=True, metavar="DIR", help="folder or URL for the shards"
    )
    group.add_argument(
        "--overwrite",
        action="store_true",
        help="remove what earlier runs wrote to --output, and nothing else, and start anew",
    )
    group.add_argument("--limit", type=positive, metavar="N", help="first N documents only")
    group.add_argument("--dry_run", action="store_true", help="show the plan, score nothing")
    add_runner_flags(group)


def _temperatures(text: str) -> tuple[float, ...]:
    """Numbers above 0, separated by commas."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if not values or min(values) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers above 0, such as 1,3")
    return values


def _not_negative(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)
