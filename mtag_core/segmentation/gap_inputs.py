"""What a gap network sees of a text: rows of its tables for each unit and each pair of units."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.hashing import Codes, hash_columns, table_rows
from mtag_core.segmentation.units import UnitTable

N_KINDS = 32
"""Kinds of units: those of `UnitTable`, and the same after a space; 0 is beyond the text."""

_AFTER_SPACE = 16


@dataclass(frozen=True, slots=True)
class GapInputs:
    """A text's units with as many empty ones on either side as a network looks at.

    Attributes:
        units: Rows of the units: 0 beyond the text, then the known units, then the hashed ones.
            Shape (n,).
        kinds: From 0 to `N_KINDS` - 1. Shape (n,).
        pairs: Row of each unit and the next. Shape (n - 1,).
    """

    units: NDArray[np.int64]
    kinds: NDArray[np.int64]
    pairs: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class InputTables:
    """Numbers units and pairs.

    Attributes:
        known: Codes of the units that have a row of their own, in order. uint32.
        n_hashed: Rows that all other units share.
        n_pairs: Rows that all pairs share, a power of 2.
    """

    known: NDArray[np.uint32]
    n_hashed: int
    n_pairs: int

    def __post_init__(self) -> None:
        """Raises a ValueError where a table cannot be numbered."""
        if self.known.ndim != 1 or not len(self.known) or self.n_hashed < 1:
            raise ValueError(f"{self.known.shape} known units and {self.n_hashed} rows for others")
        if self.n_pairs < 1 or self.n_pairs.bit_count() != 1:
            raise ValueError(f"{self.n_pairs} rows of pairs, expected a power of 2")

    @property
    def n_units(self) -> int:
        """Rows for units, the one beyond the text included."""
        return 1 + len(self.known) + self.n_hashed

    def inputs(self, codes: Codes, kinds: NDArray[np.int64]) -> GapInputs:
        """Numbers a text.

        Args:
            codes: Of the units, as `padded_codes` gives them. Shape (n,), n at least 2.
            kinds: Likewise. Shape (n,).
        """
        index = np.minimum(np.searchsorted(self.known, codes), len(self.known) - 1)
        rows = np.where(self.known[index] == codes, 1 + index, self.hashed_rows(codes))
        units = np.where(kinds == 0, 0, rows)
        pairs = table_rows(hash_columns([codes[:-1], codes[1:]], 0), self.n_pairs)
        return GapInputs(units, kinds, pairs)

    def hashed_rows(self, codes: Codes) -> NDArray[np.int64]:
        """The rows of units as if none were known."""
        return 1 + len(self.known) + (codes % np.uint64(self.n_hashed)).astype(np.int64)


def padded_codes(
    units: UnitTable, n_beyond: int, *, line_firsts: Sequence[int] = (0,)
) -> tuple[Codes, NDArray[np.int64]]:
    """The codes and kinds of units, with `n_beyond` empty ones before and after each line.

    Args:
        units: Of lines, one after the other.
        n_beyond: As many as a gap sees.
        line_firsts: Index of the first unit of each line.
    """
    places = unit_places(len(units.codes), n_beyond, line_firsts=line_firsts)
    codes = np.zeros(len(places) + n_beyond * (len(line_firsts) + 1), np.uint64)
    kinds = np.zeros(len(codes), np.int64)
    codes[places] = units.codes
    kinds[places] = units.kinds
    kinds[places] += _AFTER_SPACE * np.array(units.is_after_space, np.int64)
    return codes, kinds


def unit_places(
    n_units: int, n_beyond: int, *, line_firsts: Sequence[int] = (0,)
) -> NDArray[np.int64]:
    """Where `padded_codes` puts each unit: shape (n_units,)."""
    is_first = np.zeros(n_units, np.int64)
    is_first[list(line_firsts)] = n_beyond
    places: NDArray[np.int64] = np.arange(n_units) + np.cumsum(is_first)
    return places
