"""`average-models`: the weighted mean of two trained models."""

import argparse
from pathlib import Path

from mtag_core.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    parser.add_argument("first", type=Path, help="a trained model directory")
    parser.add_argument("second", type=Path, help="another that started from the same weights")
    parser.add_argument("--output", type=Path, required=True, help="model directory to write")
    parser.add_argument(
        "--share", type=float, default=0.5, help="of the second, from 0 to 1 (default: 0.5)"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    from mtag_core.training.networks.model_mean import write_mean

    if not 0 <= args.share <= 1:
        raise UsageError(f"--share: {args.share}, expected a number from 0 to 1")
    write_mean(args.first, args.second, args.output, share=args.share)
    print(f"{args.output}: {1 - args.share:g} of {args.first} and {args.share:g} of {args.second}")
    return 0
