"""Learns the lists of a layer: clitics, phrases and whether numbers hold spaces."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import regex

from mtag_core.segmentation.word_units import styleless
from mtag_core.training.segmenters.marked_paragraphs import Surface

_MIN_COUNT = 3
_MIN_CLITIC_SHARE = 0.05
_LETTERS = regex.compile(r"[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*")
_LONGEST_CLITIC = 8
_GROUPS = regex.compile(r"\d{1,3}(?: \d{3})+")
_DIGITS = regex.compile(r"\d{1,3}")
_THREE_DIGITS = regex.compile(r"\d{3}")


def clitics(sentences: Iterable[Sequence[Surface]]) -> frozenset[str]:
    """What is cut off the end of runs of letters, where it is cut often enough."""
    n_cut: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    for chunk, ends in _chunks(sentences):
        for match in _LETTERS.finditer(chunk):
            run = styleless(match[0])
            runs[run] += 1
            if len(run) != len(match[0]):
                continue
            for end in ends:
                inside = end - match.start()
                if 0 < inside < len(run) and run[inside - 1].isalpha() and run[inside].isalpha():
                    n_cut[run[inside:]] += 1
    wanted = {
        end for end, count in n_cut.items() if count >= _MIN_COUNT and len(end) <= _LONGEST_CLITIC
    }
    n_ends: Counter[str] = Counter()
    for run, count in runs.items():
        for size in range(1, min(len(run), _LONGEST_CLITIC + 1)):
            if run[-size:] in wanted:
                n_ends[run[-size:]] += count
    return frozenset(end for end in wanted if n_cut[end] >= _MIN_CLITIC_SHARE * n_ends[end])


def phrases(sentences: Iterable[Sequence[Surface]]) -> frozenset[tuple[str, str]]:
    """Pairs of chunks that are one token more often than not."""
    n_joined: Counter[tuple[str, str]] = Counter()
    n_apart: Counter[tuple[str, str]] = Counter()
    for sentence in sentences:
        for form, _ in sentence:
            pair = form.split(" ")
            if len(pair) == 2 and not any(map(str.isdigit, form)):
                n_joined[pair[0], pair[1]] += 1
        for (left, has_space), (right, _) in pairwise(sentence):
            if has_space:
                n_apart[left, right] += 1
    return frozenset(
        pair for pair, count in n_joined.items() if count >= _MIN_COUNT and count > n_apart[pair]
    )


def has_spaced_numbers(sentences: Iterable[Sequence[Surface]]) -> bool:
    """Whether "10 000" is a token."""
    n_joined = n_apart = 0
    for sentence in sentences:
        n_joined += sum(_GROUPS.fullmatch(form) is not None for form, _ in sentence)
        n_apart += sum(
            has_space
            and _DIGITS.fullmatch(left) is not None
            and _THREE_DIGITS.fullmatch(right) is not None
            for (left, has_space), (right, _) in pairwise(sentence)
        )
    return n_joined >= _MIN_COUNT and n_joined > n_apart


def _chunks(sentences: Iterable[Sequence[Surface]]) -> Iterable[tuple[str, list[int]]]:
    for sentence in sentences:
        chunk, ends = "", []
        for form, has_space in [*sentence, ("", True)]:
            chunk += form
            ends.append(len(chunk))
            if has_space and chunk:
                yield chunk, ends
                chunk, ends = "", []
