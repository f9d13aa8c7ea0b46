"""Training on labels alone, of teachers and of students that are adapted, and scores on the way.

Scores are accuracies from gold tokens, by treebank. The CoNLL 2018 metric, which compares
segmentations too, is in `mtag_core.evaluation`; from gold tokens its UPOS is this accuracy, and its
UFeats is at least the FEATS accuracy here, which asks for the whole bundle.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.training.data.datasets import LabelledDataset, cut_batches, drawn_batches
from mtag_core.training.data.model_input import OnDevice
from mtag_core.training.data.treebanks import UNLABELLED
from mtag_core.training.loops.losses import label_loss
from mtag_core.training.loops.trainer import Epoch, TrainingTask
from mtag_core.training.networks.model import TaggerLogits
from mtag_core.training.options import Noise

HEADS = ("upos", "feats", "lemmas")


class DeviceLabels:
    """The labels of a dataset's tokens by head, on a device."""

    def __init__(self, dataset: LabelledDataset, device: torch.device) -> None:
        arrays = (dataset.upos_ids, dataset.feats_ids, dataset.lemma_ids)
        self.ids = {
            head: torch.from_numpy(of_head).to(device)
            for head, of_head in zip(HEADS, arrays, strict=True)
        }

    def loss(self, logits: TaggerLogits, tokens: Tensor) -> Tensor:
        """Sum over the model's heads of the mean cross-entropy of some tokens. Shape ()."""
        losses = [
            label_loss(scored, self.ids[head][tokens])
            for head in HEADS
            if (scored := getattr(logits, head)) is not None
        ]
        return torch.stack(losses).sum()


@dataclass(frozen=True)
class TrainingSentences:
    """Sentences on a device and what a model loses on their tokens.

    Attributes:
        sentences: All of them.
        loss_of: Gives the loss of the logits of some tokens and their places. Shape ().
        noise: Changes sentences.
    """

    sentences: OnDevice
    loss_of: Callable[[TaggerLogits, Tensor], Tensor]
    noise: Noise

    def loss(self, model: nn.Module, indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        """Loss of a batch of sentences, and its number of tokens."""
        batch: Any = self.sentences.batch(indices, self.noise)
        return self.loss_of(model(batch), batch.token_index), len(batch.token_index)


class LabelTraining:
    """A model, its treebanks on the device, and their batches.

    Args:
        model: What learns.
        train: What it learns from, as labels and as sentences.
        dev: What it is scored on.
        rates: Times an epoch goes through each train sentence. Shape (n_sentences,).
        noise: Changes train sentences.
        budget: Wordpieces or tokens a batch.
        has_autocast: Products in bfloat16, for CPUs that have them; on a GPU they are anyway.
    """

    def __init__(
        self,
        model: nn.Module,
        train: tuple[LabelledDataset, OnDevice],
        dev: tuple[LabelledDataset, OnDevice],
        *,
        rates: NDArray[np.float64],
        noise: Noise,
        budget: int,
        has_autocast: bool = False,
    ) -> None:
        self._model, self._rates, self._budget, self._dev = model, rates, budget, dev
        dataset, sentences = train
        labels = DeviceLabels(dataset, sentences.device)
        self._train = TrainingSentences(sentences, labels.loss, noise)
        self._has_autocast = has_autocast

    def task(self) -> TrainingTask:
        """What the trainer calls."""
        return TrainingTask(self._model, self._epoch, self._loss, self.scores)

    def scores(self) -> dict[str, float]:
        """Macro dev scores."""
        dataset, sentences = self._dev
        return score(self._model, sentences, dataset)

    def _epoch(self, number: int, generator: np.random.Generator) -> Epoch:
        return drawn_batches(self._rates, self._train.sentences.lengths, self._budget, generator)

    def _loss(self, indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        kind = self._train.sentences.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=self._has_autocast):
            return self._train.loss(self._model, indices)


_PIECE_BUDGET = 32768


def summary(scores: Mapping[str, float], output: Path) -> str:
    """What a recipe prints at its end; nothing where another process scores."""
    if not scores:
        return ""
    lemmas = f"  lemmas {scores['dev_lemmas']:.2f}" if "dev_lemmas" in scores else ""
    return f"dev UPOS {scores['dev_upos']:.2f}  FEATS {scores['dev_feats']:.2f}{lemmas}  {output}"


@torch.no_grad()
def score(model: nn.Module, sentences: OnDevice, dataset: LabelledDataset) -> dict[str, float]:
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
        sentences.lengths, piece_budget=_PIECE_BUDGET, generator=np.random.default_rng(0)
    )
    scored_heads: set[str] = set()
    for indices in batches:
        batch: Any = sentences.batch(indices)
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
    is_right: NDArray[np.bool_], is_scored: NDArray[np.bool_], dataset: LabelledDataset
) -> float:
    token_treebank = np.repeat(dataset.treebank_ids, dataset.words.n_tokens)[is_scored]
    n_treebanks = len(dataset.treebanks)
    right = np.bincount(token_treebank, weights=is_right[is_scored], minlength=n_treebanks)
    totals = np.bincount(token_treebank, minlength=n_treebanks)
    # Some treebanks have no dev file to be scored on.
    scored = totals > 0
    return float(100 * (right[scored] / totals[scored]).mean()) if scored.any() else math.nan
