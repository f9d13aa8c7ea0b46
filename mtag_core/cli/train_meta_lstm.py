"""`train-meta-lstm`: trains the Meta-LSTM baseline, per language or on many languages."""

import argparse
import logging
import sys
from pathlib import Path

from mtag_core.storage import list_files
from mtag_core.training.run_configs import MetaLstmTrainingOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    parser.add_argument("--output", type=Path, required=True, help="directory of the model")
    parser.add_argument(
        "--train", action="append", required=True, help="pattern of CoNLL-U files; may be repeated"
    )
    parser.add_argument(
        "--text",
        type=Path,
        action="append",
        default=[],
        help="text for the word vectors, a language each, a sentence a line; may be repeated",
    )
    parser.add_argument("--max_tokens_per_file", type=int, help="tokens read of a treebank at most")
    parser.add_argument(
        "--vector_width", type=int, default=100, help="of a word vector (default: 100)"
    )
    parser.add_argument(
        "--vector_epochs", type=int, default=5, help="passes over the texts (default: 5)"
    )
    parser.add_argument(
        "--max_sentences",
        type=int,
        default=100_000,
        help="lines read of a text at most (default: 100000)",
    )
    parser.add_argument("--device", default="cpu", help="torch device (default: %(default)s)")
    _add_model_arguments(parser)


def _add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags whose defaults are the options' own."""
    defaults = MetaLstmTrainingOptions()
    for flag, default, meaning in (
        ("--epochs", defaults.n_epochs, "passes over the treebanks in each stage"),
        ("--token_budget", defaults.token_budget, "padded tokens of a batch at most"),
        ("--lstm_width", defaults.lstm_width, "of each direction of each LSTM"),
        ("--layers", defaults.n_layers, "of each LSTM"),
        ("--min_count", defaults.min_count, "occurrences a form needs for its own embedding"),
        ("--seed", defaults.seed, "of weights, order and dropout"),
    ):
        parser.add_argument(flag, type=int, default=default, help=f"{meaning} (default: {default})")


def run(args: argparse.Namespace) -> int:
    """Trains vectors and model."""
    from mtag_core.training.meta_lstm.data import load_sentences
    from mtag_core.training.meta_lstm.training import train_meta_lstm
    from mtag_core.training.meta_lstm.vectors import train_vectors

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    paths = [info.path for info in list_files(args.train)]
    sentences = load_sentences(paths, max_tokens_per_file=args.max_tokens_per_file)
    vectors = train_vectors(
        args.text,
        width=args.vector_width,
        n_epochs=args.vector_epochs,
        max_sentences=args.max_sentences,
    )
    options = MetaLstmTrainingOptions(
        n_epochs=args.epochs,
        token_budget=args.token_budget,
        lstm_width=args.lstm_width,
        n_layers=args.layers,
        min_count=args.min_count,
        seed=args.seed,
    )
    tagger = train_meta_lstm(sentences, vectors, args.output, options=options, device=args.device)
    print(f"{args.output}: {tagger.n_parameters:,} trained weights, {len(vectors.rows):,} vectors")
    return 0
