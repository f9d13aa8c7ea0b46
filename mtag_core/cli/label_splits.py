"""`label-splits`: splits the surface tokens of text as a better model than ours thinks right."""

import argparse
import logging
import sys
from pathlib import Path

from mtag_core.tagging.bundle import DEFAULT_BUNDLE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    add = parser.add_argument
    add("--encoder", required=True, help="Hugging Face directory of the encoder to fine-tune")
    add("--treebanks", type=Path, required=True, help="directory of CoNLL-U files, .xz or plain")
    add("--text", type=Path, required=True, help="directory of <language>.txt.xz files")
    add("--output", type=Path, required=True, help="directory for the labelled text")
    add(
        "--segmenters",
        type=Path,
        default=DEFAULT_BUNDLE / "segmenters",
        help="directory of <language>.linear.npz files, which cut the text (default: the bundle's)",
    )
    add("--languages", nargs="+", default=["he"], help="to learn and to label (default: he)")
    add(
        "--least_probability",
        type=float,
        default=0.8,
        help="tokens that the teacher is less sure of stay unlabelled (default: %(default)s)",
    )
    add("--peak_rate", type=float, default=1e-4, help="learning rate (default: %(default)s)")
    add("--epochs", type=float, default=9.0, help="passes at most (default: %(default)s)")
    add("--minutes", type=float, help="training ends after so many (default: no limit)")
    add("--piece_budget", type=int, default=1024, help="wordpieces a batch (default: %(default)s)")
    add(
        "--max_pieces",
        type=int,
        default=256,
        help="longer sentences are left out (default: %(default)s)",
    )
    add("--device", default="cpu", help="torch device (default: %(default)s)")
    add("--seed", type=int, default=1, help="of everything random (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Trains, labels, and lists the files."""
    from mtag_core.training.segmenters.split_labelling import label_splits
    from mtag_core.training.segmenters.split_teacher import SplitTeacherConfig

    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr
    )
    config = SplitTeacherConfig(
        encoder=args.encoder,
        treebanks=args.treebanks,
        text=args.text,
        segmenters=args.segmenters,
        output=args.output,
        languages=tuple(args.languages),
        least_probability=args.least_probability,
        peak_rate=args.peak_rate,
        epochs=args.epochs,
        minutes=args.minutes,
        piece_budget=args.piece_budget,
        max_pieces=args.max_pieces,
        device=args.device,
        seed=args.seed,
    )
    for path in label_splits(config):
        print(f"{path}: {path.stat().st_size:,} bytes")
    return 0
