"""Trains boundary models (see `mtag_core.segmentation.boundaries`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.boundaries import BoundaryModel, Counts, count_ngrams, feature_rows
from mtag_core.segmentation.units import UnitTable, find_units
from mtag_core.training.segmenters.boundary_fitting import (
    Examples,
    fit_at_once,
    fit_in_batches,
    quantise,
)
from mtag_core.training.segmenters.boundary_marks import UNMARKED

_N_ROWS = 1 << 19
_N_COUNTS = 1 << 20
_LONGEST_COUNTED = 4

# Labelled text shows more n-grams of characters than a treebank; of syllables, many are one word.
# Coarser weights keep the file small.
_N_ROWS_LABELLED = 1 << 20
_N_LEVELS_LABELLED = 12

# A treebank's gap counts as some gaps of labelled text.
_TREEBANK_WEIGHT = 4.0

# N-grams seen less often are left out of the counts: most are chance, and they fill the table.
_MIN_COUNT = 3

_TOKEN_L2 = 0.3

# Sentence ends are few: what was seen once must not be believed.
_SENTENCE_L2 = 3.0

# Sentences of labelled text whose features are made together.
_GROUP_SENTENCES = 5000

MarkedSentence = tuple[str, Mapping[int, float]]
"""A text, and the probabilities of token ends by the offset after a unit, where not near 0."""


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
    marked: MarkedText,
    lines: Iterable[str],
    *,
    has_spaces: bool,
    labelled: Iterable[MarkedSentence] = (),
) -> BoundaryModel:
    """Trains a model.

    Args:
        marked: What to learn from.
        lines: Running text, where n-grams are counted.
        has_spaces: As in `BoundaryModel`.
        labelled: Text to learn token ends from too.
    """
    counts = count_text(lines, has_spaces=has_spaces)
    separator = " " if has_spaces else ""
    sentences = iter(labelled)
    n_rows = _N_ROWS if has_spaces else _N_ROWS_LABELLED
    parts = []
    while group := list(islice(sentences, _GROUP_SENTENCES)):
        text, probs = _joined(group, separator)
        parts.append(
            gap_examples(
                text,
                probs,
                counts,
                n_rows=n_rows,
                has_spaces=has_spaces,
                other=UNMARKED,
            )
        )
    n_rows = n_rows if parts else _N_ROWS
    token_probs = dict.fromkeys(marked.token_ends, 1.0)
    own = gap_examples(marked.text, token_probs, counts, n_rows=n_rows, has_spaces=has_spaces)
    if parts:
        weights = fit_in_batches([own._replace(weight=_TREEBANK_WEIGHT), *parts], n_rows=n_rows)
        token_weights = quantise(weights, n_levels=_N_LEVELS_LABELLED)
    else:
        token_weights = quantise(fit_at_once(own, n_rows=n_rows, l2=_TOKEN_L2))
    sentence_weights = _sentence_weights(marked, counts, n_rows=n_rows, has_spaces=has_spaces)
    return BoundaryModel(np.stack([token_weights, sentence_weights]), counts, has_spaces=has_spaces)


def gap_examples(
    text: str,
    token_ends: Mapping[int, float],
    counts: Counts,
    *,
    n_rows: int,
    has_spaces: bool,
    other: float = 0.0,
) -> Examples:
    """Lays out the gaps of a text at which a model has to decide.

    Args:
        text: At least one unit long.
        token_ends: Probabilities by the offset after a unit.
        counts: As in `BoundaryModel`.
        n_rows: Size of the table of features.
        has_spaces: As in `BoundaryModel`.
        other: Probability where there is none given.
    """
    units = find_units(text, has_spaces=has_spaces)
    rows = feature_rows(units, counts, n_rows=n_rows).astype(np.int32)
    is_asked = asked_gaps(units, has_spaces=has_spaces)
    targets = np.array([token_ends.get(end, other) for end in units.ends[:-1]], np.float32)
    return Examples(rows[is_asked], targets[is_asked])


def asked_gaps(units: UnitTable, *, has_spaces: bool) -> NDArray[np.bool_]:
    """Says which gaps need a decision: not those with a space, where spaces always part tokens."""
    after_space = np.array(units.is_after_space[1:], np.bool_)
    return np.ones_like(after_space) if has_spaces else ~after_space


def _joined(sentences: Sequence[MarkedSentence], separator: str) -> tuple[str, dict[int, float]]:
    """Joins sentences to running text."""
    probs: dict[int, float] = {}
    offset = 0
    for text, offsets in sentences:
        probs |= {offset + end: prob for end, prob in offsets.items()}
        offset += len(text) + len(separator)
    return separator.join(text for text, _ in sentences), probs


def _sentence_weights(
    marked: MarkedText, counts: Counts, *, n_rows: int, has_spaces: bool
) -> NDArray[np.int8]:
    """Learns where sentences end: shape (n_rows,)."""
    units = find_units(marked.text, has_spaces=has_spaces)
    rows = feature_rows(units, counts, n_rows=n_rows)
    targets = np.array([end in marked.sentence_ends for end in units.ends[:-1]], np.float32)
    return quantise(fit_at_once(Examples(rows, targets), n_rows=n_rows, l2=_SENTENCE_L2))


def count_text(lines: Iterable[str], *, has_spaces: bool) -> NDArray[np.uint8]:
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
