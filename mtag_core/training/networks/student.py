"""The student: three narrow layers, after Tsai et al. 2019's MiniBERT."""

from torch import nn

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.networks.encoder import BertEncoder
from mtag_core.training.networks.model import TokenTagger
from mtag_core.training.networks.model_config import EncoderConfig
from mtag_core.training.options import StudentShape


def new_student(
    shape: StudentShape, *, n_pieces: int, n_feats: int, pad: int, dropout: float
) -> TokenTagger:
    """Builds an untrained student.

    Args:
        shape: Its architecture.
        n_pieces: Size of its vocabulary.
        n_feats: Number of FEATS labels.
        pad: Id of the padding piece.
        dropout: Probability, of all layers.

    Returns:
        The model, on the CPU.
    """
    config = EncoderConfig(
        vocab_size=n_pieces,
        hidden_size=shape.hidden_size,
        num_hidden_layers=shape.n_layers,
        num_attention_heads=shape.n_heads,
        intermediate_size=shape.intermediate_size,
        hidden_act=shape.activation,
        pad_token_id=pad,
        dropout=dropout,
    )
    return TokenTagger(
        BertEncoder(config),
        hidden_size=shape.hidden_size,
        n_upos=len(UPOS_LABELS),
        n_feats=n_feats,
        dropout=dropout,
    )


def set_dropout(model: TokenTagger, dropout: float) -> None:
    """Changes the dropout of all layers."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout
