"""The Meta-LSTM tagger: a character and a word BiLSTM, and a meta BiLSTM over both.

Each of the three tags on its own, with one linear head for UPOS and one for FEATS. No gradient
flows from the meta model into the two below it: each learns a view of its own.

Source: Bohnet et al. 2018 (arXiv:1805.08237), sections 3.1 to 3.4; joint heads are ours.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

STAGES = ("character", "word", "meta")
"""The order of training."""


@dataclass(frozen=True, slots=True)
class MetaLstmConfig:
    """Sizes of a Meta-LSTM; those of inventories have padding and unknown included.

    Row 0 of the fixed vectors is zero, for forms without one. `lstm_width` is that of each
    direction of each LSTM. `dropout` is the share of values set to zero between layers, 0 to 1.
    """

    n_characters: int
    n_forms: int
    n_vectors: int
    vector_width: int
    n_upos: int
    n_feats: int
    character_width: int = 64
    form_width: int = 64
    lstm_width: int = 128
    n_layers: int = 1
    n_character_layers: int = 1
    mlp_width: int = 128
    dropout: float = 0.33


@dataclass(frozen=True, slots=True)
class MetaLstmBatch:
    """Sentences as arrays, padded with 0.

    Attributes:
        characters: Shape (n_sentences, n_characters), a sentence's forms joined by spaces.
        n_characters: Shape (n_sentences,), always on the CPU.
        first_characters: Shape (n_sentences, n_tokens), index of each token's first character.
        last_characters: Shape (n_sentences, n_tokens).
        forms: Ids of learned embeddings. Shape (n_sentences, n_tokens).
        vectors: Rows of the fixed vectors. Shape (n_sentences, n_tokens).
        n_tokens: Shape (n_sentences,), always on the CPU.
    """

    characters: Tensor
    n_characters: Tensor
    first_characters: Tensor
    last_characters: Tensor
    forms: Tensor
    vectors: Tensor
    n_tokens: Tensor

    @property
    def mask(self) -> Tensor:
        """True where there is a token. Shape (n_sentences, n_tokens), bool."""
        return torch.arange(self.forms.shape[1])[None, :] < self.n_tokens[:, None]

    def to(self, device: torch.device) -> "MetaLstmBatch":
        """Moves the batch to a device, but for the lengths: torch packs by lengths on the CPU."""
        names = ("characters", "first_characters", "last_characters", "forms", "vectors")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})


class MetaLstm(nn.Module):
    """The three models together, over fixed word vectors, shape (n_vectors, vector_width).

    Raises:
        ValueError: The vectors are not of the shape that the config names.
    """

    def __init__(self, config: MetaLstmConfig, vectors: Tensor) -> None:
        super().__init__()
        expected = (config.n_vectors, config.vector_width)
        if tuple(vectors.shape) != expected:
            raise ValueError(f"vectors have shape {tuple(vectors.shape)}; expected {expected}")
        self.character = _CharacterModel(config)
        self.word = _WordModel(config, vectors)
        self.meta = _TaggingModel(2 * self.word.tagger.output_width, config)

    def stage_logits(self, batch: MetaLstmBatch, stage: str) -> tuple[Tensor, Tensor]:
        """The logits of one of the three models, named as in `STAGES`.

        Returns:
            UPOS logits, shape (n_sentences, n_tokens, n_upos), and FEATS logits, likewise.
        """
        if stage != "meta":
            return self._lower(stage).tagger.logits(self._lower(stage)(batch))
        with torch.no_grad():
            views = [self.character(batch), self.word(batch)]
        return self.meta.logits(self.meta(torch.cat(views, dim=-1), batch.n_tokens))

    def stage(self, name: str) -> nn.Module:
        """The model that a stage trains."""
        return self.meta if name == "meta" else self._lower(name)

    def _lower(self, stage: str) -> "_CharacterModel | _WordModel":
        return self.character if stage == "character" else self.word


class _TaggingModel(nn.Module):
    """A BiLSTM over tokens, an MLP and two heads."""

    def __init__(self, input_width: int, config: MetaLstmConfig) -> None:
        super().__init__()
        self.output_width = 2 * config.lstm_width
        self.dropout = nn.Dropout(config.dropout)
        self.lstm = _bilstm(input_width, config.lstm_width, config.n_layers, config.dropout)
        self.mlp = nn.Linear(self.output_width, config.mlp_width)
        self.upos = nn.Linear(config.mlp_width, config.n_upos)
        self.feats = nn.Linear(config.mlp_width, config.n_feats)

    def forward(self, inputs: Tensor, n_tokens: Tensor) -> Tensor:
        """The tokens in context. Shape (n_sentences, n_tokens, output_width)."""
        return _run_bilstm(self.lstm, self.dropout(inputs), n_tokens)

    def logits(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """UPOS and FEATS logits of tokens in context."""
        features = torch.relu(self.mlp(self.dropout(hidden)))
        features = self.dropout(features)
        return self.upos(features), self.feats(features)


class _CharacterModel(nn.Module):
    """A BiLSTM over the characters of the sentence, read off at both ends of each token."""

    def __init__(self, config: MetaLstmConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.n_characters, config.character_width, padding_idx=0)
        self.lstm = _bilstm(
            config.character_width, config.lstm_width, config.n_character_layers, config.dropout
        )
        self.mlp = nn.Linear(4 * config.lstm_width, 2 * config.lstm_width)
        self.tagger = _TaggingModel(2 * config.lstm_width, config)

    def forward(self, batch: MetaLstmBatch) -> Tensor:
        """The tokens in context. Shape (n_sentences, n_tokens, output_width)."""
        states = _run_bilstm(self.lstm, self.embedding(batch.characters), batch.n_characters)
        ends = [
            states.gather(1, index[:, :, None].expand(-1, -1, states.shape[2]))
            for index in (batch.first_characters, batch.last_characters)
        ]
        tokens: Tensor = self.tagger(torch.relu(self.mlp(torch.cat(ends, dim=-1))), batch.n_tokens)
        return tokens


class _WordModel(nn.Module):
    """A BiLSTM over the sum of a learned embedding and a projected fixed vector."""

    def __init__(self, config: MetaLstmConfig, vectors: Tensor) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.n_forms, config.form_width, padding_idx=0)
        # Stored beside the model, once for all models of a language: no part of its state.
        self.register_buffer("vectors", vectors, persistent=False)
        self.projection = nn.Linear(config.vector_width, config.form_width)
        self.tagger = _TaggingModel(config.form_width, config)

    def forward(self, batch: MetaLstmBatch) -> Tensor:
        """The tokens in context. Shape (n_sentences, n_tokens, output_width)."""
        fixed = self.projection(self.get_buffer("vectors")[batch.vectors])
        tokens: Tensor = self.tagger(self.embedding(batch.forms) + fixed, batch.n_tokens)
        return tokens


def _bilstm(input_width: int, width: int, n_layers: int, dropout: float) -> nn.LSTM:
    # Torch warns about dropout between layers where there is one layer.
    between = dropout if n_layers > 1 else 0.0
    return nn.LSTM(
        input_width, width, n_layers, dropout=between, bidirectional=True, batch_first=True
    )


def _run_bilstm(lstm: nn.LSTM, inputs: Tensor, lengths: Tensor) -> Tensor:
    """Runs an LSTM over padded sequences so that padding changes nothing."""
    packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    states, _ = pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=inputs.shape[1])
    return states
