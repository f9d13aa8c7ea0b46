"""Trains the Meta-LSTM baseline, one a language or one on many languages.

python -m benchmarks baselines.meta_lstm.train --train 'ud/kk_*/*-train.conllu' --output DIR
"""

import argparse
from pathlib import Path

from benchmarks.baselines.meta_lstm.options import TrainOptions
from mtag_core.cli.logs import start_logging
from mtag_core.options import Flags
from mtag_core.storage import list_files


def main(argv: list[str] | None = None) -> int:
    """Trains vectors and model."""
    parser = argparse.ArgumentParser(description="Trains a Meta-LSTM.")
    flags = Flags(TrainOptions)
    flags.add_to(parser)
    options = flags.parse(parser.parse_args(argv))
    from benchmarks.baselines.meta_lstm.data import load_sentences, train_vectors
    from benchmarks.baselines.meta_lstm.training import train_meta_lstm

    start_logging()
    paths = [Path(info.path) for info in list_files(options.train)]
    sentences = load_sentences(paths, max_tokens_per_file=options.max_tokens_per_file)
    vectors = train_vectors(
        options.text,
        width=options.vector_width,
        n_epochs=options.vector_epochs,
        max_sentences=options.max_sentences,
    )
    tagger = train_meta_lstm(
        sentences, vectors, options.output, options=options.model, device=options.device
    )
    print(f"{options.output}: {tagger.n_parameters:,} weights, {len(vectors.rows):,} vectors")
    return 0
