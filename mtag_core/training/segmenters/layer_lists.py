"""Learns the lists of a layer: clitics, phrases and whether numbers hold spaces."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import regex

from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.segmentation.word_units import styleless
from mtag_core.training.segmenters.treebanks import Sentences, Surface

_MIN_COUNT = 3
_MIN_CLITIC_SHARE = 0.05
_LETTERS = regex.compile(r"[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*")
_LONGEST_CLITIC = 8
_GROUPS = regex.compile(r"\d{1,3}(?: \d{3})+")
_DIGITS = regex.compile(r"\d{1,3}")
_THREE_DIGITS = regex.compile(r"\d{3}")


def learn_lists(layer: BoundaryLayer, sentences: Sentences) -> BoundaryLayer:
    """A layer with the lists that sentences show."""
    return replace(
        layer,
        clitics=_clitics(sentences),
        phrases=_phrases(sentences),
        has_spaced_numbers=_has_spaced_numbers(sentences),
    )


def _clitics(sentences: Iterable[Sequence[Surface]]) -> frozenset[str]:
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


def _phrases(sentences: Iterable[Sequence[Surface]]) -> frozenset[tuple[str, str]]:
    """Pairs of chunks that are one token more often than not."""
    n_joined: Counter[tuple[str, str]] = Counter()
    n_apart: Counter[tuple[str, str]] = Counter()
    for sentence in sentences:
        for form, _, _ in sentence:
            pair = form.split(" ")
            if len(pair) == 2 and not any(map(str.isdigit, form)):
                n_joined[pair[0], pair[1]] += 1
        for (left, _, has_space), (right, _, _) in pairwise(sentence):
            if has_space:
                n_apart[left, right] += 1
    return frozenset(
        pair for pair, count in n_joined.items() if count >= _MIN_COUNT and count > n_apart[pair]
    )


def _has_spaced_numbers(sentences: Iterable[Sequence[Surface]]) -> bool:
    """Whether "10 000" is a token."""
    n_joined = n_apart = 0
    for sentence in sentences:
        n_joined += sum(_GROUPS.fullmatch(form) is not None for form, _, _ in sentence)
        n_apart += sum(
            has_space
            and _DIGITS.fullmatch(left) is not None
            and _THREE_DIGITS.fullmatch(right) is not None
            for (left, _, has_space), (right, _, _) in pairwise(sentence)
        )
    return n_joined >= _MIN_COUNT and n_joined > n_apart


def _chunks(sentences: Iterable[Sequence[Surface]]) -> Iterable[tuple[str, list[int]]]:
    for sentence in sentences:
        chunk, ends = "", []
        for form, _, has_space in [*sentence, Surface("", (), has_space=True)]:
            chunk += form
            ends.append(len(chunk))
            if has_space and chunk:
                yield chunk, ends
                chunk, ends = "", []
