"""The token tagger of training: an encoder and linear heads. Teachers and MiniBERT are such.

The heads read one vector a token: the sum of its first wordpiece's vector and its last wordpiece's,
each projected (`combine`). Suffixes carry features, so the last piece helps FEATS; a token of one
piece uses that piece twice.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class TaggerLogits:
    """The logits of all heads: one token axis, label order.

    Attributes:
        upos: Shape (n_tokens, n_upos_labels).
        feats: Shape (n_tokens, n_feats_labels).
        lemmas: Shape (n_tokens, n_lemma_rules); None where the model has no such head.
    """

    upos: Tensor
    feats: Tensor
    lemmas: Tensor | None = None


class Batch(NamedTuple):
    """Sentences on the device, padded, with the wordpieces their tokens are read from.

    Attributes:
        piece_ids: Shape (n_sentences, n_pieces), int64.
        is_piece: Same shape, bool; False at padding.
        first_piece_index: Index of each token's first piece in the flattened `piece_ids`.
            Shape (n_tokens,), int64; tokens of all sentences in order.
        last_piece_index: The same for each token's last piece.
        token_index: Each token's index in the corpus' label arrays. Shape (n_tokens,), int64.
    """

    piece_ids: Tensor
    is_piece: Tensor
    first_piece_index: Tensor
    last_piece_index: Tensor
    token_index: Tensor


class TokenTagger(nn.Module):
    """Gives each token UPOS and FEATS logits.

    Args:
        encoder: Called with (piece_ids, is_piece), gives (n_sentences, n_pieces, hidden_size).
        hidden_size: Width of the encoder's output.
        n_upos: Number of UPOS labels.
        n_feats: Number of FEATS labels.
        dropout: On the vectors that the heads read, in training.
        n_lemma_rules: Number of lemma rules; at 0 there is no such head.
        n_treebanks: Treebanks that have an adapter; see `set_adapters`.
    """

    def __init__(
        self,
        encoder: nn.Module,
        *,
        hidden_size: int,
        n_upos: int,
        n_feats: int,
        dropout: float,
        n_lemma_rules: int = 0,
        n_treebanks: int = 0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.combine = nn.Linear(2 * hidden_size, hidden_size)
        self.upos = nn.Linear(hidden_size, n_upos)
        self.feats = nn.Linear(hidden_size, n_feats)
        self.lemmas = nn.Linear(hidden_size, n_lemma_rules) if n_lemma_rules else None
        self.adapters: nn.Embedding | None = None
        self._initialise(hidden_size)
        if n_treebanks:
            self.set_adapters(n_treebanks)

    def set_adapters(self, n_treebanks: int) -> None:
        """Gives each treebank a vector of zeros, to be added to what the heads read (row 1 on)."""
        self.adapters = nn.Embedding(n_treebanks + 1, self.upos.in_features, padding_idx=0)
        nn.init.zeros_(self.adapters.weight)

    def _initialise(self, hidden_size: int) -> None:
        with torch.no_grad():
            nn.init.normal_(self.combine.weight, std=0.02)
            self.combine.weight[:, :hidden_size] += torch.eye(hidden_size)
            nn.init.zeros_(self.combine.bias)
            for head in filter(None, (self.upos, self.feats, self.lemmas)):
                nn.init.normal_(head.weight, std=0.02)
                nn.init.zeros_(head.bias)

    def forward(self, batch: Batch) -> TaggerLogits:
        """Tags a batch."""
        tokens = self.vectors(batch)
        lemmas = None if self.lemmas is None else self.lemmas(tokens)
        return TaggerLogits(upos=self.upos(tokens), feats=self.feats(tokens), lemmas=lemmas)

    def vectors(self, batch: Batch) -> Tensor:
        """What the heads read of each token. Shape (n_tokens, hidden_size)."""
        combined: Tensor = self.combine(self.dropout(end_vectors(self.encoder, batch)))
        return combined


def end_vectors(encoder: nn.Module, batch: Batch) -> Tensor:
    """What an encoder says of each token's first and last piece. (n_tokens, 2 * hidden_size)."""
    hidden = encoder(batch.piece_ids, batch.is_piece).flatten(0, 1)
    first = hidden.index_select(0, batch.first_piece_index)
    last = hidden.index_select(0, batch.last_piece_index)
    return torch.cat([first, last], dim=-1)
