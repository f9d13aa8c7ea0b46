"""The BERT encoder (post-LayerNorm) that student and teacher share, in plain PyTorch.

Parameter names are those of Hugging Face's `BertModel` without pooler, so that weights move both
ways without a table. Compared with that class it builds no mask tensors on the host and never waits
for the GPU. Source: Devlin et al. 2019 (arXiv:1810.04805).
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtag_core.training.networks.model_config import EncoderConfig


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

    def forward(self, piece_ids: Tensor, is_piece: Tensor) -> Tensor:
        """Encodes a batch.

        Args:
            piece_ids: Shape (n_sentences, n_pieces), int64.
            is_piece: Same shape, bool; False where `piece_ids` is padding.

        Returns:
            Shape (n_sentences, n_pieces, hidden_size).
        """
        hidden: Tensor = self.embeddings(piece_ids)
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

    def forward(self, piece_ids: Tensor) -> Tensor:
        """Shape (n_sentences, n_pieces) to (n_sentences, n_pieces, hidden_size)."""
        summed = self.word_embeddings(piece_ids)
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
        name_to_function: dict[str, Callable[[Tensor], Tensor]] = {
            "gelu": functional.gelu,
            "relu": functional.relu,
        }
        self.activation = name_to_function[config.hidden_act]

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
