"""A linear model that says between which units of a text tokens and sentences end.

Units are characters (Chinese, Japanese) or syllables (Vietnamese). Each gap between two units is
scored by itself, from hashed n-grams of the units around it and from how often those n-grams occur
in running text, so that a text is scored with a few numpy operations.
Source: the character window features of Low et al. 2005 (ACL I05-3025), the gap classifier of
Neubig et al. 2011 (ACL P11-2093), counts as in Sun and Xu 2011 (ACL D11-1090).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import BundleError
from mtag_core.segmentation.raw import RawSentence
from mtag_core.segmentation.units import SPACED_LETTERS, UnitTable, find_units

Codes = NDArray[np.uint64]
Counts = NDArray[np.uint8]

# Units on either side of a gap that features look at.
_N_CONTEXT = 4

# Offsets of the units in each n-gram, counted from the gap: -1 is the unit before it, 0 after it.
_NGRAMS: tuple[tuple[int, ...], ...] = (
    *((-3,), (-2,), (-1,), (0,), (1,), (2,)),
    *((-3, -2), (-2, -1), (-1, 0), (0, 1), (1, 2), (-2, 0), (-1, 1)),
    *((-3, -2, -1), (-2, -1, 0), (-1, 0, 1), (0, 1, 2)),
    *((-3, -2, -1, 0), (-2, -1, 0, 1), (-1, 0, 1, 2)),
)
_KIND_NGRAMS: tuple[tuple[int, ...], ...] = (
    *((-1, 0), (-2, -1, 0), (-1, 0, 1), (-2, -1, 0, 1), (-3, -2, -1, 0, 1, 2)),
)

# Odd constants of splitmix64, so that a product spreads every bit of a code.
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SPREAD = np.uint64(0x94D049BB133111EB)


class BoundaryModel:
    """Weights of the two decisions about a gap: a token ends there, a sentence ends there."""

    def __init__(self, weights: NDArray[np.int8], counts: Counts, *, has_spaces: bool) -> None:
        """Wraps a trained model.

        Args:
            weights: Shape (2, n_rows), n_rows a power of 2.
            counts: Shape (n_counts,), a power of 2; logarithms of n-gram counts.
            has_spaces: Units are syllables and a token may hold spaces, as in Vietnamese.
        """
        self._weights = weights
        self._counts = counts
        self._has_spaces = has_spaces

    @classmethod
    def load(cls, path: Path) -> "BoundaryModel":
        """Opens an `.npz` file that `save` wrote.

        Raises:
            BundleError: The file is missing or holds something else.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                has_spaces = bool(arrays["has_spaces"])
                return cls(arrays["weights"], arrays["counts"], has_spaces=has_spaces)
        except (OSError, KeyError, ValueError) as error:
            raise BundleError(f"{path}: expected a boundary model: {error}") from error

    def save(self, path: Path) -> None:
        """Writes the model for `load`."""
        with path.open("wb") as stream:
            np.savez_compressed(
                stream,
                weights=self._weights,
                counts=self._counts,
                has_spaces=np.bool_(self._has_spaces),
            )

    def tokenize(self, text: str) -> Iterator[RawSentence]:
        """Yields the sentences of cleaned text in order."""
        units = find_units(text, has_spaces=self._has_spaces)
        if not units.ends:
            return
        rows = feature_rows(units, self._counts, n_rows=self._weights.shape[1])
        is_sentence_end = self._weights[1][rows].sum(axis=1, dtype=np.int32) > 0
        is_token_end = self._weights[0][rows].sum(axis=1, dtype=np.int32) > 0
        is_token_end |= is_sentence_end
        if not self._has_spaces:
            is_space = np.array(units.is_after_space[1:], np.bool_)
            # A foreign word in a line of this language stays whole: its script marks its ends.
            is_letter = np.isin(units.kinds, SPACED_LETTERS)
            is_inside = is_letter[:-1] & is_letter[1:] & ~is_space
            is_sentence_end &= ~is_inside
            is_token_end = (is_token_end & ~is_inside) | is_space
        last_unit = len(units.ends) - 1
        lasts = [*np.flatnonzero(is_token_end).tolist(), last_unit]
        sentence = RawSentence([], [], [], [])
        first = 0
        for last in lasts:
            sentence.forms.append(None)
            sentence.starts.append(units.starts[first])
            sentence.ends.append(units.ends[last])
            first = last + 1
            if last == last_unit or is_sentence_end[last]:
                yield sentence
                sentence = RawSentence([], [], [], [])


def feature_rows(units: UnitTable, counts: Counts, *, n_rows: int) -> NDArray[np.int64]:
    """Hashes the features of every gap between units.

    Args:
        units: At least one.
        counts: As in `BoundaryModel`.
        n_rows: Size of the hash table, a power of 2.

    Returns:
        Shape (n_units - 1, n_features), each from 0 to n_rows - 1.
    """
    codes = np.pad(np.array(units.codes, np.uint64), _N_CONTEXT)
    spaced_kinds = [
        k + 16 * after for k, after in zip(units.kinds, units.is_after_space, strict=True)
    ]
    kinds = np.pad(np.array(spaced_kinds, np.uint64), _N_CONTEXT)
    n_gaps = len(units.codes) - 1
    columns = [_hash_around(codes, ngram, n_gaps, seed) for seed, ngram in enumerate(_NGRAMS)]
    columns += [
        _hash_around(kinds, ngram, n_gaps, 100 + seed) for seed, ngram in enumerate(_KIND_NGRAMS)
    ]
    # Doubled units, as in "看看", and a bias.
    before, after = _window(codes, -1, n_gaps), _window(codes, 0, n_gaps)
    doubled = (before == after) + np.uint64(2) * (_window(codes, -2, n_gaps) == after)
    columns += [hash_columns([doubled], 200), hash_columns([np.zeros(n_gaps, np.uint64)], 201)]
    columns += _count_columns(codes, counts, n_gaps)
    shift = np.uint64(64 - (n_rows.bit_length() - 1))
    return (np.stack(columns, axis=1) >> shift).astype(np.int64)


def count_ngrams(codes: Codes, n_units: int, *, n_counts: int) -> NDArray[np.int64]:
    """The count row of each n-gram of a text: shape (len(codes) - n_units + 1,)."""
    n_grams = len(codes) - n_units + 1
    windows = [codes[start : start + n_grams] for start in range(n_units)]
    shift = np.uint64(64 - (n_counts.bit_length() - 1))
    return (hash_columns(windows, n_units) >> shift).astype(np.int64)


def _count_columns(codes: Codes, counts: Counts, n_gaps: int) -> list[Codes]:
    """Features of how often the n-grams around each gap occur: a word's parts occur together."""

    def level(*offsets: int) -> NDArray[np.int64]:
        shift = np.uint64(64 - (len(counts).bit_length() - 1))
        rows = hash_columns([_window(codes, offset, n_gaps) for offset in offsets], len(offsets))
        return counts[(rows >> shift).astype(np.int64)].astype(np.int64)

    one_left, one_right = level(-1), level(0)
    left, across, right = level(-2, -1), level(-1, 0), level(0, 1)
    far_left, far_right = level(-3, -2, -1), level(0, 1, 2)
    across_left, across_right = level(-2, -1, 0), level(-1, 0, 1)
    middle, long_left, long_right = level(-2, -1, 0, 1), level(-3, -2, -1, 0), level(-1, 0, 1, 2)
    cohesion = 2 * across - one_left - one_right
    groups = (
        (cohesion,),
        (across, cohesion),
        (across - left, across - right),
        (left - across_left, right - across_right),
        (across_left - far_left, across_right - far_right),
        (middle, left, right),
        (cohesion, left - across_left, right - across_right),
        (across_left, across_right, across),
        (across, left, right),
        (far_left, across_left, long_left),
        (far_right, across_right, long_right),
        (across_left - middle, across_right - middle, across - middle),
        (long_left - level(-4, -3, -2, -1), long_right - level(0, 1, 2, 3)),
        (one_left - across, one_right - across),
    )
    # Differences may be negative: 64 keeps them above 0.
    return [
        hash_columns([(values + 64).astype(np.uint64) for values in group], 300 + seed)
        for seed, group in enumerate(groups)
    ]


def _window(padded: Codes, offset: int, n_gaps: int) -> Codes:
    """The unit at an offset from each gap."""
    start = _N_CONTEXT + 1 + offset
    return padded[start : start + n_gaps]


def _hash_around(padded: Codes, ngram: tuple[int, ...], n_gaps: int, seed: int) -> Codes:
    """Hashes one n-gram around each gap."""
    return hash_columns([_window(padded, offset, n_gaps) for offset in ngram], seed)


def hash_columns(columns: list[Codes], seed: int) -> Codes:
    """Hashes columns of numbers into one of 64 bits, whose high bits are a row of a table."""
    value = np.full(columns[0].shape, seed + 1, np.uint64)
    for column in columns:
        value = (value ^ column) * _MIX
        value ^= value >> np.uint64(29)
    return value * _SPREAD
