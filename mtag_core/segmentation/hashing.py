"""Hashes n-grams of numbers into rows of tables."""

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
        value ^= value >> np.uint64(29)
    return value * SPREAD


def table_rows(hashed: Codes, n_rows: int) -> NDArray[np.int64]:
    """The rows that hashes stand for in a table of `n_rows`, a power of 2."""
    shift = np.uint64(64 - (n_rows.bit_length() - 1))
    return (hashed >> shift).astype(np.int64)
