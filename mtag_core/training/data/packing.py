"""Encoded sentences as flat integer arrays, kept on the GPU and cut into batches there.

Cutting batches out of Python lists costs more time than the model does; here an epoch's order is
one sort on the host, and a batch is gathered from the flat arrays on the device without waiting for
it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mtag_core.training.networks.model import Batch

Ints = NDArray[np.int32]
PAD_MULTIPLE = 8
"""Batches are padded to a multiple of this, which attention kernels ask for."""


@dataclass(frozen=True)
class PackedSentences:
    """Encoded sentences, one after the other.

    Attributes:
        piece_ids: All pieces, [CLS] and [SEP] of each sentence included. Shape (total_pieces,).
        first_piece: For each token, the position of its first piece in its own sentence.
            Shape (total_tokens,).
        last_piece: The same for its last piece.
        n_pieces: Pieces of each sentence. Shape (n_sentences,).
        n_tokens: Tokens of each sentence. Shape (n_sentences,).
    """

    piece_ids: Ints
    first_piece: NDArray[np.int16]
    last_piece: NDArray[np.int16]
    n_pieces: Ints
    n_tokens: Ints

    def __len__(self) -> int:
        """Number of sentences."""
        return len(self.n_pieces)

    @property
    def lengths(self) -> Ints:
        """Positions that a sentence takes in a batch. Shape (n_sentences,)."""
        return self.n_pieces

    def save(self, path: Path) -> None:
        """Writes the arrays to one `.npz` file."""
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> "PackedSentences":
        """Reads what `save` wrote."""
        with np.load(path) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})

    @classmethod
    def concatenate(cls, parts: Sequence["PackedSentences"]) -> "PackedSentences":
        """Puts the parts one after the other."""
        return cls(
            **{
                field.name: np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(cls)
            }
        )

    def select(self, chosen: NDArray[np.int64]) -> "PackedSentences":
        """Keeps the chosen sentences, in that order."""
        pieces = ragged_rows(self.n_pieces, chosen)
        tokens = ragged_rows(self.n_tokens, chosen)
        return PackedSentences(
            self.piece_ids[pieces],
            self.first_piece[tokens],
            self.last_piece[tokens],
            self.n_pieces[chosen],
            self.n_tokens[chosen],
        )


def fits(packed: PackedSentences, *, max_pieces: int) -> NDArray[np.bool_]:
    """Says which sentences have tokens and at most `max_pieces` pieces. Shape (n_sentences,)."""
    fitting: NDArray[np.bool_] = (packed.n_pieces <= max_pieces) & (packed.n_tokens > 0)
    return fitting


def fitting_together(parts: Sequence[PackedSentences], *, max_pieces: int) -> NDArray[np.int64]:
    """Indices of the sentences that fit in each of several vocabularies."""
    return np.flatnonzero(np.all([fits(part, max_pieces=max_pieces) for part in parts], axis=0))


def cut_batches(
    n_pieces: Ints, *, piece_budget: int, generator: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Cuts sentences into batches of like length, in random order.

    Args:
        n_pieces: Length of each sentence. Shape (n_sentences,).
        piece_budget: Pieces a batch holds at most, padding included; a longer sentence is a batch.
        generator: Orders sentences of like length, and the batches.

    Returns:
        Indices of each batch's sentences; every sentence is in one batch.
    """
    jittered = n_pieces + generator.random(len(n_pieces)) * PAD_MULTIPLE / 2
    order = np.argsort(jittered, kind="stable")
    padded = -(-n_pieces[order] // PAD_MULTIPLE) * PAD_MULTIPLE
    batches: list[NDArray[np.int64]] = []
    end = len(order)
    while end > 0:
        # Jitter leaves the order a little off: the longest of the batch need not be its last.
        start = max(0, end - max(1, piece_budget // int(padded[end - 1])))
        longest = int(padded[start:end].max())
        start = max(start, end - max(1, piece_budget // longest))
        batches.append(order[start:end])
        end = start
    return [batches[index] for index in generator.permutation(len(batches))]


class DeviceSentences:
    """Packed sentences that live on a device and give batches there."""

    def __init__(self, packed: PackedSentences, *, pad: int, device: torch.device) -> None:
        self.packed = packed
        self.device = device
        self._pad = pad
        self._piece_ids = torch.from_numpy(packed.piece_ids).to(device)
        self._first = torch.from_numpy(packed.first_piece).to(device)
        self._last = torch.from_numpy(packed.last_piece).to(device)
        self._n_pieces = torch.from_numpy(packed.n_pieces.astype(np.int64)).to(device)
        self._n_tokens = torch.from_numpy(packed.n_tokens.astype(np.int64)).to(device)
        self._piece_start = self._n_pieces.cumsum(0) - self._n_pieces
        self._token_start = self._n_tokens.cumsum(0) - self._n_tokens

    def batch(self, sentence_indices: NDArray[np.int64]) -> Batch:
        """Gathers sentences into one padded batch.

        Args:
            sentence_indices: Shape (n_sentences,).

        Returns:
            The batch; its padded length is a multiple of 8, which attention kernels ask for.
        """
        longest = int(self.packed.n_pieces[sentence_indices].max())
        width = -(-longest // PAD_MULTIPLE) * PAD_MULTIPLE
        n_tokens = int(self.packed.n_tokens[sentence_indices].sum())
        chosen = torch.from_numpy(sentence_indices).to(self.device, non_blocking=True)
        piece_ids, is_piece = self._pieces(chosen, width)
        tokens_in = self._n_tokens[chosen]
        row = torch.arange(len(chosen), device=self.device)
        row = torch.repeat_interleave(row, tokens_in, output_size=n_tokens)
        shift = self._token_start[chosen] - (tokens_in.cumsum(0) - tokens_in)
        token_index = torch.arange(n_tokens, device=self.device) + shift[row]
        return Batch(
            piece_ids=piece_ids,
            is_piece=is_piece,
            first_piece_index=self._first[token_index].long() + row * width,
            last_piece_index=self._last[token_index].long() + row * width,
            token_index=token_index,
        )

    def _pieces(self, chosen: torch.Tensor, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Gathers and pads pieces; gives (piece_ids, is_piece), each (n_sentences, width)."""
        column = torch.arange(width, device=self.device)
        is_piece = column < self._n_pieces[chosen][:, None]
        position = (self._piece_start[chosen][:, None] + column).clamp(max=len(self._piece_ids) - 1)
        return self._piece_ids[position].long().masked_fill(~is_piece, self._pad), is_piece


def ranges(starts: NDArray[np.int64], lengths: Ints) -> NDArray[np.int64]:
    """Counts up from each start: starts [7, 2], lengths [2, 3] -> [7, 8, 2, 3, 4]."""
    lengths = lengths.astype(np.int64)
    shift = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    positions: NDArray[np.int64] = np.arange(len(shift)) + shift
    return positions


def ragged_rows(lengths: Ints, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Flat positions of chosen rows of a ragged array: lengths [2, 3], row [1] -> [2, 3, 4]."""
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    return ranges(starts[chosen], lengths[chosen])
