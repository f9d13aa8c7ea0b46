"""The word student: layers over the words of a sentence, on one vector for each distinct form.

A form is encoded by itself, whatever its sentence: its wordpieces by one small layer, of which the
first and the last are read, the mean of its hashed n-grams, and its letter case. So a tagger may
keep the vectors of forms that it has met. After the context layers the vector of a treebank is
added where one is named; row 0, of no treebank, is zero. Source: none; built after the tries in
`docs/experiments/word-student.md`.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtag_core.labels import UPOS_LABELS
from mtag_core.tagging.forms import CASES, MAX_FORM_PIECES, N_NGRAM_ROWS
from mtag_core.training.networks.model import EncoderLayer, TaggerLogits, initialise
from mtag_core.training.networks.trained_model import LAYER_NORM_EPS, EncoderConfig

# Forms of like length are encoded together, up to so many pieces, so that little is padding.
_WIDTHS = (4, MAX_FORM_PIECES)


@dataclass(frozen=True, kw_only=True)
class WordStudentConfig:
    """The shape of a word student.

    `n_context_layers` are over the words of a sentence, one over the wordpieces of a form;
    `max_tokens` are the words of a window. What is read of a form is in `mtag_core.tagging.forms`.
    """

    n_pieces: int
    n_feats: int
    n_lemma_rules: int
    n_treebanks: int = 0
    n_context_layers: int = 2
    hidden_size: int = 256
    n_heads: int = 4
    intermediate_size: int = 1024
    ngram_width: int = 128
    max_tokens: int = 128

    @property
    def layer(self) -> EncoderConfig:
        """The shape of one layer."""
        return EncoderConfig(
            vocab_size=self.n_pieces,
            hidden_size=self.hidden_size,
            num_attention_heads=self.n_heads,
            intermediate_size=self.intermediate_size,
            hidden_act="relu",
            dropout=0.0,
        )


class FormBatch(NamedTuple):
    """Distinct forms on the device; see `mtag_core.tagging.forms.FormFeatures`. All are int64.

    Pieces are padded with 0: shape (n_forms, `MAX_FORM_PIECES`). `n_pieces`, of which 0 counts as
    one, `ngram_offsets`, where each form's n-grams begin, and letter `case` have the shape
    (n_forms,), `ngrams`, rows of all n-grams, form after form, (n_ngrams,).
    """

    pieces: Tensor
    n_pieces: Tensor
    ngrams: Tensor
    ngram_offsets: Tensor
    case: Tensor


class WordBatch(NamedTuple):
    """Sentences on the device, padded: `is_token` has the shape (n_sentences, n_positions), bool.

    Of tokens, all sentences in order, shape (n_tokens,), int64: the index into the distinct
    `forms`, the position in the flattened `is_token`, the row of the treebank's adapter, 0 for
    none, and the index in the corpus' label arrays.
    """

    forms: FormBatch
    form_index: Tensor
    position: Tensor
    is_token: Tensor
    treebank_ids: Tensor
    token_index: Tensor


class WordStudent(nn.Module):
    """Gives each token UPOS, FEATS and lemma rule logits."""

    def __init__(self, config: WordStudentConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size
        self.forms = FormEncoder(config)
        self.context = ContextEncoder(config)
        self.dropout = nn.Dropout(0.0)
        self.upos = nn.Linear(width, len(UPOS_LABELS))
        self.feats = nn.Linear(width, config.n_feats)
        self.lemmas = nn.Linear(width, config.n_lemma_rules)
        self.apply(initialise)
        nn.init.normal_(self.forms.ngrams.weight, std=0.02)
        self.set_adapters(config.n_treebanks)

    def set_adapters(self, n_treebanks: int) -> None:
        """Gives each treebank an adapter of zeros in the place of those there are."""
        self.config = replace(self.config, n_treebanks=n_treebanks)
        self.adapters = nn.Embedding(n_treebanks + 1, self.config.hidden_size, padding_idx=0)
        nn.init.zeros_(self.adapters.weight)

    def forward(self, batch: WordBatch) -> TaggerLogits:
        """Tags a batch."""
        tokens = self.vectors(batch) + self.adapters(batch.treebank_ids)
        return {head: getattr(self, head)(tokens) for head in ("upos", "feats", "lemmas")}

    def vectors(self, batch: WordBatch) -> Tensor:
        """What the heads read of each token but its adapter. Shape (n_tokens, hidden_size)."""
        # Not `index_select`: its gradient adds up the tokens of a frequent form one by one.
        forms = functional.embedding(batch.form_index, self.forms(batch.forms))
        vectors: Tensor = self.dropout(self.context(forms, batch.position, batch.is_token))
        return vectors


class FormEncoder(nn.Module):
    """One vector a form."""

    def __init__(self, config: WordStudentConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.pieces = nn.Embedding(config.n_pieces, width, padding_idx=0)
        self.positions = nn.Embedding(MAX_FORM_PIECES, width)
        self.piece_norm = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.layers = nn.ModuleList([EncoderLayer(config.layer)])
        self.ends = nn.Linear(2 * width, width)
        self.ngrams = nn.EmbeddingBag(N_NGRAM_ROWS, config.ngram_width, mode="mean")
        self.ngram_projection = nn.Linear(config.ngram_width, width, bias=False)
        self.case = nn.Embedding(len(CASES), width)
        self.norm = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.dropout = nn.Dropout(0.0)

    def forward(self, forms: FormBatch) -> Tensor:
        """Shape (n_forms, hidden_size)."""
        ngrams = self.ngram_projection(self.ngrams(forms.ngrams, forms.ngram_offsets))
        summed = self.ends(self._ends(forms)) + ngrams + self.case(forms.case)
        normed: Tensor = self.norm(summed)
        return normed

    def _ends(self, forms: FormBatch) -> Tensor:
        n_pieces = forms.n_pieces.clamp(min=1)
        order, ends = [], []
        for shorter, width in pairwise((0, *_WIDTHS)):
            chosen = ((n_pieces > shorter) & (n_pieces <= width)).nonzero().squeeze(1)
            order.append(chosen)
            ends.append(self._encode(forms.pieces[chosen, :width], n_pieces[chosen]))
        return torch.cat(ends).index_select(0, torch.cat(order).argsort())

    def _encode(self, pieces: Tensor, n_pieces: Tensor) -> Tensor:
        column = torch.arange(pieces.shape[1], device=pieces.device)
        hidden = self.pieces(pieces) + self.positions.weight[: pieces.shape[1]]
        hidden = self.dropout(self.piece_norm(hidden))
        is_piece = column < n_pieces[:, None]
        mask = is_piece[:, None, None, :].expand(-1, 1, pieces.shape[1], -1)
        for layer in self.layers:
            hidden = layer(hidden, mask)
        row = torch.arange(len(pieces), device=pieces.device)
        return torch.cat([hidden[:, 0], hidden[row, n_pieces - 1]], dim=-1)


class ContextEncoder(nn.Module):
    """Layers over the words of sentences."""

    def __init__(self, config: WordStudentConfig) -> None:
        super().__init__()
        self.positions = nn.Embedding(config.max_tokens, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=LAYER_NORM_EPS)
        self.layers = nn.ModuleList(
            [EncoderLayer(config.layer) for _ in range(config.n_context_layers)]
        )
        self.dropout = nn.Dropout(0.0)

    def forward(self, vectors: Tensor, position: Tensor, is_token: Tensor) -> Tensor:
        """Encodes words' vectors in their sentences. Shape (n_tokens, hidden_size) in and out."""
        n_sentences, width = is_token.shape
        padded = vectors.new_zeros(n_sentences * width, vectors.shape[1])
        padded = padded.index_copy(0, position, vectors).view(n_sentences, width, -1)
        hidden = self.dropout(self.norm(padded + self.positions.weight[:width]))
        mask = is_token[:, None, None, :].expand(-1, 1, width, -1)
        for layer in self.layers:
            hidden = layer(hidden, mask)
        return cast(Tensor, hidden).flatten(0, 1).index_select(0, position)
