"""What a model directory's `config.json` holds. Needs no torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class EncoderConfig:
    """The shape of an encoder; the names are those of Hugging Face's `BertConfig`.

    Attributes:
        vocab_size: Number of wordpieces.
        hidden_size: Width of the residual stream.
        num_hidden_layers: Number of layers.
        num_attention_heads: Number of attention heads; divides `hidden_size`.
        intermediate_size: Width of the feed-forward layer.
        max_position_embeddings: Number of positions, [CLS] and [SEP] included.
        type_vocab_size: Rows of the token type embedding; only row 0 is used.
        layer_norm_eps: Added to the variance in LayerNorm.
        hidden_act: `gelu` (erf) or `relu`, in the feed-forward layer.
        pad_token_id: The piece that fills up a batch.
        dropout: After embeddings, attention and feed-forward, in training.
    """

    vocab_size: int
    hidden_size: int = 256
    num_hidden_layers: int = 3
    num_attention_heads: int = 4
    intermediate_size: int = 1024
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    hidden_act: str = "gelu"
    pad_token_id: int = 0
    dropout: float = 0.1


@dataclass(frozen=True)
class ModelMetadata:
    """The content of `config.json` beside the architecture.

    Attributes:
        max_pieces: Longest sentence trained on, [CLS] and [SEP] included.
        treebanks: Names, in the order of the teacher's treebank pieces; empty for a student.
        first_treebank_piece: Id of the first treebank piece.
        conventions: Language to the treebank whose annotation its unlabelled text gets.
        is_trained_on_dev: It, or a model that it learnt from, was trained on three quarters of the
            dev files.
    """

    max_pieces: int
    treebanks: tuple[str, ...] = ()
    first_treebank_piece: int = 0
    conventions: dict[str, str] = field(default_factory=dict)
    is_trained_on_dev: bool = False


def config_fields(
    architecture: Mapping[str, Any], metadata: ModelMetadata, *, n_feats: int
) -> dict[str, Any]:
    """The content of `config.json`.

    Args:
        architecture: The kind of encoder and its shape.
        metadata: What else to record.
        n_feats: Size of the FEATS inventory.
    """
    return {**architecture, "n_feats": n_feats, "combine": "first_last", **asdict(metadata)}
