"""`finetune`: goes on with a distilled student, on treebank labels and teachers mixed."""

import argparse
from pathlib import Path

from mtag_core.cli.distill import add_data_options, add_share_options, run_distillation
from mtag_core.cli.training_options import add_run_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    add_data_options(parser, is_teacher_needed=True)
    parser.set_defaults(dropout=0.1)
    parser.add_argument("--student", type=Path, required=True, help="model directory to start from")
    add_share_options(
        parser, label_share=0.7, treebank_rate=1.0, text_rate=0.05, other_text_rate=0.02
    )
    add_run_options(parser, epochs=6.0, peak_rate=4e-4, piece_budget=16384)


def run(args: argparse.Namespace) -> int:
    """Fine-tunes and prints the dev scores."""
    return run_distillation(args, warmup_share=0.1)
