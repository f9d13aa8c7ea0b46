"""A word student as a directory, as training reads and writes it.

config.json         `architecture: "words"`, its shape, and `WordMetadata`
model.safetensors   weights, float16, under the names of `WordStudent`'s parameters
tokenizer.json      wordpieces of lower-cased forms
feats.json          FEATS inventory in label order
lemma_rules.json    lemma rules in label order
"""

import json
import shutil
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from mtag_core.errors import CheckpointError
from mtag_core.training.networks.word_student import WordStudent, WordStudentConfig

ARCHITECTURE = "words"


@dataclass(frozen=True)
class WordMetadata:
    """What `config.json` holds beside the shape.

    Attributes:
        treebanks: Those that have an adapter, in the order of its rows from 1.
        styles: Language to the treebank whose style its text gets by default.
        temperatures: What divides the logits of `upos`, `feats` and `lemmas`, so that
            probabilities are calibrated.
        is_trained_on_dev: It, or a model that it learnt from, was trained on three quarters of the
            dev files.
    """

    treebanks: tuple[str, ...] = ()
    styles: dict[str, str] = field(default_factory=dict)
    temperatures: dict[str, float] = field(
        default_factory=lambda: {"upos": 1.0, "feats": 1.0, "lemmas": 1.0}
    )
    is_trained_on_dev: bool = False


@dataclass(frozen=True)
class WordLabels:
    """The labels of a word student.

    Attributes:
        feats: FEATS bundles in label order.
        lemma_rules: Lemma rules in label order.
    """

    feats: tuple[str, ...]
    lemma_rules: tuple[str, ...]


def save_word_student(
    model: WordStudent,
    metadata: WordMetadata,
    inventories: WordLabels,
    *,
    directory: Path,
    tokenizer_path: Path,
) -> None:
    """Writes a model directory.

    Args:
        model: The student.
        metadata: What else to record.
        inventories: Its labels.
        directory: Made if missing; files in it are replaced.
        tokenizer_path: Copied.
    """
    directory.mkdir(parents=True, exist_ok=True)
    config = {"architecture": ARCHITECTURE, **model.config.to_dict(), **asdict(metadata)}
    _write_json(directory / "config.json", config)
    _write_json(directory / "feats.json", inventories.feats)
    _write_json(directory / "lemma_rules.json", inventories.lemma_rules)
    if tokenizer_path.resolve() != (directory / "tokenizer.json").resolve():
        shutil.copyfile(tokenizer_path, directory / "tokenizer.json")
    halved = {name: t.half().contiguous().cpu() for name, t in model.state_dict().items()}
    save_file(halved, directory / "model.safetensors")


def load_word_student(
    directory: Path, *, device: torch.device
) -> tuple[WordStudent, WordMetadata, WordLabels]:
    """Reads a model directory.

    Raises:
        CheckpointError: A file is missing or does not fit the others.
    """
    try:
        config = _read_json(directory / "config.json")
        if config["architecture"] != ARCHITECTURE:
            raise ValueError(f"architecture {config['architecture']!r}, expected {ARCHITECTURE!r}")
        model = WordStudent(WordStudentConfig(**_chosen(WordStudentConfig, config)))
        weights = load_file(directory / "model.safetensors")
        model.load_state_dict({name: weight.float() for name, weight in weights.items()})
        metadata = _metadata(config)
        inventories = WordLabels(
            tuple(_read_json(directory / "feats.json")),
            tuple(_read_json(directory / "lemma_rules.json")),
        )
    except (OSError, KeyError, TypeError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{directory}: not a word student: {error}") from error
    return model.to(device), metadata, inventories


def _metadata(config: dict[str, Any]) -> WordMetadata:
    values = _chosen(WordMetadata, config)
    return WordMetadata(**{**values, "treebanks": tuple(values["treebanks"])})


def _chosen(kind: type[WordStudentConfig | WordMetadata], config: dict[str, Any]) -> dict[str, Any]:
    return {each.name: config[each.name] for each in fields(kind)}


def _read_json(path: Path) -> Any:  # noqa: ANN401 (any JSON value)
    return json.loads(path.read_text(encoding="utf-8"))


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
