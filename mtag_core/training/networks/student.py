"""New students: of words, or narrow layers over wordpieces after Tsai et al. 2019's MiniBERT.

FEATS bundles may share weights while it is trained: a bundle's row of the head is then its own row
plus the rows of its attributes, so a rare bundle learns from frequent ones. After training the sums
are written into a plain head: the model that is saved, and what it costs to run, are those of a
plain student.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtag_core.labels import UPOS_LABELS
from mtag_core.tagging.wordpiece import MAX_PIECES
from mtag_core.training.networks.encoder import BertEncoder
from mtag_core.training.networks.model import TokenTagger
from mtag_core.training.networks.model_config import EncoderConfig, ModelMetadata
from mtag_core.training.networks.model_files import Network
from mtag_core.training.networks.word_student import WordStudent, WordStudentConfig
from mtag_core.training.options import StudentShape


def new_student(
    options: StudentShape,
    feats: tuple[str, ...],
    lemma_rules: tuple[str, ...],
    treebanks: tuple[str, ...],
    *,
    tokenizer: Path,
    n_pieces: int,
    pad: int,
) -> Network:
    """Builds an untrained student.

    Args:
        options: Its architecture.
        feats: FEATS bundles in label order.
        lemma_rules: Lemma rules in label order; a MiniBERT has none.
        treebanks: Those that a word student has adapters of; a MiniBERT gets its own later.
        tokenizer: Its `tokenizer.json`.
        n_pieces: Size of its vocabulary.
        pad: Id of its padding piece.

    Returns:
        The model, on the CPU.
    """
    if options.architecture == "words":
        config = WordStudentConfig(
            n_pieces=n_pieces,
            n_feats=len(feats),
            n_lemma_rules=len(lemma_rules),
            n_treebanks=len(treebanks),
            n_context_layers=options.n_layers,
            hidden_size=options.hidden_size,
            n_heads=options.n_heads,
            intermediate_size=4 * options.hidden_size,
            ngram_width=max(1, options.hidden_size // 2),
        )
        metadata = ModelMetadata(treebanks=treebanks)
        return Network(WordStudent(config), metadata, feats, tokenizer, lemma_rules)
    encoder = EncoderConfig(
        vocab_size=n_pieces,
        hidden_size=options.hidden_size,
        num_hidden_layers=options.n_layers,
        num_attention_heads=options.n_heads,
        intermediate_size=4 * options.hidden_size,
        hidden_act="relu",
        pad_token_id=pad,
    )
    model = TokenTagger(
        BertEncoder(encoder),
        hidden_size=options.hidden_size,
        n_upos=len(UPOS_LABELS),
        n_feats=len(feats),
        dropout=0.0,
    )
    return Network(model, ModelMetadata(max_pieces=MAX_PIECES), feats, tokenizer)


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
