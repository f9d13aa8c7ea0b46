"""Windows: sentences as a model reads them, cut where they are longer than it reads at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mtag_core.records import Sentence


class Window(Protocol):
    """A run of a sentence's tokens that a model reads at once."""

    @property
    def size(self) -> int:
        """Number of wordpieces, or of words where the model reads words."""

    @property
    def n_tokens(self) -> int:
        """Tokens that are tagged by this window."""

    @property
    def treebank(self) -> int:
        """Number of the treebank whose convention the tags follow, 0 for none."""


@dataclass(frozen=True, slots=True)
class EncodedSentence:
    """A sentence and its windows; a sentence without tokens has none.

    Attributes:
        sentence: The sentence.
        windows: Of the kind that the model reads.
    """

    sentence: Sentence
    windows: Sequence[Any]

    @property
    def n_pieces(self) -> int:
        """Wordpieces of all windows, or words where the model reads words."""
        return sum(window.size for window in self.windows)


def cut(sizes: Sequence[int], *, max_size: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Cuts a long sentence at tokens, with context on both sides of each cut.

    Args:
        sizes: Of each token; none exceeds `max_size`.
        max_size: Of a window.
        overlap: The most that two windows share.

    Returns:
        For each window the range of tokens that it reads and the range that it tags: start, end,
        first, last. Each token is tagged by the window that has more of what stands around it.
    """
    spans = _spans(sizes, max_size, overlap)
    windows = []
    first = 0
    for (start, end), following in zip(spans, [*spans[1:], None], strict=True):
        # The tokens that two windows read are shared out half and half.
        last = end if following is None else (following[0] + end + 1) // 2
        windows.append((start, end, first, last))
        first = last
    return windows


def _spans(sizes: Sequence[int], max_size: int, overlap: int) -> list[tuple[int, int]]:
    spans = []
    start = end = 0
    while True:
        total = sum(sizes[start:end])
        while end < len(sizes) and total + sizes[end] <= max_size:
            total += sizes[end]
            end += 1
        spans.append((start, end))
        if end == len(sizes):
            return spans
        shared = 0
        start = end
        while shared + sizes[start - 1] <= overlap:
            start -= 1
            shared += sizes[start]
