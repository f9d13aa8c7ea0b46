"""Marked text as one long row of units, for the training of gap networks."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.gap_inputs import padded_codes
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.units import UnitTable, find_units

MarkedSentence = tuple[str, Mapping[int, float]]
"""A text, and the probabilities of token ends by the offset after a unit, where not near 0."""

# Sentences that follow one another without a break, at most.
_MOST_JOINED = 8


@dataclass(frozen=True, slots=True)
class GapStream:
    """Texts one after the other, a gap after each unit. All arrays have shape (n_units,).

    Attributes:
        codes: As `padded_codes` gives them: empty units stand between texts.
        kinds: Likewise.
        token_ends: Probability that a token ends after the unit.
        sentence_ends: Likewise of sentences.
        token_weights: How much the first matters; 0 where nothing is to decide.
        sentence_weights: How much the second does.
    """

    codes: Codes
    kinds: NDArray[np.int64]
    token_ends: NDArray[np.float32]
    sentence_ends: NDArray[np.float32]
    token_weights: NDArray[np.float32]
    sentence_weights: NDArray[np.float32]

    @classmethod
    def joined(cls, streams: Iterable["GapStream"]) -> "GapStream":
        """One stream of some, at least one."""
        columns = zip(*(stream.columns() for stream in streams), strict=True)
        return cls(*(np.concatenate(column) for column in columns))

    def columns(self) -> tuple[NDArray[np.generic], ...]:
        """The arrays, in the order of the attributes."""
        return (
            *(self.codes, self.kinds, self.token_ends, self.sentence_ends),
            *(self.token_weights, self.sentence_weights),
        )


def read_stream(
    sentences: Iterable[MarkedSentence],
    *,
    has_spaces: bool,
    n_beyond: int,
    other: float,
    weight: float,
    knows_sentences: bool,
    seed: int = 1,
) -> GapStream:
    """Makes a stream of sentences, some of them joined to running text.

    Args:
        sentences: At least one.
        has_spaces: As in `BoundaryModel`; there are spaces between sentences then too.
        n_beyond: Empty units that follow each text.
        other: Probability of a token's end where none is given.
        weight: How much a gap matters.
        knows_sentences: Where sentences end may be learnt from these; otherwise only that they do
            not end inside tokens.
        seed: Of how many are joined.
    """
    generator = random.Random(seed)
    rest = iter(sentences)
    texts = []
    while group := list(islice(rest, generator.randint(1, _MOST_JOINED))):
        texts.append(
            _read_text(
                group,
                has_spaces=has_spaces,
                n_beyond=n_beyond,
                other=other,
                weight=weight,
                knows_sentences=knows_sentences,
            )
        )
    return GapStream.joined(texts)


def frequent_codes(stream: GapStream, *, min_count: int, n_most: int) -> NDArray[np.uint32]:
    """The codes of the most frequent units, in order."""
    codes, counts = np.unique(stream.codes[stream.kinds > 0], return_counts=True)
    frequent = np.argsort(-counts, kind="stable")[: min(n_most, int((counts >= min_count).sum()))]
    return np.sort(codes[frequent]).astype(np.uint32)


def asked_gaps(units: UnitTable, *, has_spaces: bool) -> NDArray[np.bool_]:
    """Says which gaps need a decision: not those with a space, where spaces always part tokens."""
    after_space = np.array(units.is_after_space[1:], np.bool_)
    return np.ones_like(after_space) if has_spaces else ~after_space


def _read_text(
    group: list[MarkedSentence],
    *,
    has_spaces: bool,
    n_beyond: int,
    other: float,
    weight: float,
    knows_sentences: bool,
) -> GapStream:
    separator = " " if has_spaces else ""
    text = separator.join(sentence for sentence, _ in group)
    probs: dict[int, float] = {}
    sentence_ends: set[int] = set()
    offset = 0
    for sentence, offsets in group:
        probs |= {offset + end: prob for end, prob in offsets.items()}
        sentence_ends.add(offset + len(sentence))
        offset += len(sentence) + len(separator)
    units = find_units(text, has_spaces=has_spaces)
    is_asked = np.append(asked_gaps(units, has_spaces=has_spaces), False)
    is_inside = np.arange(len(units.ends)) < len(units.ends) - 1
    token_ends = np.array([probs.get(end, other) for end in units.ends], np.float32)
    is_told = is_inside & (knows_sentences | (token_ends < 0.5))
    columns = (
        token_ends,
        np.array([end in sentence_ends for end in units.ends], np.float32),
        (weight * is_asked).astype(np.float32),
        (weight * is_told).astype(np.float32),
    )
    codes, kinds = padded_codes(units, n_beyond)
    padded = (np.pad(column, (0, n_beyond)) for column in columns)
    return GapStream(codes[n_beyond:], kinds[n_beyond:], *padded)
