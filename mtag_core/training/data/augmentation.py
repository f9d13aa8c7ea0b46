"""Makes more of training sentences: substitutes words, masks wordpieces.

A small student learns treebanks and text by heart within a few epochs; what it lacks is rare words
in contexts of another kind. Teachers can annotate any sentence, so nouns are substituted for nouns,
verbs for verbs, with the same features, and the teachers annotate the result. After the data
augmentation of TinyBERT (Jiao et al. 2020, arXiv:1909.10351), with classes in place of a language
model.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.encoding import SpecialPieces
from mtag_core.training.data.packing import PackedSentences, ranges
from mtag_core.training.networks.model import Batch

_OPEN_CLASSES = ("ADJ", "ADV", "NOUN", "PROPN", "VERB")
# Odd, so that it has an inverse among 64-bit numbers.
_HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class WordClasses:
    """Language and labels of each token of a corpus.

    Attributes:
        language_ids: Shape (total_tokens,), int64.
        upos_ids: Shape (total_tokens,), int64.
        feats_ids: Shape (total_tokens,), int64.
    """

    language_ids: NDArray[np.int64]
    upos_ids: NDArray[np.int64]
    feats_ids: NDArray[np.int64]

    def keys(self) -> NDArray[np.int64]:
        """One number for each language and class. Shape (total_tokens,)."""
        n_feats = int(self.feats_ids.max(initial=0)) + 1
        return (self.language_ids * len(UPOS_LABELS) + self.upos_ids) * n_feats + self.feats_ids


def substitute_words(
    packed: PackedSentences, classes: WordClasses, *, share: float, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Draws a substitute for each token of an open class, from the same language and class.

    Args:
        packed: A corpus; tokens with the same pieces are the same word.
        classes: Of its tokens.
        share: Probability that a noun, verb, adjective, adverb or name is substituted.
        generator: Of the draws.

    Returns:
        For each token the index of its substitute, its own where nothing changes.
        Every word of a class is as likely as any other, so rare ones gain most. Shape
        (total_tokens,).
    """
    keys = classes.keys()
    is_open = np.isin(classes.upos_ids, [UPOS_LABELS.index(tag) for tag in _OPEN_CLASSES])
    candidates = np.flatnonzero(is_open)
    mixed = keys[candidates].astype(np.uint64) * _HASH_FACTOR ^ _word_hashes(packed)[candidates]
    words = candidates[np.unique(mixed, return_index=True)[1]]
    words = words[np.argsort(keys[words], kind="stable")]
    chosen = np.flatnonzero(is_open & (generator.random(len(keys)) < share))
    first = np.searchsorted(keys[words], keys[chosen], side="left")
    end = np.searchsorted(keys[words], keys[chosen], side="right")
    drawn = first + np.floor(generator.random(len(chosen)) * (end - first)).astype(np.int64)
    sources = np.arange(len(keys))
    sources[chosen] = words[drawn]
    return sources


def replace_tokens(
    packed: PackedSentences, sources: NDArray[np.int64], pieces: SpecialPieces
) -> PackedSentences:
    """Replaces the tokens of a corpus by others of it.

    Args:
        packed: The corpus.
        sources: From `substitute_words`. Shape (total_tokens,).
        pieces: Of its vocabulary.

    Returns:
        As many sentences, each of as many tokens as before.
    """
    starts = np.repeat(_starts(packed.n_pieces), packed.n_tokens) + packed.first_piece
    lengths = (packed.last_piece - packed.first_piece + 1).astype(np.int32)[sources]
    ends = np.cumsum(lengths, dtype=np.int64)
    first_tokens = _starts(packed.n_tokens)
    before = (ends - lengths)[first_tokens]
    last = ends[first_tokens + packed.n_tokens - 1]
    n_pieces = (last - before + 2).astype(np.int32)
    first_piece = 1 + (ends - lengths) - np.repeat(before, packed.n_tokens)
    opening = _starts(n_pieces)
    piece_ids = np.full(int(n_pieces.sum(dtype=np.int64)), pieces.end, packed.piece_ids.dtype)
    piece_ids[opening] = pieces.start
    target = np.repeat(opening, packed.n_tokens) + first_piece
    piece_ids[ranges(target, lengths)] = packed.piece_ids[ranges(starts[sources], lengths)]
    return PackedSentences(
        piece_ids,
        first_piece.astype(np.int16),
        (first_piece + lengths - 1).astype(np.int16),
        n_pieces,
        packed.n_tokens,
    )


def mask_pieces(batch: Batch, *, share: float, mask_piece: int) -> Batch:
    """Replaces some wordpieces by the mask piece, so that a model learns to do without them.

    Args:
        batch: Any batch.
        share: Probability that a piece is masked; the one that opens a sentence never is.
        mask_piece: Its id.
    """
    if share == 0:
        return batch
    draws = torch.rand(batch.piece_ids.shape, device=batch.piece_ids.device)
    is_masked = (draws < share) & batch.is_piece
    is_masked[:, 0] = False
    return batch._replace(piece_ids=batch.piece_ids.masked_fill(is_masked, mask_piece))


def _word_hashes(packed: PackedSentences) -> NDArray[np.uint64]:
    """A number for each token, the same for those with the same pieces. Shape (total_tokens,)."""
    starts = np.repeat(_starts(packed.n_pieces), packed.n_tokens) + packed.first_piece
    length = packed.last_piece - packed.first_piece + 1
    hashes = length.astype(np.uint64)
    for place in range(int(length.max(initial=0))):
        has_piece = np.flatnonzero(length > place)
        piece = packed.piece_ids[starts[has_piece] + place].astype(np.uint64)
        hashes[has_piece] = (hashes[has_piece] ^ piece) * _HASH_FACTOR
        hashes[has_piece] ^= hashes[has_piece] >> np.uint64(29)
    return hashes


def _starts(lengths: NDArray[np.int32]) -> NDArray[np.int64]:
    starts: NDArray[np.int64] = np.cumsum(lengths, dtype=np.int64) - lengths
    return starts
