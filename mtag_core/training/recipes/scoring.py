"""Scores a model on labelled sentences while it trains: accuracy from gold tokens, by treebank.

The CoNLL 2018 metric, which compares segmentations too, is in `mtag_core.evaluation`; from gold
tokens its UPOS is this accuracy, and its UFeats is at least the FEATS accuracy here, which asks for
the whole bundle.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mtag_core.training.data.datasets import LabelledDataset
from mtag_core.training.data.pieces import cut_batches
from mtag_core.training.data.treebanks import UNLABELLED

_PIECE_BUDGET = 32768


def summary(scores: Mapping[str, float], output: Path) -> str:
    """What a recipe prints at its end; nothing where another process scores."""
    if not scores:
        return ""
    lemmas = f"  lemmas {scores['dev_lemmas']:.2f}" if "dev_lemmas" in scores else ""
    return f"dev UPOS {scores['dev_upos']:.2f}  FEATS {scores['dev_feats']:.2f}{lemmas}  {output}"


class Sentences(Protocol):
    """What gives the batches of a dataset."""

    packed: Any
    device: torch.device

    def batch(self, sentence_indices: NDArray[np.int64], /) -> Any:  # noqa: ANN401
        """A batch that the model takes, with `token_index`."""


@torch.no_grad()
def score(
    model: nn.Module, sentences: Sentences, dataset: LabelledDataset[Any]
) -> dict[str, float]:
    """Tags a dataset and compares.

    Args:
        model: Left in evaluation mode.
        sentences: The dataset's sentences, on the model's device.
        dataset: The gold labels.

    Returns:
        Means over treebanks of the percentages of right labels, `dev_upos` and `dev_feats` (whole
        bundles), not a number where there is no treebank; `dev_lemmas` (lemma rules, of tokens that
        have a lemma) where the model has such a head and the treebanks lemmas.
    """
    model.eval()
    head_to_gold = {"upos": dataset.upos_ids, "feats": dataset.feats_ids}
    head_to_gold["lemmas"] = dataset.lemma_ids
    is_right = {head: np.zeros(len(ids), bool) for head, ids in head_to_gold.items()}
    batches = cut_batches(
        sentences.packed.lengths, piece_budget=_PIECE_BUDGET, generator=np.random.default_rng(0)
    )
    scored_heads: set[str] = set()
    for indices in batches:
        batch = sentences.batch(indices)
        with torch.autocast(sentences.device.type, torch.bfloat16):
            logits = model(batch)
        where = batch.token_index.cpu().numpy()
        for head, ids in head_to_gold.items():
            scored = getattr(logits, head)
            if scored is not None:
                scored_heads.add(head)
                is_right[head][where] = scored.argmax(-1).cpu().numpy() == ids[where]
    every = np.ones(len(dataset.upos_ids), bool)
    has_lemma = (dataset.lemma_ids != UNLABELLED) & ("lemmas" in scored_heads)
    scores = {
        "dev_upos": _macro(is_right["upos"], every, dataset),
        "dev_feats": _macro(is_right["feats"], every, dataset),
    }
    lemmas = _macro(is_right["lemmas"], has_lemma, dataset)
    return scores if math.isnan(lemmas) else {**scores, "dev_lemmas": lemmas}


def _macro(
    is_right: NDArray[np.bool_], is_scored: NDArray[np.bool_], dataset: LabelledDataset[Any]
) -> float:
    token_treebank = np.repeat(dataset.treebank_ids, dataset.packed.n_tokens)[is_scored]
    n_treebanks = len(dataset.treebanks)
    right = np.bincount(token_treebank, weights=is_right[is_scored], minlength=n_treebanks)
    totals = np.bincount(token_treebank, minlength=n_treebanks)
    # Some treebanks have no dev file to be scored on.
    scored = totals > 0
    return float(100 * (right[scored] / totals[scored]).mean()) if scored.any() else math.nan
