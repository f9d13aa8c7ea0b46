"""Weights that labels or pieces share while training, and that are gone afterwards.

A FEATS bundle's row of the head is its own row plus the rows of its attributes, so a rare bundle
learns from frequent ones. A piece's embedding is its own plus those of its first and last letters.
Both are sums of rows, so after training they are written into the plain tables: the model that is
saved, and what it costs to run, are those of a plain student.
"""

import zlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtag_core.training.networks.model import TokenTagger

_N_GRAM_ROWS = 32768
_LONGEST_SUFFIX = 4
_LONGEST_PREFIX = 3


class SharedHead(nn.Module):
    """A linear head whose labels share the rows of their parts."""

    def __init__(self, own: nn.Linear, parts: Tensor) -> None:
        """Adds shared rows of zeros to a head.

        Args:
            own: The head.
            parts: 1 where a label has a part. Shape (n_labels, n_parts).
        """
        super().__init__()
        self.own = own
        self.shared = nn.Parameter(torch.zeros(parts.shape[1], own.in_features))
        self.register_buffer("parts", parts.to(own.weight.dtype), persistent=False)

    def _table(self) -> Tensor:
        """The plain head's weight, shape (n_labels, width)."""
        parts: Tensor = self.get_buffer("parts")
        return self.own.weight + parts @ self.shared

    def forward(self, tokens: Tensor) -> Tensor:
        """Shape (n_tokens, width) to (n_tokens, n_labels)."""
        return functional.linear(tokens, self._table(), self.own.bias)

    @torch.no_grad()
    def plain(self) -> nn.Linear:
        """The head with the shared rows written into its own."""
        self.own.weight.copy_(self._table())
        return self.own


class SharedEmbedding(nn.Module):
    """An embedding whose pieces share the rows of their first and last letters."""

    def __init__(self, own: nn.Embedding, gram_ids: Tensor) -> None:
        """Adds shared rows of zeros to an embedding.

        Args:
            own: The embedding.
            gram_ids: Rows that each piece shares, 0 for none. Shape (n_pieces, n_grams), int64.
        """
        super().__init__()
        self.own = own
        self.shared = nn.Parameter(torch.zeros(_N_GRAM_ROWS, own.embedding_dim))
        self.register_buffer("gram_ids", gram_ids, persistent=False)

    def forward(self, piece_ids: Tensor) -> Tensor:
        """Shape (n_sentences, n_pieces) to (n_sentences, n_pieces, width)."""
        own: Tensor = self.own(piece_ids)
        return own + self._shared_sum(piece_ids)

    def _shared_sum(self, piece_ids: Tensor) -> Tensor:
        """The sum of the shared rows of some pieces."""
        rows = self.get_buffer("gram_ids")[piece_ids.flatten()]
        summed = functional.embedding_bag(rows, self.shared, mode="sum", padding_idx=0)
        return summed.unflatten(0, piece_ids.shape)

    @torch.no_grad()
    def plain(self) -> nn.Embedding:
        """The embedding with the shared rows written into its own."""
        for start in range(0, len(self.own.weight), 4096):
            ids = torch.arange(start, min(start + 4096, len(self.own.weight)))
            self.own.weight[start : start + 4096] += self._shared_sum(ids.to(self.shared.device))
        return self.own


def bundle_parts(feats: Sequence[str]) -> Tensor:
    """Says which attributes each bundle has.

    Args:
        feats: Bundles in label order.

    Returns:
        Shape (n_feats, n_attributes), float32, 0 or 1; a value among several, such as `Fem,Masc`,
        is an attribute of its own.
    """
    names = sorted({part for bundle in feats for part in bundle.split("|")})
    name_to_column = {name: column for column, name in enumerate(names)}
    parts = torch.zeros(len(feats), len(names))
    for row, bundle in enumerate(feats):
        for part in bundle.split("|"):
            parts[row, name_to_column[part]] = 1.0
    return parts


def gram_rows(pieces: Sequence[str]) -> Tensor:
    """Gives each piece the hashed rows of its first and last letters.

    Args:
        pieces: The vocabulary in order; those that go on a word start with `##`.

    Returns:
        Row ids from 1 on, 0 where a piece is shorter. Shape (n_pieces, 7), int64.
    """
    return torch.tensor([_grams_of(piece) for piece in pieces])


def _grams_of(piece: str) -> list[int]:
    """The rows of one piece."""
    is_start = not piece.startswith("##")
    letters = piece.removeprefix("##")
    suffixes = [f"-{letters[-n:]}" for n in range(1, _LONGEST_SUFFIX + 1) if n <= len(letters)]
    prefixes = [
        f"{is_start}{letters[:n]}-" for n in range(1, _LONGEST_PREFIX + 1) if n <= len(letters)
    ]
    rows = [1 + zlib.crc32(gram.encode()) % (_N_GRAM_ROWS - 1) for gram in [*suffixes, *prefixes]]
    return rows + [0] * (_LONGEST_SUFFIX + _LONGEST_PREFIX - len(rows))


def share_weights(model: TokenTagger, *, parts: Tensor | None, gram_ids: Tensor | None) -> None:
    """Gives a student shared rows, in place.

    Args:
        model: A student whose encoder is a `BertEncoder`.
        parts: From `bundle_parts`, or None to leave the FEATS head plain.
        gram_ids: From `gram_rows`, or None to leave the embedding plain.
    """
    if parts is not None:
        model.feats = SharedHead(model.feats, parts)
    if gram_ids is not None:
        embeddings = model.encoder.get_submodule("embeddings")
        embeddings.word_embeddings = SharedEmbedding(embeddings.word_embeddings, gram_ids)


def make_plain(model: TokenTagger) -> None:
    """Writes shared rows into the plain tables, in place; a plain student stays as it is."""
    if isinstance(model.feats, SharedHead):
        model.feats = model.feats.plain()
    embeddings = model.encoder.get_submodule("embeddings")
    if isinstance(embeddings.word_embeddings, SharedEmbedding):
        embeddings.word_embeddings = embeddings.word_embeddings.plain()
