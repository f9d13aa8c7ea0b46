"""The network of `mtag_core.segmentation.gap_network` in torch, to train it."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mtag_core.segmentation.gap_inputs import N_KINDS, InputTables
from mtag_core.segmentation.gap_network import LAYER_GAPS, UNITS_SEEN, GapNetwork, Quantised

# Weights further from 0 than so many standard deviations are cut: levels are not spent on them.
_MOST_DEVIATIONS = 4.5


@dataclass(frozen=True)
class GapShape:
    """How large a network is.

    Attributes:
        unit_width: Numbers that stand for a unit.
        pair_width: Numbers that stand for a pair of units.
        width: Outputs of a layer.
        n_layers: Layers, the first one included.
        n_pairs: Rows that all pairs share, a power of 2.
        unit_levels: Largest whole number in the table of units; fewer levels make smaller files.
        pair_levels: Likewise of pairs.
    """

    unit_width: int = 48
    pair_width: int = 16
    width: int = 64
    n_layers: int = 4
    n_pairs: int = 1 << 16
    unit_levels: int = 24
    pair_levels: int = 6


class GapModel(nn.Module):
    """Gives windows of units the two logits of each gap."""

    def __init__(self, tables: InputTables, shape: GapShape, *, dropout: float) -> None:
        super().__init__()
        self.tables, self.shape = tables, shape
        self.is_quantised = False
        # A window loses a number wherever it occurs: fewer draws than one for each unit.
        self.dropout = nn.Dropout1d(dropout)
        n_seen = UNITS_SEEN * shape.unit_width + (UNITS_SEEN - 1) * shape.pair_width
        self.matrices = nn.ParameterDict(
            {
                "units": 0.3 * torch.randn(tables.n_units, shape.unit_width),
                "kinds": 0.3 * torch.randn(N_KINDS, shape.unit_width),
                "pairs": 0.1 * torch.randn(tables.n_pairs, shape.pair_width),
            }
        )
        self.biases = nn.ParameterDict()
        for number in range(shape.n_layers):
            self._add_layer(f"layer{number}", n_seen, shape.width)
            n_seen = LAYER_GAPS * shape.width
        self._add_layer("output", shape.width, 2)

    def forward(self, units: Tensor, kinds: Tensor, pairs: Tensor) -> Tensor:
        """Scores the gaps of windows, all but those at their ends.

        Args:
            units: Rows. Shape (n_windows, n).
            kinds: Shape (n_windows, n).
            pairs: Rows. Shape (n_windows, n - 1).

        Returns:
            Shape (n_windows, n - 2 * n_layers - 1, 2).
        """
        of_units = nn.functional.embedding(units, self._matrix("units"))
        of_units = of_units + nn.functional.embedding(kinds, self._matrix("kinds"))
        of_pairs = nn.functional.embedding(pairs, self._matrix("pairs"))
        of_units, of_pairs = self._dropped(of_units), self._dropped(of_pairs)
        seen = torch.cat([_joined(of_units, UNITS_SEEN), _joined(of_pairs, UNITS_SEEN - 1)], dim=-1)
        hidden = torch.relu(self._product(seen, "layer0"))
        for number in range(1, self.shape.n_layers):
            seen = _joined(self._dropped(hidden), LAYER_GAPS)
            hidden = hidden[:, 1:-1] + torch.relu(self._product(seen, f"layer{number}"))
        return self._product(self._dropped(hidden), "output")

    @torch.no_grad()
    def network(self) -> GapNetwork:
        """The network with whole numbers for weights, to run and to save."""
        matrices: dict[str, Quantised | np.ndarray] = {}
        for name, matrix in self.matrices.items():
            scale = self._scale(name, matrix)
            levels = self._levels(name, matrix, scale).to(torch.int8)
            matrices[name] = Quantised(levels.cpu().numpy(), scale.cpu().numpy())
        for name, bias in self.biases.items():
            matrices[f"{name}_bias"] = bias.float().cpu().numpy()
        return GapNetwork(self.tables, matrices)

    def _add_layer(self, name: str, n_inputs: int, n_outputs: int) -> None:
        self.matrices[name] = (2 / n_inputs) ** 0.5 * torch.randn(n_inputs, n_outputs)
        self.biases[name] = torch.zeros(n_outputs)

    def _product(self, seen: Tensor, name: str) -> Tensor:
        return seen @ self._matrix(name) + self.biases[name]

    def _dropped(self, rows: Tensor) -> Tensor:
        """Sets some columns of each window to 0 while training."""
        dropped: Tensor = self.dropout(rows.transpose(1, 2)).transpose(1, 2)
        return dropped

    def _matrix(self, name: str) -> Tensor:
        """A matrix, rounded to its levels once training has come so far; gradients pass."""
        matrix: Tensor = self.matrices[name]
        if not self.is_quantised:
            return matrix
        with torch.no_grad():
            scale = self._scale(name, matrix)
            change = self._levels(name, matrix, scale) * scale - matrix
        return matrix + change

    def _levels(self, name: str, matrix: Tensor, scale: Tensor) -> Tensor:
        most = self._most(name)
        return (matrix / scale).round().clamp(-most, most)

    def _scale(self, name: str, matrix: Tensor) -> Tensor:
        largest = matrix.abs().amax(0)
        usual = _MOST_DEVIATIONS * matrix.square().mean(0).sqrt()
        return (torch.minimum(largest, usual) / self._most(name)).clamp(min=1e-8)

    def _most(self, name: str) -> int:
        return {"units": self.shape.unit_levels, "pairs": self.shape.pair_levels}.get(name, 127)


def _joined(rows: Tensor, n_seen: int) -> Tensor:
    """Joins the rows that each window of `n_seen` rows sees."""
    n_windows = rows.shape[1] - n_seen + 1
    return torch.cat([rows[:, start : start + n_windows] for start in range(n_seen)], dim=-1)
