"""Fine-tunes a teacher's encoder to say where tokens and sentences end.

What the small boundary models (see `mtag_core.segmentation.boundaries`) can learn from a treebank
is limited by its size. A pretrained encoder needs fewer examples; it marks text for them.
"""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.training.data.augmentation import mask_pieces
from mtag_core.training.data.packing import DeviceSentences, cut_batches
from mtag_core.training.loops.trainer import Epoch, Task, Trainer
from mtag_core.training.loops.training_log import TrainingLog
from mtag_core.training.networks.model import Batch
from mtag_core.training.networks.model_files import load_model
from mtag_core.training.options import LabelBoundariesOptions, Schedule
from mtag_core.training.segmenters.boundary_chunks import UnitEncoder
from mtag_core.training.segmenters.boundary_examples import (
    BoundaryExamples,
    boundary_scores,
    read_examples,
)

_LOGGER = logging.getLogger(__name__)
_GPU_LABELLING_BUDGET = 65_536
_CPU_LABELLING_BUDGET = 4096

# Epochs take turns between some ways to cut the text into chunks.
_N_CUTS = 4


class BoundaryTeacher(nn.Module):
    """Gives each unit the logits of the three labels of `end_labels`."""

    def __init__(self, encoder: nn.Module, *, hidden_size: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * hidden_size, 3)

    def forward(self, batch: Batch) -> Tensor:
        """Labels a batch: shape (n_units, 3)."""
        hidden = self.encoder(batch.piece_ids, batch.is_piece).flatten(0, 1)
        first = hidden.index_select(0, batch.first_piece_index)
        last = hidden.index_select(0, batch.last_piece_index)
        logits: Tensor = self.head(self.dropout(torch.cat([first, last], dim=-1)))
        return logits


def train_members(config: LabelBoundariesOptions, encoder: UnitEncoder) -> list[BoundaryTeacher]:
    """Fine-tunes a copy of the teacher's encoder with each learning rate.

    Args:
        config: What to do.
        encoder: With the teacher's vocabulary.

    Returns:
        The members, on their device.

    Raises:
        CheckpointError: The teacher's directory does not fit.
        InputNotFoundError: There is no treebank.
    """

    def read(part: str, cut_seed: str) -> BoundaryExamples:
        return read_examples(
            config.treebanks,
            part,
            encoder,
            languages=config.languages,
            max_pieces=config.max_pieces,
            cut_seed=cut_seed,
        )

    train = [read("train", f"{config.seed} {cut}") for cut in range(_N_CUTS)]
    dev = read("dev", "")
    _LOGGER.info("%d units to learn from, %d dev units", len(train[0].labels), len(dev.labels))
    members = []
    for seed, rate in enumerate(config.peak_rates, start=config.seed):
        torch.manual_seed(seed)
        run = _Run(config, encoder, train=train, dev=dev)
        run.train(rate, seed)
        members.append(run.model)
        _LOGGER.info("%d members together: %s", len(members), run.scores(members))
    return members


class _Run:
    """The training of one member."""

    def __init__(
        self,
        config: LabelBoundariesOptions,
        encoder: UnitEncoder,
        *,
        train: Sequence[BoundaryExamples],
        dev: BoundaryExamples,
    ) -> None:
        self._config = config
        self._device = torch.device(config.device)
        self._mask = encoder.pieces.mask
        self._dev = dev
        tagger, _ = load_model(config.teacher_model, device=self._device)
        self.model = BoundaryTeacher(tagger.encoder, hidden_size=tagger.upos.in_features)
        self.model.to(self._device)
        self._cuts = [self._on_device(each, encoder) for each in train]
        self._labels = [torch.from_numpy(each.labels).to(self._device) for each in train]
        self._dev_sentences = self._on_device(dev, encoder)

    def train(self, rate: float, seed: int) -> None:
        """Trains the model, and logs dev scores."""
        curves = self._config.output / f"member{seed}"
        curves.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch, TrainingLog(curves, is_writer=True) as log:
            task = Task(self.model, self._epoch, self._loss, lambda: self.scores([self.model]))
            loop = _loop_config(self._config, rate, seed)
            Trainer(task, loop, directory=Path(scratch), log=log).run()

    def scores(self, members: Sequence[BoundaryTeacher]) -> dict[str, float]:
        """Dev scores of some members together."""
        probs = mean_probabilities(members, self._dev_sentences)
        return boundary_scores(probs.argmax(-1), self._dev)

    def _on_device(self, examples: BoundaryExamples, encoder: UnitEncoder) -> DeviceSentences:
        return DeviceSentences(examples.packed, pad=encoder.pieces.pad, device=self._device)

    def _epoch(self, number: int, generator: np.random.Generator) -> Epoch:
        """Cuts one epoch; the first number of each batch tells `_loss` the way it is cut."""
        cut = number % len(self._cuts)
        batches = cut_batches(
            self._cuts[cut].packed.n_pieces,
            piece_budget=self._config.piece_budget,
            generator=generator,
        )
        return [np.concatenate([[cut], batch]) for batch in batches]

    def _loss(self, indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        cut = int(indices[0])
        batch = self._cuts[cut].batch(indices[1:])
        hidden = mask_pieces(batch, share=self._config.piece_dropout, mask_piece=self._mask)
        logits = self.model(hidden).float()
        targets = self._labels[cut][batch.token_index]
        return nn.functional.cross_entropy(logits, targets), len(targets)


@torch.no_grad()
def mean_probabilities(
    members: Sequence[BoundaryTeacher], sentences: DeviceSentences
) -> NDArray[np.float32]:
    """Gives each unit the mean of the members' probabilities: shape (n_units, 3)."""
    probs = torch.zeros((int(sentences.packed.n_tokens.sum()), 3), device=sentences.device)
    is_gpu = sentences.device.type == "cuda"
    batches = cut_batches(
        sentences.packed.n_pieces,
        piece_budget=_GPU_LABELLING_BUDGET if is_gpu else _CPU_LABELLING_BUDGET,
        generator=np.random.default_rng(0),
    )
    for member in members:
        member.eval()
        for indices in batches:
            batch = sentences.batch(indices)
            with torch.autocast(sentences.device.type, torch.bfloat16):
                logits = member(batch)
            probs[batch.token_index] += logits.float().softmax(-1) / len(members)
    values: NDArray[np.float32] = probs.cpu().numpy()
    return values


def _loop_config(config: LabelBoundariesOptions, rate: float, seed: int) -> Schedule:
    return Schedule(
        peak_rate=rate,
        warmup_share=0.1,
        epochs=config.epochs,
        minutes=config.minutes / len(config.peak_rates) if config.minutes else None,
        n_evaluations=6,
        checkpoint_minutes=float("inf"),
        seed=seed,
    )
