"""`learn-conventions`: teaches a student what sets each treebank's labels apart."""

import argparse
from pathlib import Path
from statistics import fmean

from mtag_core.cli.training_options import start_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    add = parser.add_argument
    add("--model", type=Path, required=True, help="the student's directory, which gets them")
    add("--treebanks", type=Path, required=True, help="directory of CoNLL-U files")
    add("--rank", type=int, default=8, help="of a correction (default: %(default)s)")
    add(
        "--max_tokens",
        type=int,
        default=20_000,
        help="learnt from a treebank, about (default: %(default)s)",
    )
    add("--epochs", type=float, default=8.0, help="passes over them (default: %(default)s)")
    add("--peak_rate", type=float, default=5e-3, help="learning rate (default: %(default)s)")
    add("--seed", type=int, default=1, help="of everything random (default: %(default)s)")
    add("--verbose", "-v", action="store_true", help="log each treebank's scores")


def run(args: argparse.Namespace) -> int:
    """Learns and prints the dev scores."""
    from mtag_core.training.run_configs import ConventionsConfig
    from mtag_core.training.runs.conventions import learn_conventions

    start_logging(args)
    scores = learn_conventions(
        ConventionsConfig(
            model=args.model,
            treebanks=args.treebanks,
            rank=args.rank,
            max_tokens=args.max_tokens,
            epochs=args.epochs,
            peak_rate=args.peak_rate,
            seed=args.seed,
        )
    )
    for name, treebank_to_scores in scores.items():
        upos, feats = (fmean(values) for values in zip(*treebank_to_scores.values(), strict=True))
        print(f"dev, {name}: UPOS {upos:.2f}  FEATS {feats:.2f}")
    return 0
