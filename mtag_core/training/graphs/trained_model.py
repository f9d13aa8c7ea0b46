"""Reads and writes a trained model directory without torch, for the exporters.

The directory is described in `mtag_core.training.networks.model_files`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from mtag_core.errors import CheckpointError
from mtag_core.training.graphs.conventions import Conventions
from mtag_core.training.graphs.logit_graph import GraphShape


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A BERT-shaped tagger's files.

    Attributes:
        config: The content of `config.json`.
        weights: float32, by name.
        feats: FEATS bundles in label order.
        tokenizer: The bytes of `tokenizer.json`.
        conventions: Of treebanks, None where the model knows none.
    """

    config: Mapping[str, Any]
    weights: Mapping[str, NDArray[np.float32]]
    feats: tuple[str, ...]
    tokenizer: bytes
    conventions: Conventions | None = None

    @property
    def shape(self) -> GraphShape:
        """What a graph builder needs beside the weights."""
        return GraphShape(
            n_layers=self.config["num_hidden_layers"],
            n_heads=self.config["num_attention_heads"],
            hidden_act=self.config["hidden_act"],
            layer_norm_eps=self.config["layer_norm_eps"],
        )


@dataclass(frozen=True, slots=True)
class TrainedWords:
    """The files of a student that reads words.

    Attributes:
        config: The content of `config.json`.
        weights: float32, by name; those of heads are divided by their temperature.
        feats: FEATS bundles in label order.
        lemma_rules: Lemma rules in label order.
        tokenizer: The bytes of `tokenizer.json`.
    """

    config: Mapping[str, Any]
    weights: Mapping[str, NDArray[np.float32]]
    feats: tuple[str, ...]
    lemma_rules: tuple[str, ...]
    tokenizer: bytes

    @property
    def treebanks(self) -> tuple[str, ...]:
        """Those that have an adapter, by their numbers from 1."""
        return tuple(self.config["treebanks"])

    @property
    def shape(self) -> GraphShape:
        """What a graph builder needs beside the weights."""
        return GraphShape(
            n_layers=self.config["n_context_layers"],
            n_heads=self.config["n_heads"],
            hidden_act=self.config["hidden_act"],
            layer_norm_eps=self.config["layer_norm_eps"],
        )


def read_trained_student(directory: Path) -> TrainedModel | TrainedWords:
    """Reads the model directory of a student of either architecture.

    Raises:
        CheckpointError: A file is missing or damaged, or the files do not fit each other.
    """
    try:
        config = json.loads((directory / "config.json").read_text("utf-8"))
        if config.get("architecture") != "words":
            return read_trained_model(directory)
        feats, rules = (
            tuple(json.loads((directory / name).read_text("utf-8")))
            for name in ("feats.json", "lemma_rules.json")
        )
        weights = load_file(directory / "model.safetensors")
        tokenizer = (directory / "tokenizer.json").read_bytes()
        temperatures = config["temperatures"]
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{directory}: not a trained model directory: {error}") from error
    for head, tags in (("feats", feats), ("lemmas", rules)):
        n_labels = len(weights[f"{head}.weight"])
        if n_labels != len(tags):
            raise CheckpointError(
                f"{directory}: {n_labels} labels of {head} in the weights, {len(tags)} in its list"
            )
    scaled = {
        name: tensor.astype(np.float32) / temperatures.get(name.partition(".")[0], 1.0)
        for name, tensor in weights.items()
    }
    return TrainedWords(config, scaled, feats, rules, tokenizer)


def read_trained_model(directory: Path) -> TrainedModel:
    """Reads a model directory: config.json, model.safetensors, tokenizer.json, feats.json.

    Raises:
        CheckpointError: A file is missing or damaged, or the encoder has another shape.
    """
    try:
        config: dict[str, Any] = json.loads((directory / "config.json").read_text("utf-8"))
        feats: list[str] = json.loads((directory / "feats.json").read_text("utf-8"))
        weights = load_file(directory / "model.safetensors")
        tokenizer = (directory / "tokenizer.json").read_bytes()
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{directory}: not a trained model directory: {error}") from error
    if config.get("encoder") != "bert":
        raise CheckpointError(
            f"{directory / 'config.json'}: encoder {config.get('encoder')!r}, expected 'bert'; "
            "other encoders run as Hugging Face directories"
        )
    if weights["feats.weight"].shape[0] != len(feats):
        raise CheckpointError(
            f"{directory}: {weights['feats.weight'].shape[0]} FEATS classes in the weights, "
            f"{len(feats)} in feats.json"
        )
    return TrainedModel(
        config=config,
        weights={name: tensor.astype(np.float32) for name, tensor in weights.items()},
        feats=tuple(feats),
        tokenizer=tokenizer,
        conventions=Conventions.load(directory),
    )


def write_trained_model(model: TrainedModel, directory: Path) -> None:
    """Writes what `read_trained_model` reads, weights as float16.

    Args:
        model: With a `config` as of `mtag_core.training.networks.model_config.config_fields`.
        directory: Made if missing; files in it are replaced.
    """
    _write_files(
        directory,
        {"config.json": model.config, "feats.json": model.feats},
        model.weights,
        model.tokenizer,
    )
    if model.conventions is not None:
        model.conventions.save(directory)


def write_trained_words(model: TrainedWords, directory: Path) -> None:
    """Writes what `read_trained_student` reads, weights as float16.

    Args:
        model: With temperatures of 1 in `config`, since those of its heads are in the weights.
        directory: Made if missing; files in it are replaced.
    """
    names = {"config.json": model.config, "feats.json": model.feats}
    names |= {"lemma_rules.json": model.lemma_rules}
    _write_files(directory, names, model.weights, model.tokenizer)


def _write_files(
    directory: Path,
    name_to_value: Mapping[str, object],
    weights: Mapping[str, NDArray[np.float32]],
    tokenizer: bytes,
) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, value in name_to_value.items():
        text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
        (directory / name).write_text(text, encoding="utf-8")
    (directory / "tokenizer.json").write_bytes(tokenizer)
    halved = {name: np.ascontiguousarray(weight, np.float16) for name, weight in weights.items()}
    save_file(halved, directory / "model.safetensors")
