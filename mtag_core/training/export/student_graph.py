"""The ONNX graphs of a student: forms to vectors, and vectors to labels.

Products are in int8 (see `mtag_core.training.export.quantised_graph`). Batches hold sentences of
one length, so there is neither padding nor mask. A call of the form graph reads forms of one length
in wordpieces; sums of n-grams are sums of whole numbers. So the vector of a form cannot depend on
the forms beside it, and a tagger may keep it.

Both graphs are built of the weights of `mtag_core.training.networks.trained_model` by name, those
of heads divided by what calibrates their probabilities, and of `ranges` by the name of the layer
that reads an activation; without ranges they are in float32.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from mtag_core.labels import Labels
from mtag_core.tagging.bundle import FORMS, HEADS, TAGGER
from mtag_core.tagging.form_vectors import feeds
from mtag_core.tagging.forms import FormFeatures
from mtag_core.tagging.graphs import open_session
from mtag_core.tagging.words import MAX_WORDS
from mtag_core.training.export.quantised_graph import Feed, QuantisedGraph, Range, Values, observe
from mtag_core.training.export.tagger_graph import (
    LanguageLabels,
    build_heads_graph,
    build_tagger_graph,
)
from mtag_core.training.networks.trained_model import TrainedModel

Told = tuple[Sequence[str], int]

_INT = TensorProto.INT64


def build_form_graph(trained: TrainedModel, *, ranges: Mapping[str, Range] | None = None) -> bytes:
    """Builds the graph of the form encoder.

    Inputs, all int64: `piece_ids` (n_forms, n_pieces), no padding; `ends` (n_ends,), the columns of
    a form's first and last piece, once where they are one; `ngrams` (n_ngrams + 1,), those of all
    forms and one more, which is not read; `ngram_offsets` (n_forms + 1,); `case` (n_forms,).
    Output: `vectors` (n_forms, hidden_width), float16.
    """
    graph = _FormGraph(trained, ranges)
    graph.vectors(graph.ends(), graph.ngrams())
    width = trained.config["hidden_size"]
    outputs: Values = {"vectors": (TensorProto.FLOAT16, ("n_forms", width))}
    return graph.serialised(
        "forms",
        inputs={
            "piece_ids": (_INT, ("n_forms", "n_pieces")),
            "ends": (_INT, ("n_ends",)),
            "ngrams": (_INT, ("n_ngrams",)),
            "ngram_offsets": (_INT, ("n_offsets",)),
            "case": (_INT, ("n_forms",)),
        },
        outputs=outputs,
    )


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


def word_graphs(
    trained: TrainedModel,
    labels: Labels,
    sentences: Iterable[Told],
    features: FormFeatures,
    *,
    languages: LanguageLabels | None = None,
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Builds the graphs of a student by file name: in float32, and in int8.

    `sentences` are the forms of each and the number of its treebank, 0 where it has none.
    """
    told = [(forms[:MAX_WORDS], treebank) for forms, treebank in sentences if forms]
    forms = list(dict.fromkeys(form for each, _ in told for form in each))
    form_feeds = list(feeds(features(forms)))
    reference = _graphs(trained, labels, languages)
    form_ranges = observe(reference[FORMS], (feed for _, feed in form_feeds))
    session = open_session(reference[FORMS], source=FORMS)
    vectors = {
        forms[index]: vector
        for indices, feed in form_feeds
        for index, vector in zip(indices, session.run(["vectors"], feed)[0], strict=True)
    }
    ranges = observe(reference[TAGGER], _word_feeds(told, vectors))
    found = _widened(form_ranges | ranges, trained)
    return reference, _graphs(trained, labels, languages, found)


def _graphs(
    trained: TrainedModel,
    labels: Labels,
    languages: LanguageLabels | None,
    ranges: Mapping[str, Range] | None = None,
) -> dict[str, bytes]:
    return {
        FORMS: build_form_graph(trained, ranges=ranges),
        TAGGER: build_tagger_graph(trained, ranges=ranges),
        HEADS: build_heads_graph(trained, labels, languages, ranges=ranges),
    }


def _word_feeds(
    sentences: Iterable[Told], vectors: Mapping[str, NDArray[np.float16]]
) -> Iterator[Feed]:
    for forms, treebank in sentences:
        for number in sorted({0, treebank}):
            yield {
                "vectors": np.array([[vectors[form] for form in forms]]),
                "treebanks": np.array([number]),
            }


def _widened(ranges: Mapping[str, Range], trained: TrainedModel) -> dict[str, Range]:
    # The sentences may be of one language, the bundle that the model began with knew others.
    known = trained.config.get("ranges", {})
    pairs = {name: zip(own, known.get(name, own), strict=True) for name, own in ranges.items()}
    return {name: (min(low), max(high)) for name, (low, high) in pairs.items()}
