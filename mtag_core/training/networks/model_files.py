"""A model in torch: new, or read from its directory (`mtag_core.training.networks.trained_model`).

New students are of words, or narrow layers over wordpieces after Tsai et al. 2019's MiniBERT. FEATS
bundles may share weights while a student is trained: a bundle's row of the head is then its own row
plus the rows of its attributes, so a rare bundle learns from frequent ones. After training the sums
are written into a plain head: the model that is saved, and what it costs to run, are those of a
plain student.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from mtag_core.errors import CheckpointError
from mtag_core.labels import Labels
from mtag_core.training.networks.model import BertEncoder, TokenTagger
from mtag_core.training.networks.trained_model import (
    NO_LABELS,
    WORDS,
    EncoderConfig,
    ModelMetadata,
    TrainedModel,
    known_fields,
    read_trained_model,
    write_trained_model,
)
from mtag_core.training.networks.word_student import WordStudent, WordStudentConfig
from mtag_core.training.options import StudentShape

MAX_PIECES = 256
"""Wordpieces of the longest sentence that a MiniBERT reads, [CLS] and [SEP] included."""

_HEADS = ("combine.", "upos.", "feats.", "lemmas.")


@dataclass(frozen=True)
class Network:
    """A model, teacher or student, and what else its directory holds; `tokenizer` is its file."""

    model: TokenTagger | WordStudent
    metadata: ModelMetadata
    feats: tuple[str, ...]
    tokenizer: Path
    lemma_rules: tuple[str, ...] = ()
    from_bundle: Labels = NO_LABELS

    @property
    def has_words(self) -> bool:
        """Whether the model reads words, not wordpieces."""
        return isinstance(self.model, WordStudent)

    def save(self, directory: Path) -> None:
        """Writes a model directory: made if missing; files in it are replaced."""
        config = {**_architecture(self.model), "n_feats": len(self.feats), **asdict(self.metadata)}
        weights = {
            name.removeprefix("encoder."): tensor.half().cpu().numpy()
            for name, tensor in self.model.state_dict().items()
        }
        known = (self.lemma_rules, self.from_bundle)
        model = TrainedModel(config, weights, self.feats, self.tokenizer.read_bytes(), *known)
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
            weights = {_name(name, model): weight for name, weight in saved.weights.items()}
            model.load_state_dict({k: torch.from_numpy(w).float() for k, w in weights.items()})
            metadata = ModelMetadata.of(saved.config)
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise CheckpointError(f"{directory}: not a trained model directory: {error}") from error
        tokenizer = directory / "tokenizer.json"
        known = (saved.lemma_rules, saved.from_bundle)
        return cls(model.to(device), metadata, saved.feats, tokenizer, *known)

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
    counts = {"n_lemma_rules": 0 if model.lemmas is None else model.lemmas.out_features}
    if isinstance(model.encoder, BertEncoder):
        return {"encoder": "bert", **asdict(model.encoder.config), **counts}
    other: Any = model.encoder
    return {"encoder": "hugging_face", "hugging_face": other.model.config.to_dict(), **counts}


def _empty_model(config: Mapping[str, Any]) -> TokenTagger | WordStudent:
    if config.get("architecture") == WORDS:
        return WordStudent(WordStudentConfig(**known_fields(WordStudentConfig, config)))
    if config["encoder"] == "bert":
        shape = EncoderConfig(**known_fields(EncoderConfig, config))
        encoder: nn.Module = BertEncoder(shape)
        width, dropout = shape.hidden_size, shape.dropout
    else:
        from mtag_core.training.networks.pretrained import from_config, hidden_size

        encoder = from_config(config["hugging_face"])
        width, dropout = hidden_size(encoder), 0.1
    return TokenTagger(
        encoder,
        hidden_size=width,
        n_feats=config["n_feats"],
        dropout=dropout,
        n_lemma_rules=config.get("n_lemma_rules", 0),
    )


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
    """Builds an untrained student, on the CPU.

    A MiniBERT has no lemma rules and no adapters of treebanks. `pad` is its padding piece.
    """
    width, n_heads = options.hidden_size, max(1, options.hidden_size // 64)
    if options.architecture == "words":
        config = WordStudentConfig(
            n_pieces=n_pieces,
            n_feats=len(feats),
            n_lemma_rules=len(lemma_rules),
            n_treebanks=len(treebanks),
            n_context_layers=options.n_layers,
            hidden_size=width,
            n_heads=n_heads,
            intermediate_size=4 * width,
            ngram_width=max(1, width // 2),
        )
        metadata = ModelMetadata(treebanks=treebanks)
        return Network(WordStudent(config), metadata, feats, tokenizer, lemma_rules)
    shape = EncoderConfig(
        vocab_size=n_pieces,
        hidden_size=width,
        num_hidden_layers=options.n_layers,
        num_attention_heads=n_heads,
        intermediate_size=4 * width,
        hidden_act="relu",
        pad_token_id=pad,
    )
    model = _empty_model({"encoder": "bert", "n_feats": len(feats), **asdict(shape)})
    return Network(model, ModelMetadata(max_pieces=MAX_PIECES), feats, tokenizer)


def set_dropout(model: nn.Module, dropout: float) -> None:
    """Changes the dropout of all layers."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout


class _SharedRows(nn.Module):
    """Adds to the row of each label those of its parts, 1 in (n_labels, n_parts)."""

    def __init__(self, parts: Tensor, width: int) -> None:
        super().__init__()
        self.shared = nn.Parameter(torch.zeros(parts.shape[1], width))
        self.register_buffer("parts", parts, persistent=False)

    def forward(self, own: Tensor) -> Tensor:
        """Shape (n_labels, width) in and out."""
        return own + self.get_buffer("parts") @ self.shared


def bundle_parts(feats: Sequence[str]) -> Tensor:
    """Says which attributes each bundle has. Shape (n_feats, n_attributes), float32, 0 or 1.

    A value among several, such as `Fem,Masc`, is an attribute of its own.
    """
    bundles = [set(bundle.split("|")) for bundle in feats]
    names = sorted(set().union(*bundles))
    parts = np.array([[name in bundle for name in names] for bundle in bundles], np.float32)
    return torch.from_numpy(parts)


def share_weights(model: TokenTagger | WordStudent, feats: Sequence[str]) -> None:
    """Gives a model's FEATS head shared rows, in place; `feats` are its bundles in label order."""
    shared = _SharedRows(bundle_parts(feats), model.feats.in_features)
    parametrize.register_parametrization(model.feats, "weight", shared)


def make_plain(model: TokenTagger | WordStudent) -> None:
    """Writes shared rows into the plain head, in place; a plain model stays as it is."""
    if parametrize.is_parametrized(model.feats):
        parametrize.remove_parametrizations(model.feats, "weight")
