"""Scores a model on labelled sentences while it trains: accuracy from gold tokens, by treebank.

The CoNLL 2018 metric, which compares segmentations too, is in `mtag_core.evaluation`; from gold
tokens its UPOS is this accuracy, and its UFeats is at least the FEATS accuracy here, which asks for
the whole bundle.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mtag_core.training.data.datasets import LabelledDataset
from mtag_core.training.data.packing import DeviceSentences, cut_batches
from mtag_core.training.networks.model import TokenTagger

_PIECE_BUDGET = 32768


@dataclass(frozen=True)
class Scores:
    """Percentages of right labels by treebank.

    Attributes:
        upos: Treebank to accuracy, 0 to 100.
        feats: The same, for whole FEATS bundles.
    """

    upos: dict[str, float]
    feats: dict[str, float]

    @property
    def macro_upos(self) -> float:
        """Mean over treebanks; not a number where there is none."""
        return _mean(self.upos)

    @property
    def macro_feats(self) -> float:
        """Mean over treebanks; not a number where there is none."""
        return _mean(self.feats)


def summary(scores: Mapping[str, float], output: Path) -> str:
    """What a recipe prints at its end; nothing where another process scores."""
    if not scores:
        return ""
    return f"dev UPOS {scores['dev_upos']:.2f}  FEATS {scores['dev_feats']:.2f}  {output}"


@torch.no_grad()
def score(model: TokenTagger, sentences: DeviceSentences, dataset: LabelledDataset) -> Scores:
    """Tags a dataset and compares.

    Args:
        model: Left in evaluation mode.
        sentences: The dataset's sentences, on the model's device.
        dataset: The gold labels.

    Returns:
        Accuracies of every treebank in the dataset.
    """
    model.eval()
    is_upos_right = np.zeros(len(dataset.upos_ids), bool)
    is_feats_right = np.zeros(len(dataset.upos_ids), bool)
    batches = cut_batches(
        dataset.packed.n_pieces, piece_budget=_PIECE_BUDGET, generator=np.random.default_rng(0)
    )
    for indices in batches:
        batch = sentences.batch(indices)
        with torch.autocast(sentences.device.type, torch.bfloat16):
            logits = model(batch)
        where = batch.token_index.cpu().numpy()
        is_upos_right[where] = logits.upos.argmax(-1).cpu().numpy() == dataset.upos_ids[where]
        is_feats_right[where] = logits.feats.argmax(-1).cpu().numpy() == dataset.feats_ids[where]
    return Scores(_by_treebank(is_upos_right, dataset), _by_treebank(is_feats_right, dataset))


def _mean(treebank_to_percentage: dict[str, float]) -> float:
    """Mean over treebanks; some have no dev file to be scored on."""
    values = treebank_to_percentage.values()
    return sum(values) / len(values) if values else math.nan


def _by_treebank(is_right: NDArray[np.bool_], dataset: LabelledDataset) -> dict[str, float]:
    token_treebank = np.repeat(dataset.treebank_ids, dataset.packed.n_tokens)
    right = np.bincount(token_treebank, weights=is_right, minlength=len(dataset.treebanks))
    totals = np.bincount(token_treebank, minlength=len(dataset.treebanks))
    return {
        name: 100 * float(right[index] / totals[index])
        for index, name in enumerate(dataset.treebanks)
    }
