"""Cuts text into units, characters or syllables, and scores the gaps between them.

The network is small and convolutional, in numpy; its tables have a row for each unit and each pair
of units. Trained by `mtag_core.training.segmenters.gap_networks`, whose network computes the same.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.hashing import Codes, hash_columns, table_rows

# Marks and joiners stay with the character that they change.
_MARKS = "[\u0300-\u036f\u3099\u309a\u200d\ufe00-\ufe0f]*"
_MARK = re.compile(_MARKS.removesuffix("*"))
_CHARACTER = re.compile(rf"\S{_MARKS}")
_SYLLABLE = re.compile(rf"[^\W_]+{_MARKS}(?:[^\W_]+{_MARKS})*|\S{_MARKS}")


SPACED_LETTERS = (7, 8, 9)
"""The kinds of letters in scripts that put spaces between words."""


@dataclass(frozen=True, slots=True)
class UnitTable:
    """The units of a text, a column each.

    Attributes:
        starts: Offset of each unit's first character.
        ends: Offset after its last character.
        codes: A number that stands for the unit; digits are all alike, so are cases.
        kinds: The kind of its first character.
        is_after_space: There is a space before it.
    """

    starts: list[int]
    ends: list[int]
    codes: list[int]
    kinds: list[int]
    is_after_space: list[bool]


def find_units(text: str, *, has_spaces: bool) -> UnitTable:
    """Finds the units of a text.

    Args:
        text: Cleaned text.
        has_spaces: Units are runs of letters and digits, and single signs; else characters.
    """
    if not has_spaces and _MARK.search(text) is None:
        return _character_units(text)
    pattern = _SYLLABLE if has_spaces else _CHARACTER
    spans = [match.span() for match in pattern.finditer(text)]
    starts = [start for start, _ in spans]
    ends = [end for _, end in spans]
    described = [_describe(text[start:end]) for start, end in spans]
    return UnitTable(
        starts=starts,
        ends=ends,
        codes=[code for code, _ in described],
        kinds=[kind for _, kind in described],
        is_after_space=[start != end for start, end in zip(starts, [0, *ends], strict=False)],
    )


def _character_units(text: str) -> UnitTable:
    starts = [start for start, character in enumerate(text) if not character.isspace()]
    described = [_describe(text[start]) for start in starts]
    return UnitTable(
        starts=starts,
        ends=[start + 1 for start in starts],
        codes=[code for code, _ in described],
        kinds=[kind for _, kind in described],
        is_after_space=[start - 1 != before for before, start in pairwise([-1, *starts])],
    )


@lru_cache(maxsize=65_536)
def _describe(unit: str) -> tuple[int, int]:
    alike = "".join("0" if char.isdigit() else char.lower() for char in unit[:32])
    return zlib.crc32(alike.encode("utf-8", "replace")), _kind(unit)


def _kind(unit: str) -> int:
    category = unicodedata.category(unit[0])
    if category[0] == "N":
        return 2
    if category[0] in "PS":
        return 3
    name = unicodedata.name(unit[0], "").split(" ", 1)[0]
    if name == "LATIN":
        return 9 if category == "Lu" else 7
    return {"CJK": 4, "HIRAGANA": 5, "KATAKANA": 6, "HALFWIDTH": 6}.get(name, 8)


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

    As many are seen from a gap. Lines come one after the other, each from its first unit on.
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


Floats = NDArray[np.float32]

UNITS_SEEN = 4
"""Units around a gap that the first layer sees, and one pair less."""

LAYER_GAPS = 3
"""Gaps that each later layer sees."""

# Gaps scored together: memory stays flat.
_PIECE_GAPS = 1024

# Rows of one product of matrices. So few are computed on one thread whatever BLAS is told: more
# threads would only get into other workers' way. In blocks of 16 the last bits of a row depended on
# its place in the block.
_BLOCK_ROWS = 8
_ALL_ROWS = slice(None)
_TABLES = ("units", "kinds", "pairs")


@dataclass(frozen=True, slots=True)
class Quantised:
    """A matrix of whole numbers.

    Attributes:
        levels: int8. Shape (n_rows, n_columns).
        scale: What one level is worth in each column. float32. Shape (n_columns,).
    """

    levels: NDArray[np.int8]
    scale: Floats

    def floats(self, rows: NDArray[np.int64] | slice = _ALL_ROWS) -> Floats:
        """The matrix that it stands for, or some rows of it: float32."""
        return self.levels[rows] * self.scale


class GapNetwork:
    """Two scores a gap, above 0 where a token and where a sentence ends.

    Args:
        tables: Number the inputs.
        matrices: `units` and `kinds` (n_rows, unit_width), `pairs` (n_rows, pair_width),
            `layer0`, `layer1`, ... and `output` (n_inputs, n_outputs), and of those the plain
            vectors `layer0_bias` and so on.

    Raises:
        ValueError: Shapes do not fit.
        KeyError: A matrix is missing.
    """

    def __init__(self, tables: InputTables, matrices: Mapping[str, Quantised | Floats]) -> None:
        self.tables = tables
        self.matrices = dict(matrices)
        # Large tables stay as they are: a text reads few of their rows.
        floats = {
            name: matrix.floats() if isinstance(matrix, Quantised) else matrix
            for name, matrix in matrices.items()
            if name not in _TABLES
        }
        n_layers = sum(name.startswith("layer") and name.endswith("_bias") for name in matrices)
        self._layers = [
            (floats[f"layer{number}"], floats[f"layer{number}_bias"]) for number in range(n_layers)
        ]
        self._output = (floats["output"], floats["output_bias"])
        self._check()

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "GapNetwork":
        """Reads what `arrays` gives.

        Raises:
            ValueError: Shapes do not fit.
            KeyError: An array is missing.
        """
        matrices: dict[str, Quantised | Floats] = {}
        for name in arrays:
            if name.endswith("_scale"):
                matrix = name.removesuffix("_scale")
                levels, scale = arrays[matrix].astype(np.int8), arrays[name].astype(np.float32)
                matrices[matrix] = Quantised(levels, scale)
            elif name.endswith("_bias"):
                matrices[name] = arrays[name].astype(np.float32)
        known = arrays["known"].astype(np.uint32)
        n_hashed = int(arrays["n_hashed"])
        return cls(InputTables(known, n_hashed, n_pairs=int(arrays["n_pairs"])), matrices)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that there is to save."""
        arrays: dict[str, NDArray[Any]] = {
            "known": self.tables.known,
            "n_hashed": np.array(self.tables.n_hashed),
            "n_pairs": np.array(self.tables.n_pairs),
        }
        for name, matrix in self.matrices.items():
            if isinstance(matrix, Quantised):
                arrays |= {name: matrix.levels, f"{name}_scale": matrix.scale}
            else:
                arrays[name] = matrix
        return arrays

    @property
    def n_beyond(self) -> int:
        """Units beyond a text that its first and its last gap see."""
        return len(self._layers)

    def scores(self, units: UnitTable, *, line_firsts: Sequence[int] = (0,)) -> Floats:
        """Scores the gaps between units; no gap of a line sees another line.

        Args:
            units: Of lines, one after the other; at least one unit.
            line_firsts: Index of the first unit of each line.

        Returns:
            Shape (n_units - 1, 2); the numbers of a gap between two lines mean nothing.
        """
        padded = padded_codes(units, self.n_beyond, line_firsts=line_firsts)
        pieces = list(self._pieces(self.tables.inputs(*padded)))
        if not pieces:
            return np.zeros((0, 2), np.float32)
        places = unit_places(len(units.codes), self.n_beyond, line_firsts=line_firsts)
        scores: Floats = np.concatenate(pieces)[places[:-1] - self.n_beyond]
        return scores

    def _pieces(self, inputs: GapInputs) -> Iterator[Floats]:
        """Scores some gaps at a time; each sees all that it would see in the whole text."""
        n_gaps = len(inputs.units) - 2 * self.n_beyond - 1
        for start in range(0, n_gaps, _PIECE_GAPS):
            end = min(start + _PIECE_GAPS, n_gaps) + 2 * self.n_beyond + 1
            yield self._piece(
                inputs.units[start:end], inputs.kinds[start:end], inputs.pairs[start : end - 1]
            )

    def _piece(
        self, units: NDArray[np.int64], kinds: NDArray[np.int64], pairs: NDArray[np.int64]
    ) -> Floats:
        of_units = self._rows("units", units) + self._rows("kinds", kinds)
        of_pairs = self._rows("pairs", pairs)
        seen = [*_windows(of_units, UNITS_SEEN), *_windows(of_pairs, UNITS_SEEN - 1)]
        hidden = _rectified(_product(seen, *self._layers[0]))
        for layer in self._layers[1:]:
            change = _rectified(_product(_windows(hidden, LAYER_GAPS), *layer))
            hidden = hidden[1:-1] + change
        return _product([hidden], *self._output)

    def _rows(self, table: str, rows: NDArray[np.int64]) -> Floats:
        matrix = self.matrices[table]
        return matrix.floats(rows) if isinstance(matrix, Quantised) else matrix[rows]

    def _check(self) -> None:
        units, kinds, pairs = (
            matrix.levels if isinstance(matrix, Quantised) else matrix
            for matrix in map(self.matrices.__getitem__, _TABLES)
        )
        if any(matrix.ndim != 2 for matrix in (units, kinds, pairs)):
            raise ValueError("a table that is no matrix")
        width = units.shape[1]
        n_seen = UNITS_SEEN * width + (UNITS_SEEN - 1) * pairs.shape[1]
        if (len(units), len(kinds)) != (self.tables.n_units, N_KINDS):
            raise ValueError(f"{len(units)} rows of units, {len(kinds)} of kinds")
        if len(pairs) != self.tables.n_pairs or kinds.shape[1] != width:
            raise ValueError(f"{len(pairs)} rows of pairs, kinds of {kinds.shape[1]}")
        for weights, bias in [*self._layers, self._output]:
            n_inputs = n_seen // LAYER_GAPS if weights is self._output[0] else n_seen
            if weights.shape != (n_inputs, bias.size):
                raise ValueError(f"a layer of shape {weights.shape} after {n_inputs} inputs")
            n_seen = LAYER_GAPS * bias.size


def _windows(rows: Floats, n_seen: int) -> list[Floats]:
    n_windows = len(rows) - n_seen + 1
    return [rows[offset : offset + n_windows] for offset in range(n_seen)]


def _product(seen: list[Floats], weights: Floats, bias: Floats) -> Floats:
    n_rows = len(seen[0])
    n_blocks = -(-n_rows // _BLOCK_ROWS)
    joined = np.zeros((n_blocks * _BLOCK_ROWS, len(weights)), np.float32)
    np.concatenate(seen, axis=1, out=joined[:n_rows])
    blocks = joined.reshape(n_blocks, _BLOCK_ROWS, len(weights))
    product: Floats = (blocks @ weights).reshape(-1, weights.shape[1])[:n_rows]
    product += bias
    return product


def _rectified(values: Floats) -> Floats:
    return np.maximum(values, 0, out=values)
