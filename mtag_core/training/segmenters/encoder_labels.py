"""Fine-tunes encoders that choose an answer for each token, and labels text with them.

What small models can learn from a treebank is limited by its size. A pretrained encoder needs fewer
examples; it labels text for `train segmenters --labelled`. For the networks of Japanese, Vietnamese
and Chinese teachers say where tokens and sentences end (`boundary_teacher`); for split models an
encoder splits surface tokens (`split_encoder`).
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.storage import create_text
from mtag_core.training.data.datasets import NO_NOISE, cut_batches
from mtag_core.training.data.pieces import DeviceSentences
from mtag_core.training.loops.trainer import Trainer, TrainingLog, TrainingTask
from mtag_core.training.options import Schedule
from mtag_core.training.segmenter_options import LabellingOptions

_LOGGER = logging.getLogger(__name__)
_LABELLING_BUDGET = 4_096

Members = Sequence[nn.Module]
"""Models whose probabilities are averaged: from a batch and the answers of its tokens to scores of
the shape (n_tokens, n_answers), minus infinity where a token has fewer answers."""

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Questions:
    """Sentences on a device, and what gives some tokens, by their numbers, their answers.

    These are an object that members know, with `is_right`, shape (n_tokens, n_answers).
    """

    sentences: DeviceSentences
    answers: Callable[[Tensor], Any]


def fine_tune(
    build: Callable[[], nn.Module],
    known: Questions,
    evaluate: Callable[[Members], dict[str, float]],
    options: LabellingOptions,
    *,
    name: str = "member",
    head_factor: float = 1.0,
) -> Members:
    """Trains a member with each rate of the options.

    Args:
        build: Makes a member on its device.
        known: What it learns.
        evaluate: Scores members.
        options: Say how long and how fast.
        name: Of the directories of curves, before the seed.
        head_factor: As in `Schedule`.
    """
    noise = replace(NO_NOISE, piece_dropout=options.piece_dropout)
    minutes = options.minutes / len(options.peak_rates) if options.minutes else None
    members: list[nn.Module] = []

    def epoch(number: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
        lengths = known.sentences.lengths
        return cut_batches(lengths, piece_budget=options.piece_budget, generator=generator)

    def loss(indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        batch = known.sentences.batch(indices, noise)
        answers = known.answers(batch.token_index)
        return answer_loss(members[-1](batch, answers), answers.is_right)

    for seed, rate in enumerate(options.peak_rates, start=options.seed):
        torch.manual_seed(seed)
        members.append(build())
        schedule = Schedule(epochs=options.epochs, minutes=minutes, peak_rate=rate, seed=seed)
        schedule = replace(schedule, warmup_share=0.1, head_factor=head_factor)
        task = TrainingTask(members[-1], epoch, loss, lambda: evaluate(members[-1:]))
        directory = options.output / f"{name}{seed}"
        directory.mkdir(parents=True, exist_ok=True)
        Trainer(task, schedule, log=TrainingLog(directory)).run()
        _LOGGER.info("%d members together: %s", len(members), evaluate(members))
    return members


def answer_loss(scores: Tensor, is_right: Tensor) -> tuple[Tensor, int]:
    """Mean negative log probability of what is right, over tokens that have a right answer.

    Returns:
        The loss, shape (), and the number of those tokens.
    """
    has_right = is_right.any(dim=-1)
    log_probs = scores[has_right].float().log_softmax(dim=-1)
    log_right = log_probs.masked_fill(~is_right[has_right], -inf).logsumexp(dim=-1)
    return -log_right.sum() / max(1, len(log_right)), len(log_right)


@torch.no_grad()
def probabilities(
    members: Members, asked: Questions
) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """Yields numbers of tokens, and how probable their answers are: (n_tokens, n_answers)."""
    for member in members:
        member.eval()
    for indices in cut_batches(asked.sentences.lengths, piece_budget=_LABELLING_BUDGET):
        batch = asked.sentences.batch(indices)
        answers = asked.answers(batch.token_index)
        probs = [member(batch, answers).float().softmax(dim=-1) for member in members]
        yield batch.token_index.tolist(), torch.stack(probs).mean(dim=0).cpu().numpy()


def write_labels(
    output: Path,
    texts: Mapping[str, Iterable[_Item]],
    label: Callable[[list[_Item]], Iterable[str]],
    *,
    n_at_once: int,
) -> Iterator[Path]:
    """Writes files of labels by their names, from a number of items at a time; yields them."""
    for name, items in texts.items():
        rest = iter(items)
        with create_text(output / name) as sink:
            while group := list(islice(rest, n_at_once)):
                sink.writelines(label(group))
                _LOGGER.info("%s: %d labelled", name, len(group))
        yield output / name
