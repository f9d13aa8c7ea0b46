"""The layers that students' graphs are made of, in int8 with activation scales fixed beforehand.

Every linear layer is a product of whole numbers, exact in any order, so that the tags of a sentence
cannot depend on what else is in its batch. Weights are kept to 7 bits (-63 to 63): the sum of two
products with 8-bit activations then fits 16 bits, and CPUs with and without VNNI give the same
result.

The same description, without activation ranges, gives a float32 graph: the reference that the int8
one is compared with, and what gives the ranges (see `mtag_core.training.export.student_graph`).
The int8 graphs round activations to 256 steps between fixed bounds, which are found on sentences.
The bounds leave out the most extreme values: a few pieces (such as [CLS]) have activations thirty
times larger than all others, and steps wide enough for them would be too coarse for the rest.

Graphs are built node by node, so that no tracer decides what they look like.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mtag_core.tagging.graphs import open_session
from mtag_core.training.networks.trained_model import LAYER_NORM_EPS, TrainedModel

Array = NDArray[np.float32]
Values = Mapping[str, tuple[int, Sequence[str | int]]]
"""Inputs or outputs by name: element type (of `onnx.TensorProto`), and axis names or lengths."""

Feed = Mapping[str, NDArray[np.generic]]

Range = tuple[float, float]
"""The least and the largest value that an activation is expected to take; others are clipped."""

CONTRIB = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""

OBSERVED = "observed."
"""Prefix of the outputs that hold the activations a layer reads."""

MAX_WEIGHT = 63
"""Of int8 weights."""

MAX_ACTIVATION = 255
"""Of activations of 8 bits; the least is 0."""

_MAX_EMBEDDING = 127
_FLOAT = TensorProto.FLOAT

# One value in ten thousand is clipped at either end. On dev this scored highest of 99.99, 99.999
# and 100 percent and of the bounds with the least squared error.
_CLIPPED_PERCENT = 0.01
# Every seventh value is kept: enough for the bounds, in a seventh of the memory. Seven shares
# no factor with the layers' widths, so that all units are seen.
_STRIDE = 7

# The first with RMSNormalization; ONNX Runtime has it since 1.23.
_OPSET = 23
_IR_VERSION = 11


class QuantisedGraph:
    """Collects nodes and constants; every method takes and returns names of values.

    Ranges are by the name of the layer that reads an activation. Without any it is a float32 graph
    with more outputs: `OBSERVED` and a layer's name is what that layer reads.
    """

    def __init__(self, trained: TrainedModel, ranges: Mapping[str, Range] | None) -> None:
        self._weights, self._config = trained.weights, trained.config
        self._ranges = ranges
        self._observed: dict[str, tuple[int, Sequence[str | int]]] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._n_nodes = 0
        self._initializers: dict[str, onnx.TensorProto] = {}

    def node(
        self,
        kind: str,
        *inputs: str,
        output: str | None = None,
        domain: str = "",
        **attributes: int | float | list[int],
    ) -> str:
        """Adds a node of one output."""
        outputs = [output or f"{kind}_{self._n_nodes}"]
        return self.split_node(kind, *inputs, outputs=outputs, domain=domain, **attributes)[0]

    def split_node(
        self,
        kind: str,
        *inputs: str,
        outputs: Sequence[str],
        domain: str = "",
        **attributes: int | float | list[int],
    ) -> list[str]:
        """Adds a node of several outputs."""
        made = helper.make_node(kind, list(inputs), list(outputs), domain=domain, **attributes)  # type: ignore[arg-type]
        self._nodes.append(made)
        self._n_nodes += 1
        return list(outputs)

    def choose(
        self, condition: str, branches: Mapping[str, Callable[[], None]], *, outputs: Values
    ) -> None:
        """Adds a node that runs one of two subgraphs, which has `outputs`, by a boolean scalar.

        `branches`, for true and for false, add their nodes, which may read every value that is
        there; they are by the prefix of their outputs' names.
        """
        nodes, graphs = self._nodes, []
        for name, (prefix, branch) in zip(("then", "else"), branches.items(), strict=True):
            self._nodes = []
            branch()
            values = {prefix + output: value for output, value in outputs.items()}
            graphs.append(helper.make_graph(self._nodes, f"{name}_branch", [], _infos(values)))
        self._nodes = nodes
        then, other = graphs
        self._nodes.append(
            helper.make_node("If", [condition], list(outputs), then_branch=then, else_branch=other)
        )

    def constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        """Adds an initialiser, once."""
        if name not in self._initializers:
            array = np.ascontiguousarray(value)
            if isinstance(value, np.generic):
                array = array.reshape(())
            self._initializers[name] = numpy_helper.from_array(array, name)
        return name

    def whole(self, value: int) -> str:
        """A constant whole number."""
        return self.constant(f"int_{value}", np.int64(value))

    def ints(self, *lists: list[int]) -> list[str]:
        """Constant lists of whole numbers, as slices and reshapes take them."""
        return [
            self.constant("ints_" + "_".join(map(str, values)), np.array(values, np.int64))
            for values in lists
        ]

    def serialised(self, name: str, *, inputs: Values, outputs: Values) -> bytes:
        """Checks the graph and gives its bytes; outputs are also those that are observed."""
        constants = list(self._initializers.values())
        values = (_infos(inputs), _infos({**outputs, **self._observed}))
        graph = helper.make_graph(self._nodes, name, *values, constants)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(CONTRIB, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        onnx.checker.check_model(model)
        content: bytes = model.SerializeToString()
        return content

    def layer(self, hidden: str, name: str) -> str:
        """Self-attention and feed-forward, each added to its input and normalised."""
        # Three products and no split: copying the parts of a joined one takes longer.
        read = self.quantised(hidden, name + "attention")
        parts = (self.projected(read, name, part) for part in ("query", "key", "value"))
        return self.after_attention(self.attention(*parts), hidden, name)

    def projected(self, read: str, name: str, part: str) -> str:
        """Query, key or value of a layer's attention."""
        return self.dense(read, f"{name}attention.self.{part}", reader=name + "attention")

    def attention(self, query: str, key: str, value: str) -> str:
        """Multi-head attention to all keys."""
        n_heads = self._config["n_heads"]
        # MultiHeadAttention of ONNX Runtime takes half as long again: it transposes all three.
        return self.node("Attention", query, key, value, q_num_heads=n_heads, kv_num_heads=n_heads)

    def after_attention(self, mixed: str, hidden: str, name: str) -> str:
        """What of a layer follows its attention."""
        dense = name + "attention.output.dense"
        out = self.dense(self.quantised(mixed, dense), dense)
        hidden = self.added_and_normalised(out, hidden, name + "attention.output.LayerNorm")
        dense = name + "intermediate.dense"
        inner = self.dense(self.quantised(hidden, dense), dense)
        # A range that starts at 0 clips what is below: quantising is the ReLU.
        inner = self.node("Relu", inner) if self._ranges is None else inner
        dense = name + "output.dense"
        out = self.dense(self.quantised(inner, dense), dense)
        return self.added_and_normalised(out, hidden, name + "output.LayerNorm")

    def positions(self, table: str, read: str) -> str:
        """The first rows of a table, one for each column of a value."""
        length = self.node("Slice", self.node("Shape", read), *self.ints([1], [2]))
        return self.node("Slice", table, *self.ints([0]), length, *self.ints([0]))

    def piece_rows(self, table: Array, ids: str) -> str:
        """Rows of a table; int8 with a scale each in the int8 graph."""
        if self._ranges is None:
            return self.node("Gather", self.constant("pieces", table), ids)
        scales = np.maximum(np.abs(table).max(1, keepdims=True), 1e-4) / _MAX_EMBEDDING
        # Rows are rounded to steps as they are kept, so that half precision costs nothing.
        scales = scales.astype(np.float16)
        rows = np.rint(table / scales.astype(np.float32)).clip(-127, 127).astype(np.int8)
        row, scale = (
            self.node("Cast", self.node("Gather", self.constant(name, of_all), ids), to=_FLOAT)
            for name, of_all in (("pieces", rows), ("piece_scales", scales))
        )
        return self.node("Mul", row, scale)

    def added_and_normalised(self, values: str, residual: str, name: str) -> str:
        """LayerNorm of a sum.

        Written as the RMS norm of what is left without the mean: ONNX Runtime's own LayerNorm takes
        longer on a CPU, up to six times.
        """
        scale = self.weight(f"{name}.weight")
        added = self.node("Add", values, residual)
        centred = self.node("Sub", added, self.node("ReduceMean", added, *self.ints([-1])))
        normed = self.node("RMSNormalization", centred, scale, axis=-1, epsilon=LAYER_NORM_EPS)
        return self.node("Add", normed, self.weight(f"{name}.bias"))

    def quantised(self, values: str, reader: str) -> str:
        """Rounds an activation to 8 bits in the range of its reader; observes it in float32."""
        if self._ranges is None:
            shown = self.node("Reshape", values, *self.ints([-1]), output=OBSERVED + reader)
            self._observed[shown] = (_FLOAT, ("n_values",))
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
        least, largest = self._ranges[reader]
        low, high = min(least, 0.0), max(largest, 0.0)
        scale = max(high - low, 1e-8) / MAX_ACTIVATION
        zero = round(-low / scale)
        return (
            self.constant(f"{reader}.activation_scale", np.float32(scale)),
            self.constant(f"{reader}.activation_zero", np.uint8(zero)),
        )

    def product(
        self, values: str, weight: Array, bias: Array | None, *, name: str, reader: str
    ) -> str:
        """A linear layer of weights of shape (n_outputs, n_inputs) that are given.

        `values` are quantised in the range of `reader`; constants have names that begin with
        `name`.
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


def observe(graph: bytes, inputs: Iterable[Feed]) -> dict[str, Range]:
    """Runs a float32 graph and finds the range of what each layer reads, by the layer's name."""
    session = open_session(graph, source="float32 graph")
    names = [out.name for out in session.get_outputs() if out.name.startswith(OBSERVED)]
    name_to_values: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for feed in inputs:
        for name, values in zip(names, session.run(names, feed), strict=True):
            name_to_values[name].append(values[::_STRIDE])
    percents = (_CLIPPED_PERCENT, 100 - _CLIPPED_PERCENT)
    return {
        name.removeprefix(OBSERVED): tuple(np.percentile(np.concatenate(values), percents))
        for name, values in name_to_values.items()
    }


def _infos(values: Values) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, kind, list(axes))
        for name, (kind, axes) in values.items()
    ]
