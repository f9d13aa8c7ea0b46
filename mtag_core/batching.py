"""Batches of windows: all of one length and treebank, as many as the piece budget allows.

Windows of one length need no padding, so the model sees of each window exactly what it would see
if the window were alone. Together with products of whole numbers in the model this makes tags
independent of batches.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from mtag_core.wordpiece import Window

Item = TypeVar("Item")

# A buffer holds this many times the piece budget; the more, the fuller are its batches.
_BUFFER_BATCHES = 32
_MAX_BUFFER_SENTENCES = 4096


def batches(windows: Sequence[Window], *, piece_budget: int) -> Iterator[list[int]]:
    """Groups windows.

    Args:
        windows: In any order.
        piece_budget: Most wordpieces in a batch; a window longer than that is one by itself.

    Yields:
        Indices of windows that have the same number of pieces and the same treebank, shorter
        windows first.
    """
    kind_to_indices: dict[tuple[int, int], list[int]] = {}
    for index, window in enumerate(windows):
        kind = len(window.piece_ids), window.treebank
        kind_to_indices.setdefault(kind, []).append(index)
    for (length, _), indices in sorted(kind_to_indices.items()):
        size = max(1, piece_budget // length)
        for start in range(0, len(indices), size):
            yield indices[start : start + size]


def buffers(
    items: Iterable[tuple[Item, list[Window]]], *, piece_budget: int
) -> Iterator[list[tuple[Item, list[Window]]]]:
    """Cuts a stream of sentences into runs that are batched together.

    Args:
        items: A sentence, or whatever stands for it, and its windows.
        piece_budget: As in `batches`.

    Yields:
        Runs in order; bounded in pieces and in sentences.
    """
    buffer: list[tuple[Item, list[Window]]] = []
    n_pieces = 0
    for item in items:
        buffer.append(item)
        n_pieces += sum(len(window.piece_ids) for window in item[1])
        if n_pieces >= _BUFFER_BATCHES * piece_budget or len(buffer) >= _MAX_BUFFER_SENTENCES:
            yield buffer
            buffer = []
            n_pieces = 0
    if buffer:
        yield buffer
