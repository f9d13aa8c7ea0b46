"""A trained model in torch, read from its directory and written to it.

The directory is described in `mtag_core.training.graphs.trained_model`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mtag_core.errors import CheckpointError
from mtag_core.labels import UPOS_LABELS
from mtag_core.training.graphs.trained_model import (
    WORDS,
    TrainedModel,
    read_from_bundle,
    read_trained_model,
    write_trained_model,
)
from mtag_core.training.networks.encoder import BertEncoder
from mtag_core.training.networks.model import TokenTagger
from mtag_core.training.networks.model_config import EncoderConfig, ModelMetadata
from mtag_core.training.networks.word_student import WordStudent, WordStudentConfig

_HEADS = ("combine.", "upos.", "feats.", "lemmas.", "adapters.")
_OF_PIECES = ("max_pieces", "first_treebank_piece", "conventions")


@dataclass(frozen=True)
class Network:
    """A model and what else its directory holds.

    Attributes:
        model: Teacher or student.
        metadata: What else `config.json` says.
        feats: FEATS bundles in label order.
        tokenizer: Its `tokenizer.json`; copied when the model is saved, as is `from_bundle.json`
            beside it.
        lemma_rules: Lemma rules in label order; of a word student.
    """

    model: TokenTagger | WordStudent
    metadata: ModelMetadata
    feats: tuple[str, ...]
    tokenizer: Path
    lemma_rules: tuple[str, ...] = ()

    @property
    def has_words(self) -> bool:
        """Whether the model reads words, not wordpieces."""
        return isinstance(self.model, WordStudent)

    def save(self, directory: Path) -> None:
        """Writes a model directory: made if missing; files in it are replaced."""
        config = {**_architecture(self.model), "n_feats": len(self.feats), **asdict(self.metadata)}
        if self.has_words:
            config = {name: value for name, value in config.items() if name not in _OF_PIECES}
        weights = {
            name.removeprefix("encoder."): tensor.half().cpu().numpy()
            for name, tensor in self.model.state_dict().items()
        }
        tokenizer, known = self.tokenizer.read_bytes(), read_from_bundle(self.tokenizer.parent)
        model = TrainedModel(config, weights, self.feats, tokenizer, self.lemma_rules, known)
        write_trained_model(model, directory)

    @classmethod
    def load(cls, directory: Path, *, device: torch.device) -> "Network":
        """Reads a model directory.

        Raises:
            CheckpointError: A file is missing or does not fit the others.
        """
        saved = read_trained_model(directory)
        try:
            model = _empty_model(saved.config)
            model.load_state_dict(
                {
                    _name(name, model): torch.from_numpy(weight).float()
                    for name, weight in saved.weights.items()
                }
            )
            metadata = ModelMetadata.of(saved.config)
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise CheckpointError(f"{directory}: not a trained model directory: {error}") from error
        tokenizer = directory / "tokenizer.json"
        return cls(model.to(device), metadata, saved.feats, tokenizer, saved.lemma_rules)

    @classmethod
    def load_teacher(cls, directory: Path, *, device: torch.device) -> "Network":
        """Reads the directory of a model that reads wordpieces.

        Raises:
            CheckpointError: As `load`, or the model reads words.
        """
        network = cls.load(directory, device=device)
        if network.has_words:
            raise CheckpointError(f"{directory}: a student of words, expected a teacher")
        return network


def _name(saved: str, model: nn.Module) -> str:
    is_of_encoder = isinstance(model, TokenTagger) and not saved.startswith(_HEADS)
    return f"encoder.{saved}" if is_of_encoder else saved


def _architecture(model: TokenTagger | WordStudent) -> dict[str, Any]:
    if isinstance(model, WordStudent):
        return {"architecture": WORDS, **asdict(model.config)}
    counts = {
        "combine": "first_last",
        "n_lemma_rules": 0 if model.lemmas is None else model.lemmas.out_features,
        "n_treebanks": 0 if model.adapters is None else model.adapters.num_embeddings - 1,
    }
    if isinstance(model.encoder, BertEncoder):
        return {"encoder": "bert", **asdict(model.encoder.config), **counts}
    other: Any = model.encoder
    return {"encoder": "hugging_face", "hugging_face": other.model.config.to_dict(), **counts}


def _empty_model(config: Mapping[str, Any]) -> TokenTagger | WordStudent:
    if config.get("architecture") == WORDS:
        names = [each.name for each in fields(WordStudentConfig)]
        return WordStudent(WordStudentConfig(**{name: config[name] for name in names}))
    if config["encoder"] == "bert":
        names = [each.name for each in fields(EncoderConfig)]
        shape = EncoderConfig(**{name: config[name] for name in names})
        return _with_heads(BertEncoder(shape), shape.hidden_size, config, shape.dropout)
    from mtag_core.training.networks.pretrained import from_config, hidden_size

    encoder = from_config(config["hugging_face"])
    return _with_heads(encoder, hidden_size(encoder), config, 0.1)


def _with_heads(
    encoder: nn.Module, width: int, config: Mapping[str, Any], dropout: float
) -> TokenTagger:
    return TokenTagger(
        encoder,
        hidden_size=width,
        n_upos=len(UPOS_LABELS),
        n_feats=config["n_feats"],
        dropout=dropout,
        n_lemma_rules=config.get("n_lemma_rules", 0),
        n_treebanks=config.get("n_treebanks", 0),
    )
