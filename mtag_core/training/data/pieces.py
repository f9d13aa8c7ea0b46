"""Sentences as wordpieces: encoded, kept as flat integer arrays, cut into batches on a device.

Cutting batches out of Python lists costs more time than the model does; here an epoch's order is
one sort on the host, and a batch is gathered from the flat arrays on the device without waiting for
it. A teacher knows the treebank of a sentence by the piece that opens it: each treebank has one at
the end of the teacher's vocabulary.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from mtag_core.errors import FormatError
from mtag_core.training.networks.model import Batch
from mtag_core.training.networks.model_config import ModelMetadata
from mtag_core.training.options import Noise

Ints = NDArray[np.int32]
PAD_MULTIPLE = 8
"""Batches are padded to a multiple of this, which attention kernels ask for."""
NO_NOISE = Noise(changed_share=0.0, named_share=1.0, piece_dropout=0.0)
_JOB_SENTENCES = 4000


@dataclass(frozen=True)
class SpecialPieces:
    """A vocabulary's size and special pieces.

    Attributes:
        start: Id of the piece that opens a sentence.
        end: Id of the piece that closes it.
        pad: Id of the piece that fills up a batch.
        mask: Id of the piece that hides another.
        n_pieces: Size of the vocabulary.
    """

    start: int
    end: int
    pad: int
    mask: int
    n_pieces: int

    @classmethod
    def load(cls, tokenizer_path: Path) -> "SpecialPieces":
        """Looks the pieces up by their BERT or RoBERTa names.

        Raises:
            FormatError: The vocabulary has neither.
        """
        return cls.of(Tokenizer.from_file(str(tokenizer_path)), tokenizer_path)

    @classmethod
    def of(cls, tokenizer: Tokenizer, path: Path) -> "SpecialPieces":
        """As `load`, for a tokenizer that is loaded already."""
        for names in (("[CLS]", "[SEP]", "[PAD]", "[MASK]"), ("<s>", "</s>", "<pad>", "<mask>")):
            ids = [tokenizer.token_to_id(name) for name in names]
            start, end, pad, mask = ids
            if start is not None and end is not None and pad is not None and mask is not None:
                return cls(start, end, pad, mask, tokenizer.get_vocab_size())
        raise FormatError(
            f"{path}: expected the pieces [CLS], [SEP], [PAD], [MASK] or <s>, </s>, <pad>, <mask>"
        )


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


def encode_sentences(
    sentences: Sequence[Sequence[str]], tokenizer_path: Path, *, n_processes: int = 1
) -> PackedSentences:
    """Encodes pre-split sentences.

    Args:
        sentences: Forms of each sentence.
        tokenizer_path: A `tokenizer.json` of the `tokenizers` package.
        n_processes: Worker processes; 1 works in this process.

    Returns:
        The sentences in order. Nothing is cut off: see `fits` for what is too long. A token that
        encodes to nothing (a control character) is read from its neighbour's piece.
    """
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    jobs = [
        (sentences[start : start + _JOB_SENTENCES], tokenizer_path)
        for start in range(0, max(1, len(sentences)), _JOB_SENTENCES)
    ]
    if n_processes == 1 or len(jobs) == 1:
        return PackedSentences.concatenate([_encode_job(*job) for job in jobs])
    with ProcessPoolExecutor(n_processes) as pool:
        parts = pool.map(_encode_job, *zip(*jobs, strict=True))
        return PackedSentences.concatenate(list(parts))


def _encode_job(sentences: Sequence[Sequence[str]], tokenizer_path: Path) -> PackedSentences:
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    convention = SpecialPieces.of(tokenizer, tokenizer_path)
    encodings = tokenizer.encode_batch(
        [list(forms) for forms in sentences], is_pretokenized=True, add_special_tokens=False
    )
    rows = [
        _encode_one(encoding.ids, encoding.word_ids, len(forms), convention)
        for forms, encoding in zip(sentences, encodings, strict=True)
    ]
    ids, first, last = zip(*rows, strict=True) if rows else ((), (), ())
    return PackedSentences(
        _joined(ids, np.int32),
        _joined(first, np.int16),
        _joined(last, np.int16),
        np.array([len(row) for row in ids], np.int32),
        np.array([len(row) for row in first], np.int32),
    )


def _encode_one(
    ids: list[int], word_ids: list[int | None], n_tokens: int, convention: SpecialPieces
) -> tuple[Ints, Ints, Ints]:
    piece_ids = np.array([convention.start, *ids, convention.end], np.int32)
    words = np.array([-1 if word is None else word for word in word_ids], np.int64)
    tokens = np.arange(n_tokens)
    first = np.searchsorted(words, tokens, side="left") + 1
    last = np.maximum(np.searchsorted(words, tokens, side="right"), 1)
    # A token without pieces has last < first: it reads the piece before it.
    first = np.minimum(first, last)
    return piece_ids, first.astype(np.int32), last.astype(np.int32)


def _joined(rows: Sequence[Ints], dtype: type[np.signedinteger]) -> NDArray[np.signedinteger]:
    return np.concatenate(rows).astype(dtype) if rows else np.zeros(0, dtype)


class DeviceSentences:
    """Packed sentences that live on a device and give batches there.

    Args:
        packed: The sentences.
        pieces: Of their vocabulary.
        device: Where to.
        treebank_tokens: From `treebank_token_ids`; None where the model knows no treebanks.
    """

    def __init__(
        self,
        packed: PackedSentences,
        pieces: SpecialPieces,
        *,
        device: torch.device,
        treebank_tokens: Tensor | None = None,
    ) -> None:
        self.packed = packed
        self.device = device
        self._special, self._treebank_tokens = pieces, treebank_tokens
        self._piece_ids = torch.from_numpy(packed.piece_ids).to(device)
        self._first = torch.from_numpy(packed.first_piece).to(device)
        self._last = torch.from_numpy(packed.last_piece).to(device)
        self._n_pieces = torch.from_numpy(packed.n_pieces.astype(np.int64)).to(device)
        self._n_tokens = torch.from_numpy(packed.n_tokens.astype(np.int64)).to(device)
        self._piece_start = self._n_pieces.cumsum(0) - self._n_pieces
        self._token_start = self._n_tokens.cumsum(0) - self._n_tokens

    def batch(self, sentence_indices: NDArray[np.int64], noise: Noise = NO_NOISE) -> Batch:
        """Gathers sentences into one padded batch.

        Args:
            sentence_indices: Shape (n_sentences,).
            noise: Its shares of sentences that have their treebank's token, and of masked pieces;
                the piece that opens a sentence never is.

        Returns:
            The batch; its padded length is a multiple of 8, which attention kernels ask for.
        """
        batch = self._gathered(sentence_indices)
        if self._treebank_tokens is not None:
            chosen = torch.from_numpy(sentence_indices).to(self.device, non_blocking=True)
            token_ids = self._treebank_tokens[chosen]
            if noise.named_share < 1:
                draws = torch.rand(len(token_ids), device=self.device)
                token_ids = token_ids * (draws >= 1 - noise.named_share)
            batch = with_treebank_tokens(batch, token_ids)
        if noise.piece_dropout == 0:
            return batch
        draws = torch.rand(batch.piece_ids.shape, device=self.device)
        is_masked = (draws < noise.piece_dropout) & batch.is_piece
        is_masked[:, 0] = False
        return batch._replace(piece_ids=batch.piece_ids.masked_fill(is_masked, self._special.mask))

    def _gathered(self, sentence_indices: NDArray[np.int64]) -> Batch:
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

    def _pieces(self, chosen: Tensor, width: int) -> tuple[Tensor, Tensor]:
        column = torch.arange(width, device=self.device)
        is_piece = column < self._n_pieces[chosen][:, None]
        position = (self._piece_start[chosen][:, None] + column).clamp(max=len(self._piece_ids) - 1)
        return self._piece_ids[position].long().masked_fill(~is_piece, self._special.pad), is_piece


def treebank_token_ids(
    names: tuple[str, ...],
    name_ids: NDArray[np.int64],
    metadata: ModelMetadata,
    *,
    device: torch.device,
) -> Tensor:
    """The treebank token of each sentence.

    Args:
        names: Treebanks or languages; a language means the treebank that its text follows.
        name_ids: Index into `names` of each sentence. Shape (n_sentences,).
        metadata: Of the model.
        device: Where to put the result.

    Returns:
        Piece ids, 0 for a name that the model has no treebank of. Shape (n_sentences,), int64.
    """
    treebanks = [metadata.conventions.get(name, name) for name in names]
    ids = [metadata.treebank_pieces.get(name, 0) for name in treebanks]
    return torch.tensor(ids, device=device)[torch.from_numpy(name_ids).to(device)]


def with_treebank_tokens(batch: Batch, token_ids: Tensor) -> Batch:
    """Opens sentences with treebank tokens.

    Args:
        batch: Any batch.
        token_ids: From `treebank_token_ids`; 0 leaves the opening piece. Shape (n_sentences,).
    """
    piece_ids = batch.piece_ids.clone()
    piece_ids[:, 0] = torch.where(token_ids > 0, token_ids, piece_ids[:, 0])
    return batch._replace(piece_ids=piece_ids)


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
