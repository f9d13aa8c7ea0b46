"""Trains boundary models (see `mtag_core.segmentation.boundaries`)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.boundaries import BoundaryModel, count_ngrams, feature_rows
from mtag_core.segmentation.units import find_units

_N_ROWS = 1 << 19
_N_COUNTS = 1 << 20
_LONGEST_COUNTED = 4

# N-grams seen less often are left out of the counts: most are chance, and they fill the table.
_MIN_COUNT = 3

_N_STEPS = 200
_LEARNING_RATE = 0.15
_TOKEN_L2 = 0.3

# Sentence ends are few: what was seen once must not be believed.
_SENTENCE_L2 = 3.0


@dataclass(frozen=True, slots=True)
class MarkedText:
    """Running text with the offsets at which its tokens and sentences end.

    Attributes:
        text: The text.
        token_ends: Offset after each token.
        sentence_ends: Offset after each sentence.
    """

    text: str
    token_ends: frozenset[int]
    sentence_ends: frozenset[int]


def train_boundary_model(
    marked: MarkedText, lines: Iterable[str], *, has_spaces: bool
) -> BoundaryModel:
    """Trains a model.

    Args:
        marked: What to learn from.
        lines: Running text, where n-grams are counted.
        has_spaces: As in `BoundaryModel`.
    """
    counts = _log_counts(lines, has_spaces=has_spaces)
    units = find_units(marked.text, has_spaces=has_spaces)
    rows = feature_rows(units, counts, n_rows=_N_ROWS)
    ends = units.ends[:-1]
    # A boundary that spaces show needs no decision where spaces always part tokens.
    is_asked = np.array(
        [has_spaces or not is_after for is_after in units.is_after_space[1:]], np.bool_
    )
    token_ends = np.array([end in marked.token_ends for end in ends], np.float32)
    sentence_ends = np.array([end in marked.sentence_ends for end in ends], np.float32)
    weights = np.stack(
        [
            _quantise(_fit(rows[is_asked], token_ends[is_asked], l2=_TOKEN_L2)),
            _quantise(_fit(rows, sentence_ends, l2=_SENTENCE_L2)),
        ]
    )
    return BoundaryModel(weights, counts, has_spaces=has_spaces)


def _log_counts(lines: Iterable[str], *, has_spaces: bool) -> NDArray[np.uint8]:
    """Counts n-grams of units, as powers of 2."""
    units = find_units("\n".join(lines), has_spaces=has_spaces)
    codes = np.array(units.codes, np.uint64)
    total = np.zeros(_N_COUNTS, np.int64)
    for n_units in range(1, _LONGEST_COUNTED + 1):
        if len(codes) >= n_units:
            rows = count_ngrams(codes, n_units, n_counts=_N_COUNTS)
            counts = np.bincount(rows, minlength=_N_COUNTS)
            total += np.where(counts >= _MIN_COUNT, counts, 0)
    return np.ceil(np.log2(total + 1)).astype(np.uint8)


def _fit(
    rows: NDArray[np.int64], targets: NDArray[np.float32], *, l2: float
) -> NDArray[np.float32]:
    """Fits a logistic model with Adam on all gaps at once, so that runs repeat exactly."""
    weights = np.zeros(_N_ROWS, np.float32)
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    flat = rows.ravel()
    for step in range(1, _N_STEPS + 1):
        probs = 1 / (1 + np.exp(-weights[rows].sum(axis=1)))
        errors = np.repeat((probs - targets).astype(np.float32), rows.shape[1])
        gradient = np.bincount(flat, weights=errors, minlength=_N_ROWS) + l2 * weights
        mean = (0.9 * mean + 0.1 * gradient).astype(np.float32)
        square = (0.99 * square + 0.01 * gradient**2).astype(np.float32)
        rate = _LEARNING_RATE * (1 - (step - 1) / _N_STEPS)
        update = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        weights -= (rate * update).astype(np.float32)
    return weights


def _quantise(weights: NDArray[np.float32]) -> NDArray[np.int8]:
    """Rounds weights to whole numbers; only the sign of a sum of them counts."""
    scale = 127 / max(float(np.abs(weights).max()), 1e-9)
    return np.clip(np.round(weights * scale), -127, 127).astype(np.int8)


def mark_text(sentences: Sequence[Sequence[tuple[str, bool]]], *, separator: str) -> MarkedText:
    """Builds running text from tokens.

    Args:
        sentences: Of surface forms, each with whether a space stands after it.
        separator: Put between sentences.
    """
    parts: list[str] = []
    token_ends, sentence_ends = set(), set()
    offset = 0
    for sentence in sentences:
        for index, (form, is_space_after) in enumerate(sentence):
            parts.append(form)
            offset += len(form)
            token_ends.add(offset)
            is_last = index == len(sentence) - 1
            after = separator if is_last else " " * is_space_after
            if is_last:
                sentence_ends.add(offset)
            parts.append(after)
            offset += len(after)
    return MarkedText("".join(parts), frozenset(token_ends), frozenset(sentence_ends))
