"""Flags of `pipelines.teacher_logits`; input and run flags are those of `pipelines.annotate`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtag_core.errors import UsageError
from mtag_core.languages import normalise_language
from mtag_core.training.logits.sentence_choice import ChoiceOptions
from mtag_core.training.logits.soft_targets import SummaryOptions
from pipelines.options import (
    CorpusOptions,
    FlagParser,
    JobOptions,
    add_corpus_flags,
    add_job_flags,
    add_output_flags,
    not_negative,
    parse_flags,
)
from pipelines.read_flags import positive


@dataclass(frozen=True, slots=True)
class TeacherOptions:
    """The flags of one run; each is described by `--help`."""

    corpus: CorpusOptions
    job: JobOptions
    teacher: Path | None
    device: str
    model: str | None
    choice: ChoiceOptions
    summary: SummaryOptions


def parse_teacher_options(argv: Sequence[str]) -> TeacherOptions:
    """Parses the command line.

    Raises:
        UsageError: A flag is unknown, missing or has a wrong value; the message says what to do.
    """
    args, rest = parse_flags(_parser(), argv)
    if args.min_tokens > args.max_tokens:
        raise UsageError(f"--min_tokens={args.min_tokens} is above --max_tokens={args.max_tokens}")
    return TeacherOptions(
        corpus=CorpusOptions.from_flags(args),
        job=JobOptions.from_flags(args, rest),
        teacher=args.teacher,
        device=args.device,
        model=args.model,
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
    )


def _parser() -> argparse.ArgumentParser:
    """The parser of our own flags."""
    parser = FlagParser(
        prog="python -m pipelines.teacher_logits",
        description="Lets a teacher score the sentences of Wikipedia dumps or other text.",
        epilog="Every other flag goes to the Beam runner, such as --direct_num_workers=2.",
        allow_abbrev=False,
    )
    add_corpus_flags(parser.add_argument_group("input"))
    add_output_flags(parser.add_argument_group("output"))
    _add_choice_flags(parser.add_argument_group("sentences"))
    _add_teacher_flags(parser.add_argument_group("teacher"))
    add_job_flags(parser.add_argument_group("run"))
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
        metavar="DIR",
        help="made by `python -m mtag_core export-teacher` (ONNX, on the CPU) or `train-teacher` "
        "(torch), a Hugging Face token-classification directory (torch), or a model bundle "
        "(default: the one of --model)",
    )
    group.add_argument(
        "--device", default="cpu", help="of a torch teacher, such as cuda (default: cpu)"
    )
    group.add_argument(
        "--model",
        metavar="DIR",
        help="model bundle, whose segmenters are used (default: the one in mtag)",
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
        type=not_negative,
        default=32,
        metavar="N",
        help="bytes a token for the shape of the rest, 0 for none (default: 32)",
    )


def _temperatures(text: str) -> tuple[float, ...]:
    """Numbers above 0, separated by commas."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if not values or min(values) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers above 0, such as 1,3")
    return values
