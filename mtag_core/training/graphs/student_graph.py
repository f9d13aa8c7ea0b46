"""The ONNX graph of a bundle: wordpieces in, the best labels and their probabilities out.

Products are in int8 (see `mtag_core.training.graphs.quantised_graph`). Batches hold sentences of
one length, so there is neither padding nor mask.

FEATS bundles are scored only for the part of speech that was predicted, one small product a part of
speech in place of one product with all of them.

A model that knows the conventions of treebanks has one more input, the number of the treebank, and
corrects the tokens' vectors by it; number 0 corrects nothing.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from mtag_core.labels import Labels
from mtag_core.tagging.wordpiece import MAX_PIECES
from mtag_core.training.graphs.conventions import Conventions
from mtag_core.training.graphs.logit_graph import GraphShape
from mtag_core.training.graphs.onnx_graph import CONTRIB
from mtag_core.training.graphs.quantised_graph import (
    MAX_WEIGHT,
    Array,
    Range,
    Weights,
)
from mtag_core.training.graphs.tagging_heads import TaggingHeads


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
    upos = graph.upos(graph.quantised(tokens, "upos"), reader="upos")
    graph.best_within_upos(
        graph.runs(graph.quantised(tokens, "feats"), upos, labels.upos),
        "feats",
        labels.feats_of_upos,
        labels.upos,
        reader="feats",
        output="feats",
        score="feats_score",
    )
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


class _StudentGraph(TaggingHeads):
    """The layers of the graph."""

    def __init__(
        self, weights: Weights, shape: GraphShape, ranges: Mapping[str, Range] | None
    ) -> None:
        super().__init__(weights, shape, ranges)
        self._hidden_size = weights["embeddings.word_embeddings.weight"].shape[1]

    def embeddings(self) -> str:
        """Sum of piece, position and type embeddings, normalised."""
        types = self._weights["embeddings.token_type_embeddings.weight"][:1]
        positions = self.constant(
            "positions",
            self._weights["embeddings.position_embeddings.weight"][:MAX_PIECES] + types,
        )
        length = self.node("Slice", self.node("Shape", "piece_ids"), *self.ints([1], [2]))
        used = self.node("Slice", positions, *self.ints([0]), length, *self.ints([0]))
        pieces = self.piece_rows(self._weights["embeddings.word_embeddings.weight"], "piece_ids")
        return self.added_and_normalised(pieces, used, "embeddings.LayerNorm")

    def tokens(self, hidden: str) -> str:
        """One vector a token: its first piece's, or what `combine` makes of its first and last."""
        flat = self.node("Reshape", hidden, *self.ints([-1, self._hidden_size]))
        first = self.node("Gather", flat, "first_piece_index")
        last = self.node("Gather", flat, "last_piece_index")
        if "combine.weight" not in self._weights:
            return first
        both = self.node("Concat", first, last, axis=-1)
        return self.dense(self.quantised(both, "combine"), "combine")

    def corrected(self, tokens: str, conventions: Conventions) -> str:
        """Tokens' vectors plus bias + (vectors @ down) @ up of the treebank."""
        narrow = self._treebank_product(tokens, conventions.down, "conventions.down")
        wide = self._treebank_product(narrow, conventions.up, "conventions.up")
        bias = self._of_treebank("conventions.bias", conventions.bias.astype(np.float16))
        change = self.node("Add", wide, self.node("Cast", bias, to=TensorProto.FLOAT))
        return self.node("Add", tokens, change)

    def _treebank_product(self, values: str, weights: Array, name: str) -> str:
        """Values times the treebank's weight; weights has shape (n_treebanks, n_in, n_out)."""
        read = self.quantised(values, name)
        if self._ranges is None:
            return self.node("MatMul", read, self._of_treebank(f"{name}.kernel", weights))
        scales = np.maximum(np.abs(weights).max((1, 2)), 1e-8) / MAX_WEIGHT
        kernels = np.rint(weights / scales[:, None, None]).astype(np.int8)
        scale, zero = self.scale_and_zero(name)
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
        table = np.concatenate([np.zeros_like(values[:1]), values])
        return self.node("Gather", self.constant(name, table), "treebank", axis=0)
