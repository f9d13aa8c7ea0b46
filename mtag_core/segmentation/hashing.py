"""Hashes n-grams of numbers into rows of tables."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint64]

# Odd constants of splitmix64, so that a product spreads every bit of a code.
MIX = np.uint64(0xBF58476D1CE4E5B9)
SPREAD = np.uint64(0x94D049BB133111EB)


def hash_columns(columns: list[Codes], seed: int) -> Codes:
    """Hashes columns of numbers into one of 64 bits, whose high bits are a row of a table."""
    value = np.full(columns[0].shape, seed + 1, np.uint64)
    for column in columns:
        value = (value ^ column) * MIX
        value ^= value >> _SHIFT
    return value * SPREAD


def table_rows(hashed: Codes, n_rows: int) -> NDArray[np.int64]:
    """The rows that hashes stand for in a table of `n_rows`, a power of 2."""
    shift = np.uint64(64 - (n_rows.bit_length() - 1))
    return (hashed >> shift).astype(np.int64)


def feature_slots(features: Sequence[tuple[int, ...]], empty: int) -> NDArray[np.int64]:
    """Columns of features, `empty` where one has fewer: shape (most columns, n_features)."""
    width = max(map(len, features))
    return np.array([(*columns, *(empty,) * (width - len(columns))) for columns in features]).T


def hash_features(codes: Codes, slots: NDArray[np.int64], first_seed: int | Codes) -> Codes:
    """Hashes the columns of each feature.

    Args:
        codes: Shape (n, n_columns).
        slots: As `feature_slots` gives them.
        first_seed: Of the first feature; or of each row, shape (n, 1).

    Returns:
        Shape (n, n_features).
    """
    seeds = np.arange(slots.shape[1], dtype=np.uint64) + np.asarray(first_seed, np.uint64)
    seeds *= SPREAD
    gathered = codes[:, slots]
    values: Codes = seeds ^ gathered[:, 0]
    for number in range(len(slots)):
        if number:
            values ^= gathered[:, number]
        values *= MIX
        values ^= values >> _SHIFT
    values *= SPREAD
    return values


_SHIFT = np.uint64(29)
