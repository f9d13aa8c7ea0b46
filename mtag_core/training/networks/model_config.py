"""What a model directory's `config.json` holds. Needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
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


@dataclass(frozen=True, kw_only=True)
class ModelMetadata:
    """The content of `config.json` beside the architecture.

    Attributes:
        treebanks: Of a teacher, in the order of their pieces; of a student, in the order of their
            adapters' rows from 1.
        is_trained_on_dev: It, or a model that it learnt from, was trained on three quarters of the
            dev files.
        styles: Language to the treebank whose style its text gets by default.
        temperatures: What divides the logits of `upos`, `feats` and `lemmas`, so that
            probabilities are calibrated.
        max_pieces: Longest sentence trained on, [CLS] and [SEP] included; 0 for a word student.
        first_treebank_piece: Id of the first treebank's piece, 0 for a student.
        conventions: Language to the treebank whose annotation its unlabelled text gets.
    """

    treebanks: tuple[str, ...] = ()
    is_trained_on_dev: bool = False
    styles: dict[str, str] = field(default_factory=dict)
    temperatures: dict[str, float] = field(
        default_factory=lambda: {"upos": 1.0, "feats": 1.0, "lemmas": 1.0}
    )
    max_pieces: int = 0
    first_treebank_piece: int = 0
    conventions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "ModelMetadata":
        """Takes what there is out of the content of a `config.json`."""
        names = {each.name for each in fields(cls)} & config.keys()
        values = {name: config[name] for name in names}
        return cls(**{**values, "treebanks": tuple(config["treebanks"])})

    @property
    def treebank_pieces(self) -> dict[str, int]:
        """The piece of each treebank; none of a student."""
        if not self.first_treebank_piece:
            return {}
        return {name: self.first_treebank_piece + i for i, name in enumerate(self.treebanks)}
