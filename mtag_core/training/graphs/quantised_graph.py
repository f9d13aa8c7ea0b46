"""The layers that students' graphs are made of, in int8 with activation scales fixed beforehand.

Every linear layer is a product of whole numbers, exact in any order, so that the tags of a sentence
cannot depend on what else is in its batch. Weights are kept to 7 bits (-63 to 63): the sum of two
products with 8-bit activations then fits 16 bits, and CPUs with and without VNNI give the same
result.

The same description, without activation ranges, gives a float32 graph: the reference that the int8
one is compared with, and what gives the ranges (see `mtag_core.training.export.ranges`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from mtag_core.training.graphs.onnx_graph import CONTRIB, GraphBuilder

Array = NDArray[np.float32]
Weights = Mapping[str, Array]

OBSERVED = "observed."
"""Prefix of the outputs that hold the activations a layer reads."""

MAX_WEIGHT = 63
"""Of int8 weights."""

MAX_ACTIVATION = 255
"""Of activations of 8 bits; the least is 0."""

_MAX_EMBEDDING = 127


@dataclass(frozen=True, slots=True)
class GraphShape:
    """What a graph is built from beside the weights.

    Attributes:
        n_layers: Encoder layers.
        n_heads: Attention heads.
        hidden_act: `gelu` (erf) or `relu`.
        layer_norm_eps: Added to the variance.
    """

    n_layers: int
    n_heads: int
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12


@dataclass(frozen=True, slots=True)
class Range:
    """The values that an activation is expected to take; others are clipped."""

    low: float
    high: float


class QuantisedGraph(GraphBuilder):
    """Layers and heads; every method takes and returns names of values.

    Args:
        weights: By name.
        shape: Of the layers.
        ranges: By the name of the layer that reads the activation; None for a float32 graph.

    Attributes:
        observed: Outputs that hold what each layer reads, of a float32 graph.
    """

    def __init__(
        self, weights: Weights, shape: GraphShape, ranges: Mapping[str, Range] | None
    ) -> None:
        super().__init__()
        self._weights = weights
        self._shape = shape
        self._ranges = ranges
        self.observed: dict[str, tuple[int, Sequence[str]]] = {}

    def layer(self, hidden: str, name: str) -> str:
        """Self-attention and feed-forward, each added to its input and normalised."""
        # Three products and no split: copying the parts of a joined one takes longer.
        read = self.quantised(hidden, name + "attention")
        query, key, value = (
            self.dense(read, f"{name}attention.self.{part}", reader=name + "attention")
            for part in ("query", "key", "value")
        )
        return self.after_attention(self.attention(query, key, value), hidden, name)

    def attention(self, query: str, key: str, value: str) -> str:
        """Multi-head attention to all keys."""
        return self.node(
            "MultiHeadAttention",
            query,
            key,
            value,
            domain=CONTRIB,
            num_heads=self._shape.n_heads,
        )

    def after_attention(self, mixed: str, hidden: str, name: str) -> str:
        """What of a layer follows its attention."""
        dense = name + "attention.output.dense"
        out = self.dense(self.quantised(mixed, dense), dense)
        hidden = self.added_and_normalised(out, hidden, name + "attention.output.LayerNorm")
        dense = name + "intermediate.dense"
        inner = self.dense(self.quantised(hidden, dense), dense)
        dense = name + "output.dense"
        out = self.dense(self._activated(inner, dense), dense)
        return self.added_and_normalised(out, hidden, name + "output.LayerNorm")

    def adapted(self, tokens: str) -> str:
        """Tokens' vectors plus the adapter of the graph's input `treebank`; row 0 is of none."""
        table = self.constant("adapters", self._weights["adapters.weight"].astype(np.float16))
        adapter = self.node("Gather", table, "treebank", axis=0)
        return self.node("Add", tokens, self.node("Cast", adapter, to=TensorProto.FLOAT))

    def piece_rows(self, table: Array, ids: str) -> str:
        """Rows of a table; int8 with a scale each in the int8 graph."""
        if self._ranges is None:
            return self.node("Gather", self.constant("pieces", table), ids)
        scales = np.maximum(np.abs(table).max(1, keepdims=True), 1e-4) / _MAX_EMBEDDING
        # Rows are rounded to steps as they are kept, so that half precision costs nothing.
        scales = scales.astype(np.float16)
        rows = np.rint(table / scales.astype(np.float32)).clip(-127, 127).astype(np.int8)
        row, scale = (
            self.node(
                "Cast",
                self.node("Gather", self.constant(name, values), ids),
                to=TensorProto.FLOAT,
            )
            for name, values in (("pieces", rows), ("piece_scales", scales))
        )
        return self.node("Mul", row, scale)

    def added_and_normalised(
        self, values: str, residual: str, name: str, *, bias: str | None = None
    ) -> str:
        """LayerNorm of a sum; `bias` takes the place of the norm's own.

        Written as the RMS norm of what is left without the mean: ONNX Runtime's own LayerNorm takes
        six times as long on a CPU.
        """
        scale = self.weight(f"{name}.weight")
        added = self.node("Add", values, residual)
        centred = self.node("Sub", added, self.node("ReduceMean", added, *self.ints([-1])))
        eps = self._shape.layer_norm_eps
        return self.node(
            "Add",
            self.node("RMSNormalization", centred, scale, axis=-1, epsilon=eps),
            bias or self.weight(f"{name}.bias"),
        )

    def quantised(self, values: str, reader: str) -> str:
        """Rounds an activation to 8 bits in the range of its reader; observes it in float32."""
        if self._ranges is None:
            shown = self.node("Reshape", values, *self.ints([-1]), output=OBSERVED + reader)
            self.observed[shown] = (TensorProto.FLOAT, ("n_values",))
            return values
        return self.node("QuantizeLinear", values, *self.scale_and_zero(reader))

    def dense(self, values: str, name: str, *, reader: str | None = None) -> str:
        """A linear layer; `reader` is whose range its input was quantised in, if not its own."""
        weight = self._weights[f"{name}.weight"]
        bias = self._weights.get(f"{name}.bias")
        return self.product(values, weight, bias, name=name, reader=reader or name)

    def weight(self, name: str) -> str:
        """A weight as it is."""
        return self.constant(name, self._weights[name])

    def scale_and_zero(self, reader: str) -> tuple[str, str]:
        """The step of an activation's 8-bit grid, and the grid point of 0."""
        assert self._ranges is not None
        activation = self._ranges[reader]
        low, high = min(activation.low, 0.0), max(activation.high, 0.0)
        scale = max(high - low, 1e-8) / MAX_ACTIVATION
        zero = round(-low / scale)
        return (
            self.constant(f"{reader}.activation_scale", np.float32(scale)),
            self.constant(f"{reader}.activation_zero", np.uint8(zero)),
        )

    def _activated(self, values: str, reader: str) -> str:
        if self._shape.hidden_act == "gelu":
            return self.quantised(self.node("Gelu", values, domain=CONTRIB), reader)
        if self._ranges is None:
            return self.quantised(self.node("Relu", values), reader)
        # A range that starts at 0 clips what is below: quantising is the ReLU.
        return self.quantised(values, reader)

    def product(
        self, values: str, weight: Array, bias: Array | None, *, name: str, reader: str
    ) -> str:
        """A linear layer of weights that are given.

        Args:
            values: Quantised in the range of `reader`.
            weight: Shape (n_outputs, n_inputs).
            bias: Shape (n_outputs,).
            name: Prefix of the constants' names.
            reader: As in `dense`.
        """
        biases = [] if bias is None else [self.constant(f"{name}.bias", bias)]
        if self._ranges is None:
            product = self.node("MatMul", values, self.constant(f"{name}.kernel", weight.T))
            return self.node("Add", product, *biases) if biases else product
        scales = np.maximum(np.abs(weight).max(1), 1e-8) / MAX_WEIGHT
        kernel = self.constant(f"{name}.kernel", np.rint(weight.T / scales).astype(np.int8))
        scale, zero = self.scale_and_zero(reader)
        return self.node(
            "MatMulIntegerToFloat",
            values,
            kernel,
            scale,
            self.constant(f"{name}.scales", scales.astype(np.float32)),
            zero,
            self.constant(f"{name}.zeros", np.zeros(len(scales), np.int8)),
            *biases,
            domain=CONTRIB,
        )
