"""`distill`: trains a student on what teachers say about text."""

import argparse
from pathlib import Path

from mtag_core.cli.training_options import add_learn_dev, add_run_options, start_logging
from mtag_core.errors import UsageError
from mtag_core.training.run_configs import DistillConfig, StudentShape, TargetConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    add_data_options(parser, is_teacher_needed=False)
    add_shard_options(parser)
    parser.add_argument("--student", type=Path, help="model directory to start from (default: new)")
    parser.add_argument(
        "--activation", choices=("relu", "gelu"), default="relu", help="(default: %(default)s)"
    )
    parser.add_argument("--hidden_size", type=int, default=256, help="(default: %(default)s)")
    parser.add_argument("--n_layers", type=int, default=3, help="(default: %(default)s)")
    add_share_options(
        parser, label_share=0.5, treebank_rate=2.0, text_rate=1.0, other_text_rate=0.3
    )
    add_run_options(parser, epochs=10.0, peak_rate=2e-3, piece_budget=32768)


def run(args: argparse.Namespace) -> int:
    """Distils and prints the dev scores."""
    _check_source(args)
    shape = StudentShape(
        hidden_size=args.hidden_size,
        n_layers=args.n_layers,
        n_heads=max(1, args.hidden_size // 64),
        intermediate_size=4 * args.hidden_size,
        activation=args.activation,
        dropout=args.dropout,
    )
    return run_distillation(args, shape=shape, warmup_share=0.04)


def add_data_options(parser: argparse.ArgumentParser, *, is_teacher_needed: bool) -> None:
    """Adds what `distill` and `finetune` read."""
    add = parser.add_argument
    add(
        "--teacher",
        type=Path,
        nargs="+",
        default=[],
        required=is_teacher_needed,
        help="model directories, averaged",
    )
    add("--text", type=Path, required=is_teacher_needed, help="directory that encode-text wrote")
    add("--treebanks", type=Path, required=True, help="directory of CoNLL-U files")
    add("--tokenizer", type=Path, required=True, help="the student's tokenizer.json")
    add_learn_dev(parser)
    add(
        "--untold_text",
        action="store_true",
        help="teachers guess which treebank a text's sentence is like"
        " (default: all follow their language's largest)",
    )
    add(
        "--exchange",
        type=float,
        default=0.0,
        help="show each sentence once more with this share of its open-class words exchanged for"
        " others of their class (default: off)",
    )
    add(
        "--piece_dropout",
        type=float,
        default=0.0,
        help="share of wordpieces hidden from the student (default: %(default)s)",
    )
    add("--temperature_upos", type=float, default=1.0, help="(default: %(default)s)")
    add("--temperature_feats", type=float, default=1.0, help="(default: %(default)s)")
    add("--top_k", type=int, default=32, help="FEATS bundles kept a token (default: %(default)s)")
    add("--dropout", type=float, default=0.0, help="of the student (default: %(default)s)")
    add(
        "--average_decay",
        type=float,
        default=0.0,
        help="end with a moving average of the weights of this decay, such as 0.999 (default: off)",
    )
    add(
        "--share_feats",
        action="store_true",
        help="while training, FEATS bundles share weights by attribute",
    )
    add(
        "--share_pieces",
        action="store_true",
        help="while training, wordpieces share weights by their first and last letters",
    )


def add_shard_options(parser: argparse.ArgumentParser) -> None:
    """Adds what is read in place of teachers and text."""
    add = parser.add_argument
    add("--logits", type=Path, help="directory that pipelines.teacher_logits wrote, instead")
    add("--feats", type=Path, help="the FEATS inventory of --logits, the teacher's feats.json")
    add("--teacher_digest", default="", help="refuse shards of another teacher (default: any one)")


def _check_source(args: argparse.Namespace) -> None:
    """Raises UsageError unless there is one source of soft targets."""
    if args.logits is None and not (args.teacher and args.text):
        raise UsageError("distill needs --logits and --feats, or --teacher and --text")
    if args.logits is not None and (args.teacher or args.text):
        raise UsageError("--logits stands in for --teacher and --text; leave those out")
    if args.logits is not None and args.feats is None:
        raise UsageError("--logits needs --feats, the feats.json of the teacher that made them")


def add_share_options(
    parser: argparse.ArgumentParser,
    *,
    label_share: float,
    treebank_rate: float,
    text_rate: float,
    other_text_rate: float,
) -> None:
    """Adds what an epoch shows, with the command's defaults."""
    shares: dict[str, tuple[float, str]] = {
        "--label_share": (label_share, "share of the label in a treebank token's target"),
        "--treebank_rate": (treebank_rate, "times an epoch shows a treebank"),
        "--text_rate": (text_rate, "times an epoch shows the text of languages with treebanks"),
        "--other_text_rate": (other_text_rate, "times an epoch shows other text"),
    }
    for flag, (default, text) in shares.items():
        parser.add_argument(flag, type=float, default=default, help=f"{text} (default: {default})")


def run_distillation(
    args: argparse.Namespace, *, warmup_share: float, shape: StudentShape | None = None
) -> int:
    """Runs `distill` or `finetune` from parsed flags."""
    from mtag_core.training.runs.distillation import distill

    start_logging(args)
    config = DistillConfig(
        teachers=tuple(args.teacher),
        text=args.text,
        treebanks=args.treebanks,
        tokenizer=args.tokenizer,
        output=args.output,
        student=args.student,
        targets=TargetConfig(args.top_k, args.temperature_upos, args.temperature_feats),
        label_share=args.label_share,
        treebank_rate=args.treebank_rate,
        text_rate=args.text_rate,
        other_text_rate=args.other_text_rate,
        epochs=args.epochs,
        minutes=args.minutes,
        peak_rate=args.peak_rate,
        piece_budget=args.piece_budget,
        max_pieces=args.max_pieces,
        dropout=args.dropout,
        n_evaluations=args.n_evaluations,
        n_processes=args.processes,
        seed=args.seed,
        warmup_share=warmup_share,
        shape=shape or StudentShape(),
        logits=getattr(args, "logits", None),
        feats=getattr(args, "feats", None),
        teacher_digest=getattr(args, "teacher_digest", ""),
        average_decay=args.average_decay,
        has_dev=args.learn_dev,
        is_factored=args.share_feats,
        has_grams=args.share_pieces,
        exchange_share=args.exchange,
        piece_dropout=args.piece_dropout,
        is_text_told=not args.untold_text,
    )
    scores = distill(config, is_resumed=args.resume)
    if scores:
        print(f"dev UPOS {scores['dev_upos']:.2f}  FEATS {scores['dev_feats']:.2f}  {args.output}")
    return 0
