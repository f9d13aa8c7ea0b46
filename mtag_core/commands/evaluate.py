"""`evaluate`: scores CoNLL-U files with the CoNLL 2018 metric."""

import argparse

from mtag_core.errors import UsageError
from mtag_core.evaluation.annotation import load_annotation
from mtag_core.evaluation.metrics import score
from mtag_core.evaluation.tables import FORMATS, format_scores


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    parser.add_argument("--gold", metavar="FILE", help="the right annotation, CoNLL-U or .xz of it")
    parser.add_argument("--system", metavar="FILE", help="the annotation to score, CoNLL-U")
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    parser.add_argument("--counts", action="store_true", help="counts in place of percentages")


def run(args: argparse.Namespace) -> int:
    """Scores what the flags name and prints it."""
    if not args.gold or not args.system:
        raise UsageError("evaluate needs --gold FILE and --system FILE")
    scores = score(load_annotation(args.gold), load_annotation(args.system))
    print(format_scores(scores, format_name=args.format, counts=args.counts))
    return 0
