"""An ONNX graph that gives a tagger's logits for every label, built from its weights.

The graph of a bundle gives the best labels only; a teacher has to give the logits of all. It is
written node by node, without a tracer, from the weights of a BERT-shaped model directory (see
`mtag_core.training.networks.model_files`); float32 throughout.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from mtag_core.training.graphs.onnx_graph import GraphBuilder

Weights = Mapping[str, NDArray[np.float32]]


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
    graph = _LogitGraph(weights, shape)
    hidden = graph.embeddings()
    bias = graph.attention_bias()
    for index in range(shape.n_layers):
        hidden = graph.layer(hidden, bias, f"encoder.layer.{index}.")
    graph.heads(hidden)
    pieces, tokens = ("n_sentences", "n_pieces"), ("n_tokens",)
    return graph.serialised(
        "logits",
        inputs={
            "piece_ids": pieces,
            "is_piece": pieces,
            "first_piece_index": tokens,
            "last_piece_index": tokens,
        },
        outputs={
            f"{name}_logits": (TensorProto.FLOAT, ("n_tokens", f"n_{name}"))
            for name in ("upos", "feats")
        },
    )


class _LogitGraph(GraphBuilder):
    """The layers of the graph."""

    def __init__(self, weights: Weights, shape: GraphShape) -> None:
        super().__init__()
        self._weights = weights
        self._shape = shape
        self._hidden_size = weights["embeddings.word_embeddings.weight"].shape[1]

    def embeddings(self) -> str:
        """Sum of piece, position and type embeddings, normalised."""
        types = self._weights["embeddings.token_type_embeddings.weight"][:1]
        positions = self.constant(
            "positions", self._weights["embeddings.position_embeddings.weight"] + types
        )
        length = self.node("Slice", self.node("Shape", "piece_ids"), *self.ints([1], [2]))
        used = self.node("Slice", positions, *self.ints([0]), length, *self.ints([0]))
        words = self.node("Gather", self._weight("embeddings.word_embeddings.weight"), "piece_ids")
        return self._normalised(self.node("Add", words, used), "embeddings.LayerNorm.")

    def attention_bias(self) -> str:
        """0 at pieces, far below at padding. Shape (n_sentences, 1, 1, n_pieces)."""
        is_piece = self.node("Cast", "is_piece", to=TensorProto.FLOAT)
        lack = self.node("Sub", is_piece, self.constant("one", np.float32(1)))
        bias = self.node("Mul", lack, self.constant("far", np.float32(1e9)))
        return self.node("Unsqueeze", bias, *self.ints([1, 2]))

    def layer(self, hidden: str, bias: str, name: str) -> str:
        """Self-attention and feed-forward, each added to its input and normalised."""
        mixed = self._attention(hidden, bias, name + "attention.self.")
        out = self._dense(mixed, name + "attention.output.dense")
        hidden = self._normalised(
            self.node("Add", out, hidden), name + "attention.output.LayerNorm."
        )
        inner = self._activation(self._dense(hidden, name + "intermediate.dense"))
        out = self._dense(inner, name + "output.dense")
        return self._normalised(self.node("Add", out, hidden), name + "output.LayerNorm.")

    def heads(self, hidden: str) -> None:
        """The logits of each token."""
        flat = self.node("Reshape", hidden, *self.ints([-1, self._hidden_size]))
        tokens = self.node("Gather", flat, "first_piece_index")
        if "combine.weight" in self._weights:
            last = self.node("Gather", flat, "last_piece_index")
            tokens = self._dense(self.node("Concat", tokens, last, axis=-1), "combine")
        for name in ("upos", "feats"):
            self.node("Identity", self._dense(tokens, name), output=f"{name}_logits")

    def _attention(self, hidden: str, bias: str, name: str) -> str:
        n_heads = self._shape.n_heads
        width = self._hidden_size // n_heads
        query, key, value = (self._dense(hidden, name + part) for part in ("query", "key", "value"))
        split = self.ints([0, 0, n_heads, width])
        query, value = (
            self.node("Transpose", self.node("Reshape", part, *split), perm=[0, 2, 1, 3])
            for part in (query, value)
        )
        key = self.node("Transpose", self.node("Reshape", key, *split), perm=[0, 2, 3, 1])
        scale = self.constant("scale", np.float32(width**-0.5))
        scores = self.node("Mul", self.node("MatMul", query, key), scale)
        probs = self.node("Softmax", self.node("Add", scores, bias), axis=-1)
        mixed = self.node("Transpose", self.node("MatMul", probs, value), perm=[0, 2, 1, 3])
        return self.node("Reshape", mixed, *self.ints([0, 0, self._hidden_size]))

    def _dense(self, values: str, name: str) -> str:
        kernel = self.constant(name + ".kernel", self._weights[name + ".weight"].T)
        return self.node("Add", self.node("MatMul", values, kernel), self._weight(name + ".bias"))

    def _activation(self, values: str) -> str:
        if self._shape.hidden_act == "relu":
            return self.node("Relu", values)
        scaled = self.node("Mul", values, self.constant("sqrt_half", np.float32(0.5**0.5)))
        gate = self.node("Add", self.node("Erf", scaled), self.constant("one", np.float32(1)))
        half = self.node("Mul", values, self.constant("half", np.float32(0.5)))
        return self.node("Mul", half, gate)

    def _normalised(self, values: str, name: str) -> str:
        scale, bias = self._weight(name + "weight"), self._weight(name + "bias")
        eps = self._shape.layer_norm_eps
        return self.node("LayerNormalization", values, scale, bias, axis=-1, epsilon=eps)

    def _weight(self, name: str) -> str:
        return self.constant(name, self._weights[name])
