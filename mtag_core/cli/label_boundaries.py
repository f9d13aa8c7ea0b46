"""`label-boundaries`: marks in text where a better segmenter than ours thinks that tokens end.

That is a fine-tuned teacher, or a model that sees the words of a dictionary.
"""

import argparse
import logging
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    add = parser.add_argument
    add(
        "--teacher",
        type=Path,
        help="model directory, as train-teacher writes it, to fine-tune; without it, dictionaries "
        "of ja and zh are asked (extra `dictionaries`), and the flags from --peak_rates on unused",
    )
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
        default=["ja", "zh"],
        help="to learn from treebanks (default: ja zh)",
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
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr
    )
    for path in _label_with_teacher(args) if args.teacher else _label_by_dictionary(args):
        print(f"{path}: {path.stat().st_size:,} bytes")
    return 0


def _label_by_dictionary(args: argparse.Namespace) -> list[Path]:
    """Labels without a teacher."""
    from mtag_core.training.segmenters.dictionary_labelling import label_by_dictionary

    return label_by_dictionary(args.treebanks, args.text, args.output, languages=args.languages)


def _label_with_teacher(args: argparse.Namespace) -> list[Path]:
    """Labels with a teacher."""
    from mtag_core.training.segmenters.boundary_labelling import label_boundaries
    from mtag_core.training.segmenters.boundary_teacher import BoundaryTeacherConfig

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
    return label_boundaries(config)
