"""`train-segmenters`: trains the segmenters of a bundle."""

import argparse
import logging
import sys
from dataclasses import fields
from pathlib import Path

from mtag_core.training.segmenters.training import SegmenterOptions, train_segmenters

_HELP = {
    "n_tokens": "training tokens a language at most",
    "n_treebank_tokens": "training tokens of a treebank of --own at most",
    "n_generic_tokens": "tokens that each language gives to the generic layer",
    "n_lines": "sentences of text that a language learns sentence ends from",
    "n_generic_lines": "sentences of text that each language gives to the generic layer",
    "gap_epochs": "passes of the models of ja, vi, zh over treebank and labelled text",
    "device": "torch device, for ja, vi, zh",
    "seed": "chooses lines of text and lengths of paragraphs",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    parser.add_argument(
        "--treebanks",
        type=Path,
        required=True,
        help="directory of UD's CoNLL-U files, .xz or plain, at any depth",
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="directory; a run that stopped goes on there"
    )
    parser.add_argument(
        "--text",
        type=Path,
        help="directory of <code>.txt.xz files: sentence ends, abbreviations, counts of forms",
    )
    parser.add_argument(
        "--labelled",
        type=Path,
        help="directory of <code>.segmented.txt.xz files (see label-boundaries), for ja, vi, zh, "
        "and of <code>.splits.jsonl.xz files (see label-splits), for ar, fr, he, ta",
    )
    parser.add_argument(
        "--languages",
        nargs="+",
        default=[],
        help="codes, and `generic` (default: all; with --own none)",
    )
    parser.add_argument(
        "--own",
        nargs="+",
        default=[],
        metavar="TREEBANK",
        help="treebanks, such as it_postwita, that get a segmenter of their own",
    )
    for field in fields(SegmenterOptions):
        default = getattr(SegmenterOptions(), field.name)
        parser.add_argument(
            f"--{field.name}",
            type=type(default),
            default=default,
            help=f"{_HELP[field.name]} (default: {default})",
        )


def run(args: argparse.Namespace) -> int:
    """Trains what is missing and lists the models."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    options = SegmenterOptions(**{f.name: getattr(args, f.name) for f in fields(SegmenterOptions)})
    models = train_segmenters(
        args.treebanks,
        args.output,
        options=options,
        languages=args.languages,
        own=args.own,
        text=args.text,
        labelled=args.labelled,
    )
    for model in models:
        print(f"{model}: {model.stat().st_size:,} bytes")
    return 0
