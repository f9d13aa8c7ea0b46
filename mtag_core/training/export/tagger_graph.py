"""The graphs of a student's context layers and heads: vectors of forms to labels.

Two graphs, since the layers read sentences of one length and the heads any tokens of a treebank: a
batch of theirs has several times as many, which halves their time.

UPOS comes first, then FEATS and lemma rules among those of the UPOS. Tokens are sorted by part of
speech and split into one run a part of speech, so that each run is scored in one small product. The
labels of a language are scored alone where the language is known by its treebank: a twentieth of
all. Their rows are gathered from the kernels.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np
from onnx import TensorProto

from mtag_core.labels import Labels
from mtag_core.tagging.words import MAX_WORDS
from mtag_core.training.export.quantised_graph import CONTRIB, QuantisedGraph, Range, Values
from mtag_core.training.networks.trained_model import TrainedModel

Groups = Sequence[Sequence[int]]
"""For each UPOS label its labels of a head, ascending."""
# Next best lemma rules, and how far their logits may be below the best one's. Chosen on dev.
_N_NEXT = 5
_MOST_BELOW = np.float32(3.5)
# The range that all heads read tokens in.
_HEADS = "heads"
_LABEL, _SCORE = (TensorProto.INT64, ("n_tokens",)), (TensorProto.FLOAT, ("n_tokens",))
_LABELS: Values = {
    "feats": _LABEL,
    "feats_score": _SCORE,
    "lemmas": _LABEL,
    "next_lemmas": (TensorProto.INT64, ("n_tokens", "n_next")),
}


@dataclass(frozen=True, slots=True)
class LanguageLabels:
    """The labels of languages, some of those of their part of speech.

    `of_treebank` says for each treebank the place of its language in `feats` and `lemmas`, -1 for
    one whose language has all labels; at least one has labels of its own. A language has at least
    one label for each part of speech.
    """

    of_treebank: Sequence[int]
    feats: Sequence[Groups]
    lemmas: Sequence[Groups]


@dataclass(frozen=True, slots=True)
class _TokenRuns:
    """Names of tokens by part of speech, of those parts, sorted, and of the way back to order."""

    runs: Sequence[str]
    upos: str
    back: str


def build_tagger_graph(
    trained: TrainedModel, *, ranges: Mapping[str, Range] | None = None
) -> bytes:
    """Builds the graph of the context layers.

    Inputs: `vectors` (n_sentences, n_words, hidden_width) float16, no padding; `treebanks`
    (n_sentences,) int64, 1 for the first of them, 0 for none. Output: `tokens`, what the heads
    read, (n_sentences * n_words, hidden_width) uint8, or float32 without ranges.
    """
    graph = _ContextGraph(trained, ranges)
    graph.tokens()
    width = trained.config["hidden_size"]
    vectors = (TensorProto.FLOAT16, ("n_sentences", "n_words", width))
    return graph.serialised(
        "words",
        inputs={"vectors": vectors, "treebanks": (TensorProto.INT64, ("n_sentences",))},
        outputs={"tokens": (_token_kind(ranges), ("n_tokens", width))},
    )


def build_heads_graph(
    trained: TrainedModel,
    labels: Labels,
    languages: LanguageLabels | None,
    *,
    ranges: Mapping[str, Range] | None = None,
) -> bytes:
    """Builds the graph of the heads, which score each token alone.

    Inputs: `tokens`, some rows of what the context layers give; `treebank` () int64, that of all.
    Outputs, all (n_tokens,): `upos`, `second_upos`, `feats`, `lemmas` (label ids, int64),
    `upos_score`, `feats_score` (probabilities, float32); and `next_lemmas` (n_tokens, n_next), the
    next best rules, the best one in the place of those that are far less likely. `languages` says
    which labels to score where the treebank says the language.
    """
    graph = _HeadsGraph(trained, labels, ranges)
    tokens = graph.runs("tokens", graph.upos("tokens"))
    if languages is None:
        graph.heads(tokens)
    else:
        graph.heads_by_language(tokens, languages)
    tokens_shape = ("n_tokens", trained.config["hidden_size"])
    return graph.serialised(
        "heads",
        inputs={"tokens": (_token_kind(ranges), tokens_shape), "treebank": (TensorProto.INT64, ())},
        outputs={"upos": _LABEL, "second_upos": _LABEL, "upos_score": _SCORE, **_LABELS},
    )


def _token_kind(ranges: Mapping[str, Range] | None) -> int:
    kind: int = TensorProto.FLOAT if ranges is None else TensorProto.UINT8
    return kind


class _ContextGraph(QuantisedGraph):
    def tokens(self) -> None:
        """What the heads read of each word, quantised, as output `tokens`."""
        table = self._weights["context.positions.weight"][:MAX_WORDS]
        used = self.positions(self.constant("positions", table), "vectors")
        vectors = self.node("Cast", "vectors", to=TensorProto.FLOAT)
        hidden = self.added_and_normalised(vectors, used, "context.norm")
        for index in range(self._config["n_context_layers"]):
            hidden = self.layer(hidden, f"context.layers.{index}.")
        width = self._weights["context.norm.weight"].shape[0]
        flat = self.node("Reshape", self._adapted(hidden), *self.ints([-1, width]))
        self.node("Identity", self.quantised(flat, _HEADS), output="tokens")

    def _adapted(self, hidden: str) -> str:
        table = self.constant("adapters", self._weights["adapters.weight"].astype(np.float16))
        adapters = self.node("Gather", table, "treebanks", axis=0)
        adapters = self.node("Unsqueeze", adapters, *self.ints([1]))
        return self.node("Add", hidden, self.node("Cast", adapters, to=TensorProto.FLOAT))


class _HeadsGraph(QuantisedGraph):
    def __init__(
        self, trained: TrainedModel, labels: Labels, ranges: Mapping[str, Range] | None
    ) -> None:
        super().__init__(trained, ranges)
        self._tags = labels.upos
        self._groups: dict[str, Groups] = {
            "feats": labels.feats_of_upos,
            "lemmas": labels.lemma_rules_of_upos,
        }

    def heads(self, tokens: _TokenRuns, *, prefix: str = "") -> None:
        """The labels of all languages; outputs have these names behind a prefix."""
        for head in self._groups:
            self._best_of_all(tokens, head, prefix)

    def heads_by_language(self, tokens: _TokenRuns, languages: LanguageLabels) -> None:
        """The labels of the treebank's language, or of all."""
        of_treebank = self.constant(
            "treebank_languages", np.array([-1, *languages.of_treebank], np.int64)
        )
        language = self.node("Gather", of_treebank, "treebank")
        is_known = self.node("Greater", language, self.whole(-1))
        groups = {"feats": languages.feats, "lemmas": languages.lemmas}
        tables = {head: self._label_tables(head) for head in groups}

        def of_language() -> None:
            for head, own in groups.items():
                self._best_of_language(tokens, head, own, language, tables[head])

        of_all = partial(self.heads, tokens, prefix="all.")
        branches: dict[str, Callable[[], None]] = {"language.": of_language, "all.": of_all}
        self.choose(is_known, branches, outputs=_LABELS)

    def upos(self, read: str) -> str:
        """The two best parts of speech of tokens; returns the best."""
        probs = self.node("Softmax", self.dense(read, "upos", reader=_HEADS), axis=-1)
        best, ids = self.split_node(
            "TopK", probs, *self.ints([2]), outputs=["upos_top_probs", "upos_top_ids"], axis=-1
        )
        self.node("Gather", best, self.whole(0), output="upos_score", axis=1)
        self.node("Gather", ids, self.whole(1), output="second_upos", axis=1)
        return self.node("Gather", ids, self.whole(0), output="upos", axis=1)

    def runs(self, read: str, upos: str) -> _TokenRuns:
        """Sorts tokens, which are quantised, by part of speech and splits them."""
        n_tokens = self.node("Shape", upos)
        sorted_upos, order = self._sorted(upos, n_tokens, "upos")
        _, back = self._sorted(order, n_tokens, "order")
        ordered = self.node("Gather", read, order)
        labels = self.constant("upos_labels", np.arange(len(self._tags), dtype=np.int64))
        column = self.node("Unsqueeze", upos, *self.ints([1]))
        is_label = self.node("Cast", self.node("Equal", column, labels), to=TensorProto.INT64)
        counts = self.node("ReduceSum", is_label, *self.ints([0]), keepdims=0)
        # `logits.logit_teachers` looks for the names of the runs.
        names = [f"tokens.{tag}" for tag in self._tags]
        runs = self.split_node("Split", ordered, counts, outputs=names, axis=0)
        return _TokenRuns(runs, sorted_upos, back)

    def _best_of_all(self, tokens: _TokenRuns, head: str, prefix: str) -> None:
        groups = self._groups[head]
        logits = [
            self.product(
                run,
                self._weights[f"{head}.weight"][list(own)],
                self._weights[f"{head}.bias"][list(own)],
                name=f"{head}.{tag}",
                reader=_HEADS,
            )
            for run, tag, own in zip(tokens.runs, self._tags, groups, strict=True)
        ]
        starts = self.constant(f"{head}_starts", _starts(groups))
        first = self.node("Gather", starts, tokens.upos)
        place = self._label_places(head, logits, first, list(map(len, groups)))
        self._chosen(logits, tokens, self._ids(head), place, head, prefix)

    def _label_tables(self, head: str) -> dict[str, str]:
        # A label a row. They depend on constants alone, so they are made once, when the graph is
        # opened: this is to be called outside of branches.
        tables = {}
        for part in ("kernel", "bias") if self._ranges is None else ("kernel", "scales", "bias"):
            names = [f"{head}.{tag}.{part}" for tag in self._tags]
            if part == "kernel":
                names = [self.node("Transpose", name, perm=[1, 0]) for name in names]
            tables[part] = self.node("Concat", *names, axis=0)
        return tables

    def _best_of_language(
        self,
        tokens: _TokenRuns,
        head: str,
        languages: Sequence[Groups],
        language: str,
        tables: Mapping[str, str],
    ) -> None:
        if head == "lemmas":
            languages = [[_padded(group) for group in own] for own in languages]
        places = [_places(own, self._groups[head]) for own in languages]
        sizes = np.array([[len(ids) for ids in own] for own in languages], np.int64)
        ends = np.cumsum(sizes.sum(1))[:, None]
        start, end = (
            self.node("Gather", self.constant(f"{head}.language_{name}", values), language)
            for name, values in (("starts", ends - sizes.sum(1)[:, None]), ("ends", ends))
        )
        flat = np.array([*chain.from_iterable(places)], np.int32)
        rows = self.node("Slice", self.constant(f"{head}.language_rows", flat), start, end)
        size = self.node("Gather", self.constant(f"{head}.language_sizes", sizes), language)
        own = self._language_tables(head, tables, rows, size)
        logits = [
            self._language_product(run, {part: own[part][i] for part in tables})
            for i, run in enumerate(tokens.runs)
        ]
        starts = self.node("CumSum", size, self.whole(0), exclusive=1)
        first = self.node("Gather", starts, tokens.upos)
        place = self._label_places(head, logits, first, [1 + _N_NEXT] * len(logits))
        ids = self.node("Gather", self._ids(head), rows)
        self._chosen(logits, tokens, ids, place, head, "language.")

    def _language_tables(
        self, head: str, tables: Mapping[str, str], rows: str, sizes: str
    ) -> dict[str, list[str]]:
        return {
            part: self.split_node(
                "Split",
                self.node("Gather", table, rows),
                sizes,
                outputs=[f"{head}.{tag}.language_{part}" for tag in self._tags],
                axis=0,
            )
            for part, table in tables.items()
        }

    def _language_product(self, run: str, chosen: Mapping[str, str]) -> str:
        kernel = self.node("Transpose", chosen["kernel"], perm=[1, 0])
        if self._ranges is None:
            return self.node("Add", self.node("MatMul", run, kernel), chosen["bias"])
        scale, zero = self.scale_and_zero(_HEADS)
        weights = (kernel, scale, chosen["scales"], zero, "", chosen["bias"])
        return self.node("MatMulIntegerToFloat", run, *weights, domain=CONTRIB)

    def _label_places(
        self, head: str, logits: Sequence[str], first: str, sizes: Sequence[int]
    ) -> str:
        if head == "lemmas":
            return self._near_places(logits, first, sizes)
        best = [self.node("ArgMax", each, axis=1, keepdims=0) for each in logits]
        return self.node("Add", self.node("Concat", *best, axis=0), first)

    def _near_places(self, logits: Sequence[str], first: str, sizes: Sequence[int]) -> str:
        """Shape (n_tokens, 1 + n_next); the best place stands in for what is missing."""
        tops = [self._top(each, size) for each, size in zip(logits, sizes, strict=True)]
        values, places = (self.node("Concat", *each, axis=0) for each in zip(*tops, strict=True))
        best, best_place = (
            self.node("Gather", each, *self.ints([0]), axis=1) for each in (values, places)
        )
        least = self.node("Sub", best, self.constant("most_below", _MOST_BELOW))
        is_near = self.node("GreaterOrEqual", values, least)
        near = self.node("Where", is_near, places, best_place)
        return self.node("Add", near, self.node("Unsqueeze", first, *self.ints([1])))

    def _top(self, logits: str, size: int) -> list[str]:
        outputs = [f"{logits}.top", f"{logits}.top_places"]
        n_best = min(1 + _N_NEXT, size)
        tops = self.split_node("TopK", logits, *self.ints([n_best]), outputs=outputs, axis=1)
        if n_best == 1 + _N_NEXT:
            return tops
        columns = self.ints([*range(n_best), *[0] * (1 + _N_NEXT - n_best)])
        return [self.node("Gather", each, *columns, axis=1) for each in tops]

    def _chosen(
        self,
        logits: Sequence[str],
        tokens: _TokenRuns,
        ids: str,
        place: str,
        head: str,
        prefix: str,
    ) -> None:
        found = self.node("Gather", ids, place)
        if head == "lemmas":
            found = self.node("Gather", found, tokens.back)
            self.node("Gather", found, self.whole(0), output=f"{prefix}lemmas", axis=1)
            rest = self.ints([1], [1 + _N_NEXT], [1])
            self.node("Slice", found, *rest, output=f"{prefix}next_lemmas")
            return
        self.node("Gather", found, tokens.back, output=f"{prefix}feats")
        probs = (self.node("Softmax", each, axis=1) for each in logits)
        best = [self.node("ReduceMax", each, *self.ints([1]), keepdims=0) for each in probs]
        score = self.node("Concat", *best, axis=0)
        self.node("Gather", score, tokens.back, output=f"{prefix}feats_score")

    def _ids(self, head: str) -> str:
        ids = np.array([*chain.from_iterable(self._groups[head])], np.int64)
        return self.constant(f"{head}_ids", ids)

    def _sorted(self, values: str, length: str, name: str) -> list[str]:
        outputs = [f"{name}.sorted", f"{name}.order"]
        return self.split_node("TopK", values, length, outputs=outputs, axis=0, largest=0, sorted=1)


def _starts(groups: Groups) -> np.ndarray:
    sizes = [len(own) for own in groups]
    return np.cumsum([0, *sizes[:-1]]).astype(np.int64)


def _padded(group: Sequence[int]) -> list[int]:
    """A part of speech may have fewer labels in a language than are asked for."""
    return [*group, *[group[0]] * (1 + _N_NEXT - len(group))]


def _places(own: Groups, groups: Groups) -> list[int]:
    """Where labels are among those of all parts of speech, one part after the other."""
    starts = _starts(groups).tolist()
    return [
        start + group.index(label)
        for start, labels, group in zip(starts, own, map(list, groups), strict=True)
        for label in labels
    ]
