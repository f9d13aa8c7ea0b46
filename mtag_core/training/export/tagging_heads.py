"""The heads of students' graphs: UPOS, then FEATS and lemma rules among those of the UPOS.

Tokens are sorted by part of speech and split into one run a part of speech, so that each run is
scored in one small product. Of a word student the labels of a language are scored alone where the
language is known by its treebank: a twentieth of all. Their rows are gathered from the kernels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
from onnx import TensorProto

from mtag_core.training.export.quantised_graph import CONTRIB, QuantisedGraph, Values

Groups = Sequence[Sequence[int]]
"""For each UPOS label its labels of a head, ascending."""
# Next best labels, and how far their logits may be below the best one's. Chosen on dev for lemmas.
_N_NEXT = 5
_MOST_BELOW = np.float32(3.5)


@dataclass(frozen=True, slots=True)
class LanguageLabels:
    """The labels of languages, some of those of their part of speech.

    Attributes:
        of_treebank: For each treebank the place of its language in `feats` and `lemmas`; -1 for
            one whose language has all labels. At least one has labels of its own.
        feats: By language; at least one label for each part of speech.
        lemmas: The same of lemma rules.
    """

    of_treebank: Sequence[int]
    feats: Sequence[Groups]
    lemmas: Sequence[Groups]


@dataclass(frozen=True, slots=True)
class TokenRuns:
    """Tokens by part of speech; names of values.

    Attributes:
        runs: What heads read of the tokens of each part of speech.
        upos: Each token's part of speech, sorted.
        back: For each token its place among the sorted ones.
        tags: UPOS tags in label order.
        reader: Whose range the tokens were quantised in.
    """

    runs: Sequence[str]
    upos: str
    back: str
    tags: Sequence[str]
    reader: str


class _Outputs(NamedTuple):
    best: str
    score: str | None
    following: str | None


def token_values(*names: str) -> Values:
    """Values of tokens by their names: probabilities of `..._score`, else label ids."""
    return {
        name: (TensorProto.FLOAT if name.endswith("_score") else TensorProto.INT64, ("n_tokens",))
        for name in names
    }


class TaggingHeads(QuantisedGraph):
    """A graph with heads."""

    def upos(self, read: str, *, reader: str) -> str:
        """The two best parts of speech of tokens; returns the best."""
        probs = self.node("Softmax", self.dense(read, "upos", reader=reader), axis=-1)
        best, ids = self.split_node(
            "TopK", probs, *self.ints([2]), outputs=["upos_top_probs", "upos_top_ids"], axis=-1
        )
        self.node("Gather", best, self.whole(0), output="upos_score", axis=1)
        self.node("Gather", ids, self.whole(1), output="second_upos", axis=1)
        return self.node("Gather", ids, self.whole(0), output="upos", axis=1)

    def runs(self, read: str, upos: str, tags: Sequence[str], *, reader: str) -> TokenRuns:
        """Sorts tokens, which are quantised, by part of speech and splits them."""
        n_tokens = self.node("Shape", upos)
        sorted_upos, order = self._sorted(upos, n_tokens, "upos")
        _, back = self._sorted(order, n_tokens, "order")
        ordered = self.node("Gather", read, order)
        labels = self.constant("upos_labels", np.arange(len(tags), dtype=np.int64))
        column = self.node("Unsqueeze", upos, *self.ints([1]))
        is_label = self.node("Cast", self.node("Equal", column, labels), to=TensorProto.INT64)
        counts = self.node("ReduceSum", is_label, *self.ints([0]), keepdims=0)
        # `logits.logit_teachers` looks for the names of the runs.
        names = [f"tokens.{tag}" for tag in tags]
        runs = self.split_node("Split", ordered, counts, outputs=names, axis=0)
        return TokenRuns(runs, sorted_upos, back, tags, reader)

    def best_within_upos(
        self,
        tokens: TokenRuns,
        head: str,
        groups: Groups,
        *,
        output: str,
        score: str | None = None,
        following: str | None = None,
    ) -> None:
        """The best label of a head among those of each token's part of speech.

        Args:
            tokens: From `runs`.
            head: Name of the linear layer.
            groups: The labels to score.
            output: Name of the value with the label ids.
            score: Name of one with the probability of the label in its group; None for none.
            following: Name of one with the next best labels, shape (n_tokens, n_next); the best
                label stands in the place of those that are far below it. None for none.
        """
        logits = [
            self.product(
                run,
                self._weights[f"{head}.weight"][list(own)],
                self._weights[f"{head}.bias"][list(own)],
                name=f"{head}.{tag}",
                reader=tokens.reader,
            )
            for run, tag, own in zip(tokens.runs, tokens.tags, groups, strict=True)
        ]
        starts = self.constant(f"{head}_starts", _starts(groups))
        first = self.node("Gather", starts, tokens.upos)
        sizes = list(map(len, groups)) if following else None
        place = self._label_places(logits, first, sizes)
        outputs = _Outputs(output, score, following)
        self._chosen(logits, tokens, self._ids(head, groups), place, outputs)

    def label_tables(self, head: str, tags: Sequence[str]) -> dict[str, str]:
        """The weights that `best_within_upos` has for a head, a label a row: by part of a layer.

        They depend on constants alone, so they are made once, when the graph is opened. To be
        called outside of branches.
        """
        tables = {}
        for part in ("kernel", "bias") if self._ranges is None else ("kernel", "scales", "bias"):
            names = [f"{head}.{tag}.{part}" for tag in tags]
            if part == "kernel":
                names = [self.node("Transpose", name, perm=[1, 0]) for name in names]
            tables[part] = self.node("Concat", *names, axis=0)
        return tables

    def best_of_language(
        self,
        tokens: TokenRuns,
        head: str,
        groups: Groups,
        *,
        tables: Mapping[str, str],
        languages: Sequence[Groups],
        language: str,
        output: str,
        score: str | None = None,
        following: str | None = None,
    ) -> None:
        """As `best_within_upos` has scored, the best label among those of a language alone.

        Args:
            tokens: As there, like `head`, `groups`, `output`, `score` and `following`.
            head: As there.
            groups: As there.
            tables: From `label_tables`.
            languages: The labels of each language.
            language: Which it is, a scalar.
            output: As there.
            score: As there.
            following: As there.
        """
        if following:
            languages = [[_padded(group) for group in own] for own in languages]
        places = [_places(own, groups) for own in languages]
        sizes = np.array([[len(ids) for ids in own] for own in languages], np.int64)
        ends = np.cumsum(sizes.sum(1))[:, None]
        start, end = (
            self.node("Gather", self.constant(f"{head}.language_{name}", values), language)
            for name, values in (("starts", ends - sizes.sum(1)[:, None]), ("ends", ends))
        )
        flat = np.array([*chain.from_iterable(places)], np.int32)
        rows = self.node("Slice", self.constant(f"{head}.language_rows", flat), start, end)
        size = self.node("Gather", self.constant(f"{head}.language_sizes", sizes), language)
        own = self._language_tables(tokens, head, tables, rows, size)
        logits = [
            self._language_product(run, tokens.reader, {part: own[part][i] for part in tables})
            for i, run in enumerate(tokens.runs)
        ]
        starts = self.node("CumSum", size, self.whole(0), exclusive=1)
        first = self.node("Gather", starts, tokens.upos)
        place = self._label_places(
            logits, first, [1 + _N_NEXT] * len(logits) if following else None
        )
        ids = self.node("Gather", self._ids(head, groups), rows)
        self._chosen(logits, tokens, ids, place, _Outputs(output, score, following))

    def _language_tables(
        self, tokens: TokenRuns, head: str, tables: Mapping[str, str], rows: str, sizes: str
    ) -> dict[str, list[str]]:
        return {
            part: self.split_node(
                "Split",
                self.node("Gather", table, rows),
                sizes,
                outputs=[f"{head}.{tag}.language_{part}" for tag in tokens.tags],
                axis=0,
            )
            for part, table in tables.items()
        }

    def _language_product(self, run: str, reader: str, chosen: Mapping[str, str]) -> str:
        kernel = self.node("Transpose", chosen["kernel"], perm=[1, 0])
        if self._ranges is None:
            return self.node("Add", self.node("MatMul", run, kernel), chosen["bias"])
        scale, zero = self.scale_and_zero(reader)
        weights = (kernel, scale, chosen["scales"], zero, "", chosen["bias"])
        return self.node("MatMulIntegerToFloat", run, *weights, domain=CONTRIB)

    def _label_places(self, logits: Sequence[str], first: str, sizes: Sequence[int] | None) -> str:
        if sizes is not None:
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
        tokens: TokenRuns,
        ids: str,
        place: str,
        outputs: "_Outputs",
    ) -> None:
        output, score, following = outputs
        found = self.node("Gather", ids, place)
        if following:
            found = self.node("Gather", found, tokens.back)
            self.node("Gather", found, self.whole(0), output=output, axis=1)
            self.node("Slice", found, *self.ints([1], [1 + _N_NEXT], [1]), output=following)
        else:
            self.node("Gather", found, tokens.back, output=output)
        if score:
            best = [
                self.node(
                    "ReduceMax", self.node("Softmax", each, axis=1), *self.ints([1]), keepdims=0
                )
                for each in logits
            ]
            self.node("Gather", self.node("Concat", *best, axis=0), tokens.back, output=score)

    def _ids(self, head: str, groups: Groups) -> str:
        return self.constant(f"{head}_ids", np.array([*chain.from_iterable(groups)], np.int64))

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
