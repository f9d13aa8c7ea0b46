"""Weights that FEATS bundles share while training, and that are gone afterwards.

A bundle's row of the head is its own row plus the rows of its attributes, so a rare bundle learns
from frequent ones. After training the sums are written into a plain head: the model that is saved,
and what it costs to run, are those of a plain student.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtag_core.training.networks.model import TokenTagger


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


def share_weights(model: TokenTagger, feats: Sequence[str]) -> None:
    """Gives a model's FEATS head shared rows, in place.

    Args:
        model: With a plain head.
        feats: Bundles in label order.
    """
    model.feats = SharedHead(model.feats, bundle_parts(feats))


def make_plain(model: TokenTagger) -> None:
    """Writes shared rows into the plain head, in place; a plain model stays as it is."""
    if isinstance(model.feats, SharedHead):
        model.feats = model.feats.plain()
