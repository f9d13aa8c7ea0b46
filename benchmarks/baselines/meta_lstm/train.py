"""Trains the Meta-LSTM baseline, one a language or one on many languages.

python -m benchmarks baselines.meta_lstm.train --train 'ud/kk_*/*-train.conllu' --output DIR
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from mtag_core.cli.logs import start_logging
from mtag_core.options import Flags, group, option
from mtag_core.storage import list_files
from mtag_core.training.options import Schedule


@dataclass(frozen=True, kw_only=True)
class MetaLstmOptions:
    """How a Meta-LSTM is trained: its schedule is that of each stage.

    A share `unknown_share` of forms is trained as unknown.
    """

    token_budget: int = option("padded tokens of a batch at most", 200)
    lstm_width: int = option("of each direction of each LSTM", 128)
    n_layers: int = option("of each LSTM over tokens", 1)
    min_count: int = option("occurrences that a form needs for an embedding of its own", 1)
    unknown_share: float = 0.2
    schedule: Schedule = group(
        Schedule(
            epochs=20.0,
            peak_rate=2e-3,
            warmup_share=0.0,
            decay="linear",
            weight_decay=0.0,
            clip_norm=5.0,
            seed=0,
        )
    )


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of `benchmarks baselines.meta_lstm.train`."""

    train: tuple[str, ...] = option("patterns of CoNLL-U files")
    output: Path = option("directory of the model; a training that stopped goes on there")
    text: tuple[Path, ...] = option(
        "text for the word vectors, a language each, a sentence a line", ()
    )
    max_tokens_per_file: int | None = option("tokens read of a treebank at most", None)
    vector_width: int = option("of a word vector", 100)
    vector_epochs: int = option("passes over the texts", 5)
    max_sentences: int = option("lines read of a text at most", 100_000)
    device: str = option("torch device", "cpu")
    model: MetaLstmOptions = group(MetaLstmOptions())


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
