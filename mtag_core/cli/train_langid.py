"""`train-langid`: trains the language identifier of a bundle."""

import argparse
import json
import logging
import sys
from dataclasses import fields
from pathlib import Path

from mtag_core.training.langid import LangidOptions, train_langid


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    defaults = LangidOptions()
    parser.add_argument(
        "--text",
        type=Path,
        required=True,
        help="directory of <code>.txt or <code>.txt.xz files, a sentence a line",
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="directory; a run that stopped goes on there"
    )
    flags = {
        "n_sentences": "sentences a language at most",
        "snippet_share": "share of them that also give a snippet of one to four words",
        "held_back_every": "one sentence in so many is held back",
        "n_scored": "held-back sentences scored a language at most",
        "width": "of the vectors",
        "min_characters": "of a character n-gram",
        "max_characters": "of a character n-gram",
        "min_count": "rarer words are known by their n-grams only",
        "n_buckets": "rows that n-grams are hashed into before the cut",
        "n_epochs": "passes over the sentences",
        "learning_rate": "at the start",
        "n_kept": "rows of the quantised model; 60,000 make about 1.1 MB",
        "seed": "chooses and orders sentences",
    }
    for name, help_line in flags.items():
        default = getattr(defaults, name)
        parser.add_argument(
            f"--{name}",
            type=type(default),
            default=default,
            help=f"{help_line} (default: {default})",
        )


def run(args: argparse.Namespace) -> int:
    """Trains a model and prints how good it is."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    options = LangidOptions(**{f.name: getattr(args, f.name) for f in fields(LangidOptions)})
    model = train_langid(args.text, args.output, options=options)
    scores = json.loads((args.output / "scores.json").read_text())
    worst = sorted(scores["languages"].items(), key=lambda pair: pair[1])[:5]
    print(f"{model}: {model.stat().st_size:,} bytes, accuracy {scores['accuracy']:.4f}")
    print("weakest: " + ", ".join(f"{code} {accuracy:.3f}" for code, accuracy in worst))
    return 0
