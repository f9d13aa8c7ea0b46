"""An ONNX graph that gives a tagger's logits for every label, built from its weights.

The graph of a bundle answers with the best labels only; a teacher has to tell all. The graph is
written node by node from the weights of a BERT-shaped model directory (see
`mtag_core.training.model_files`), so that no tracer decides what it looks like; float32 throughout.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = Mapping[str, NDArray[np.float32]]
_OPSET = 17


@dataclass(frozen=True, slots=True)
class GraphShape:
    """What the weights do not say themselves.

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


def build_logit_graph(weights: Weights, shape: GraphShape) -> bytes:
    """Builds the graph.

    Inputs: `piece_ids` and `is_piece` (n_sentences, n_pieces) int64, `first_piece_index` and
    `last_piece_index` (n_tokens,) int64 into the flattened pieces. Outputs: `upos_logits` and
    `feats_logits`, (n_tokens, n_labels) float32.

    Args:
        weights: Named as in Hugging Face's `BertModel`, with `upos`, `feats` and, where the heads
            read the last piece too, `combine`.
        shape: The rest.

    Returns:
        The serialised model.
    """
    graph = _Builder(weights, shape)
    hidden = graph.embeddings()
    bias = graph.attention_bias()
    for index in range(shape.n_layers):
        hidden = graph.layer(hidden, bias, f"encoder.layer.{index}.")
    graph.heads(hidden)
    return graph.serialised()


class _Builder:
    """Adds nodes and remembers weights."""

    def __init__(self, weights: Weights, shape: GraphShape) -> None:
        self._weights = weights
        self._shape = shape
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._hidden_size = weights["embeddings.word_embeddings.weight"].shape[1]

    def embeddings(self) -> str:
        """Sum of piece, position and type embeddings, normalised."""
        types = self._weights["embeddings.token_type_embeddings.weight"][:1]
        positions = self._constant(
            "positions", self._weights["embeddings.position_embeddings.weight"] + types
        )
        length = self._node("Slice", self._node("Shape", "piece_ids"), *self._ints([1], [2]))
        used = self._node("Slice", positions, *self._ints([0]), length, *self._ints([0]))
        words = self._node("Gather", self._weight("embeddings.word_embeddings.weight"), "piece_ids")
        return self._normalised(self._node("Add", words, used), "embeddings.LayerNorm.")

    def attention_bias(self) -> str:
        """0 at pieces, far below at padding. Shape (n_sentences, 1, 1, n_pieces)."""
        is_piece = self._node("Cast", "is_piece", to=TensorProto.FLOAT)
        lack = self._node("Sub", is_piece, self._constant("one", np.float32(1)))
        bias = self._node("Mul", lack, self._constant("far", np.float32(1e9)))
        return self._node("Unsqueeze", bias, *self._ints([1, 2]))

    def layer(self, hidden: str, bias: str, name: str) -> str:
        """Self-attention and feed-forward, each added to its input and normalised."""
        mixed = self._attention(hidden, bias, name + "attention.self.")
        out = self._dense(mixed, name + "attention.output.dense")
        hidden = self._normalised(
            self._node("Add", out, hidden), name + "attention.output.LayerNorm."
        )
        inner = self._activation(self._dense(hidden, name + "intermediate.dense"))
        out = self._dense(inner, name + "output.dense")
        return self._normalised(self._node("Add", out, hidden), name + "output.LayerNorm.")

    def heads(self, hidden: str) -> None:
        """The logits of each token."""
        flat = self._node("Reshape", hidden, *self._ints([-1, self._hidden_size]))
        tokens = self._node("Gather", flat, "first_piece_index")
        if "combine.weight" in self._weights:
            last = self._node("Gather", flat, "last_piece_index")
            tokens = self._dense(self._node("Concat", tokens, last, axis=-1), "combine")
        for name in ("upos", "feats"):
            self._node("Identity", self._dense(tokens, name), output=f"{name}_logits")

    def serialised(self) -> bytes:
        """The whole model."""
        pieces, tokens = ["n_sentences", "n_pieces"], ["n_tokens"]
        inputs = {"piece_ids": pieces, "is_piece": pieces}
        inputs |= {"first_piece_index": tokens, "last_piece_index": tokens}
        graph = helper.make_graph(
            self._nodes,
            "logits",
            [helper.make_tensor_value_info(n, TensorProto.INT64, s) for n, s in inputs.items()],
            [
                helper.make_tensor_value_info(
                    f"{n}_logits", TensorProto.FLOAT, ["n_tokens", f"n_{n}"]
                )
                for n in ("upos", "feats")
            ],
            list(self._initializers.values()),
        )
        opsets = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        onnx.checker.check_model(model)
        content: bytes = model.SerializeToString()
        return content

    def _attention(self, hidden: str, bias: str, name: str) -> str:
        """Multi-head attention of every piece to every piece of its sentence."""
        n_heads = self._shape.n_heads
        width = self._hidden_size // n_heads
        query, key, value = (self._dense(hidden, name + part) for part in ("query", "key", "value"))
        split = self._ints([0, 0, n_heads, width])
        query, value = (
            self._node("Transpose", self._node("Reshape", part, *split), perm=[0, 2, 1, 3])
            for part in (query, value)
        )
        key = self._node("Transpose", self._node("Reshape", key, *split), perm=[0, 2, 3, 1])
        scale = self._constant("scale", np.float32(width**-0.5))
        scores = self._node("Mul", self._node("MatMul", query, key), scale)
        probs = self._node("Softmax", self._node("Add", scores, bias), axis=-1)
        mixed = self._node("Transpose", self._node("MatMul", probs, value), perm=[0, 2, 1, 3])
        return self._node("Reshape", mixed, *self._ints([0, 0, self._hidden_size]))

    def _dense(self, values: str, name: str) -> str:
        """A linear layer; weights are stored (n_outputs, n_inputs)."""
        kernel = self._constant(name + ".kernel", self._weights[name + ".weight"].T)
        return self._node("Add", self._node("MatMul", values, kernel), self._weight(name + ".bias"))

    def _activation(self, values: str) -> str:
        """ReLU, or GELU in its erf form."""
        if self._shape.hidden_act == "relu":
            return self._node("Relu", values)
        scaled = self._node("Mul", values, self._constant("sqrt_half", np.float32(0.5**0.5)))
        gate = self._node("Add", self._node("Erf", scaled), self._constant("one", np.float32(1)))
        half = self._node("Mul", values, self._constant("half", np.float32(0.5)))
        return self._node("Mul", half, gate)

    def _normalised(self, values: str, name: str) -> str:
        """LayerNorm over the last axis."""
        scale, bias = self._weight(name + "weight"), self._weight(name + "bias")
        eps = self._shape.layer_norm_eps
        return self._node("LayerNormalization", values, scale, bias, axis=-1, epsilon=eps)

    def _node(
        self,
        kind: str,
        *inputs: str,
        output: str | None = None,
        **attributes: int | float | list[int],
    ) -> str:
        """Adds a node; returns the name of its output."""
        output = output or f"{kind}_{len(self._nodes)}"
        node = helper.make_node(kind, list(inputs), [output], **attributes)  # type: ignore[arg-type]
        self._nodes.append(node)
        return output

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _ints(self, *lists: list[int]) -> list[str]:
        """Constant lists of whole numbers, as slices and reshapes take them."""
        return [
            self._constant("ints_" + "_".join(map(str, values)), np.array(values, np.int64))
            for values in lists
        ]

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        """Adds an initialiser once."""
        if name not in self._initializers:
            array = np.ascontiguousarray(value)
            if isinstance(value, np.generic):
                array = array.reshape(())
            self._initializers[name] = numpy_helper.from_array(array, name)
        return name
