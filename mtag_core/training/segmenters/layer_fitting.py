"""Fits the weights of a layer of boundary models: logistic regression on hashed features."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.boundary_layers import LEVELS_PER_NAT
from mtag_core.segmentation.hashing import Codes, table_rows

Floats = NDArray[np.float32]


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
        n_steps: Of Adam, on all examples each.
        rate: Of Adam, at the start; falls to 0.
    """

    n_rows: int
    l2: float = 0.5
    min_count: float = 2.0
    n_steps: int = 80
    rate: float = 0.2


def fit(groups: Sequence[Examples], options: FitOptions) -> NDArray[np.int8]:
    """Fits and rounds weights; the same examples give the same bytes.

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
    # Kept rows are numbered anew; the last number stands for all others and stays at 0.
    numbers = np.full(n_rows, int(is_kept.sum()), np.int64)
    numbers[is_kept] = np.arange(int(is_kept.sum()))
    weights = _descend(
        groups, [numbers[of_group] for of_group in rows], int(is_kept.sum()), options
    )
    table = np.zeros(n_rows, np.int8)
    table[is_kept] = np.clip(np.round(weights * LEVELS_PER_NAT), -127, 127).astype(np.int8)
    return table


def _descend(
    groups: Sequence[Examples],
    rows: Sequence[NDArray[np.int64]],
    n_weights: int,
    options: FitOptions,
) -> NDArray[np.float64]:
    """Minimises the penalised loss with Adam: shape (n_weights,)."""
    weights, first, second = (np.zeros(n_weights + 1) for _ in range(3))
    for step in range(options.n_steps):
        gradient = options.l2 * weights
        for group, of_group in zip(groups, rows, strict=True):
            scores = group.offsets + weights[of_group].sum(axis=1)
            probs = 1 / (1 + np.exp(-np.clip(scores, -30, 30)))
            errors = probs * (group.n_ends + group.n_insides) - group.n_ends
            repeated = np.repeat(errors, of_group.shape[1])
            gradient += np.bincount(of_group.ravel(), repeated, minlength=n_weights + 1)
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        rate = options.rate * (1 - step / options.n_steps)
        corrected = first / (1 - 0.9 ** (step + 1))
        weights -= rate * corrected / (np.sqrt(second / (1 - 0.99 ** (step + 1))) + 1e-6)
        weights[-1] = 0
    return weights[:-1]
