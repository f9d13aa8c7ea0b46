"""A linear model that says between which units of a text tokens and sentences end.

Units are characters (Chinese, Japanese) or syllables (Vietnamese). Each gap between two units is
scored by itself from hashed n-grams of the units around it, so that a text is scored with a few
numpy operations. Source: the character window features of Low et al. 2005 (ACL I05-3025), with the
gap classifier of Neubig et al. 2011 (ACL P11-2093).
"""

import unicodedata
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import BundleError

Units = NDArray[np.uint64]
Rows = NDArray[np.int64]

_N_CONTEXT = 3

# Offsets of the units in each n-gram, counted from the gap: -1 is the unit before it, 0 after it.
_NGRAMS: tuple[tuple[int, ...], ...] = (
    *((-3,), (-2,), (-1,), (0,), (1,), (2,)),
    *((-3, -2), (-2, -1), (-1, 0), (0, 1), (1, 2), (-2, 0), (-1, 1)),
    *((-3, -2, -1), (-2, -1, 0), (-1, 0, 1), (0, 1, 2)),
    *((-3, -2, -1, 0), (-2, -1, 0, 1), (-1, 0, 1, 2)),
)
_KIND_NGRAMS = ((-1, 0), (-2, -1, 0), (-1, 0, 1), (-2, -1, 0, 1), (-3, -2, -1, 0, 1, 2))
N_FEATURES = len(_NGRAMS) + len(_KIND_NGRAMS) + 2

# Odd constants of splitmix64, so that a product spreads every bit of a unit.
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SPREAD = np.uint64(0x94D049BB133111EB)


class BoundaryModel:
    """Weights of the two decisions about a gap: a token ends there, a sentence ends there."""

    def __init__(self, weights: NDArray[np.int8], scales: NDArray[np.float32]) -> None:
        """Wraps weights of shape (n_rows, 2), n_rows a power of 2, and scales of shape (2,)."""
        self._weights = weights
        self._scales = scales

    @classmethod
    def load(cls, path: Path) -> "BoundaryModel":
        """Opens an `.npz` file with `weights` and `scales`.

        Raises:
            BundleError: The file is missing or holds something else.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls(arrays["weights"], arrays["scales"])
        except (OSError, KeyError, ValueError) as error:
            raise BundleError(f"{path}: expected a boundary model: {error}") from error

    def decide(self, units: Units, kinds: Units) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Decides every gap of a text.

        Args:
            units: Shape (n_units,), a number for each unit.
            kinds: Shape (n_units,), the kind of each unit's first character.

        Returns:
            For the gap after each unit but the last, shape (n_units - 1,): whether a token ends
            there, and whether a sentence ends there.
        """
        rows = feature_rows(units, kinds, n_rows=len(self._weights))
        sums = self._weights[rows].sum(axis=1, dtype=np.int32)
        is_end = sums > 0
        return is_end[:, 0] | is_end[:, 1], is_end[:, 1]


def feature_rows(units: Units, kinds: Units, *, n_rows: int) -> Rows:
    """Hashes the features of every gap between units.

    Args:
        units: Shape (n_units,).
        kinds: Shape (n_units,).
        n_rows: Size of the hash table, a power of 2.

    Returns:
        Shape (n_units - 1, N_FEATURES), each from 0 to n_rows - 1.
    """
    padded = np.pad(units, _N_CONTEXT)
    padded_kinds = np.pad(kinds, _N_CONTEXT)
    n_gaps = len(units) - 1
    columns = [_hash(padded, ngram, n_gaps, number) for number, ngram in enumerate(_NGRAMS)]
    columns += [
        _hash(padded_kinds, ngram, n_gaps, 100 + number)
        for number, ngram in enumerate(_KIND_NGRAMS)
    ]
    # Doubled units ("看看") and a bias.
    doubled = (_window(padded, -1, n_gaps) == _window(padded, 0, n_gaps)).astype(np.uint64)
    doubled += np.uint64(2) * (_window(padded, -2, n_gaps) == _window(padded, 0, n_gaps))
    columns.append((doubled + np.uint64(200)) * _SPREAD)
    columns.append(np.full(n_gaps, 300, np.uint64) * _SPREAD)
    shift = np.uint64(64 - (n_rows.bit_length() - 1))
    return (np.stack(columns, axis=1) >> shift).astype(np.int64)


def _window(padded: Units, offset: int, n_gaps: int) -> Units:
    """The unit at an offset from each gap."""
    start = _N_CONTEXT + 1 + offset
    return padded[start : start + n_gaps]


def _hash(padded: Units, ngram: tuple[int, ...], n_gaps: int, number: int) -> Units:
    """Hashes one n-gram around each gap."""
    value = np.full(n_gaps, number + 1, np.uint64)
    for offset in ngram:
        value = (value ^ _window(padded, offset, n_gaps)) * _MIX
        value ^= value >> np.uint64(29)
    return value * _SPREAD


@lru_cache(maxsize=65_536)
def kind(char: str) -> int:
    """Numbers the kind of a character: script for letters, class for the rest."""
    if char.isspace():
        return 1
    category = unicodedata.category(char)
    if category[0] == "N":
        return 2
    if category[0] in "PS":
        return 3
    name = unicodedata.name(char, "").split(" ", 1)[0]
    return {"CJK": 4, "HIRAGANA": 5, "KATAKANA": 6, "HALFWIDTH": 6, "LATIN": 7}.get(name, 8)
