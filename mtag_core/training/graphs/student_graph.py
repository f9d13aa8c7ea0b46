"""The ONNX graph of a bundle: wordpieces in, the best labels and their probabilities out.

Products are in int8 (see `mtag_core.training.graphs.quantised_graph`). Batches hold sentences of
one length, so there is neither padding nor mask.

FEATS bundles are scored only for the part of speech that was predicted, one small product a part of
speech in place of one product with all of them.

A model with treebank adapters has one more input, the number of the treebank, whose adapter is
added to the tokens' vectors; number 0 adds nothing.
"""

from collections.abc import Mapping, Sequence

from onnx import TensorProto

from mtag_core.labels import Labels
from mtag_core.tagging.wordpiece import MAX_PIECES
from mtag_core.training.graphs.logit_graph import GraphShape
from mtag_core.training.graphs.quantised_graph import Range, Weights
from mtag_core.training.graphs.tagging_heads import TaggingHeads

_OUTPUTS: dict[str, tuple[int, Sequence[str]]] = {
    name: (kind, ("n_tokens",))
    for kind, names in (
        (TensorProto.INT64, ("upos", "second_upos", "feats")),
        (TensorProto.FLOAT, ("upos_score", "feats_score")),
    )
    for name in names
}


def build_student_graph(
    weights: Weights,
    shape: GraphShape,
    labels: Labels,
    *,
    ranges: Mapping[str, Range] | None = None,
    has_observed: bool = False,
) -> bytes:
    """Builds the graph.

    Inputs, all int64: `piece_ids` (n_sentences, n_pieces), no padding; `first_piece_index` and
    `last_piece_index` (n_tokens,) into the flattened pieces; with adapters also `treebank` (),
    1 for the first of them, 0 for none. Outputs, all (n_tokens,): `upos`, `second_upos`, `feats`
    (label ids, int64), `upos_score`, `feats_score` (probabilities, float32).

    Args:
        weights: Named as in Hugging Face's `BertModel`, with `upos`, `feats`, where the heads read
            the last piece too, `combine`, and where there are adapters, `adapters`.
        shape: The rest of the architecture.
        labels: Which FEATS bundles to score for which part of speech.
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
    if "adapters.weight" in weights:
        tokens = graph.adapted(tokens)
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
    outputs = _OUTPUTS | graph.observed if has_observed else _OUTPUTS
    return graph.serialised("student", inputs=inputs, outputs=outputs)


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
