"""The CoNLL 2018 metrics: words of two segmentations of one text are aligned and compared.

Words align when their spans are equal. Words of a multiword token have no span of their own:
around one, the smallest stretch that begins and ends alike in both texts is aligned by the
longest common subsequence of lower-cased forms.

Source: the CoNLL 2018 shared task, https://universaldependencies.org/conll18/evaluation.html.
Beside them stands `FEATS`, mtag's own: the whole feature bundle, language-specific ones included.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mtag_core.errors import ConlluError
from mtag_core.evaluation.annotation import NO_HEAD, Annotation

_N_SHOWN = 20
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


def check_same_text(gold: Annotation, system: Annotation) -> None:
    """Checks that both segment the same text.

    Raises:
        ConlluError: Their characters differ; the message shows where, and what stands there.
    """
    if gold.characters == system.characters:
        return
    n_same = _n_common(gold.characters, system.characters)
    raise ConlluError(
        f"{_place(system, n_same)}: the text is {_excerpt(system, n_same)}; expected "
        f"{_excerpt(gold, n_same)} as in {_place(gold, n_same)} (spaces do not count; "
        f"{n_same} characters before are the same)"
    )


def align_words(gold: Annotation, system: Annotation) -> list[tuple[int, int]]:
    """Aligns words of two segmentations of the same characters.

    Linear in the number of words, but for the square of a stretch joined by multiword tokens.

    Returns:
        Pairs of a gold and a system word index, both ascending.
    """
    if gold.words == system.words and gold.is_multiword == system.is_multiword:
        if gold.forms == system.forms:
            return [(index, index) for index in range(len(gold.words))]
    return _Aligner(gold, system).align()


class _Aligner:
    """Walks both texts from left to right."""

    def __init__(self, gold: Annotation, system: Annotation) -> None:
        self._gold, self._system = gold, system
        self._gold_forms = [form.lower() for form in gold.forms]
        self._system_forms = [form.lower() for form in system.forms]
        self._pairs: list[tuple[int, int]] = []

    def align(self) -> list[tuple[int, int]]:
        """Aligns all words."""
        gold, system = self._gold, self._system
        gold_index = system_index = 0
        while gold_index < len(gold.words) and system_index < len(system.words):
            if gold.is_multiword[gold_index] or system.is_multiword[system_index]:
                gold_index, system_index = self._align_stretch(gold_index, system_index)
            elif gold.words[gold_index] == system.words[system_index]:
                self._pairs.append((gold_index, system_index))
                gold_index += 1
                system_index += 1
            elif gold.words[gold_index][0] <= system.words[system_index][0]:
                gold_index += 1
            else:
                system_index += 1
        return self._pairs

    def _align_stretch(self, gold_first: int, system_first: int) -> tuple[int, int]:
        gold, system = self._gold, self._system
        gold_start, gold_end = gold.words[gold_first]
        system_start, system_end = system.words[system_first]
        # A plain word that begins before the multiword token stays outside, not aligned.
        if gold.is_multiword[gold_first]:
            end = gold_end
            if not system.is_multiword[system_first] and system_start < gold_start:
                system_first += 1
        else:
            end = system_end
            if gold_start < system_start:
                gold_first += 1
        gold_last, system_last = self._stretch_end(gold_first, system_first, end=end)
        self._align_by_form((gold_first, gold_last), (system_first, system_last))
        return gold_last, system_last

    def _stretch_end(self, gold_index: int, system_index: int, *, end: int) -> tuple[int, int]:
        gold, system = self._gold, self._system
        while True:
            in_gold = _is_inside(gold, gold_index, end)
            in_system = _is_inside(system, system_index, end)
            if not in_gold and not in_system:
                return gold_index, system_index
            if self._gold_is_next(gold_index, system_index):
                if gold.is_multiword[gold_index]:
                    end = max(end, gold.words[gold_index][1])
                gold_index += 1
            else:
                if system.is_multiword[system_index]:
                    end = max(end, system.words[system_index][1])
                system_index += 1

    def _gold_is_next(self, gold_index: int, system_index: int) -> bool:
        if gold_index >= len(self._gold.words):
            return False
        if system_index >= len(self._system.words):
            return True
        return self._gold.words[gold_index][0] <= self._system.words[system_index][0]

    def _align_by_form(self, gold_range: tuple[int, int], system_range: tuple[int, int]) -> None:
        gold_forms = self._gold_forms[slice(*gold_range)]
        system_forms = self._system_forms[slice(*system_range)]
        n_same = _n_common(gold_forms, system_forms)
        pairs = [(index, index) for index in range(n_same)]
        pairs += [
            (gold_index + n_same, system_index + n_same)
            for gold_index, system_index in _common_subsequence(
                gold_forms[n_same:], system_forms[n_same:]
            )
        ]
        self._pairs += [(gold_range[0] + left, system_range[0] + right) for left, right in pairs]


def _is_inside(annotation: Annotation, index: int, end: int) -> bool:
    if index >= len(annotation.words):
        return False
    start, word_end = annotation.words[index]
    return start < end if annotation.is_multiword[index] else word_end <= end


def _common_subsequence(left: list[str], right: list[str]) -> list[tuple[int, int]]:
    """Index pairs of a longest common subsequence; of several, one that skips left items first."""
    if not left or not right:
        return []
    # lengths[i][j]: length of the longest common subsequence of left[i:] and right[j:].
    lengths = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in reversed(range(len(left))):
        row, below = lengths[i], lengths[i + 1]
        for j in reversed(range(len(right))):
            row[j] = below[j + 1] + 1 if left[i] == right[j] else max(below[j], row[j + 1])
    pairs = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif lengths[i][j] == lengths[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _n_common(left: Sequence[str], right: Sequence[str]) -> int:
    pairs = enumerate(zip(left, right, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(left), len(right)))


def _excerpt(annotation: Annotation, start: int) -> str:
    return (
        repr(annotation.characters[start : start + _N_SHOWN])
        if (start < len(annotation.characters))
        else "at its end"
    )


def _place(annotation: Annotation, index: int) -> str:
    for (_, end), line in zip(annotation.tokens, annotation.token_lines, strict=False):
        if index < end:
            return f"{annotation.source}:{line}"
    return annotation.source


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of one metric: units that agree, gold ones, the system's, and aligned ones, if any."""

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
