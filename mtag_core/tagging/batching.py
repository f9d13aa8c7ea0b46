"""Batches of windows: all of one length and treebank, as many as the piece budget allows.

Windows of one length need no padding, so the model sees of each window exactly what it would see
if the window were alone. Together with products of whole numbers in the model this makes tags
independent of batches.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from mtag_core.tagging.windows import EncodedSentence, Window

Item = TypeVar("Item")

# A buffer holds this many times the piece budget; the more, the fuller are its batches.
_BUFFER_BATCHES = 32
_MAX_BUFFER_SENTENCES = 4096


def batches(windows: Sequence[Window], *, piece_budget: int) -> Iterator[list[int]]:
    """Groups windows.

    Args:
        windows: In any order.
        piece_budget: Most wordpieces, or words, in a batch; a window longer than that is one by
            itself.

    Yields:
        Indices of windows that have the same size and the same treebank, shorter windows first.
    """
    kind_to_indices: dict[tuple[int, int], list[int]] = {}
    for index, window in enumerate(windows):
        kind = window.size, window.treebank
        kind_to_indices.setdefault(kind, []).append(index)
    for (length, _), indices in sorted(kind_to_indices.items()):
        size = max(1, piece_budget // length)
        for start in range(0, len(indices), size):
            yield indices[start : start + size]


class BufferSize:
    """Counts what a buffer holds, and says when it is large enough to be batched well.

    Args:
        piece_budget: As in `batches`.
    """

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
    """Cuts a stream of sentences into runs that are batched together.

    Args:
        items: Sentences, each with whatever stands for it.
        piece_budget: As in `batches`.

    Yields:
        Runs in order; bounded in pieces and in sentences.
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
