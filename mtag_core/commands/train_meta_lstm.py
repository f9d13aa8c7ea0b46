"""`train-meta-lstm`: trains the Meta-LSTM baseline, per language or on many languages."""

import argparse
import logging
import sys
from pathlib import Path

from mtag_core.storage import list_files
from mtag_core.training.meta_lstm_data import load_sentences
from mtag_core.training.meta_lstm_training import MetaLstmTrainingOptions, train_meta_lstm
from mtag_core.training.meta_lstm_vectors import train_vectors


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    defaults = MetaLstmTrainingOptions()
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
    parser.add_argument("--vector_width", type=int, default=100, help="default: 100")
    parser.add_argument("--vector_epochs", type=int, default=5, help="default: 5")
    parser.add_argument(
        "--max_sentences", type=int, default=100_000, help="lines read of a text at most"
    )
    parser.add_argument("--epochs", type=int, default=defaults.n_epochs, help="in each stage")
    parser.add_argument(
        "--token_budget", type=int, default=defaults.token_budget, help="tokens of a batch at most"
    )
    parser.add_argument("--lstm_width", type=int, default=defaults.lstm_width)
    parser.add_argument("--layers", type=int, default=defaults.n_layers)
    parser.add_argument("--min_count", type=int, default=defaults.min_count)
    parser.add_argument("--seed", type=int, default=defaults.seed)


def run(args: argparse.Namespace) -> int:
    """Trains vectors and model."""
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
    tagger = train_meta_lstm(sentences, vectors, args.output, options=options)
    print(f"{args.output}: {tagger.n_parameters:,} trained weights, {len(vectors.rows):,} vectors")
    return 0
