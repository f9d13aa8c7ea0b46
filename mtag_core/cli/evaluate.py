"""`evaluate`: scores CoNLL-U files, or the tagger itself, with the CoNLL 2018 metric."""

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import partial

from mtag_core.errors import UsageError
from mtag_core.evaluation.annotation import load_annotation
from mtag_core.evaluation.metrics import score
from mtag_core.evaluation.summary import format_results
from mtag_core.evaluation.tables import FORMATS, format_scores
from mtag_core.evaluation.treebanks import (
    SEGMENTERS,
    EvaluationOptions,
    TreebankTagger,
    chosen_segmenter,
    evaluate_treebanks,
)
from mtag_core.storage import exists, join, list_files
from mtag_core.tagging.bundle import MANIFEST

_TAGGER_FLAGS = ("bundle", "raw", "segmenter", "told", "replace_x")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    files = parser.add_argument_group("two files")
    files.add_argument("--gold", metavar="FILE", help="the right annotation, CoNLL-U or .xz of it")
    files.add_argument("--system", metavar="FILE", help="the annotation to score, likewise")
    files.add_argument("--counts", action="store_true", help="counts in place of percentages")
    model = parser.add_argument_group("a tagger")
    model.add_argument(
        "--treebanks",
        metavar="PATTERN",
        action="extend",
        nargs="+",
        help="CoNLL-U or .xz files, such as 'ud/*/*-test.conllu.xz'",
    )
    model.add_argument("--bundle", metavar="DIR", help="the model; default: the shipped one")
    model.add_argument("--raw", action="store_true", help="tag raw text, not gold tokens")
    model.add_argument(
        "--segmenter",
        choices=SEGMENTERS,
        help="with --raw: whose cuts the text, that of the identified language, of the treebank's "
        "language or of the treebank; default: identified, and with --told treebank",
    )
    model.add_argument(
        "--told",
        action="store_true",
        help="tag each file by its treebank's convention, where the model knows the treebank",
    )
    model.add_argument(
        "--replace_x",
        action="store_true",
        help="give the second most probable UPOS where the best is X (for code-mixed text)",
    )
    model.add_argument("--workers", type=int, default=1, metavar="N", help="processes; default: 1")
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: table")


def run(args: argparse.Namespace) -> int:
    """Scores what the flags name and prints it."""
    if args.treebanks and not args.gold and not args.system:
        print(_score_tagger(args))
    elif args.gold and args.system and not args.treebanks:
        _check_unused(args, _TAGGER_FLAGS, needed="--treebanks")
        scores = score(load_annotation(args.gold), load_annotation(args.system))
        print(format_scores(scores, format_name=args.format, counts=args.counts))
    else:
        raise UsageError(
            "give either --gold FILE and --system FILE, or --treebanks 'PATTERN' (and --bundle DIR)"
        )
    return 0


def _score_tagger(args: argparse.Namespace) -> str:
    """Tags and scores treebanks."""
    _check_unused(args, ("counts",), needed="--gold and --system")
    if args.workers < 1:
        raise UsageError(f"--workers {args.workers}: give at least 1 process")
    if args.bundle and not exists(join(args.bundle, MANIFEST)):
        raise UsageError(
            f"--bundle {args.bundle}: no {MANIFEST} there; leave the flag out for the shipped model"
        )
    paths = [info.path for info in list_files(args.treebanks)]
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    options = EvaluationOptions(
        is_raw=args.raw,
        segmenter=chosen_segmenter(args.segmenter, is_raw=args.raw, is_told=args.told),
        is_x_replaced=args.replace_x,
        is_told=args.told,
    )
    results = evaluate_treebanks(
        paths, partial(_load_tagger, args.bundle), options=options, n_workers=args.workers
    )
    return format_results(results, format_name=args.format, has_losses=args.raw)


def _check_unused(args: argparse.Namespace, names: Sequence[str], *, needed: str) -> None:
    """Raises UsageError for flags that would be ignored."""
    for name in names:
        if getattr(args, name):
            raise UsageError(f"--{name} only goes with {needed}")


def _load_tagger(bundle: str | None) -> TreebankTagger:
    """Loads the tagger; here, since scoring two files must not wait for a model's libraries."""
    from mtag_core.tagging.tagger import Tagger

    return Tagger.load(bundle)
