"""Fits the weights of split models: a log-linear model over the scripts of each token."""

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.split_features import IDENTITY_COLUMNS, N_SCRIPT_COLUMNS
from mtag_core.training.segmenters.adam import Adam
from mtag_core.training.segmenters.split_examples import Rows, SplitExamples

_LEARNING_RATE = 0.1
_N_STEPS = 100
_L2 = 0.5
_NEIGHBOUR_L2 = 3.0

# Shares of tokens that are fitted without features of the whole form, so that forms never seen are
# split by their parts, and without their neighbours, which must not explain what the form does.
_WITHOUT_IDENTITY = 0.2
_WITHOUT_NEIGHBOURS = 0.3


def fit_splits(examples: SplitExamples, *, n_rows: int, seed: int = 1) -> NDArray[np.float32]:
    """Fits weights with Adam on all tokens in each step, so that runs repeat exactly.

    Args:
        examples: What to learn from; without any, all weights are 0.
        n_rows: Size of the table of features.
        seed: Chooses the features that each step leaves out.

    Returns:
        Shape (n_rows,).
    """
    # One row more stands for the features that are left out.
    weights = np.zeros(n_rows + 1, np.float32)
    if not len(examples.sizes):
        return weights[:n_rows]
    adam = Adam(n_rows + 1, n_steps=_N_STEPS, rate=_LEARNING_RATE, epsilon=1e-6)
    penalties = np.full(n_rows + 1, _L2)
    penalties[n_rows // 2 :] = _NEIGHBOUR_L2
    generator = np.random.default_rng(seed)
    for _ in range(_N_STEPS):
        rows = _thinned(examples, generator, left_out=n_rows)
        errors = _errors(weights[rows].sum(axis=1), examples)
        repeated = np.repeat(errors, rows.shape[1])
        sums = np.bincount(rows.ravel(), weights=repeated, minlength=n_rows + 1)
        weights -= adam.change(sums + penalties * weights)
        weights[n_rows] = 0
    return weights[:n_rows]


def quantise_splits(weights: NDArray[np.float32], *, n_levels: int) -> NDArray[np.int8]:
    """Rounds weights to whole numbers: only which sum of them is larger counts.

    Args:
        weights: Shape (n_rows,).
        n_levels: What the largest becomes, up to 127; few levels compress well.
    """
    scale = n_levels / max(float(np.abs(weights).max()), 1e-9)
    return np.round(weights * scale).astype(np.int8)


def _thinned(examples: SplitExamples, generator: np.random.Generator, *, left_out: int) -> Rows:
    """The features of all scripts, some of some tokens replaced by a row that counts nothing."""
    rows = examples.rows.copy()
    n_tokens = len(examples.sizes)
    without = np.repeat(generator.random(n_tokens) < _WITHOUT_IDENTITY, examples.sizes)
    rows[np.ix_(np.flatnonzero(without), IDENTITY_COLUMNS)] = left_out
    without = np.repeat(generator.random(n_tokens) < _WITHOUT_NEIGHBOURS, examples.sizes)
    rows[without, N_SCRIPT_COLUMNS:] = left_out
    return rows


def _errors(scores: NDArray[np.float32], examples: SplitExamples) -> NDArray[np.float32]:
    """Probability less target of each script, weighed; scripts that are right share the target."""
    sizes = examples.sizes
    starts = np.cumsum(sizes) - sizes
    probs = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), sizes))
    probs /= np.repeat(np.add.reduceat(probs, starts), sizes)
    right = np.where(examples.is_right, probs, 0)
    totals = np.maximum(np.add.reduceat(right, starts), 1e-9)
    errors = probs - right / np.repeat(totals, sizes)
    weighted: NDArray[np.float32] = (errors * np.repeat(examples.weights, sizes)).astype(np.float32)
    return weighted
