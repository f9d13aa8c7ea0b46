"""`train-teacher`: fine-tunes a pretrained encoder on treebanks."""

import argparse
import logging
from pathlib import Path

from mtag_core.cli.training_options import add_learn_dev, add_run_options, start_logging


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    parser.add_argument(
        "--encoder", required=True, help="Hugging Face directory or name of the encoder"
    )
    parser.add_argument(
        "--treebanks", type=Path, required=True, help="directory of *-train/-dev .conllu[.xz] files"
    )
    parser.add_argument("--feats", type=Path, help="feats.json to use (default: built from train)")
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="TREEBANK", help="treebanks to train on, en_ewt"
    )
    parser.add_argument(
        "--piece_dropout", type=float, default=0.0, help="share of wordpieces hidden (default: 0)"
    )
    parser.add_argument(
        "--unknown_treebank",
        type=float,
        default=0.1,
        help="share of sentences whose treebank is not told (default: %(default)s)",
    )
    add_learn_dev(parser)
    add_run_options(parser, epochs=20.0, peak_rate=3e-4, piece_budget=16384)


def run(args: argparse.Namespace) -> int:
    """Trains and prints the dev scores."""
    from mtag_core.training.run_configs import TeacherConfig
    from mtag_core.training.runs.teacher import train_teacher

    start_logging(args)
    config = TeacherConfig(
        encoder=args.encoder,
        treebanks=args.treebanks,
        output=args.output,
        feats=args.feats,
        only=tuple(args.only),
        has_dev=args.learn_dev,
        piece_dropout=args.piece_dropout,
        unknown_treebank=args.unknown_treebank,
        epochs=args.epochs,
        minutes=args.minutes,
        peak_rate=args.peak_rate,
        piece_budget=args.piece_budget,
        max_pieces=args.max_pieces,
        n_evaluations=args.n_evaluations,
        n_processes=args.processes,
        seed=args.seed,
    )
    scores = train_teacher(config, is_resumed=args.resume)
    logging.getLogger(__name__).info("wrote %s", args.output)
    print(f"dev UPOS {scores['dev_upos']:.2f}  FEATS {scores['dev_feats']:.2f}  {args.output}")
    return 0
