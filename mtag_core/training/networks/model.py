"""Models of wordpieces: an encoder and linear heads. Teachers and MiniBERT are such.

The heads read one vector a token: the sum of its first wordpiece's vector and its last wordpiece's,
each projected (`combine`). Suffixes carry features, so the last piece helps FEATS; a token of one
piece uses that piece twice.

The encoder is BERT's (post-LayerNorm; Devlin et al. 2019, arXiv:1810.04805). Parameter names are
those of Hugging Face's `BertModel` without pooler, so that weights move both ways without a table.
Compared with that class it builds no mask tensors on the host and never waits for the GPU.
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.networks.trained_model import EncoderConfig

TaggerLogits = dict[str, Tensor]
"""By head, `upos`, `feats` and, where a model has rules, `lemmas`. Shape (n_tokens, n_labels)."""


class Batch(NamedTuple):
    """Sentences on the device, padded, with the wordpieces their tokens are read from.

    `piece_ids`, int64, and `is_piece` have the shape (n_sentences, n_pieces). Of tokens, all
    sentences in order, shape (n_tokens,), int64: the indices of the first and the last piece in the
    flattened `piece_ids`, and the index in the corpus' label arrays.
    """

    piece_ids: Tensor
    is_piece: Tensor
    first_piece_index: Tensor
    last_piece_index: Tensor
    token_index: Tensor


class TokenTagger(nn.Module):
    """Gives each token UPOS and FEATS logits, and those of lemma rules where it has any.

    The encoder is called with (piece_ids, is_piece) and gives (n_sentences, n_pieces, hidden_size).
    Dropout is on the vectors that the heads read, in training.
    """

    def __init__(
        self,
        encoder: nn.Module,
        *,
        hidden_size: int,
        n_feats: int,
        dropout: float,
        n_lemma_rules: int = 0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.combine = nn.Linear(2 * hidden_size, hidden_size)
        self.upos = nn.Linear(hidden_size, len(UPOS_LABELS))
        self.feats = nn.Linear(hidden_size, n_feats)
        self.lemmas = nn.Linear(hidden_size, n_lemma_rules) if n_lemma_rules else None
        with torch.no_grad():
            nn.init.normal_(self.combine.weight, std=0.02)
            self.combine.weight[:, :hidden_size] += torch.eye(hidden_size)
            nn.init.zeros_(self.combine.bias)
            for head in filter(None, (self.upos, self.feats, self.lemmas)):
                nn.init.normal_(head.weight, std=0.02)
                nn.init.zeros_(head.bias)

    def forward(self, batch: Batch) -> TaggerLogits:
        """Tags a batch."""
        tokens = self.combine(self.dropout(end_vectors(self.encoder, batch)))
        heads = {"upos": self.upos, "feats": self.feats, "lemmas": self.lemmas}
        return {name: head(tokens) for name, head in heads.items() if head is not None}


def end_vectors(encoder: nn.Module, batch: Batch, evidence: Tensor | None = None) -> Tensor:
    """What an encoder says of each token's first and last piece. (n_tokens, 2 * hidden_size).

    Evidence, of shape (n_tokens, hidden_size), is added to the embeddings of these pieces.
    """
    added = None
    if evidence is not None:
        added = evidence.new_zeros(batch.piece_ids.numel(), evidence.shape[1])
        added[batch.first_piece_index] = evidence
        added[batch.last_piece_index] = evidence
        added = added.unflatten(0, batch.piece_ids.shape)
    hidden = encoder(batch.piece_ids, batch.is_piece, added).flatten(0, 1)
    first = hidden.index_select(0, batch.first_piece_index)
    last = hidden.index_select(0, batch.last_piece_index)
    return torch.cat([first, last], dim=-1)


class BertEncoder(nn.Module):
    """Wordpieces in, one vector a wordpiece out."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = _Embeddings(config)
        self.encoder = nn.Module()
        self.encoder.layer = nn.ModuleList(
            [EncoderLayer(config) for _ in range(config.num_hidden_layers)]
        )
        self.apply(initialise)

    def forward(self, piece_ids: Tensor, is_piece: Tensor, added: Tensor | None = None) -> Tensor:
        """Shape (n_sentences, n_pieces) twice, to (n_sentences, n_pieces, hidden_size).

        So are vectors that are added to the embeddings of pieces.
        """
        hidden: Tensor = self.embeddings(piece_ids, added)
        mask = is_piece[:, None, None, :].expand(-1, 1, piece_ids.shape[1], -1)
        for layer in cast(nn.ModuleList, self.encoder.layer):
            hidden = layer(hidden, mask)
        return hidden


class _Embeddings(nn.Module):
    """Sum of piece, position and type embeddings, normalised."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.word_embeddings = nn.Embedding(
            config.vocab_size, width, padding_idx=config.pad_token_id
        )
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, width)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, width)
        self.LayerNorm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, piece_ids: Tensor, added: Tensor | None) -> Tensor:
        """Shape (n_sentences, n_pieces) to (n_sentences, n_pieces, hidden_size)."""
        summed = self.word_embeddings(piece_ids)
        summed = summed if added is None else summed + added
        summed = summed + self.position_embeddings.weight[: piece_ids.shape[1]]
        summed = summed + self.token_type_embeddings.weight[0]
        normed: Tensor = self.dropout(self.LayerNorm(summed))
        return normed


class EncoderLayer(nn.Module):
    """Self-attention and feed-forward, each added to its input and normalised."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.attention = nn.Module()
        self.attention.self = _SelfAttention(config)
        self.attention.output = _Output(config.hidden_size, config)
        self.intermediate = nn.Module()
        self.intermediate.dense = nn.Linear(config.hidden_size, config.intermediate_size)
        self.output = _Output(config.intermediate_size, config)
        self.activation = functional.gelu if config.hidden_act == "gelu" else functional.relu

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Shape (n_sentences, n_pieces, hidden_size) in and out."""
        mixed = cast(_SelfAttention, self.attention.self)(hidden, mask)
        hidden = cast(_Output, self.attention.output)(mixed, hidden)
        expanded = self.activation(cast(nn.Linear, self.intermediate.dense)(hidden))
        out: Tensor = self.output(expanded, hidden)
        return out


class _SelfAttention(nn.Module):
    """Multi-head attention of every piece to every piece of its sentence."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.n_heads = config.num_attention_heads
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Shape (n_sentences, n_pieces, hidden_size) in and out."""
        query, key, value = (
            part(hidden).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return mixed.transpose(1, 2).flatten(2)


class _Output(nn.Module):
    """Projects back to the residual stream, adds and normalises."""

    def __init__(self, n_inputs: int, config: EncoderConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(n_inputs, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, inner: Tensor, residual: Tensor) -> Tensor:
        """Shape (n_sentences, n_pieces, n_inputs) in, (..., hidden_size) out."""
        normed: Tensor = self.LayerNorm(self.dropout(self.dense(inner)) + residual)
        return normed


def initialise(module: nn.Module) -> None:
    """BERT's initialisation of one module: normal, deviation 0.02; a padding row of zeros."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        with torch.no_grad():
            module.weight[module.padding_idx].zero_()
