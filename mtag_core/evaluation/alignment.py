"""Aligns the words of two segmentations of one text, as the CoNLL 2018 metric does.

Words align when their spans are equal. Words of a multiword token have no span of their own:
around one, the smallest stretch that begins and ends alike in both texts is aligned by the
longest common subsequence of lower-cased forms.
"""

from mtag_core.errors import ConlluError
from mtag_core.evaluation.annotation import Annotation

_N_SHOWN = 20


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
        """Adds the pairs of a longest common subsequence of forms, the earliest gold word first."""
        gold_forms = self._gold_forms[slice(*gold_range)]
        system_forms = self._system_forms[slice(*system_range)]
        n_same = 0
        for gold_form, system_form in zip(gold_forms, system_forms, strict=False):
            if gold_form != system_form:
                break
            n_same += 1
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


def _n_common(left: str, right: str) -> int:
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return index
    return min(len(left), len(right))


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
