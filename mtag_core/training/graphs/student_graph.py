"""The ONNX graph of a bundle: wordpieces in, the best labels and their probabilities out.

Every linear layer is an int8 product with activation scales fixed beforehand, so that the tags of a
sentence cannot depend on what else is in its batch. Weights are kept to 7 bits (-63 to 63): the sum
of two products with 8-bit activations then fits 16 bits, and CPUs with and without VNNI give the
same result. Batches hold sentences of one length, so there is neither padding nor mask.

FEATS bundles are scored only for the part of speech that was predicted, one small product a part of
speech in place of one product with all of them.

A model that knows the conventions of treebanks has one more input, the number of the treebank, and
corrects the tokens' vectors by it; number 0 corrects nothing.

The same description, without activation ranges, gives a float32 graph: the reference that the int8
one is compared with, and what gives the ranges (see `mtag_core.training.export.bundle`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from mtag_core.labels import Labels
from mtag_core.tagging.wordpiece import MAX_PIECES
from mtag_core.training.graphs.conventions import Conventions
from mtag_core.training.graphs.logit_graph import GraphShape
from mtag_core.training.graphs.onnx_graph import CONTRIB, GraphBuilder

Weights = Mapping[str, NDArray[np.float32]]
Array = NDArray[np.float32]

OBSERVED = "observed."
"""Prefix of the outputs that hold the activations a layer reads."""

_MAX_WEIGHT = 63
_MAX_EMBEDDING = 127
_MAX_ACTIVATION = 255


@dataclass(frozen=True, slots=True)
class Range:
    """The values that an activation is expected to take; others are clipped."""

    low: float
    high: float


def build_student_graph(
    weights: Weights,
    shape: GraphShape,
    labels: Labels,
    *,
    conventions: Conventions | None = None,
    ranges: Mapping[str, Range] | None = None,
    has_observed: bool = False,
) -> bytes:
    """Builds the graph.

    Inputs, all int64: `piece_ids` (n_sentences, n_pieces), no padding; `first_piece_index` and
    `last_piece_index` (n_tokens,) into the flattened pieces; with conventions also `treebank` (),
    1 for the first of them, 0 for none. Outputs, all (n_tokens,): `upos`, `second_upos`, `feats`
    (label ids, int64), `upos_score`, `feats_score` (probabilities, float32).

    Args:
        weights: Named as in Hugging Face's `BertModel`, with `upos`, `feats` and, where the heads
            read the last piece too, `combine`.
        shape: The rest of the architecture.
        labels: Which FEATS bundles to score for which part of speech.
        conventions: Those of treebanks; None where the model knows none.
        ranges: By the name of the layer that reads the activation; None for a float32 graph.
        has_observed: Adds the input of each linear layer to the outputs, as `OBSERVED` and the
            layer's name. In float32 graphs only.

    Returns:
        The serialised model.
    """
    graph = _StudentGraph(weights, shape, ranges)
    hidden = graph.embeddings()
    for index in range(shape.n_layers):
        hidden = graph.layer(hidden, f"encoder.layer.{index}.")
    tokens = graph.tokens(hidden)
    inputs = {
        "piece_ids": ("n_sentences", "n_pieces"),
        "first_piece_index": ("n_tokens",),
        "last_piece_index": ("n_tokens",),
    }
    if conventions is not None:
        tokens = graph.corrected(tokens, conventions)
        inputs["treebank"] = ()
    upos = graph.upos(tokens)
    graph.feats(tokens, upos, labels)
    outputs: dict[str, tuple[int, Sequence[str]]] = {
        name: (kind, ("n_tokens",))
        for kind, names in (
            (TensorProto.INT64, ("upos", "second_upos", "feats")),
            (TensorProto.FLOAT, ("upos_score", "feats_score")),
        )
        for name in names
    }
    if has_observed:
        outputs |= graph.observed
    return graph.serialised(
        "student",
        inputs=inputs,
        outputs=outputs,
    )


class _StudentGraph(GraphBuilder):
    """The layers of the graph."""

    def __init__(
        self, weights: Weights, shape: GraphShape, ranges: Mapping[str, Range] | None
    ) -> None:
        super().__init__()
        self._weights = weights
        self._shape = shape
        self._ranges = ranges
        self._hidden_size = weights["embeddings.word_embeddings.weight"].shape[1]
        self.observed: dict[str, tuple[int, Sequence[str]]] = {}

    def embeddings(self) -> str:
        """Sum of piece, position and type embeddings, normalised."""
        types = self._weights["embeddings.token_type_embeddings.weight"][:1]
        positions = self.constant(
            "positions",
            self._weights["embeddings.position_embeddings.weight"][:MAX_PIECES] + types,
        )
        length = self.node("Slice", self.node("Shape", "piece_ids"), *self.ints([1], [2]))
        used = self.node("Slice", positions, *self.ints([0]), length, *self.ints([0]))
        return self._added_and_normalised(self._pieces(), used, "embeddings.LayerNorm")

    def layer(self, hidden: str, name: str) -> str:
        """Self-attention and feed-forward, each added to its input and normalised."""
        # Three products and no split: copying the parts of a joined one takes longer.
        read = self._quantised(hidden, name + "attention")
        query, key, value = (
            self._dense(read, f"{name}attention.self.{part}", reader=name + "attention")
            for part in ("query", "key", "value")
        )
        mixed = self.node(
            "MultiHeadAttention",
            query,
            key,
            value,
            domain=CONTRIB,
            num_heads=self._shape.n_heads,
        )
        dense = name + "attention.output.dense"
        out = self._dense(self._quantised(mixed, dense), dense)
        hidden = self._added_and_normalised(out, hidden, name + "attention.output.LayerNorm")
        dense = name + "intermediate.dense"
        inner = self._dense(self._quantised(hidden, dense), dense)
        dense = name + "output.dense"
        out = self._dense(self._activated(inner, dense), dense)
        return self._added_and_normalised(out, hidden, name + "output.LayerNorm")

    def tokens(self, hidden: str) -> str:
        """One vector a token: its first piece's, or what `combine` makes of its first and last."""
        flat = self.node("Reshape", hidden, *self.ints([-1, self._hidden_size]))
        first = self.node("Gather", flat, "first_piece_index")
        last = self.node("Gather", flat, "last_piece_index")
        if "combine.weight" not in self._weights:
            return first
        both = self.node("Concat", first, last, axis=-1)
        return self._dense(self._quantised(both, "combine"), "combine")

    def corrected(self, tokens: str, conventions: Conventions) -> str:
        """Tokens' vectors plus bias + (vectors @ down) @ up of the treebank."""
        narrow = self._treebank_product(tokens, conventions.down, "conventions.down")
        wide = self._treebank_product(narrow, conventions.up, "conventions.up")
        bias = self._of_treebank("conventions.bias", conventions.bias.astype(np.float16))
        change = self.node("Add", wide, self.node("Cast", bias, to=TensorProto.FLOAT))
        return self.node("Add", tokens, change)

    def _treebank_product(self, values: str, weights: Array, name: str) -> str:
        """Values times the treebank's weight; weights has shape (n_treebanks, n_in, n_out)."""
        read = self._quantised(values, name)
        if self._ranges is None:
            return self.node("MatMul", read, self._of_treebank(f"{name}.kernel", weights))
        scales = np.maximum(np.abs(weights).max((1, 2)), 1e-8) / _MAX_WEIGHT
        kernels = np.rint(weights / scales[:, None, None]).astype(np.int8)
        scale, zero = self._scale_and_zero(name)
        return self.node(
            "MatMulIntegerToFloat",
            read,
            self._of_treebank(f"{name}.kernel", kernels),
            scale,
            self._of_treebank(f"{name}.scale", scales.astype(np.float32)),
            zero,
            self.constant(f"{name}.zero", np.int8(0)),
            domain=CONTRIB,
        )

    def _of_treebank(self, name: str, values: NDArray[np.generic]) -> str:
        """The treebank's row of a table, zeros for treebank 0."""
        table = np.concatenate([np.zeros_like(values[:1]), values])
        return self.node("Gather", self.constant(name, table), "treebank", axis=0)

    def upos(self, tokens: str) -> str:
        """The two best parts of speech; returns the best."""
        probs = self.node("Softmax", self._dense(self._quantised(tokens, "upos"), "upos"), axis=-1)
        best, ids = self.split_node(
            "TopK", probs, *self.ints([2]), outputs=["upos_top_probs", "upos_top_ids"], axis=-1
        )
        zero, one = (self.constant(f"int_{i}", np.int64(i)) for i in (0, 1))
        self.node("Gather", best, zero, output="upos_score", axis=1)
        self.node("Gather", ids, one, output="second_upos", axis=1)
        return self.node("Gather", ids, zero, output="upos", axis=1)

    def feats(self, tokens: str, upos: str, labels: Labels) -> None:
        """The best FEATS bundle among those of each token's part of speech.

        Tokens are sorted by part of speech, split into one run a part of speech, scored, joined
        and put back into their order.
        """
        n_tokens = self.node("Shape", upos)
        sorted_upos, order = self._sorted(upos, n_tokens, "upos")
        runs = self.split_node(
            "Split",
            self.node("Gather", self._quantised(tokens, "feats"), order),
            self._counts(upos, len(labels.upos)),
            outputs=[f"tokens.{tag}" for tag in labels.upos],
            axis=0,
        )
        scored = [
            self._best_of(run, np.array(ids), tag)
            for run, tag, ids in zip(runs, labels.upos, labels.feats_of_upos, strict=True)
        ]
        best, score = (self.node("Concat", *parts, axis=0) for parts in zip(*scored, strict=True))
        sizes = [len(ids) for ids in labels.feats_of_upos]
        starts = self.constant("feats_starts", np.cumsum([0, *sizes[:-1]]).astype(np.int64))
        all_ids = self.constant("feats_ids", np.concatenate(labels.feats_of_upos).astype(np.int64))
        place = self.node("Add", best, self.node("Gather", starts, sorted_upos))
        found = self.node("Gather", all_ids, place)
        _, back = self._sorted(order, n_tokens, "order")
        self.node("Gather", found, back, output="feats")
        self.node("Gather", score, back, output="feats_score")

    def _best_of(self, run: str, ids: NDArray[np.int64], tag: str) -> tuple[str, str]:
        logits = self._product(
            run,
            self._weights["feats.weight"][ids],
            self._weights["feats.bias"][ids],
            name=f"feats.{tag}",
            reader="feats",
        )
        best = self.node("ArgMax", logits, axis=1, keepdims=0)
        probs = self.node("Softmax", logits, axis=1)
        return best, self.node("ReduceMax", probs, *self.ints([1]), keepdims=0)

    def _counts(self, upos: str, n_labels: int) -> str:
        """How many tokens have each part of speech. Shape (n_labels,)."""
        labels = self.constant("upos_labels", np.arange(n_labels, dtype=np.int64))
        column = self.node("Unsqueeze", upos, *self.ints([1]))
        is_label = self.node("Cast", self.node("Equal", column, labels), to=TensorProto.INT64)
        return self.node("ReduceSum", is_label, *self.ints([0]), keepdims=0)

    def _sorted(self, values: str, length: str, name: str) -> list[str]:
        outputs = [f"{name}.sorted", f"{name}.order"]
        return self.split_node("TopK", values, length, outputs=outputs, axis=0, largest=0, sorted=1)

    def _pieces(self) -> str:
        """The embedding of each piece; int8 rows with a scale each in the int8 graph."""
        table = self._weights["embeddings.word_embeddings.weight"]
        if self._ranges is None:
            return self.node("Gather", self.constant("pieces", table), "piece_ids")
        scales = np.maximum(np.abs(table).max(1, keepdims=True), 1e-4) / _MAX_EMBEDDING
        # Rows are rounded to steps as they are kept, so that half precision costs nothing.
        scales = scales.astype(np.float16)
        rows = np.rint(table / scales.astype(np.float32)).clip(-127, 127).astype(np.int8)
        row, scale = (
            self.node(
                "Cast",
                self.node("Gather", self.constant(name, values), "piece_ids"),
                to=TensorProto.FLOAT,
            )
            for name, values in (("pieces", rows), ("piece_scales", scales))
        )
        return self.node("Mul", row, scale)

    def _added_and_normalised(self, values: str, residual: str, name: str) -> str:
        """LayerNorm of a sum.

        Written as the RMS norm of what is left without the mean: ONNX Runtime's own LayerNorm takes
        six times as long on a CPU.
        """
        scale, bias = (
            self.constant(f"{name}.{part}", self._weights[f"{name}.{part}"])
            for part in ("weight", "bias")
        )
        added = self.node("Add", values, residual)
        centred = self.node("Sub", added, self.node("ReduceMean", added, *self.ints([-1])))
        eps = self._shape.layer_norm_eps
        return self.node(
            "Add", self.node("RMSNormalization", centred, scale, axis=-1, epsilon=eps), bias
        )

    def _activated(self, values: str, reader: str) -> str:
        if self._shape.hidden_act == "gelu":
            return self._quantised(self.node("Gelu", values, domain=CONTRIB), reader)
        if self._ranges is None:
            return self._quantised(self.node("Relu", values), reader)
        # A range that starts at 0 clips what is below: quantising is the ReLU.
        return self._quantised(values, reader)

    def _quantised(self, values: str, reader: str) -> str:
        """Rounds an activation to 8 bits in the range of its reader; observes it in float32."""
        if self._ranges is None:
            shown = self.node("Reshape", values, *self.ints([-1]), output=OBSERVED + reader)
            self.observed[shown] = (TensorProto.FLOAT, ("n_values",))
            return values
        return self.node("QuantizeLinear", values, *self._scale_and_zero(reader))

    def _dense(self, values: str, name: str, *, reader: str | None = None) -> str:
        """A linear layer; `reader` is whose range its input was quantised in, if not its own."""
        weight, bias = (self._weights[f"{name}.{part}"] for part in ("weight", "bias"))
        return self._product(values, weight, bias, name=name, reader=reader or name)

    def _product(self, values: str, weight: Array, bias: Array, *, name: str, reader: str) -> str:
        """Values times weight, transposed, plus bias; weight has shape (n_outputs, n_inputs)."""
        bias_name = self.constant(f"{name}.bias", bias)
        if self._ranges is None:
            kernel = self.constant(f"{name}.kernel", weight.T)
            return self.node("Add", self.node("MatMul", values, kernel), bias_name)
        scales = np.maximum(np.abs(weight).max(1), 1e-8) / _MAX_WEIGHT
        kernel = self.constant(f"{name}.kernel", np.rint(weight.T / scales).astype(np.int8))
        scale, zero = self._scale_and_zero(reader)
        return self.node(
            "MatMulIntegerToFloat",
            values,
            kernel,
            scale,
            self.constant(f"{name}.scales", scales.astype(np.float32)),
            zero,
            self.constant(f"{name}.zeros", np.zeros(len(scales), np.int8)),
            bias_name,
            domain=CONTRIB,
        )

    def _scale_and_zero(self, reader: str) -> tuple[str, str]:
        """The step of an activation's 8-bit grid, and the grid point of 0."""
        assert self._ranges is not None
        activation = self._ranges[reader]
        low, high = min(activation.low, 0.0), max(activation.high, 0.0)
        scale = max(high - low, 1e-8) / _MAX_ACTIVATION
        zero = round(-low / scale)
        return (
            self.constant(f"{reader}.activation_scale", np.float32(scale)),
            self.constant(f"{reader}.activation_zero", np.uint8(zero)),
        )
