"""The CoNLL 2018 metrics over an alignment.

Source: the CoNLL 2018 shared task, https://universaldependencies.org/conll18/evaluation.html.
Beside them stands `FEATS`, mtag's own: the whole feature bundle, language-specific ones included.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mtag_core.evaluation.alignment import align_words, check_same_text
from mtag_core.evaluation.annotation import NO_HEAD, Annotation

TAG_METRICS = ("Tokens", "Sentences", "Words", "UPOS", "XPOS", "UFeats", "AllTags", "Lemmas")
"""What can be measured without heads, in the order of the shared task's table."""
TREE_METRICS = ("UAS", "LAS", "CLAS", "MLAS", "BLEX")
"""What needs heads and relations in both files."""
WHOLE_FEATS = "FEATS"
LEMMAS = "Lemmas"
NO_LEMMA = "_"

_NOT_ALIGNED = -2
_CONTENT_RELATIONS = frozenset(
    "nsubj obj iobj csubj ccomp xcomp obl vocative expl dislocated advcl advmod discourse nmod "
    "appos nummod acl amod conj fixed flat compound list parataxis orphan goeswith reparandum root "
    "dep".split()
)
_FUNCTION_RELATIONS = frozenset("aux cop mark det clf case cc".split())

_Pairs = Sequence[tuple[int, int]]
_Key = Callable[[int, int], bool]


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of one metric.

    Attributes:
        n_correct: Units that agree.
        n_gold: Units of the gold text.
        n_system: Units of the system's text.
        n_aligned: Units that could agree, having been aligned; None where alignment has no part.
    """

    n_correct: int
    n_gold: int
    n_system: int
    n_aligned: int | None = None

    @property
    def precision(self) -> float:
        """Share of the system's units that are correct, 0 to 1; 0 without units."""
        return self.n_correct / self.n_system if self.n_system else 0.0

    @property
    def recall(self) -> float:
        """Share of the gold units that are correct, 0 to 1; 0 without units."""
        return self.n_correct / self.n_gold if self.n_gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 to 1."""
        n_units = self.n_system + self.n_gold
        return 2 * self.n_correct / n_units if n_units else 0.0

    @property
    def aligned_accuracy(self) -> float | None:
        """Share of the aligned units that are correct; None where alignment has no part."""
        if self.n_aligned is None:
            return None
        return self.n_correct / self.n_aligned if self.n_aligned else 0.0


def score(gold: Annotation, system: Annotation) -> dict[str, Score]:
    """Scores a system's annotation of a text.

    Args:
        gold: What is right.
        system: Another segmentation and annotation of the same characters.

    Returns:
        `TAG_METRICS` and `WHOLE_FEATS`, and `TREE_METRICS` when every sentence of both has heads.

    Raises:
        ConlluError: The two hold different text.

    Example:
        score(gold, gold)["UPOS"].f1 -> 1.0
    """
    check_same_text(gold, system)
    pairs = align_words(gold, system)
    scores = {
        "Tokens": _span_score(gold.tokens, system.tokens),
        "Sentences": _span_score(gold.sentences, system.sentences),
        "Words": Score(len(pairs), len(gold.words), len(system.words)),
        **_tag_scores(gold, system, pairs),
    }
    if _has_trees(gold) and _has_trees(system):
        scores |= _tree_scores(gold, system, pairs)
    return scores


def _span_score(gold: list[tuple[int, int]], system: list[tuple[int, int]]) -> Score:
    # Spans of one text neither overlap nor repeat, so sets compare them as two pointers would.
    return Score(len(set(gold) & set(system)), len(gold), len(system))


def _tag_scores(gold: Annotation, system: Annotation, pairs: _Pairs) -> dict[str, Score]:
    upos = _equal(gold.upos, system.upos, pairs)
    xpos = _equal(gold.xpos, system.xpos, pairs)
    feats = _equal(gold.feats, system.feats, pairs)
    counts = {
        "UPOS": sum(upos),
        "XPOS": sum(xpos),
        "UFeats": sum(feats),
        "AllTags": sum(map(all, zip(upos, xpos, feats, strict=True))),
        LEMMAS: sum(_has_lemma(gold, system, g, s) for g, s in pairs),
        WHOLE_FEATS: sum(_equal(gold.bundles, system.bundles, pairs)),
    }
    totals = len(gold.words), len(system.words), len(pairs)
    return {name: Score(count, *totals) for name, count in counts.items()}


def _equal(gold: list[str], system: list[str], pairs: _Pairs) -> list[bool]:
    return [gold[g] == system[s] for g, s in pairs]


def _has_lemma(gold: Annotation, system: Annotation, gold_index: int, system_index: int) -> bool:
    """Says whether a lemma agrees; where the gold file has none, any does."""
    lemma = gold.lemmas[gold_index]
    return lemma in (NO_LEMMA, system.lemmas[system_index])


def _has_trees(annotation: Annotation) -> bool:
    return len(annotation.heads) == len(annotation.words)


def _tree_scores(gold: Annotation, system: Annotation, pairs: _Pairs) -> dict[str, Score]:
    system_to_gold = {s: g for g, s in pairs} | {NO_HEAD: NO_HEAD}
    gold_children = _function_words(gold)
    system_children = _function_words(system)

    def has_head(g: int, s: int) -> bool:
        return gold.heads[g] == system_to_gold.get(system.heads[s], _NOT_ALIGNED)

    def has_arc(g: int, s: int) -> bool:
        return gold.deprels[g] == system.deprels[s] and has_head(g, s)

    def has_tags(g: int, s: int) -> bool:
        return gold.upos[g] == system.upos[s] and gold.feats[g] == system.feats[s]

    def has_function_words(g: int, s: int) -> bool:
        ours, theirs = gold_children.get(g, []), system_children.get(s, [])
        return len(ours) == len(theirs) and all(
            system_to_gold.get(b) == a and gold.deprels[a] == system.deprels[b] and has_tags(a, b)
            for a, b in zip(ours, theirs, strict=True)
        )

    def has_morphology(g: int, s: int) -> bool:
        return has_arc(g, s) and has_tags(g, s) and has_function_words(g, s)

    def has_arc_and_lemma(g: int, s: int) -> bool:
        return has_arc(g, s) and _has_lemma(gold, system, g, s)

    totals = len(gold.words), len(system.words), len(pairs)
    return {
        "UAS": Score(sum(has_head(g, s) for g, s in pairs), *totals),
        "LAS": Score(sum(has_arc(g, s) for g, s in pairs), *totals),
        "CLAS": _content_score(gold, system, pairs, has_arc),
        "MLAS": _content_score(gold, system, pairs, has_morphology),
        "BLEX": _content_score(gold, system, pairs, has_arc_and_lemma),
    }


def _content_score(gold: Annotation, system: Annotation, pairs: _Pairs, is_right: _Key) -> Score:
    """Scores content words only; the gold relation decides which aligned words are content."""
    content = [(g, s) for g, s in pairs if gold.deprels[g] in _CONTENT_RELATIONS]
    return Score(
        sum(is_right(g, s) for g, s in content),
        sum(relation in _CONTENT_RELATIONS for relation in gold.deprels),
        sum(relation in _CONTENT_RELATIONS for relation in system.deprels),
        len(content),
    )


def _function_words(annotation: Annotation) -> dict[int, list[int]]:
    head_to_words: dict[int, list[int]] = {}
    for word, (head, relation) in enumerate(zip(annotation.heads, annotation.deprels, strict=True)):
        if head != NO_HEAD and relation in _FUNCTION_RELATIONS:
            head_to_words.setdefault(head, []).append(word)
    return head_to_words
