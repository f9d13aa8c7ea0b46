"""`export-teacher`: makes a trained model answer with all its logits."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    parser.add_argument(
        "--model", type=Path, required=True, metavar="DIR", help="a trained model directory"
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="the teacher directory to write"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the command."""
    from mtag_core.training.export.export_teacher import export_teacher

    export_teacher(args.model, args.output)
    print(f"{args.output}: a teacher for pipelines.teacher_logits")
    return 0
