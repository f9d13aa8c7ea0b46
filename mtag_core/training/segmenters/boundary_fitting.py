"""Fits linear models that label text: logistic regression over hashed features."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtag_core.training.segmenters.adam import Adam

Rows = NDArray[np.int64] | NDArray[np.int32]
Weights = NDArray[np.float32]

_N_STEPS = 200
_LEARNING_RATE = 0.15


class Examples(NamedTuple):
    """Gaps with what is known about them.

    Attributes:
        rows: Features of each gap. Shape (n_gaps, n_features).
        targets: Probability that there is a boundary. Shape (n_gaps,).
    """

    rows: Rows
    targets: NDArray[np.float32]


def fit_at_once(examples: Examples, *, n_rows: int, l2: float) -> Weights:
    """Fits few examples: Adam on all of them in each step, so that runs repeat exactly.

    Args:
        examples: At least one.
        n_rows: Size of the table of features.
        l2: Penalty on squared weights, for the whole of the examples.

    Returns:
        Shape (n_rows,).
    """
    rows, targets = examples
    weights = np.zeros(n_rows, np.float32)
    adam = Adam(n_rows, n_steps=_N_STEPS, rate=_LEARNING_RATE, epsilon=1e-8)
    flat = rows.ravel()
    for _ in range(_N_STEPS):
        errors = np.repeat(_errors(weights, rows, targets), rows.shape[1])
        gradient = np.bincount(flat, weights=errors, minlength=n_rows) + l2 * weights
        weights -= adam.change(gradient)
    return weights


def _errors(weights: Weights, rows: Rows, targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability less target of each gap: shape (n_gaps,)."""
    probs = 1 / (1 + np.exp(-weights[rows].sum(axis=1)))
    errors: NDArray[np.float32] = (probs - targets).astype(np.float32)
    return errors
