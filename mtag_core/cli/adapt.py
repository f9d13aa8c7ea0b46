"""`adapt`: goes on with a student on treebank labels alone."""

import argparse
from pathlib import Path

from mtag_core.cli.training_options import add_learn_dev, add_run_options, start_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    add = parser.add_argument
    add("--student", type=Path, required=True, help="model directory to start from")
    add("--treebanks", type=Path, required=True, help="directory of CoNLL-U files")
    add_learn_dev(parser)
    shares: dict[str, tuple[float, str]] = {
        "--train_rate": (1.0, "times an epoch shows a train sentence, beside dev sentences once"),
        "--piece_dropout": (0.0, "share of wordpieces hidden"),
        "--dropout": (0.1, "of the student"),
        "--average_decay": (0.0, "end with a moving average of the weights of this decay; 0: off"),
    }
    for flag, (default, text) in shares.items():
        add(flag, type=float, default=default, help=f"{text} (default: {default})")
    add(
        "--bfloat16",
        action="store_true",
        help="products in bfloat16: twice as fast on CPUs with AVX512_BF16 or AMX",
    )
    add_run_options(parser, epochs=3.0, peak_rate=2e-4, piece_budget=6000)


def run(args: argparse.Namespace) -> int:
    """Trains and prints the dev scores."""
    from mtag_core.training.run_configs import AdaptConfig
    from mtag_core.training.runs.adaptation import adapt

    start_logging(args)
    config = AdaptConfig(
        student=args.student,
        treebanks=args.treebanks,
        output=args.output,
        has_dev=args.learn_dev,
        train_rate=args.train_rate,
        piece_dropout=args.piece_dropout,
        epochs=args.epochs,
        minutes=args.minutes,
        peak_rate=args.peak_rate,
        piece_budget=args.piece_budget,
        max_pieces=args.max_pieces,
        dropout=args.dropout,
        average_decay=args.average_decay,
        has_autocast=args.bfloat16,
        n_evaluations=args.n_evaluations,
        n_processes=args.processes,
        seed=args.seed,
    )
    scores = adapt(config, is_resumed=args.resume)
    print(f"dev UPOS {scores['dev_upos']:.2f}  FEATS {scores['dev_feats']:.2f}  {args.output}")
    return 0
