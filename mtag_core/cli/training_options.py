"""Flags that the training commands share."""

import argparse
import logging
from pathlib import Path


def add_run_options(
    parser: argparse.ArgumentParser, *, epochs: float, peak_rate: float, piece_budget: int
) -> None:
    """Adds where to write, how long, how fast, and the seed.

    Args:
        parser: The command's.
        epochs: Default number of passes.
        peak_rate: Default learning rate.
        piece_budget: Default wordpieces a batch.
    """
    add = parser.add_argument
    add("--output", type=Path, required=True, help="directory for the model, checkpoints, curves")
    add("--resume", action="store_true", help="go on from the checkpoint in --output")
    add("--epochs", type=float, default=epochs, help="passes at most (default: %(default)s)")
    add(
        "--minutes",
        type=float,
        help="end, with the rate at zero, after so many (default: no limit)",
    )
    add("--peak_rate", type=float, default=peak_rate, help="learning rate (default: %(default)s)")
    add(
        "--piece_budget",
        type=int,
        default=piece_budget,
        help="wordpieces a batch and process (default: %(default)s)",
    )
    add("--max_pieces", type=int, default=256, help="of a sentence (default: %(default)s)")
    add("--n_evaluations", type=int, default=4, help="dev scores in a run (default: %(default)s)")
    add("--processes", type=int, default=1, help="for encoding (default: %(default)s)")
    add("--seed", type=int, default=1, help="of everything random (default: %(default)s)")
    add("--verbose", "-v", action="store_true", help="log each point of the curves")


def add_learn_dev(parser: argparse.ArgumentParser) -> None:
    """Adds whether dev files teach."""
    parser.add_argument(
        "--learn_dev",
        action="store_true",
        help="learn from three quarters of the dev files too; the rest is scored",
    )


def start_logging(args: argparse.Namespace) -> None:
    """Logs to standard error; details with --verbose."""
    level = logging.INFO if args.verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
