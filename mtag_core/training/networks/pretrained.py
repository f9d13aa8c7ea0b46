"""Gets the teacher's encoder: any Hugging Face encoder, by name or directory.

A BERT is loaded into our own `BertEncoder`, which is faster; anything else runs as it is. This is
the only place that imports transformers.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel

from mtag_core.training.networks.model import BertEncoder
from mtag_core.training.networks.trained_model import EncoderConfig


def load_encoder(name_or_directory: str, *, n_extra_pieces: int, dropout: float) -> nn.Module:
    """Loads a pretrained encoder, from the hub or a directory, and widens its vocabulary.

    New pieces are at its end and start as copies of the piece that opens a sentence. Dropout holds
    where the encoder is our own.
    """
    config = AutoConfig.from_pretrained(name_or_directory)
    model = AutoModel.from_pretrained(name_or_directory, dtype=torch.float32)
    kind = getattr(config, "position_embedding_type", "absolute")
    is_plain = config.model_type == "bert" and config.hidden_act in ("gelu", "relu")
    if kind != "absolute" or not is_plain:
        vocab_size = model.get_input_embeddings().weight.shape[0]
        model.resize_token_embeddings(vocab_size + n_extra_pieces)
        return HuggingFaceEncoder(model)
    encoder = BertEncoder(_encoder_config(config, n_extra_pieces, dropout))
    encoder.load_state_dict(_widened(model.state_dict(), n_extra_pieces, config))
    return encoder


def hidden_size(encoder: nn.Module) -> int:
    """Width of an encoder's output."""
    if isinstance(encoder, HuggingFaceEncoder):
        return int(encoder.model.config.hidden_size)
    return cast(BertEncoder, encoder).config.hidden_size


def piece_table(encoder: nn.Module) -> nn.Embedding:
    """The encoder's table of wordpieces."""
    if isinstance(encoder, HuggingFaceEncoder):
        return cast(nn.Embedding, encoder.model.get_input_embeddings())
    return cast(BertEncoder, encoder).embeddings.word_embeddings


class HuggingFaceEncoder(nn.Module):
    """An encoder of another architecture, called like ours."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, piece_ids: Tensor, is_piece: Tensor, added: Tensor | None = None) -> Tensor:
        """Encodes a batch; see `BertEncoder.forward`."""
        pieces = {"input_ids": piece_ids}
        if added is not None:
            pieces = {"inputs_embeds": self.model.get_input_embeddings()(piece_ids) + added}
        output = self.model(**pieces, attention_mask=is_piece.long())
        hidden: Tensor = output.last_hidden_state
        return hidden


def from_config(config: Mapping[str, Any]) -> nn.Module:
    """Builds an untrained encoder of another architecture from its recorded config."""
    return HuggingFaceEncoder(AutoModel.from_config(AutoConfig.for_model(**config)))


def _encoder_config(config: PretrainedConfig, n_extra_pieces: int, dropout: float) -> EncoderConfig:
    own = {
        "vocab_size": config.vocab_size + n_extra_pieces,
        "pad_token_id": config.pad_token_id or 0,
        "dropout": dropout,
    }
    names = {each.name for each in fields(EncoderConfig)} - own.keys()
    return EncoderConfig(**own, **{name: getattr(config, name) for name in names})


def _widened(
    state: dict[str, Tensor], n_extra_pieces: int, config: PretrainedConfig
) -> dict[str, Tensor]:
    kept = {
        name: tensor
        for name, tensor in state.items()
        if name.startswith(("embeddings.", "encoder.")) and not name.endswith("_ids")
    }
    table = kept["embeddings.word_embeddings.weight"]
    opening = table[int(getattr(config, "bos_token_id", None) or 0)].expand(n_extra_pieces, -1)
    noise = torch.randn(n_extra_pieces, table.shape[1]) * table.std() * 0.1
    kept["embeddings.word_embeddings.weight"] = torch.cat([table, opening + noise])
    return kept
