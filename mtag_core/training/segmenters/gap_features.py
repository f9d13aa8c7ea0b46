"""Features of the gaps between units, for linear models that label text.

Hashed n-grams of the units around a gap, and how often those n-grams occur in running text.
Source: the character window features of Low et al. 2005 (ACL I05-3025), the gap classifier of
Neubig et al. 2011 (ACL P11-2093), counts as in Sun and Xu 2011 (ACL D11-1090).
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.hashing import Codes, hash_columns, table_rows
from mtag_core.segmentation.units import UnitTable, find_units

Counts = NDArray[np.uint8]
"""Logarithms of n-gram counts, by row of a table. Shape (n_counts,), a power of 2."""

_N_COUNTS = 1 << 20
_LONGEST_COUNTED = 4

# N-grams seen less often are left out of the counts: most are chance, and they fill the table.
_MIN_COUNT = 3

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


def feature_rows(units: UnitTable, counts: Counts, *, n_rows: int) -> NDArray[np.int64]:
    """Hashes the features of every gap between units.

    Args:
        units: At least one.
        counts: Of running text.
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
    return table_rows(np.stack(columns, axis=1), n_rows)


def count_ngrams(codes: Codes, n_units: int, *, n_counts: int) -> NDArray[np.int64]:
    """The count row of each n-gram of a text: shape (len(codes) - n_units + 1,)."""
    n_grams = len(codes) - n_units + 1
    windows = [codes[start : start + n_grams] for start in range(n_units)]
    return table_rows(hash_columns(windows, n_units), n_counts)


def _count_columns(codes: Codes, counts: Counts, n_gaps: int) -> list[Codes]:
    """Features of how often the n-grams around each gap occur: a word's parts occur together."""

    def level(*offsets: int) -> NDArray[np.int64]:
        hashed = hash_columns([_window(codes, offset, n_gaps) for offset in offsets], len(offsets))
        return counts[table_rows(hashed, len(counts))].astype(np.int64)

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
    start = _N_CONTEXT + 1 + offset
    return padded[start : start + n_gaps]


def _hash_around(padded: Codes, ngram: tuple[int, ...], n_gaps: int, seed: int) -> Codes:
    return hash_columns([_window(padded, offset, n_gaps) for offset in ngram], seed)


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
