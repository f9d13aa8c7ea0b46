"""The training loop that teacher, distillation and fine-tuning share.

A schedule runs by progress, a number from 0 to 1: the share of its epochs or of its minutes that is
over, whichever is more. A run that is limited by minutes therefore ends when planned, its learning
rate at zero, however fast the machine is.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.errors import CheckpointError
from mtag_core.training.loops import distributed
from mtag_core.training.loops.averaging import MovingAverage
from mtag_core.training.loops.master_weights import MasterWeights
from mtag_core.training.loops.training_log import TrainingLog

_LOGGER = logging.getLogger(__name__)
_STEPS_BETWEEN_AGREEMENTS = 16
_STEPS_BETWEEN_POINTS = 100

Epoch = list[NDArray[np.int64]]


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast to learn.

    Attributes:
        peak_rate: Highest learning rate.
        warmup_share: Share of the run in which the rate rises from zero.
        epochs: At most so many passes over the data.
        minutes: At most so long; None for no limit.
        weight_decay: Of AdamW.
        clip_norm: Gradients are scaled down to this norm.
        n_evaluations: How often to score the dev set, evenly spread.
        checkpoint_minutes: Time between checkpoints.
        seed: Of data order and dropout.
        average_decay: Of the moving average of the weights that the run ends with; 0 for none.
        head_factor: Weights outside the model's `encoder` learn so many times as fast.
    """

    peak_rate: float
    warmup_share: float
    epochs: float
    minutes: float | None
    weight_decay: float
    clip_norm: float
    n_evaluations: int
    checkpoint_minutes: float
    seed: int
    average_decay: float = 0.0
    head_factor: float = 1.0


class RunOptions(Protocol):
    """The options of a command that say how long and how fast to learn."""

    @property
    def peak_rate(self) -> float:
        """See `LoopConfig`."""

    @property
    def epochs(self) -> float:
        """See `LoopConfig`."""

    @property
    def minutes(self) -> float | None:
        """See `LoopConfig`."""

    @property
    def n_evaluations(self) -> int:
        """See `LoopConfig`."""

    @property
    def checkpoint_minutes(self) -> float:
        """See `LoopConfig`."""

    @property
    def seed(self) -> int:
        """See `LoopConfig`."""


def loop_config(
    options: RunOptions,
    *,
    warmup_share: float,
    epochs: float | None = None,
    average_decay: float = 0.0,
) -> LoopConfig:
    """The loop's part of a command's options.

    Args:
        options: The command's.
        warmup_share: See `LoopConfig`.
        epochs: In place of the options' own.
        average_decay: See `LoopConfig`.
    """
    return LoopConfig(
        peak_rate=options.peak_rate,
        warmup_share=warmup_share,
        epochs=options.epochs if epochs is None else epochs,
        minutes=options.minutes,
        weight_decay=0.01,
        clip_norm=1.0,
        n_evaluations=options.n_evaluations,
        checkpoint_minutes=options.checkpoint_minutes,
        seed=options.seed,
        average_decay=average_decay,
    )


@dataclass(frozen=True)
class Task:
    """What to learn.

    Attributes:
        model: On its device.
        epoch: Gives the batches of an epoch from its number and a generator.
        loss: Gives a batch's loss, shape (), and its number of tokens.
        evaluate: Scores the model; names and percentages.
    """

    model: nn.Module
    epoch: Callable[[int, np.random.Generator], Epoch]
    loss: Callable[[NDArray[np.int64]], tuple[Tensor, int]]
    evaluate: Callable[[], dict[str, float]]


def learning_rate(progress: float, *, peak_rate: float, warmup_share: float) -> float:
    """The rate at a point of the run: linear up, then a half cosine down to zero.

    Example: half-way through the warm-up -> half of `peak_rate`.
    """
    if progress < warmup_share:
        return peak_rate * progress / warmup_share
    rest = (progress - warmup_share) / max(1e-9, 1 - warmup_share)
    return peak_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, rest)))


class Trainer:
    """Runs a task to the end of its schedule, from a checkpoint if there is one."""

    def __init__(
        self, task: Task, config: LoopConfig, *, directory: Path, log: TrainingLog
    ) -> None:
        """Prepares the optimiser; checkpoints go to `directory/checkpoint.pt`."""
        self._task = task
        self._config = config
        self._log = log
        self._path = directory / "checkpoint.pt"
        self._device = next(task.model.parameters()).device
        self._weights = MasterWeights(task.model, is_half=self._device.type == "cuda")
        self._optimizer = torch.optim.AdamW(
            self._groups(),
            lr=config.peak_rate,
            weight_decay=config.weight_decay,
            fused=self._device.type == "cuda",
        )
        self._average = (
            MovingAverage(self._weights.masters, decay=config.average_decay)
            if config.average_decay
            else None
        )
        self._step = 0
        self._epoch = 0
        self._batch = 0
        self._spent_s = 0.0
        self._n_tokens = 0

    def resume(self) -> bool:
        """Loads the checkpoint, if there is one.

        Raises:
            CheckpointError: The file is not a checkpoint of this model.
        """
        if not self._path.exists():
            return False
        try:
            state = torch.load(self._path, map_location=self._device, weights_only=True)
            self._weights.load(state["masters"])
            self._optimizer.load_state_dict(state["optimizer"])
            if self._average is not None:
                self._average.load(state["average"])
        except (RuntimeError, KeyError, ValueError) as error:
            raise CheckpointError(
                f"{self._path}: not a checkpoint of this model: {error}"
            ) from error
        self._step, self._epoch = state["step"], state["epoch"]
        self._batch, self._spent_s = state["batch"], state["spent_s"]
        torch.set_rng_state(state["random_state"].cpu())
        _LOGGER.info("resumed at step %d, epoch %d", self._step, self._epoch)
        return True

    def run(self) -> None:
        """Trains to the end of the schedule and saves the last checkpoint."""
        start_s = time.monotonic() - self._spent_s
        evaluate_at = self._next_evaluation(self._progress(start_s, 0.0))
        saved_s = time.monotonic()
        progress = 0.0
        for batch, share in self._batches():
            if self._step % _STEPS_BETWEEN_AGREEMENTS == 0:
                progress = distributed.agree(self._progress(start_s, share), self._device)
            if progress >= 1:
                break
            loss = self._learn(batch, progress)
            self._step += 1
            self._batch += 1
            if self._step % _STEPS_BETWEEN_POINTS == 0:
                self._report(loss, progress, start_s)
            if progress >= evaluate_at:
                self._evaluate()
                evaluate_at = self._next_evaluation(progress)
            if time.monotonic() - saved_s > 60 * self._config.checkpoint_minutes:
                self._save(time.monotonic() - start_s)
                saved_s = time.monotonic()
        self._save(time.monotonic() - start_s)
        if self._average is not None:
            self._average.swap()
        self._weights.restore()
        self._evaluate()
        self._log.progress(1.0, f"step {self._step}")

    def _groups(self) -> list[dict[str, Any]]:
        """The optimiser's groups: all weights, or the encoder's and those that learn faster."""
        masters = self._weights.masters
        if self._config.head_factor == 1.0:
            return [{"params": masters}]
        names = [name for name, _ in self._task.model.named_parameters()]
        is_head = [not name.startswith("encoder.") for name in names]
        return [
            {"params": list(compress(masters, chosen)), "factor": factor}
            for chosen, factor in (
                ([not each for each in is_head], 1.0),
                (is_head, self._config.head_factor),
            )
        ]

    def _batches(self) -> Iterator[tuple[NDArray[np.int64], float]]:
        """Yields batches and the share of the epochs over; cuts the next epoch meanwhile."""
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(self._cut, self._epoch)
            while True:
                batches = coming.result()
                coming = pool.submit(self._cut, self._epoch + 1)
                for index in range(self._batch, len(batches)):
                    share = (self._epoch + index / len(batches)) / self._config.epochs
                    yield batches[index], share
                self._epoch += 1
                self._batch = 0

    def _cut(self, epoch: int) -> Epoch:
        """Cuts an epoch into batches; the same ones each time for a seed."""
        seed = (self._config.seed, epoch, distributed.rank())
        return self._task.epoch(epoch, np.random.default_rng(seed))

    def _progress(self, start_s: float, share: float) -> float:
        """How much of the run is over, 0 to 1."""
        if self._config.minutes is None:
            return share
        return max(share, (time.monotonic() - start_s) / (60 * self._config.minutes))

    def _learn(self, batch: NDArray[np.int64], progress: float) -> Tensor:
        """Takes one step; returns the loss, shape ()."""
        rate = learning_rate(
            progress, peak_rate=self._config.peak_rate, warmup_share=self._config.warmup_share
        )
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        self._task.model.train()
        loss, n_tokens = self._task.loss(batch)
        self._task.model.zero_grad(set_to_none=True)
        loss.backward()
        self._weights.take_gradients()
        distributed.average_gradients(self._weights.masters)
        nn.utils.clip_grad_norm_(self._weights.masters, self._config.clip_norm)
        self._optimizer.step()
        self._weights.give_weights()
        if self._average is not None:
            self._average.update()
        self._n_tokens += n_tokens
        return loss.detach()

    def _report(self, loss: Tensor, progress: float, start_s: float) -> None:
        """Adds a point to the curves."""
        seconds = time.monotonic() - start_s - self._spent_s
        tokens_per_s = distributed.n_ranks() * self._n_tokens / max(seconds, 1e-9)
        self._log.point(self._step, loss=float(loss), progress=progress, tokens_per_s=tokens_per_s)
        self._log.progress(progress, f"step {self._step}  loss {float(loss):.3f}")

    def _evaluate(self) -> None:
        """Scores the model in process 0."""
        if distributed.rank() == 0:
            self._log.point(self._step, epoch=float(self._epoch), **self._task.evaluate())

    def _next_evaluation(self, progress: float) -> float:
        """The progress at which to score next."""
        n_evaluations = max(1, self._config.n_evaluations)
        return (math.floor(progress * n_evaluations) + 1) / n_evaluations

    def _save(self, spent_s: float) -> None:
        """Writes the checkpoint, in process 0, under a temporary name first."""
        if distributed.rank() != 0:
            return
        state: dict[str, Any] = {
            "masters": self._weights.masters,
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
            "epoch": self._epoch,
            "batch": self._batch,
            "spent_s": spent_s,
            "random_state": torch.get_rng_state(),
            "average": self._average.state() if self._average is not None else {},
        }
        temporary = self._path.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(self._path)
