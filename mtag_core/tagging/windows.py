"""Windows and their batches: sentences as a model reads them.

A sentence that is longer than the model reads at once is cut. The windows of a batch have one
length, so the model needs no padding and what it gives for a window is what it gives for that
window alone. Together with products of whole numbers in the model this makes tags independent of
batches.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mtag_core.records import Sentence, pickled_by_fields

Item = TypeVar("Item")

# A buffer holds this many times the piece budget; the more, the fuller are its batches.
_BUFFER_BATCHES = 64
_MAX_BUFFER_SENTENCES = 4096


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class Window:
    """A run of a sentence's tokens as the model reads it.

    Attributes:
        forms: No more than the model reads at once.
        first: Index of the first token that this window tags.
        last: Index after the last one.
        treebank: Number of the treebank whose convention the tags follow, 0 for none.
    """

    forms: Sequence[str]
    first: int
    last: int
    treebank: int = 0

    @property
    def size(self) -> int:
        """Number of words."""
        return len(self.forms)

    @property
    def n_tokens(self) -> int:
        """Tokens that are tagged by this window."""
        return self.last - self.first


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class EncodedSentence:
    """A sentence and its windows; a sentence without tokens has none.

    `forms` are in the letters that lemmas are made from; None for those of the sentence.
    """

    sentence: Sentence
    windows: Sequence[Any]
    forms: Sequence[str] | None = None

    @property
    def n_pieces(self) -> int:
        """Words of all windows, or wordpieces where a teacher reads those."""
        # A sentence nearly always has one window.
        windows = self.windows
        return windows[0].size if len(windows) == 1 else sum(window.size for window in windows)


def cut(sizes: Sequence[int], *, max_size: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Cuts a long sentence at tokens, with context on both sides of each cut.

    No size of a token exceeds `max_size`, that of a window; two windows share `overlap` at most.

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


def batches(windows: Sequence[Window], *, piece_budget: int) -> Iterator[list[int]]:
    """Yields indices of windows of one size, shorter ones first; those of a treebank are together.

    A batch has at most `piece_budget` words; a window longer than that is one by itself.
    """
    length_to_indices: dict[int, list[int]] = {}
    for index in sorted(range(len(windows)), key=lambda index: windows[index].treebank):
        length_to_indices.setdefault(windows[index].size, []).append(index)
    for length, indices in sorted(length_to_indices.items()):
        size = max(1, piece_budget // length)
        for start in range(0, len(indices), size):
            yield indices[start : start + size]


class BufferSize:
    """Counts what a buffer holds, and says when it is large enough to be batched well."""

    def __init__(self, *, piece_budget: int) -> None:
        self._max_pieces = _BUFFER_BATCHES * piece_budget
        self._n_pieces = self._n_sentences = 0

    def add(self, sentence: EncodedSentence) -> None:
        """Counts one more sentence."""
        self._n_sentences += 1
        self._n_pieces += sentence.n_pieces

    @property
    def is_full(self) -> bool:
        """Whether the buffer has to be emptied."""
        return self._n_pieces >= self._max_pieces or self._n_sentences >= _MAX_BUFFER_SENTENCES

    def clear(self) -> None:
        """Starts again with an empty buffer."""
        self._n_pieces = self._n_sentences = 0


def buffers(
    items: Iterable[tuple[Item, EncodedSentence]], *, piece_budget: int
) -> Iterator[list[tuple[Item, EncodedSentence]]]:
    """Yields runs of a stream of sentences, with what stands for each, that are batched together.

    Runs are in order, bounded in pieces and in sentences.
    """
    buffer: list[tuple[Item, EncodedSentence]] = []
    size = BufferSize(piece_budget=piece_budget)
    for item in items:
        buffer.append(item)
        size.add(item[1])
        if size.is_full:
            yield buffer
            buffer = []
            size.clear()
    if buffer:
        yield buffer
