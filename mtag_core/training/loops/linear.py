"""Fits linear models: Adam on all examples in each step, so that runs repeat.

Source: Kingma and Ba 2015 (arXiv 1412.6980), with a rate that falls to 0 in a line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.boundary_layers import LEVELS_PER_NAT
from mtag_core.segmentation.hashing import Codes, table_rows

Floats = NDArray[np.float32]

_N_ROWS = 1 << 18
_N_STEPS, _RATE = 100, 0.2
# Features of fewer places get no weight.
_MIN_COUNT = 2.0


def descend(
    gradient_at: Callable[[Floats], NDArray[np.float64]],
    n_weights: int,
    *,
    n_steps: int,
    rate: float,
) -> Floats:
    """Moves weights from 0 against their gradients; `rate` is that of the first step."""
    weights, mean, square = np.zeros((3, n_weights), np.float32)
    for step in range(n_steps):
        gradient = gradient_at(weights)
        mean = (0.9 * mean + 0.1 * gradient).astype(np.float32)
        square = (0.99 * square + 0.01 * gradient**2).astype(np.float32)
        root = np.sqrt(square / (1 - 0.99 ** (step + 1)))
        change = (mean / (1 - 0.9 ** (step + 1))) / (root + 1e-6)
        weights -= (rate * (1 - step / n_steps) * change).astype(np.float32)
    return weights


@dataclass(frozen=True, slots=True)
class Examples:
    """Places with the same number of features, hashes, shape (n, n_features).

    Of each, shape (n,): the score of the layers below, in eighths of a nat, and how much says that
    a boundary is there and that none is.
    """

    features: Codes
    offsets: NDArray[np.int32]
    n_ends: Floats
    n_insides: Floats


def fit(groups: Sequence[Examples], l2: float) -> NDArray[np.int8]:
    """Weights, in eighths of a nat, (2^18,), by logistic regression with a penalty on squares."""
    groups = [group for group in groups if len(group.features)]
    rows = [table_rows(group.features, _N_ROWS) for group in groups]
    offsets = [(group.offsets / LEVELS_PER_NAT).astype(np.float32) for group in groups]
    counts = np.zeros(_N_ROWS)
    for group, of_group in zip(groups, rows, strict=True):
        seen = np.repeat(np.minimum(group.n_ends + group.n_insides, 3.0), of_group.shape[1])
        counts += np.bincount(of_group.ravel(), seen, minlength=_N_ROWS)
    is_kept = counts >= _MIN_COUNT
    n_kept = int(is_kept.sum())
    # Kept rows are numbered anew; the last number stands for all others and stays at 0.
    numbers = np.full(_N_ROWS, n_kept, np.int64)
    numbers[is_kept] = np.arange(n_kept)
    rows = [numbers[of_group] for of_group in rows]

    def gradient_at(weights: Floats) -> NDArray[Any]:
        gradient = (l2 * weights).astype(np.float64)
        for group, below, of_group in zip(groups, offsets, rows, strict=True):
            scores = below + weights[of_group].sum(axis=1)
            probs = 1 / (1 + np.exp(-np.clip(scores, -30, 30)))
            errors = probs * (group.n_ends + group.n_insides) - group.n_ends
            repeated = np.repeat(errors, of_group.shape[1])
            gradient += np.bincount(of_group.ravel(), repeated, minlength=n_kept + 1)
        gradient[n_kept] = 0
        return gradient

    weights = descend(gradient_at, n_kept + 1, n_steps=_N_STEPS, rate=_RATE)[:n_kept]
    table = np.zeros(_N_ROWS, np.int8)
    table[is_kept] = np.clip(np.round(weights * LEVELS_PER_NAT), -127, 127).astype(np.int8)
    return table
