"""Trains the model that splits surface tokens (see `mtag_core.segmentation.splits`)."""

import re
from collections import Counter
from collections.abc import Iterable
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.splits import (
    N_COUNTS,
    N_ROWS,
    WHOLE,
    Candidates,
    Script,
    SplitModel,
    count_row,
    feature_rows,
)

_N_STEPS = 150
_LEARNING_RATE = 0.1
_L2 = 0.5

# Scripts seen less often are one form's oddity.
_MIN_COUNT = 2

# Letters and the signs inside words, such as the Hebrew marks of abbreviation.
_WORD = re.compile(r"\w+(?:[\"'\u05f3\u05f4]\w+)*")

SurfaceToken = tuple[str, tuple[str, ...]]


def train_split_model(tokens: Iterable[SurfaceToken], lines: Iterable[str]) -> SplitModel:
    """Trains a model.

    Args:
        tokens: Surface forms with their tokens, one each for those that are no multiword token.
        lines: Running text, where forms are counted.

    Returns:
        A model that keeps about 300 KB.
    """
    pair_to_count = Counter(tokens)
    script_to_count: Counter[Script] = Counter()
    for (form, parts), count in pair_to_count.items():
        if len(parts) > 1:
            script_to_count[script_of(form, parts)] += count
    scripts = sorted(
        (script for script, count in script_to_count.items() if count >= _MIN_COUNT), key=str
    )
    counts = _log_counts(lines)
    rows, targets, is_real = _examples(pair_to_count, Candidates(scripts), counts)
    weights = _fit(rows, targets, is_real)
    scale = 127 / max(float(np.abs(weights).max()), 1e-9)
    return SplitModel(scripts, np.round(weights * scale).astype(np.int8), counts)


def script_of(form: str, parts: tuple[str, ...]) -> Script:
    """The script that makes a form's tokens, around the token that shares most with the form."""
    if len(parts) == 1:
        return WHOLE
    matches = [
        SequenceMatcher(None, form, part, autojunk=False).find_longest_match() for part in parts
    ]
    stem = max(range(len(parts)), key=lambda index: (matches[index].size, index))
    match = matches[stem]
    part = parts[stem]
    return Script(
        prefix=form[: match.a],
        suffix=form[match.a + match.size :],
        before=parts[:stem],
        pre=part[: match.b],
        post=part[match.b + match.size :],
        after=parts[stem + 1 :],
    )


def _log_counts(lines: Iterable[str]) -> NDArray[np.uint8]:
    """Counts the forms of running text, as powers of 2."""
    counts = np.zeros(N_COUNTS, np.int64)
    form_to_count = Counter(
        form.strip(".,;:!?\"'()[]«»،؛؟-") for line in lines for form in line.split()
    )
    for form, count in form_to_count.items():
        if count > 1:
            counts[count_row(form)] += count
    return np.ceil(np.log2(counts + 1)).astype(np.uint8)


def _examples(
    pair_to_count: Counter[SurfaceToken], candidates: Candidates, counts: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
    """Lays out every form with its candidates.

    Returns:
        Feature rows, shape (n_forms, n_candidates, n_features); how often each candidate is right,
        shape (n_forms, n_candidates); and which candidates are real, the rest being padding.
    """
    form_to_parts: dict[str, Counter[tuple[str, ...]]] = {}
    for (form, parts), count in pair_to_count.items():
        form_to_parts.setdefault(form, Counter())[parts] += count
    all_rows, all_targets = [], []
    for form, parts_to_count in sorted(form_to_parts.items()):
        scripts = list(candidates.of(form))
        if len(scripts) > 1:
            all_rows.append([feature_rows(form, script, counts) for script in scripts])
            all_targets.append([parts_to_count[script.apply(form)] for script in scripts])
    width = max(map(len, all_rows), default=1)
    rows = np.zeros((len(all_rows), width, len(feature_rows("a", WHOLE, counts))), np.int64)
    targets = np.zeros((len(all_rows), width), np.float32)
    is_real = np.zeros((len(all_rows), width), np.bool_)
    for index, (some_rows, some_targets) in enumerate(zip(all_rows, all_targets, strict=True)):
        rows[index, : len(some_rows)] = some_rows
        targets[index, : len(some_rows)] = some_targets
        is_real[index, : len(some_rows)] = True
    return rows, targets, is_real


def _fit(
    rows: NDArray[np.int64], targets: NDArray[np.float32], is_real: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Fits a log-linear model with Adam on all examples at once, so that runs repeat exactly."""
    weights = np.zeros(N_ROWS, np.float32)
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    flat = rows[is_real]
    totals = targets.sum(axis=1, keepdims=True)
    for step in range(1, _N_STEPS + 1):
        logits = np.where(is_real, weights[rows].sum(axis=2), -np.inf)
        probs = np.exp(logits - logits.max(axis=1, keepdims=True))
        probs /= probs.sum(axis=1, keepdims=True)
        errors = (probs * totals - targets)[is_real]
        gradient = np.bincount(
            flat.ravel(), weights=np.repeat(errors, flat.shape[1]), minlength=N_ROWS
        )
        gradient = gradient + _L2 * weights
        mean = (0.9 * mean + 0.1 * gradient).astype(np.float32)
        square = (0.99 * square + 0.01 * gradient**2).astype(np.float32)
        rate = _LEARNING_RATE * (1 - (step - 1) / _N_STEPS)
        update = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-6)
        weights -= (rate * update).astype(np.float32)
    return weights
