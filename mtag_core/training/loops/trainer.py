"""The training loop of every recipe, and its schedule.

A schedule runs by progress, a number from 0 to 1: the share of its epochs or of its minutes that is
over, whichever is more. A run that is limited by minutes therefore ends when planned, its learning
rate at zero, however fast the machine is.

Curves go to `curves.jsonl`, one object a point; a terminal has a progress line.
"""

import json
import logging
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mtag_core.errors import CheckpointError
from mtag_core.training.loops import distributed
from mtag_core.training.options import Schedule, TrainingOptions
from mtag_core.training.records import record_options

_LOGGER = logging.getLogger(__name__)
_STEPS_BETWEEN_POINTS = 100
# Processes must have the same rate, and agreeing on it waits for all of them.
_STEPS_BETWEEN_AGREEMENTS = 16
_BAR_WIDTH = 30

Epoch = Sequence[Any]
"""Batches as a task's `loss` takes them."""


@dataclass(frozen=True)
class TrainingTask:
    """What to learn with a model, which is on its device.

    `epoch` gives the batches of an epoch from its number and a generator, `loss` a batch's loss, of
    shape (), and its number of tokens; `evaluate` scores the model: names and percentages. If
    `is_half`, the model computes in bfloat16 on a GPU.
    """

    model: nn.Module
    epoch: Callable[[int, np.random.Generator], Epoch]
    loss: Callable[[Any], tuple[Tensor, int]]
    evaluate: Callable[[], dict[str, float]]
    is_half: bool = True


def learning_rate(progress: float, schedule: Schedule) -> float:
    """The rate at a point of the training: linear up, then down to zero as the schedule says.

    Example: half-way through the warm-up -> half of `peak_rate`.
    """
    warmup = schedule.warmup_share
    if progress < warmup:
        return schedule.peak_rate * progress / warmup
    rest = min(1.0, (progress - warmup) / max(1e-9, 1 - warmup))
    if schedule.decay == "linear":
        return schedule.peak_rate * (1 - rest)
    return schedule.peak_rate * 0.5 * (1 + math.cos(math.pi * rest))


class TrainingLog:
    """Collects the curves of a training in a directory."""

    def __init__(self, directory: Path) -> None:
        self._start_s = time.monotonic()
        self._path = directory / "curves.jsonl"

    def point(self, step: int, **values: float) -> None:
        """Adds one point to each named curve."""
        seconds = round(time.monotonic() - self._start_s, 1)
        rounded = {name: round(value, 4) for name, value in values.items()}
        with self._path.open("a") as points:
            points.write(json.dumps({"step": step, "seconds": seconds, **rounded}) + "\n")
        _LOGGER.info("%7.1f s  step %d  %s", seconds, step, rounded)

    def progress(self, fraction: float, text: str) -> None:
        """Draws the progress bar, on a terminal only."""
        if sys.stderr.isatty():
            done = int(fraction * _BAR_WIDTH)
            bar = "#" * done + "-" * (_BAR_WIDTH - done)
            sys.stderr.write(f"\r[{bar}] {fraction:4.0%} {text:<40}")
            sys.stderr.write("\n" if fraction >= 1 else "")
            sys.stderr.flush()


class MasterWeights:
    """The float32 weights that the optimiser changes, and the model's own copy of them.

    On a GPU, if `is_half`, the model computes with bfloat16 copies. Autocast would cast every
    weight and activation by kernels of its own, more than the model's, and starting kernels is what
    a small model waits for.
    """

    def __init__(self, model: nn.Module, *, is_half: bool) -> None:
        self._model = model
        self._is_half = is_half
        self.masters: list[Tensor] = list(model.parameters())
        if is_half:
            self.masters = [weight.detach().clone() for weight in model.parameters()]
            model.to(torch.bfloat16)

    @torch.no_grad()
    def take_gradients(self) -> None:
        """Hands the model's gradients to the masters."""
        if self._is_half:
            targets: list[Tensor] = []
            gradients: list[Tensor] = []
            for master, weight in zip(self.masters, self._model.parameters(), strict=True):
                if weight.grad is not None:
                    master.grad = torch.empty_like(master) if master.grad is None else master.grad
                    targets.append(master.grad)
                    gradients.append(weight.grad)
            torch._foreach_copy_(targets, gradients)

    @torch.no_grad()
    def give_weights(self) -> None:
        """Copies the masters into the model."""
        if self._is_half:
            copies = [weight.data for weight in self._model.parameters()]
            torch._foreach_copy_(copies, self.masters)

    @torch.no_grad()
    def load(self, masters: list[Tensor]) -> None:
        """Replaces the masters' values, and the model's."""
        for master, value in zip(self.masters, masters, strict=True):
            master.copy_(value)
        self.give_weights()

    def restore(self) -> None:
        """Makes the model float32 again, with the masters' values."""
        if self._is_half:
            self._model.float()
            self.give_weights()


def begin(options: TrainingOptions) -> torch.device:
    """Begins a training: joins the process group, records the options, seeds everything random.

    Returns the device of this process.

    Raises:
        CheckpointError: The output holds a training, and `resume` is not set or options differ.
    """
    device = distributed.start()
    if distributed.rank() == 0:
        record_options(
            options.output / "run_config.json",
            options,
            is_resumed=options.resume,
            # A training may go on for longer than was first planned.
            may_differ=("epochs", "minutes"),
        )
    distributed.wait_for_all()
    torch.manual_seed(options.schedule.seed)
    return device


def train(
    task: TrainingTask, options: TrainingOptions, *, epochs: float | None = None
) -> "Trainer":
    """Trains to the end, from the checkpoint in the output directory if it is to be resumed."""
    schedule = replace(options.schedule, epochs=epochs or options.schedule.epochs)
    log = TrainingLog(options.output) if distributed.rank() == 0 else None
    trainer = Trainer(task, schedule, directory=options.output, log=log)
    if options.resume:
        trainer.resume()
    trainer.run()
    return trainer


class Trainer:
    """Runs a task to the end of its schedule.

    The directory gets `checkpoint.pt`, the log curves; without a log nothing is scored. `n_steps`
    counts those before a checkpoint, too; `scores` are the last ones.
    """

    def __init__(
        self,
        task: TrainingTask,
        schedule: Schedule,
        *,
        directory: Path | None = None,
        log: TrainingLog | None = None,
    ) -> None:
        self._task, self._schedule, self._log = task, schedule, log
        self._path = directory / "checkpoint.pt" if directory else None
        self._device = next(task.model.parameters()).device
        is_half = task.is_half and self._device.type == "cuda"
        self._weights = MasterWeights(task.model, is_half=is_half)
        self._optimizer = torch.optim.AdamW(
            self._groups(),
            lr=schedule.peak_rate,
            weight_decay=schedule.weight_decay,
            fused=self._device.type == "cuda",
        )
        self.n_steps = self._epoch = self._batch = self._n_tokens = 0
        self._spent_s = 0.0
        self.scores: dict[str, float] = {}

    def resume(self) -> None:
        """Loads the checkpoint, if there is one.

        Raises:
            CheckpointError: The file is not a checkpoint of this model.
        """
        if self._path is None or not self._path.exists():
            return
        try:
            state = torch.load(self._path, map_location=self._device, weights_only=True)
            self._weights.load(state["masters"])
            self._optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, KeyError, ValueError) as error:
            raise CheckpointError(
                f"{self._path}: not a checkpoint of this model: {error}"
            ) from error
        self.n_steps, self._epoch = state["step"], state["epoch"]
        self._batch, self._spent_s = state["batch"], state["spent_s"]
        torch.set_rng_state(state["random_state"].cpu())
        _LOGGER.info("resumed at step %d, epoch %d", self.n_steps, self._epoch)

    def run(self) -> None:
        """Trains to the end of the schedule and saves the last checkpoint."""
        start_s = time.monotonic() - self._spent_s
        evaluate_at = self._next_evaluation(self._progress(start_s, 0.0))
        saved_s = time.monotonic()
        progress = 0.0
        for batch, share in self._batches():
            if distributed.n_ranks() == 1 or self.n_steps % _STEPS_BETWEEN_AGREEMENTS == 0:
                progress = distributed.agree(self._progress(start_s, share), self._device)
            if progress >= 1:
                break
            is_first = self._n_tokens == 0
            loss = self._learn(batch, progress)
            if is_first:
                # The first step waits for kernels to be compiled, which is no training.
                start_s = time.monotonic() - self._spent_s
            self.n_steps += 1
            self._batch += 1
            if self.n_steps % _STEPS_BETWEEN_POINTS == 0:
                self._report(loss, progress, start_s)
            if progress >= evaluate_at:
                self._evaluate()
                evaluate_at = self._next_evaluation(progress)
            if time.monotonic() - saved_s > 60 * self._schedule.checkpoint_minutes:
                self._save(time.monotonic() - start_s)
                saved_s = time.monotonic()
        self._save(time.monotonic() - start_s)
        self._weights.restore()
        self._evaluate()
        if self._log is not None:
            self._log.progress(1.0, f"step {self.n_steps}")

    def _groups(self) -> list[dict[str, Any]]:
        masters = self._weights.masters
        if self._schedule.head_factor == 1.0:
            return [{"params": masters}]
        groups: dict[bool, list[Tensor]] = {False: [], True: []}
        for (name, _), master in zip(self._task.model.named_parameters(), masters, strict=True):
            groups[not name.startswith("encoder.")].append(master)
        factor = self._schedule.head_factor
        return [{"params": groups[False]}, {"params": groups[True], "factor": factor}]

    def _batches(self) -> Iterator[tuple[Any, float]]:
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(self._cut, self._epoch)
            while True:
                batches = coming.result()
                coming = pool.submit(self._cut, self._epoch + 1)
                for index in range(self._batch, len(batches)):
                    done = self._epoch + (index + 0.5) / len(batches)
                    share = done / self._schedule.epochs
                    yield batches[index], share
                self._epoch += 1
                self._batch = 0

    def _cut(self, epoch: int) -> Epoch:
        seed = (self._schedule.seed, epoch, distributed.rank())
        return self._task.epoch(epoch, np.random.default_rng(seed))

    def _progress(self, start_s: float, share: float) -> float:
        if self._schedule.minutes is None:
            return share
        return max(share, (time.monotonic() - start_s) / (60 * self._schedule.minutes))

    def _learn(self, batch: object, progress: float) -> Tensor:
        rate = learning_rate(progress, self._schedule)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        self._task.model.train()
        loss, n_tokens = self._task.loss(batch)
        self._task.model.zero_grad(set_to_none=True)
        loss.backward()
        self._weights.take_gradients()
        distributed.average_gradients(self._weights.masters)
        if self._schedule.clip_norm is not None:
            nn.utils.clip_grad_norm_(self._weights.masters, self._schedule.clip_norm)
        self._optimizer.step()
        self._weights.give_weights()
        self._n_tokens += n_tokens
        return loss.detach()

    def _report(self, loss: Tensor, progress: float, start_s: float) -> None:
        if self._log is None:
            return
        seconds = time.monotonic() - start_s - self._spent_s
        tokens_per_s = distributed.n_ranks() * self._n_tokens / max(seconds, 1e-9)
        self._log.point(
            self.n_steps, loss=float(loss), progress=progress, tokens_per_s=tokens_per_s
        )
        self._log.progress(progress, f"step {self.n_steps}  loss {float(loss):.3f}")

    def _evaluate(self) -> None:
        if self._log is not None:
            self.scores = self._task.evaluate()
            self._log.point(self.n_steps, epoch=float(self._epoch), **self.scores)

    def _next_evaluation(self, progress: float) -> float:
        n_evaluations = max(1, self._schedule.n_evaluations)
        return (math.floor(progress * n_evaluations) + 1) / n_evaluations

    def _save(self, spent_s: float) -> None:
        if self._path is None or distributed.rank() != 0:
            return
        state: dict[str, Any] = {
            "masters": self._weights.masters,
            "optimizer": self._optimizer.state_dict(),
            "step": self.n_steps,
            "epoch": self._epoch,
            "batch": self._batch,
            "spent_s": spent_s,
            "random_state": torch.get_rng_state(),
        }
        temporary = self._path.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(self._path)
