"""`train-vocabulary`: trains the student's WordPiece vocabulary."""

import argparse
from pathlib import Path

from mtag_core.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's flags."""
    add = parser.add_argument
    add("--text", type=Path, help="directory of LANGUAGE.tokens[.xz] files")
    add("--treebanks", type=Path, help="directory of *-train.conllu[.xz] files")
    add("--size", type=int, default=96_000, help="number of wordpieces (default: %(default)s)")
    add("--output", type=Path, required=True, help="the tokenizer.json to write")


def run(args: argparse.Namespace) -> int:
    """Trains and writes the vocabulary."""
    from mtag_core.training.data.vocabulary import train_vocabulary, vocabulary_sentences

    if args.text is None and args.treebanks is None:
        raise UsageError("train-vocabulary needs --text or --treebanks, or both")
    tokenizer = train_vocabulary(
        vocabulary_sentences(args.text, args.treebanks), n_pieces=args.size
    )
    args.output.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(args.output))
    print(f"{tokenizer.get_vocab_size()} wordpieces  {args.output}")
    return 0
