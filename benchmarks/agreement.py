"""How often students say what their teacher says: the paper's way to choose a temperature.

The teacher is told the treebank, the students are not; held-out dev sentences of a corpus, macro
over treebanks. All must have learnt from that corpus, so that their labels are the same.

    python -m benchmarks agreement --teacher DIR --students DIR DIR --corpus DIR
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.harness import benchmark_parser, run_benchmark
from mtag_core.errors import CheckpointError
from mtag_core.training.data.corpus import TreebankCorpus
from mtag_core.training.data.datasets import SourcedWords
from mtag_core.training.data.model_input import ModelInput
from mtag_core.training.networks.model_files import Network
from mtag_core.training.recipes.label_training import best_labels, macro_accuracies

_Labels = Mapping[str, NDArray[np.int64]]
_MAX_PIECES = 256


def main(argv: list[str] | None = None) -> int:
    """Compares and writes."""
    parser = benchmark_parser("agreement", "Agreement of students with their teacher.")
    parser.add_argument("--teacher", type=Path, required=True, help="of train teacher")
    parser.add_argument("--students", type=Path, nargs="+", required=True, help="of train distill")
    parser.add_argument("--corpus", type=Path, required=True, help="of train corpus")
    parser.add_argument("--device", default="cuda")
    return run_benchmark(parser, _measure, argv)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    corpus = TreebankCorpus.load(args.corpus)
    network, reader = _load(args.teacher, corpus, args.device)
    dev, sentences = reader.dataset(corpus.dev, reader.forms(corpus.forms))
    n_tokens = len(dev.words.form_ids)
    teacher = best_labels(network.model, sentences, n_tokens)
    students = {}
    for directory in args.students:
        network, reader = _load(directory, corpus, args.device)
        sentences = reader.sentences(dev.words, reader.forms(corpus.forms))
        own = best_labels(network.model, sentences, n_tokens)
        students[directory.name] = {
            "teacher": _shares(own, teacher, dev),
            "gold": _shares(own, dev.labels, dev),
        }
    return {
        "what": "share of dev tokens with equal labels in percent, macro over treebanks",
        "teacher_to_gold": _shares(teacher, dev.labels, dev),
        "students": students,
    }


def _load(directory: Path, corpus: TreebankCorpus, device: str) -> tuple[Network, ModelInput]:
    network = Network.load(directory, device=torch.device(device))
    if network.feats != corpus.feats:
        raise CheckpointError(f"{directory}: learnt other FEATS than those of the corpus")
    # A student's metadata name no pieces of treebanks.
    reader = ModelInput(
        network.tokenizer,
        network.has_words,
        torch.device(device),
        _MAX_PIECES,
        metadata=network.metadata,
    )
    return network, reader


def _shares(own: _Labels, other: _Labels, dev: SourcedWords) -> dict[str, float]:
    is_equal = {head: own[head] == other[head] for head in ("upos", "feats")}
    means = macro_accuracies(is_equal, other, dev.token_sources)
    return {head: round(mean, 2) for head, mean in means.items()}
