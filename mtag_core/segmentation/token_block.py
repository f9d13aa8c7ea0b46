"""The tokens of a stretch of text in columns, as tokenizers hand them on."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mtag_core.arrays import Integers
from mtag_core.records import MultiwordToken


class TokenColumns(NamedTuple):
    """The tokens of a sentence, as `Sentence` has them."""

    forms: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    multiword_tokens: tuple[MultiwordToken, ...]


@dataclass(slots=True, eq=False)
class TokenBlock:
    """Surface tokens and where sentences end.

    Attributes:
        forms: One a token.
        starts: Offsets in the text. Shape (n_tokens,).
        ends: Likewise.
        sentence_ends: Index after the last token of each sentence; the last is the number of
            tokens.
    """

    forms: list[str]
    starts: Integers
    ends: Integers
    sentence_ends: list[int]

    @classmethod
    def empty(cls) -> "TokenBlock":
        """No tokens."""
        return cls([], np.zeros(0, np.int64), np.zeros(0, np.int64), [])

    def without_last_sentence(self) -> "TokenBlock":
        """The sentences but the last of two or more."""
        end = self.sentence_ends[-2]
        return TokenBlock(
            self.forms[:end], self.starts[:end], self.ends[:end], self.sentence_ends[:-1]
        )

    def joined(self, text: str, indices: Sequence[int]) -> "TokenBlock":
        """Joins tokens, none the first of a sentence, in order, with the ones before them."""
        if not indices:
            return self
        firsts = np.delete(np.arange(len(self.forms)), indices)
        lasts = np.append(firsts[1:], len(self.forms)) - 1
        starts, ends = self.starts[firsts], self.ends[lasts]
        forms = [self.forms[index] for index in firsts.tolist()]
        for index in (firsts != lasts).nonzero()[0].tolist():
            forms[index] = text[starts[index] : ends[index]]
        sentence_ends = [end - bisect_left(indices, end) for end in self.sentence_ends]
        return TokenBlock(forms, starts, ends, sentence_ends)

    def parted(self, indices: Sequence[int]) -> "TokenBlock":
        """Parts the last character of tokens off, of two characters or more, in order."""
        if not indices:
            return self
        forms = list(self.forms)
        for index in reversed(indices):
            forms[index : index + 1] = [forms[index][:-1], forms[index][-1]]
        places = np.array(indices)
        cuts = self.ends[places] - 1
        starts, ends = np.insert(self.starts, places + 1, cuts), np.insert(self.ends, places, cuts)
        sentence_ends = [end + bisect_left(indices, end) for end in self.sentence_ends]
        return TokenBlock(forms, starts, ends, sentence_ends)

    def move(self, line_starts: Integers, distances: Integers) -> list[int]:
        """Moves the tokens of lines to other places.

        Args:
            line_starts: Offsets of all lines, in order. Shape (n_lines,).
            distances: How far to move the tokens of each. Shape (n_lines,).

        Returns:
            The line of each sentence.
        """
        if not self.sentence_ends:
            return []
        firsts = [0, *self.sentence_ends[:-1]]
        lines = line_starts.searchsorted(self.starts[firsts], side="right") - 1
        offsets = distances[lines].repeat(np.diff(self.sentence_ends, prepend=0))
        self.starts, self.ends = self.starts + offsets, self.ends + offsets
        of_sentences: list[int] = lines.tolist()
        return of_sentences

    def take_forms(self, texts: Sequence[str | None]) -> None:
        """Takes the forms of sentences from texts that offsets point into; None for no change."""
        for text, (first, last) in zip(texts, pairwise([0, *self.sentence_ends]), strict=True):
            if text is not None:
                starts, ends = self.starts[first:last].tolist(), self.ends[first:last].tolist()
                self.forms[first:last] = [text[a:b] for a, b in zip(starts, ends, strict=True)]

    def sentences(self, expansions: Mapping[int, tuple[str, ...]]) -> Iterator[TokenColumns]:
        """Yields the tokens of each sentence.

        Args:
            expansions: Index of a form to its tokens where they are several.
        """
        forms, starts, ends = self.forms, self.starts.tolist(), self.ends.tolist()
        multiword = sorted(expansions)
        n_done = 0
        for first, last in pairwise([0, *self.sentence_ends]):
            n_before = n_done
            while n_done < len(multiword) and multiword[n_done] < last:
                n_done += 1
            own, own_starts, own_ends = forms[first:last], starts[first:last], ends[first:last]
            inside = multiword[n_before:n_done]
            places = {index - first: expansions[index] for index in inside} if inside else {}
            more = _expand(own, own_starts, own_ends, places) if inside else ()
            yield TokenColumns(tuple(own), tuple(own_starts), tuple(own_ends), more)


def _expand(
    forms: list[str], starts: list[int], ends: list[int], places: Mapping[int, tuple[str, ...]]
) -> tuple[MultiwordToken, ...]:
    """Puts the tokens of multiword tokens into a sentence's columns."""
    multiword_tokens = []
    n_more = 0
    for place, tokens in places.items():
        first = place + n_more
        form, start, end, n_tokens = forms[first], starts[first], ends[first], len(tokens)
        forms[first : first + 1] = tokens
        starts[first : first + 1] = [start] * n_tokens
        ends[first : first + 1] = [end] * n_tokens
        if n_tokens > 1:
            multiword_tokens.append(MultiwordToken(first, first + n_tokens - 1, form, start, end))
        n_more += n_tokens - 1
    return tuple(multiword_tokens)
