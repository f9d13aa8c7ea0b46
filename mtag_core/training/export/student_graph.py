"""The ONNX graphs of students: wordpieces to labels, or forms to vectors and vectors to labels.

Products are in int8 (see `mtag_core.training.export.quantised_graph`). Batches hold sentences of
one length, so there is neither padding nor mask. FEATS bundles are scored only for the part of
speech that was predicted, one small product a part of speech in place of one product with all of
them. A model with treebank adapters has one more input, the number of the treebank, whose adapter
is added to the tokens' vectors; number 0 adds nothing.

A student of words has two graphs. A call of the form graph reads forms of one length in wordpieces;
sums of n-grams are sums of whole numbers. So the vector of a form cannot depend on the forms beside
it, and a tagger may keep it.

All graphs are built of the weights of `mtag_core.training.networks.trained_model` by name, those of
heads divided by what calibrates their probabilities, and of `ranges` by the name of the layer that
reads an activation; without ranges they are in float32. With `has_observed` those also give the
input of each linear layer, as `OBSERVED` and the layer's name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from mtag_core.errors import CheckpointError
from mtag_core.labels import Labels
from mtag_core.tagging.form_vectors import feeds
from mtag_core.tagging.forms import FormFeatures
from mtag_core.tagging.wordpiece import MAX_PIECES, WordPiece
from mtag_core.tagging.words import MAX_WORDS
from mtag_core.training.export.quantised_graph import (
    Feed,
    QuantisedGraph,
    Range,
    Values,
    Weights,
    observe,
    session_of,
)
from mtag_core.training.export.tagging_heads import (
    LanguageLabels,
    TaggingHeads,
    TokenRuns,
    token_values,
)
from mtag_core.training.networks.trained_model import GraphShape, TrainedModel

Told = tuple[Sequence[str], int]

_INT = TensorProto.INT64
_HEADS = "heads"
_LABELS = ("feats", "feats_score", "lemmas", "next_lemmas")


def build_student_graph(
    weights: Weights,
    shape: GraphShape,
    labels: Labels,
    *,
    ranges: Mapping[str, Range] | None = None,
    has_observed: bool = False,
) -> bytes:
    """Builds the graph of a student of wordpieces.

    Inputs, all int64: `piece_ids` (n_sentences, n_pieces), no padding; `first_piece_index` and
    `last_piece_index` (n_tokens,) into the flattened pieces; with adapters also `treebank` (),
    1 for the first of them, 0 for none. Outputs, all (n_tokens,): `upos`, `second_upos`, `feats`
    (label ids, int64), `upos_score`, `feats_score` (probabilities, float32).
    """
    graph = _StudentGraph(weights, shape, ranges)
    hidden = graph.embeddings()
    for index in range(shape.n_layers):
        hidden = graph.layer(hidden, f"encoder.layer.{index}.")
    tokens = graph.tokens(hidden)
    inputs: dict[str, tuple[int, tuple[str, ...]]] = {
        "piece_ids": (_INT, ("n_sentences", "n_pieces")),
        "first_piece_index": (_INT, ("n_tokens",)),
        "last_piece_index": (_INT, ("n_tokens",)),
    }
    if "adapters.weight" in weights:
        tokens = graph.adapted(tokens)
        inputs["treebank"] = (_INT, ())
    upos = graph.upos(graph.quantised(tokens, "upos"), reader="upos")
    runs = graph.runs(graph.quantised(tokens, "feats"), upos, labels.upos, reader="feats")
    graph.best_within_upos(runs, "feats", labels.feats_of_upos, output="feats", score="feats_score")
    outputs = token_values("upos", "second_upos", "feats", "upos_score", "feats_score")
    return graph.finished("student", inputs=inputs, outputs=outputs, has_observed=has_observed)


class _StudentGraph(TaggingHeads):
    def embeddings(self) -> str:
        """Sum of piece, position and type embeddings, normalised."""
        types = self._weights["embeddings.token_type_embeddings.weight"][:1]
        table = self._weights["embeddings.position_embeddings.weight"][:MAX_PIECES] + types
        used = self.positions(self.constant("positions", table), "piece_ids")
        pieces = self.piece_rows(self._weights["embeddings.word_embeddings.weight"], "piece_ids")
        return self.added_and_normalised(pieces, used, "embeddings.LayerNorm")

    def tokens(self, hidden: str) -> str:
        """One vector a token: what `combine` makes of its first and last piece."""
        width = self._weights["embeddings.word_embeddings.weight"].shape[1]
        flat = self.node("Reshape", hidden, *self.ints([-1, width]))
        first = self.node("Gather", flat, "first_piece_index")
        last = self.node("Gather", flat, "last_piece_index")
        both = self.node("Concat", first, last, axis=-1)
        return self.dense(self.quantised(both, "combine"), "combine")


def build_form_graph(
    weights: Weights,
    shape: GraphShape,
    *,
    ranges: Mapping[str, Range] | None = None,
    has_observed: bool = False,
) -> bytes:
    """Builds the graph of the form encoder of a student of words.

    Inputs, all int64: `piece_ids` (n_forms, n_pieces), no padding; `ends` (n_ends,), the columns of
    a form's first and last piece, once where they are one; `ngrams` (n_ngrams + 1,), those of all
    forms and one more, which is not read; `ngram_offsets` (n_forms + 1,); `case` (n_forms,).
    Output: `vectors` (n_forms, hidden_width), float16.

    Raises:
        CheckpointError: The form encoder has more than one layer.
    """
    if "forms.layers.1.output.dense.weight" in weights:
        raise CheckpointError("a form encoder of several layers, expected one")
    graph = _FormGraph(weights, shape, ranges)
    graph.vectors(graph.ends(), graph.ngrams())
    width = weights["forms.norm.weight"].shape[0]
    outputs: Values = {"vectors": (TensorProto.FLOAT16, ("n_forms", width))}
    return graph.finished(
        "forms",
        inputs={
            "piece_ids": (_INT, ("n_forms", "n_pieces")),
            "ends": (_INT, ("n_ends",)),
            "ngrams": (_INT, ("n_ngrams",)),
            "ngram_offsets": (_INT, ("n_offsets",)),
            "case": (_INT, ("n_forms",)),
        },
        outputs=outputs,
        has_observed=has_observed,
    )


def build_tagger_graph(
    weights: Weights,
    shape: GraphShape,
    labels: Labels,
    *,
    languages: LanguageLabels | None = None,
    ranges: Mapping[str, Range] | None = None,
    has_observed: bool = False,
) -> bytes:
    """Builds the graph of the context layers and heads of a student of words.

    Inputs: `vectors` (n_sentences, n_words, hidden_width) float16, no padding; `treebank` () int64,
    1 for the first of them, 0 for none. Outputs, all (n_sentences * n_words,): `upos`,
    `second_upos`, `feats`, `lemmas` (label ids, int64), `upos_score`, `feats_score` (probabilities,
    float32); and `next_lemmas` (n_sentences * n_words, n_next), the next best rules, the best one
    in the place of those that are far less likely. `languages` says which labels to score where the
    treebank says the language.
    """
    graph = _TaggerGraph(weights, shape, ranges)
    read = graph.tokens()
    tokens = graph.runs(read, graph.upos(read, reader=_HEADS), labels.upos, reader=_HEADS)
    if languages is None:
        graph.heads(tokens, labels)
    else:
        graph.heads_by_language(tokens, labels, languages)
    outputs = {**token_values("upos", "second_upos", "upos_score"), **_label_values()}
    vectors = (TensorProto.FLOAT16, ("n_sentences", "n_words", "hidden_width"))
    return graph.finished(
        "words",
        inputs={"vectors": vectors, "treebank": (_INT, ())},
        outputs=outputs,
        has_observed=has_observed,
    )


def _label_values(prefix: str = "") -> Values:
    *of_one, following = (prefix + name for name in _LABELS)
    return {**token_values(*of_one), following: (_INT, ("n_tokens", "n_next"))}


class _FormGraph(QuantisedGraph):
    def ends(self) -> str:
        """The first and the last piece of each form. Shape (n_forms, 2 * hidden_width)."""
        name = "forms.layers.0."
        pieces = self.piece_rows(self._weights["forms.pieces.weight"], "piece_ids")
        used = self.positions(self.weight("forms.positions.weight"), "piece_ids")
        hidden = self.added_and_normalised(pieces, used, "forms.piece_norm")
        read = self.quantised(hidden, name + "attention")
        # The other pieces are read by these, but nothing reads what becomes of them.
        query = self.projected(self.node("Gather", read, "ends", axis=1), name, "query")
        key, value = (self.projected(read, name, part) for part in ("key", "value"))
        mixed = self.attention(query, key, value)
        ends = self.after_attention(mixed, self.node("Gather", hidden, "ends", axis=1), name)
        first, last = (self.node("Gather", ends, self.whole(place), axis=1) for place in (0, -1))
        return self.node("Concat", first, last, axis=1)

    def ngrams(self) -> str:
        """The mean of each form's n-grams. Shape (n_forms, ngram_width)."""
        table = self._weights["forms.ngrams.weight"]
        scales = np.maximum(np.abs(table).max(0), 1e-8) / 127
        is_exact = self._ranges is None
        rows = table if is_exact else np.rint(table / scales).astype(np.int8)
        kind = TensorProto.DOUBLE if is_exact else TensorProto.INT32
        gathered = self.node("Gather", self.constant("ngrams.rows", rows), "ngrams")
        exact = self.node("Cast", gathered, to=kind)
        sums = self.node("CumSum", exact, self.whole(0), exclusive=1)
        starts, ends = (
            self.node("Slice", "ngram_offsets", *self.ints(*bounds))
            for bounds in (([0], [-1]), ([1], [2**31]))
        )
        sums = self.node("Sub", self.node("Gather", sums, ends), self.node("Gather", sums, starts))
        counts = self.node("Unsqueeze", self.node("Sub", ends, starts), *self.ints([1]))
        mean = self.node(
            "Div", *(self.node("Cast", each, to=TensorProto.FLOAT) for each in (sums, counts))
        )
        if is_exact:
            return mean
        return self.node("Mul", mean, self.constant("ngrams.scales", scales.astype(np.float32)))

    def vectors(self, ends: str, ngrams: str) -> None:
        """What the parts make together, as output `vectors`."""
        dense = "forms.ngram_projection"
        ngrams = self.dense(self.quantised(ngrams, dense), dense)
        ends = self.dense(self.quantised(ends, "forms.ends"), "forms.ends")
        case = self.node("Gather", self.weight("forms.case.weight"), "case")
        summed = self.added_and_normalised(self.node("Add", ends, ngrams), case, "forms.norm")
        self.node("Cast", summed, output="vectors", to=TensorProto.FLOAT16)


class _TaggerGraph(TaggingHeads):
    def tokens(self) -> str:
        """What the heads read of each word, quantised. Shape (n_tokens, hidden_width)."""
        table = self._weights["context.positions.weight"][:MAX_WORDS]
        used = self.positions(self.constant("positions", table), "vectors")
        vectors = self.node("Cast", "vectors", to=TensorProto.FLOAT)
        hidden = self.added_and_normalised(vectors, used, "context.norm")
        for index in range(self._shape.n_layers):
            hidden = self.layer(hidden, f"context.layers.{index}.")
        width = self._weights["context.norm.weight"].shape[0]
        flat = self.node("Reshape", hidden, *self.ints([-1, width]))
        return self.quantised(self.adapted(flat), _HEADS)

    def heads(self, tokens: TokenRuns, labels: Labels, *, prefix: str = "") -> Values:
        """The labels of all languages; outputs have these names behind a prefix."""
        feats, score, lemmas, following = (prefix + name for name in _LABELS)
        self.best_within_upos(tokens, "feats", labels.feats_of_upos, output=feats, score=score)
        self.best_within_upos(
            tokens, "lemmas", labels.lemma_rules_of_upos, output=lemmas, following=following
        )
        return _label_values(prefix)

    def heads_by_language(
        self, tokens: TokenRuns, labels: Labels, languages: LanguageLabels
    ) -> None:
        """The labels of the treebank's language, or of all."""
        of_treebank = self.constant(
            "treebank_languages", np.array([-1, *languages.of_treebank], np.int64)
        )
        language = self.node("Gather", of_treebank, "treebank")
        is_known = self.node("Greater", language, self.whole(-1))
        groups = {
            "feats": (labels.feats_of_upos, languages.feats),
            "lemmas": (labels.lemma_rules_of_upos, languages.lemmas),
        }
        tables = {head: self.label_tables(head, labels.upos) for head in groups}

        def of_language() -> Values:
            for head, (of_all, of_languages) in groups.items():
                self.best_of_language(
                    tokens,
                    head,
                    of_all,
                    tables=tables[head],
                    languages=of_languages,
                    language=language,
                    output=f"language.{head}",
                    score="language.feats_score" if head == "feats" else None,
                    following="language.next_lemmas" if head == "lemmas" else None,
                )
            return _label_values("language.")

        self.choose(
            is_known,
            [of_language, lambda: self.heads(tokens, labels, prefix="all.")],
            outputs=list(_LABELS),
        )


def piece_graphs(
    trained: TrainedModel, labels: Labels, sentences: Iterable[Told], wordpiece: WordPiece
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Builds the graph of a student of wordpieces by file name: in float32, and in int8."""
    build = partial(build_student_graph, trained.weights, trained.shape, labels)
    ranges = observe_ranges(build(has_observed=True), sentences, wordpiece)
    ranges = _widened(ranges, trained)
    return {"tagger.onnx": build()}, {"tagger.onnx": build(ranges=ranges)}


def word_graphs(
    trained: TrainedModel,
    labels: Labels,
    sentences: Iterable[Told],
    features: FormFeatures,
    *,
    languages: LanguageLabels | None = None,
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Builds the graphs of a student of words by file name: in float32, and in int8.

    `sentences` are the forms of each and the number of its treebank, 0 where it has none.
    """
    told = [(forms[:MAX_WORDS], treebank) for forms, treebank in sentences if forms]
    forms = list(dict.fromkeys(form for each, _ in told for form in each))
    form_feeds = list(feeds(features(forms)))
    encode = partial(build_form_graph, trained.weights, trained.shape)
    form_ranges = observe(encode(has_observed=True), (feed for _, feed in form_feeds))
    reference = {"forms.onnx": encode()}
    session = session_of(reference["forms.onnx"])
    vectors = {
        forms[index]: vector
        for indices, feed in form_feeds
        for index, vector in zip(indices, session.run(["vectors"], feed)[0], strict=True)
    }
    build = partial(build_tagger_graph, trained.weights, trained.shape, labels)
    tag = partial(build, languages=languages)
    ranges = observe(build(has_observed=True), _word_feeds(told, vectors))
    reference["tagger.onnx"] = tag()
    return reference, {
        "forms.onnx": encode(ranges=_widened(form_ranges, trained)),
        "tagger.onnx": tag(ranges=_widened(ranges, trained)),
    }


def observe_ranges(
    graph: bytes, sentences: Iterable[Told], wordpiece: WordPiece
) -> dict[str, Range]:
    """As `observe`, of a student of wordpieces on sentences, with their treebanks and without.

    A thousand sentences are enough.
    """
    return observe(graph, _piece_feeds(sentences, wordpiece))


def _piece_feeds(sentences: Iterable[Told], wordpiece: WordPiece) -> Iterator[Feed]:
    for forms, treebank in sentences:
        for window, number in product(wordpiece.encode(forms), sorted({0, treebank})):
            yield {
                "piece_ids": np.array([window.piece_ids]),
                "first_piece_index": np.array(window.first),
                "last_piece_index": np.array(window.last),
                "treebank": np.array(number),
            }


def _word_feeds(
    sentences: Iterable[Told], vectors: Mapping[str, NDArray[np.float16]]
) -> Iterator[Feed]:
    for forms, treebank in sentences:
        for number in sorted({0, treebank}):
            yield {
                "vectors": np.array([[vectors[form] for form in forms]]),
                "treebank": np.array(number),
            }


def _widened(ranges: Mapping[str, Range], trained: TrainedModel) -> dict[str, Range]:
    # The sentences may be of one language, the bundle that the model began with knew others.
    known = trained.from_bundle.ranges
    bounds = {name: (each.low, each.high) for name, each in ranges.items()}
    pairs = {name: zip(bounds[name], known.get(name, bounds[name]), strict=True) for name in bounds}
    return {name: Range(min(low), max(high)) for name, (low, high) in pairs.items()}
