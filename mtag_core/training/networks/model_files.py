"""A trained model as a directory: teacher or student, as training reads and writes it.

    config.json         architecture, label counts, treebanks and their use (see `ModelMetadata`)
    model.safetensors   weights, float16
    tokenizer.json      wordpieces; those of a word student are of folded forms in lower case
    feats.json          FEATS inventory in label order
    lemma_rules.json    lemma rules in label order, of a word student
    from_bundle.json    what else was in the bundle that it was unpacked from, if it was

The bundle that tagging loads is made from such a directory by the `export` command.
"""

import json
import shutil
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from mtag_core.errors import CheckpointError
from mtag_core.labels import UPOS_LABELS
from mtag_core.training.networks.encoder import BertEncoder
from mtag_core.training.networks.model import TokenTagger
from mtag_core.training.networks.model_config import FROM_BUNDLE, EncoderConfig, ModelMetadata
from mtag_core.training.networks.word_student import WordStudent, WordStudentConfig

WORDS = "words"
"""The architecture of a word student in `config.json`; the others say which encoder they have."""

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
        directory.mkdir(parents=True, exist_ok=True)
        config = {**_architecture(self.model), "n_feats": len(self.feats), **asdict(self.metadata)}
        if self.has_words:
            config = {name: value for name, value in config.items() if name not in _OF_PIECES}
            _write_json(directory / "lemma_rules.json", self.lemma_rules)
        _write_json(directory / "config.json", config)
        _write_json(directory / "feats.json", self.feats)
        if self.tokenizer.resolve() != (directory / "tokenizer.json").resolve():
            shutil.copyfile(self.tokenizer, directory / "tokenizer.json")
            known = self.tokenizer.with_name(FROM_BUNDLE)
            if known.exists():
                shutil.copyfile(known, directory / FROM_BUNDLE)
        weights = self.model.state_dict()
        halved = {
            name.removeprefix("encoder."): tensor.half().contiguous().cpu()
            for name, tensor in weights.items()
        }
        save_file(halved, directory / "model.safetensors")

    @classmethod
    def load(cls, directory: Path, *, device: torch.device) -> "Network":
        """Reads a model directory.

        Raises:
            CheckpointError: A file is missing or does not fit the others.
        """
        try:
            config = _read_json(directory / "config.json")
            model = _empty_model(config)
            weights = load_file(directory / "model.safetensors")
            model.load_state_dict(
                {_name(name, model): tensor.float() for name, tensor in weights.items()}
            )
            rules = directory / "lemma_rules.json"
            network = cls(
                model.to(device),
                ModelMetadata.of(config),
                tuple(load_feats(directory / "feats.json")),
                directory / "tokenizer.json",
                tuple(_read_json(rules)) if rules.exists() else (),
            )
        except (OSError, KeyError, TypeError, RuntimeError, ValueError) as error:
            raise CheckpointError(f"{directory}: not a trained model directory: {error}") from error
        return network

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


def load_metadata(directory: Path) -> ModelMetadata:
    """Reads the metadata of a model directory."""
    return ModelMetadata.of(_read_json(directory / "config.json"))


def load_feats(path: Path) -> list[str]:
    """Reads a FEATS inventory, `feats.json`: a list of bundles in label order."""
    feats: list[str] = _read_json(path)
    return feats


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


def _empty_model(config: dict[str, Any]) -> TokenTagger | WordStudent:
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
    encoder: nn.Module, width: int, config: dict[str, Any], dropout: float
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


def _read_json(path: Path) -> Any:  # noqa: ANN401 (any JSON value)
    return json.loads(path.read_text(encoding="utf-8"))


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
