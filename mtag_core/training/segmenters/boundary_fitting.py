"""Fits the weights of boundary models: logistic regression over hashed features."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64] | NDArray[np.int32]
Weights = NDArray[np.float32]

_N_STEPS = 200
_LEARNING_RATE = 0.15
_N_EPOCHS = 4
_BATCH_RATE = 0.1
_BATCH_GAPS = 8192


class Examples(NamedTuple):
    """Gaps with what is known about them.

    Attributes:
        rows: Features of each gap. Shape (n_gaps, n_features).
        targets: Probability that there is a boundary. Shape (n_gaps,).
        weight: How much each gap counts.
    """

    rows: Rows
    targets: NDArray[np.float32]
    weight: float = 1.0


def fit_at_once(examples: Examples, *, n_rows: int, l2: float) -> Weights:
    """Fits few examples: Adam on all of them in each step, so that runs repeat exactly.

    Args:
        examples: Their weight is not used.
        n_rows: Size of the table of features.
        l2: Penalty on squared weights, for the whole of the examples.

    Returns:
        Shape (n_rows,).
    """
    rows, targets, _ = examples
    weights = np.zeros(n_rows, np.float32)
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    flat = rows.ravel()
    for step in range(1, _N_STEPS + 1):
        errors = np.repeat(_errors(weights, rows, targets), rows.shape[1])
        gradient = np.bincount(flat, weights=errors, minlength=n_rows) + l2 * weights
        mean = (0.9 * mean + 0.1 * gradient).astype(np.float32)
        square = (0.99 * square + 0.01 * gradient**2).astype(np.float32)
        rate = _LEARNING_RATE * (1 - (step - 1) / _N_STEPS)
        update = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        weights -= (rate * update).astype(np.float32)
    return weights


def fit_in_batches(parts: Sequence[Examples], *, n_rows: int, seed: int = 1) -> Weights:
    """Fits millions of examples: AdaGrad on some thousands a step, in an order of the seed.

    Args:
        parts: All with the same features.
        n_rows: Size of the table of features.
        seed: Of the order.

    Returns:
        Shape (n_rows,).
    """
    rows = np.concatenate([part.rows for part in parts])
    targets = np.concatenate([part.targets for part in parts])
    gap_weights = np.repeat(
        np.array([part.weight for part in parts], np.float32), [len(part.rows) for part in parts]
    )
    weights = np.zeros(n_rows, np.float32)
    squares = np.full(n_rows, 1e-8, np.float32)
    generator = np.random.default_rng(seed)
    n_steps = _N_EPOCHS * -(-len(rows) // _BATCH_GAPS)
    step = 0
    for _ in range(_N_EPOCHS):
        order = generator.permutation(len(rows))
        for start in range(0, len(rows), _BATCH_GAPS):
            batch = order[start : start + _BATCH_GAPS]
            errors = _errors(weights, rows[batch], targets[batch]) * gap_weights[batch]
            repeated = np.repeat(errors, rows.shape[1])
            gradient = np.bincount(rows[batch].ravel(), weights=repeated, minlength=n_rows)
            squares += (gradient**2).astype(np.float32)
            rate = _BATCH_RATE * (1 - step / n_steps)
            weights -= (rate * gradient / np.sqrt(squares)).astype(np.float32)
            step += 1
    return weights


def quantise(weights: Weights, *, n_levels: int = 127) -> NDArray[np.int8]:
    """Rounds weights to whole numbers; only the sign of a sum of them counts.

    Args:
        weights: Shape (n_rows,).
        n_levels: What the largest becomes, but for one in ten thousand that are larger where the
            levels are few: few levels compress well.
    """
    sizes = np.abs(weights)
    largest = sizes.max() if n_levels == 127 else np.quantile(sizes, 0.9999)
    scale = n_levels / max(float(largest), 1e-9)
    return np.clip(np.round(weights * scale), -127, 127).astype(np.int8)


def _errors(weights: Weights, rows: Rows, targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability less target of each gap: shape (n_gaps,)."""
    probs = 1 / (1 + np.exp(-weights[rows].sum(axis=1)))
    errors: NDArray[np.float32] = (probs - targets).astype(np.float32)
    return errors
