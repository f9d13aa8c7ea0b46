"""The student: three narrow layers, after Tsai et al. 2019's MiniBERT.

FEATS bundles may share weights while it is trained: a bundle's row of the head is then its own row
plus the rows of its attributes, so a rare bundle learns from frequent ones. After training the sums
are written into a plain head: the model that is saved, and what it costs to run, are those of a
plain student.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.networks.encoder import BertEncoder
from mtag_core.training.networks.model import TokenTagger
from mtag_core.training.networks.model_config import EncoderConfig
from mtag_core.training.networks.word_student import WordStudent
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


def set_dropout(model: nn.Module, dropout: float) -> None:
    """Changes the dropout of all layers."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout


class SharedHead(nn.Module):
    """A linear head whose labels share the rows of their parts.

    Args:
        own: The head.
        parts: 1 where a label has a part. Shape (n_labels, n_parts).
    """

    def __init__(self, own: nn.Linear, parts: Tensor) -> None:
        super().__init__()
        self.own = own
        self.shared = nn.Parameter(torch.zeros(parts.shape[1], own.in_features))
        self.register_buffer("parts", parts.to(own.weight.dtype), persistent=False)

    def _table(self) -> Tensor:
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


def share_weights(model: TokenTagger | WordStudent, feats: Sequence[str]) -> None:
    """Gives a model's FEATS head shared rows, in place.

    Args:
        model: With a plain head.
        feats: Bundles in label order.
    """
    model.add_module("feats", SharedHead(model.feats, bundle_parts(feats)))


def make_plain(model: TokenTagger | WordStudent) -> None:
    """Writes shared rows into the plain head, in place; a plain model stays as it is."""
    if isinstance(model.feats, SharedHead):
        model.add_module("feats", model.feats.plain())
