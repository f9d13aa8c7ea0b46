"""`label-boundaries`: marks in text where a fine-tuned teacher thinks that tokens end."""

import argparse
import logging
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    add = parser.add_argument
    add("--teacher", type=Path, required=True, help="model directory, as train-teacher writes it")
    add("--treebanks", type=Path, required=True, help="directory of CoNLL-U files, .xz or plain")
    add(
        "--text",
        type=Path,
        required=True,
        help="directory of <language>.txt.xz or <language>_<variety>.txt.xz files",
    )
    add("--output", type=Path, required=True, help="directory for the labelled text")
    add(
        "--languages",
        nargs="+",
        default=["ja", "vi", "zh"],
        help="to learn from treebanks (default: ja vi zh)",
    )
    add(
        "--peak_rates",
        nargs="+",
        type=float,
        default=[1e-4, 2e-4, 3e-4],
        help="learning rates; a member is trained with each (default: 1e-4 2e-4 3e-4)",
    )
    add("--epochs", type=float, default=30.0, help="passes at most (default: %(default)s)")
    add("--minutes", type=float, help="training ends after so many (default: no limit)")
    add("--piece_budget", type=int, default=8192, help="wordpieces a batch (default: %(default)s)")
    add("--max_pieces", type=int, default=256, help="of a chunk (default: %(default)s)")
    add("--device", default="cpu", help="torch device (default: %(default)s)")
    add("--seed", type=int, default=1, help="of everything random (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Trains, labels, and lists the files."""
    from mtag_core.training.boundary_labelling import label_boundaries
    from mtag_core.training.boundary_teacher import BoundaryTeacherConfig

    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr
    )
    config = BoundaryTeacherConfig(
        teacher=args.teacher,
        treebanks=args.treebanks,
        text=args.text,
        output=args.output,
        languages=tuple(args.languages),
        peak_rates=tuple(args.peak_rates),
        epochs=args.epochs,
        minutes=args.minutes,
        piece_budget=args.piece_budget,
        max_pieces=args.max_pieces,
        device=args.device,
        seed=args.seed,
    )
    for path in label_boundaries(config):
        print(f"{path}: {path.stat().st_size:,} bytes")
    return 0
