"""Fits the linear models of segmentation: Adam on all examples in each step, so that runs repeat.

Source: Kingma and Ba 2015 (arXiv 1412.6980), with a rate that falls to 0 in a line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.boundary_layers import LEVELS_PER_NAT
from mtag_core.segmentation.hashing import Codes, table_rows

Floats = NDArray[np.float32]

# How much of each moving average stays, and what a new value adds.
_MEAN, _SQUARE = (0.9, 0.1), (0.99, 0.01)


class Adam:
    """Says how far to move weights against their gradients.

    Args:
        n_weights: How many there are.
        n_steps: How often `change` will be asked.
        rate: Of the first step.
    """

    def __init__(self, n_weights: int, *, n_steps: int, rate: float) -> None:
        self._mean = np.zeros(n_weights, np.float32)
        self._square = np.zeros(n_weights, np.float32)
        self._n_steps, self._rate = n_steps, rate
        self._step = 0

    def change(self, gradient: NDArray[np.float64]) -> Floats:
        """What to take from the weights. Shape (n_weights,)."""
        self._step += 1
        self._mean = _moved(self._mean, gradient, *_MEAN)
        self._square = _moved(self._square, gradient**2, *_SQUARE)
        mean = self._mean / (1 - _MEAN[0] ** self._step)
        root = np.sqrt(self._square / (1 - _SQUARE[0] ** self._step))
        rate = self._rate * (1 - (self._step - 1) / self._n_steps)
        change: Floats = (rate * (mean / (root + 1e-6))).astype(np.float32)
        return change


@dataclass(frozen=True, slots=True)
class Examples:
    """Places with the same number of features.

    Attributes:
        features: Hashes. Shape (n, n_features).
        offsets: Scores of the layers below, in nats. Shape (n,).
        n_ends: How much says that a boundary is there. Shape (n,).
        n_insides: How much says that none is there. Shape (n,).
    """

    features: Codes
    offsets: Floats
    n_ends: Floats
    n_insides: Floats


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How weights are fitted.

    Attributes:
        n_rows: Size of the table, a power of 2.
        l2: Penalty on squared weights.
        min_count: Features of fewer places get no weight.
        n_steps: Of Adam.
        rate: Of its first step.
    """

    n_rows: int
    l2: float = 0.5
    min_count: float = 2.0
    n_steps: int = 80
    rate: float = 0.2


def fit(groups: Sequence[Examples], options: FitOptions) -> NDArray[np.int8]:
    """Fits and rounds a layer's weights by logistic regression.

    Args:
        groups: Examples, by number of features.
        options: How.

    Returns:
        Weights in eighths of a nat. Shape (n_rows,).
    """
    groups = [group for group in groups if len(group.features)]
    n_rows = options.n_rows
    rows = [table_rows(group.features, n_rows) for group in groups]
    counts = np.zeros(n_rows)
    for group, of_group in zip(groups, rows, strict=True):
        seen = np.repeat(np.minimum(group.n_ends + group.n_insides, 3.0), of_group.shape[1])
        counts += np.bincount(of_group.ravel(), seen, minlength=n_rows)
    is_kept = counts >= options.min_count
    n_kept = int(is_kept.sum())
    # Kept rows are numbered anew; the last number stands for all others and stays at 0.
    numbers = np.full(n_rows, n_kept, np.int64)
    numbers[is_kept] = np.arange(n_kept)
    weights = _descend(groups, [numbers[of_group] for of_group in rows], n_kept, options)
    table = np.zeros(n_rows, np.int8)
    table[is_kept] = np.clip(np.round(weights * LEVELS_PER_NAT), -127, 127).astype(np.int8)
    return table


def _descend(
    groups: Sequence[Examples],
    rows: Sequence[NDArray[np.int64]],
    n_weights: int,
    options: FitOptions,
) -> NDArray[Any]:
    weights = np.zeros(n_weights + 1, np.float32)
    adam = Adam(n_weights + 1, n_steps=options.n_steps, rate=options.rate)
    for _ in range(options.n_steps):
        gradient = (options.l2 * weights).astype(np.float64)
        for group, of_group in zip(groups, rows, strict=True):
            scores = group.offsets + weights[of_group].sum(axis=1)
            probs = 1 / (1 + np.exp(-np.clip(scores, -30, 30)))
            errors = probs * (group.n_ends + group.n_insides) - group.n_ends
            repeated = np.repeat(errors, of_group.shape[1])
            gradient += np.bincount(of_group.ravel(), repeated, minlength=n_weights + 1)
        weights -= adam.change(gradient)
        weights[-1] = 0
    return weights[:-1]


def _moved(mean: Floats, value: NDArray[np.float64], stays: float, added: float) -> Floats:
    return (stays * mean + added * value).astype(np.float32)
