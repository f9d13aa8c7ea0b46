"""`export`: makes the bundle that tagging loads from a trained student."""

import argparse
import logging
import sys
from pathlib import Path

from mtag_core.tagging.bundle import DEFAULT_BUNDLE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    parser.add_argument(
        "--model", type=Path, required=True, metavar="DIR", help="a trained model directory"
    )
    parser.add_argument(
        "--treebanks",
        type=Path,
        required=True,
        metavar="DIR",
        help="UD treebanks: train files calibrate, dev and test files score",
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="the bundle to write"
    )
    parser.add_argument(
        "--segmenters",
        type=Path,
        default=DEFAULT_BUNDLE / "segmenters",
        metavar="DIR",
        help="default: those of the shipped bundle",
    )
    parser.add_argument(
        "--langid",
        type=Path,
        default=DEFAULT_BUNDLE / "langid.ftz",
        metavar="FILE",
        help="default: that of the shipped bundle",
    )
    parser.add_argument(
        "--notes",
        type=Path,
        metavar="FILE",
        help="Markdown on how the model was trained, for the model card",
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes; default: 1")


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    from mtag_core.training.export.bundle import ExportOptions, export

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    card = export(
        ExportOptions(
            model=args.model,
            treebanks=args.treebanks,
            output=args.output,
            segmenters=args.segmenters,
            langid=args.langid,
            notes=args.notes,
            n_workers=args.workers,
        )
    )
    print(f"{card.parent}: a bundle; its model card is {card}")
    return 0
