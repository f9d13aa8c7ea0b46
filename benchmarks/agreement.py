"""How often students say what their teacher says: the paper's way to choose a temperature.

The teacher is told the treebank, the students are not; held-out dev sentences of a corpus, macro
over treebanks. All must have learnt from that corpus, so that their labels are the same.

    python -m benchmarks agreement --teacher DIR --students DIR DIR --corpus DIR
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.harness import benchmark_parser, run_benchmark
from mtag_core.errors import CheckpointError
from mtag_core.training.data.corpus import TreebankCorpus
from mtag_core.training.data.datasets import LabelledDataset, cut_batches
from mtag_core.training.data.model_input import ModelInput, OnDevice
from mtag_core.training.data.pieces import DeviceSentences, FormPieces, treebank_token_ids
from mtag_core.training.networks.model_files import Network

_HEADS = ("upos", "feats")
_BUDGET = 16_384
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
    network = _load(args.teacher, corpus, args.device)
    reader = _reader(network, args.device)
    pieces = FormPieces.of(corpus.forms, network.tokenizer)
    dev = corpus.dev.select(reader.fitting(corpus.dev.words, pieces))
    tokens = treebank_token_ids(
        dev.treebanks, dev.treebank_ids, network.metadata, device=reader.device
    )
    sentences = DeviceSentences(
        dev.words, pieces, reader.pieces, device=reader.device, treebank_tokens=tokens
    )
    teacher = _labels(network, sentences, dev)
    gold = {head: dev.labels[head] for head in _HEADS}
    students = {}
    for directory in args.students:
        network = _load(directory, corpus, args.device)
        reader = _reader(network, args.device)
        own = _labels(network, reader.sentences(dev.words, reader.forms(corpus.forms)), dev)
        students[directory.name] = {
            "teacher": _macro(own, teacher, dev),
            "gold": _macro(own, gold, dev),
        }
    return {
        "what": "share of dev tokens with equal labels in percent, macro over treebanks",
        "teacher_to_gold": _macro(teacher, gold, dev),
        "students": students,
    }


def _load(directory: Path, corpus: TreebankCorpus, device: str) -> Network:
    network = Network.load(directory, device=torch.device(device))
    if network.feats != corpus.inventories.feats:
        raise CheckpointError(f"{directory}: learnt other FEATS than those of the corpus")
    return network


def _reader(network: Network, device: str) -> ModelInput:
    return ModelInput(network.tokenizer, network.has_words, torch.device(device), _MAX_PIECES)


_Labels = dict[str, NDArray[Any]]


@torch.no_grad()
def _labels(network: Network, sentences: OnDevice, dev: LabelledDataset) -> _Labels:
    model = network.model.eval()
    labels: _Labels = {head: np.zeros(len(dev.words.form_ids), np.int64) for head in _HEADS}
    batches = cut_batches(
        sentences.lengths, piece_budget=_BUDGET, generator=np.random.default_rng(0)
    )
    for indices in batches:
        batch: Any = sentences.batch(indices)
        logits = model(batch)
        where = batch.token_index.cpu().numpy()
        for head, ids in labels.items():
            ids[where] = getattr(logits, head).argmax(-1).cpu().numpy()
    return labels


def _macro(own: _Labels, other: _Labels, dev: LabelledDataset) -> dict[str, float]:
    treebanks = np.repeat(dev.treebank_ids, dev.words.n_tokens)
    totals = np.bincount(treebanks)
    scored = totals > 0
    shares = {}
    for head in _HEADS:
        n_equal = np.bincount(treebanks, own[head] == other[head])
        shares[head] = round(float(100 * (n_equal[scored] / totals[scored]).mean()), 2)
    return shares
