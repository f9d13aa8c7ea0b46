"""Training on labels alone: of teachers, and of students that are adapted to treebanks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.training.data.datasets import LabelledDataset, draw_epoch
from mtag_core.training.data.pieces import cut_batches
from mtag_core.training.data.student_input import OnDevice
from mtag_core.training.loops.losses import label_loss
from mtag_core.training.loops.trainer import Epoch, TrainingTask
from mtag_core.training.networks.model import TaggerLogits
from mtag_core.training.options import Noise
from mtag_core.training.recipes.scoring import score

HEADS = ("upos", "feats", "lemmas")


class DeviceLabels:
    """The labels of a dataset's tokens by head, on a device."""

    def __init__(self, dataset: LabelledDataset[Any], device: torch.device) -> None:
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
        train: tuple[LabelledDataset[Any], OnDevice],
        dev: tuple[LabelledDataset[Any], OnDevice],
        *,
        rates: NDArray[np.float64],
        noise: Noise,
        budget: int,
        has_autocast: bool = False,
    ) -> None:
        self._model, self._rates, self._noise, self._budget = model, rates, noise, budget
        self._train_sentences, self._dev = train[1], dev
        self._labels = DeviceLabels(train[0], train[1].device)
        self._has_autocast = has_autocast

    def task(self) -> TrainingTask:
        """What the trainer calls."""
        return TrainingTask(self._model, self._epoch, self._loss, self.scores)

    def scores(self) -> dict[str, float]:
        """Macro dev scores."""
        dataset, sentences = self._dev
        return score(self._model, sentences, dataset)

    def _epoch(self, number: int, generator: np.random.Generator) -> Epoch:
        return drawn_batches(
            self._rates, self._train_sentences.packed.lengths, self._budget, generator
        )

    def _loss(self, indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        batch: Any = self._train_sentences.batch(indices, self._noise)
        kind = self._train_sentences.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=self._has_autocast):
            logits = self._model(batch)
        return self._labels.loss(logits, batch.token_index), len(batch.token_index)


def drawn_batches(
    rates: NDArray[np.float64],
    lengths: NDArray[np.int32],
    budget: int,
    generator: np.random.Generator,
) -> Epoch:
    """Draws an epoch's sentences and cuts them into batches.

    Args:
        rates: Times that an epoch goes through each sentence. Shape (n_sentences,).
        lengths: Positions that it takes in a batch. Shape (n_sentences,).
        budget: Positions a batch.
        generator: Of everything random.
    """
    drawn = draw_epoch(rates, generator)
    batches: Sequence[NDArray[np.int64]] = cut_batches(
        lengths[drawn], piece_budget=budget, generator=generator
    )
    return [drawn[batch] for batch in batches]
