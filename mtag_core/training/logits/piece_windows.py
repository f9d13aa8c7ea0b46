"""Sentences to padded batches of wordpieces for a teacher, and its logits back to sentences.

A sentence longer than the model is cut into windows at tokens, never cut off.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from mtag_core.errors import BundleError
from mtag_core.records import Sentence
from mtag_core.tagging.tagged import BatchReport
from mtag_core.tagging.windows import EncodedSentence
from mtag_core.tagging.wordpiece import PieceWindow

# Pieces in one batch, padding included.
PIECE_BUDGET = 2048
_SPECIAL_PIECES = (("[CLS]", "[SEP]", "[PAD]"), ("<s>", "</s>", "<pad>"))


# What a model says about some tokens: arrays whose first axis is the tokens.
TokenRows = tuple[NDArray[Any], ...]


class TokenLogits(NamedTuple):
    """A sentence's logits.

    Attributes:
        upos: Shape (n_tokens, n_upos), float32.
        feats: Shape (n_tokens, n_feats), float32.
    """

    upos: NDArray[np.float32]
    feats: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PieceBatch:
    """Windows of sentences, padded.

    Attributes:
        piece_ids: Shape (n_windows, n_pieces), int64.
        is_piece: Same shape; 1 at pieces, 0 at padding.
        first_piece_index: Of each token in the flattened pieces. Shape (n_tokens,), int64.
        last_piece_index: Likewise.
    """

    piece_ids: NDArray[np.int64]
    is_piece: NDArray[np.int64]
    first_piece_index: NDArray[np.int64]
    last_piece_index: NDArray[np.int64]


class PieceEncoder:
    """Turns sentences into wordpieces; a sentence over the limit into several windows.

    Raises:
        BundleError: It has no special pieces known here.
    """

    def __init__(
        self, tokenizer_json: str, *, max_pieces: int, openings: Mapping[str, int] | None = None
    ) -> None:
        self._tokenizer = Tokenizer.from_str(tokenizer_json)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._max_inner = max_pieces - 2
        self._openings = dict(openings or {})
        self._start, self._end, self.pad = self._special_pieces()

    def encode(self, sentence: Sentence) -> EncodedSentence:
        """The sentence's windows; each token is in one, cut to the limit if it alone exceeds it."""
        encoding = self._tokenizer.encode(
            list(sentence.forms), is_pretokenized=True, add_special_tokens=False
        )
        pieces: list[list[int]] = [[] for _ in sentence.forms]
        for piece, word in zip(encoding.ids, encoding.word_ids, strict=True):
            if word is not None:
                pieces[word].append(piece)
        opening = self._openings.get(sentence.language, self._start)
        windows: list[PieceWindow] = []
        window = PieceWindow([opening], [], [])
        for token_pieces in pieces:
            kept = token_pieces[: self._max_inner]
            if len(window.piece_ids) - 1 + len(kept) > self._max_inner:
                windows.append(window)
                window = PieceWindow([opening], [], [])
            # A token without pieces (a control character) is read from the piece before it.
            window.first.append(len(window.piece_ids) if kept else len(window.piece_ids) - 1)
            window.piece_ids.extend(kept)
            window.last.append(len(window.piece_ids) - 1)
        windows.append(window)
        for window in windows:
            window.piece_ids.append(self._end)
        return EncodedSentence(sentence, windows)

    def _special_pieces(self) -> tuple[int, int, int]:
        for names in _SPECIAL_PIECES:
            start, end, pad = (self._tokenizer.token_to_id(name) for name in names)
            if start is not None and end is not None and pad is not None:
                return start, end, pad
        raise BundleError(
            "tokenizer.json: has neither [CLS], [SEP], [PAD] nor <s>, </s>, <pad>; "
            "a teacher's tokenizer needs one set of them"
        )


def batched_rows(
    encoder: PieceEncoder,
    sentences: Sequence[EncodedSentence],
    run: Callable[[PieceBatch], TokenRows],
    *,
    piece_budget: int = PIECE_BUDGET,
    on_batch: Callable[[BatchReport], None] | None = None,
) -> list[TokenRows]:
    """Runs a model over sentences in batches of windows of like length.

    Args:
        encoder: The one that encoded the sentences.
        sentences: In any order.
        run: Gives the arrays of a batch's tokens, in order.
        piece_budget: Pieces in one batch, padding included.
        on_batch: Called after each batch.

    Returns:
        The same arrays of each sentence, in the sentences' order.
    """
    lengths = [len(window.piece_ids) for each in sentences for window in each.windows]
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    return rows_of_batches(
        sentences,
        _groups(order, lengths, piece_budget),
        lambda group: run(_padded(group, pad=encoder.pad)),
        piece_budget=piece_budget,
        on_batch=on_batch,
    )


def rows_of_batches(
    sentences: Sequence[EncodedSentence],
    groups: Iterable[Sequence[int]],
    run: Callable[[Sequence[Any]], TokenRows],
    *,
    piece_budget: int,
    on_batch: Callable[[BatchReport], None] | None,
) -> list[TokenRows]:
    """Runs a model over given batches of the windows of sentences.

    Args:
        sentences: Each with at least one window.
        groups: The batches, as indices into all windows of all sentences, each index once.
        run: Gives the arrays of the tokens of a batch's windows, in order.
        piece_budget: Pieces in one batch, padding included.
        on_batch: Called after each batch.

    Returns:
        The same arrays of each sentence, in the sentences' order.
    """
    flat = [window for each in sentences for window in each.windows]
    results: dict[int, TokenRows] = {}
    for group in groups:
        batch = [flat[index] for index in group]
        started_s = time.perf_counter()
        rows = run(batch)
        if on_batch is not None:
            n_pieces = len(batch) * max(window.size for window in batch)
            duration_s = time.perf_counter() - started_s
            on_batch(BatchReport(len(batch), n_pieces, piece_budget, duration_s))
        ends = np.cumsum([window.n_tokens for window in batch])[:-1]
        split = zip(*(np.split(array, ends) for array in rows), strict=True)
        results.update(zip(group, split, strict=True))
    in_order = (results[index] for index in range(len(flat)))
    return [_joined(list(islice(in_order, len(each.windows)))) for each in sentences]


def _groups(order: Sequence[int], lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    group: list[int] = []
    for index in order:
        if group and (len(group) + 1) * lengths[index] > budget:
            yield group
            group = []
        group.append(index)
    if group:
        yield group


def _padded(windows: Sequence[PieceWindow], *, pad: int) -> PieceBatch:
    width = max(len(window.piece_ids) for window in windows)
    piece_ids = np.full((len(windows), width), pad, np.int64)
    is_piece = np.zeros((len(windows), width), np.int64)
    first: list[int] = []
    last: list[int] = []
    for row, window in enumerate(windows):
        piece_ids[row, : len(window.piece_ids)] = window.piece_ids
        is_piece[row, : len(window.piece_ids)] = 1
        first.extend(row * width + index for index in window.first)
        last.extend(row * width + index for index in window.last)
    return PieceBatch(piece_ids, is_piece, np.array(first, np.int64), np.array(last, np.int64))


def _joined(parts: Sequence[TokenRows]) -> TokenRows:
    if len(parts) == 1:
        return parts[0]
    return tuple(map(np.concatenate, zip(*parts, strict=True)))
