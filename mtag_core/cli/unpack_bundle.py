"""`unpack-bundle`: a bundle's student as a model directory, to train on from."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    parser.add_argument("--bundle", help="directory or URL of a bundle (default: the shipped one)")
    parser.add_argument("--output", type=Path, required=True, help="model directory to write")


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    from mtag_core.training.export.unpack_bundle import unpack_bundle

    unpack_bundle(args.bundle, args.output)
    print(args.output)
    return 0
