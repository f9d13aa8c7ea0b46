"""A small convolutional network that scores the gaps between units, in numpy.

Trained by `mtag_core.training.segmenters.gap_networks`, whose network computes the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.gap_inputs import (
    N_KINDS,
    GapInputs,
    InputTables,
    padded_codes,
    unit_places,
)
from mtag_core.segmentation.units import UnitTable

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
