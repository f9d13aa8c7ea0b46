"""A trained model as a directory: teacher or student, as training reads and writes it.

    config.json         architecture, label counts, treebanks and their use (see `ModelMetadata`)
    model.safetensors   weights
    tokenizer.json      wordpieces
    feats.json          FEATS inventory in label order

The bundle that tagging loads is made from such a directory by the `export` command.
"""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from mtag_core.errors import CheckpointError
from mtag_core.labels import UPOS_LABELS
from mtag_core.training.networks.encoder import BertEncoder
from mtag_core.training.networks.model import TokenTagger
from mtag_core.training.networks.model_config import EncoderConfig, ModelMetadata, config_fields


def save_model(
    model: TokenTagger,
    metadata: ModelMetadata,
    *,
    directory: Path,
    tokenizer_path: Path,
    feats: list[str],
) -> None:
    """Writes a model directory; weights as float16.

    Args:
        model: Teacher or student.
        metadata: What else to record.
        directory: Made if missing; files in it are replaced.
        tokenizer_path: Copied.
        feats: The FEATS inventory in label order.
    """
    directory.mkdir(parents=True, exist_ok=True)
    config = config_fields(_architecture(model), metadata, n_feats=len(feats))
    config["n_lemma_rules"] = 0 if model.lemmas is None else model.lemmas.out_features
    _write_json(directory / "config.json", config)
    _write_json(directory / "feats.json", feats)
    if tokenizer_path.resolve() != (directory / "tokenizer.json").resolve():
        shutil.copyfile(tokenizer_path, directory / "tokenizer.json")
    weights = {name.removeprefix("encoder."): tensor for name, tensor in model.state_dict().items()}
    halved = {name: tensor.half().contiguous().cpu() for name, tensor in weights.items()}
    save_file(halved, directory / "model.safetensors")


def load_model(directory: Path, *, device: torch.device) -> tuple[TokenTagger, ModelMetadata]:
    """Reads a model directory.

    Raises:
        CheckpointError: A file is missing or does not fit the others.
    """
    try:
        config = _read_config(directory)
        weights = load_file(directory / "model.safetensors")
        model = _empty_model(config)
        heads = ("combine.", "upos.", "feats.", "lemmas.")
        model.load_state_dict(
            {
                name if name.startswith(heads) else f"encoder.{name}": tensor.float()
                for name, tensor in weights.items()
            }
        )
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{directory}: not a trained model directory: {error}") from error
    return model.to(device), load_metadata(directory)


def load_metadata(directory: Path) -> ModelMetadata:
    """Reads the metadata of a model directory."""
    config = _read_config(directory)
    return ModelMetadata(
        max_pieces=config["max_pieces"],
        treebanks=tuple(config["treebanks"]),
        first_treebank_piece=config["first_treebank_piece"],
        conventions=config["conventions"],
        is_trained_on_dev=config.get("is_trained_on_dev", False),
    )


def load_feats(path: Path) -> list[str]:
    """Reads a FEATS inventory, `feats.json`: a list of bundles in label order."""
    feats: list[str] = json.loads(path.read_text(encoding="utf-8"))
    return feats


def _read_config(directory: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    return config


def _architecture(model: TokenTagger) -> dict[str, Any]:
    if isinstance(model.encoder, BertEncoder):
        return {"encoder": "bert", **asdict(model.encoder.config)}
    other: Any = model.encoder
    return {"encoder": "hugging_face", "hugging_face": other.model.config.to_dict()}


def _empty_model(config: dict[str, Any]) -> TokenTagger:
    if config["encoder"] == "bert":
        names = EncoderConfig.__dataclass_fields__
        shape = EncoderConfig(**{name: config[name] for name in names})
        return _with_heads(BertEncoder(shape), shape.hidden_size, config, shape.dropout)
    from mtag_core.training.networks.pretrained import from_config, hidden_size

    encoder = from_config(config["hugging_face"])
    return _with_heads(encoder, hidden_size(encoder), config, 0.1)


def _with_heads(
    encoder: torch.nn.Module, width: int, config: dict[str, Any], dropout: float
) -> TokenTagger:
    return TokenTagger(
        encoder,
        hidden_size=width,
        n_upos=len(UPOS_LABELS),
        n_feats=config["n_feats"],
        dropout=dropout,
        n_lemma_rules=config.get("n_lemma_rules", 0),
    )


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
