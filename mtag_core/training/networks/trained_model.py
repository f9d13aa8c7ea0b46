"""A trained model as a directory: teacher or student, read and written without torch.

    config.json         architecture, label counts, treebanks and their use (see `ModelMetadata`)
    model.safetensors   weights, float16
    tokenizer.json      wordpieces; those of a word student are of folded forms in lower case
    feats.json          FEATS inventory in label order
    lemma_rules.json    lemma rules in label order, of a word student
    labels.json.xz ...  labels of the bundle that it was unpacked from, if it was, and their tables

The bundle that tagging loads is made from the directory of a word student by `bundle export`. The
mean of two models of one ancestor often scores better than either (Wortsman et al. 2022,
arXiv:2203.05482).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from mtag_core.errors import CheckpointError, UsageError
from mtag_core.labels import LABELS, Labels, load_labels, save_labels
from mtag_core.training.options import AverageOptions

WORDS = "words"
"""The architecture of a word student in `config.json`; the others say which encoder they have."""

LAYER_NORM_EPS = 1e-12
"""What BERT and word students add to a variance."""

NO_LABELS = Labels((), (), ())
"""Of a model that no bundle was unpacked to."""


@dataclass(frozen=True)
class EncoderConfig:
    """The shape of an encoder; the names are those of Hugging Face's `BertConfig`.

    Only row 0 of the token types is used. The activation is `gelu` (erf) or `relu`; dropout is
    after embeddings, attention and feed-forward, in training.
    """

    vocab_size: int
    hidden_size: int = 256
    num_hidden_layers: int = 3
    num_attention_heads: int = 4
    intermediate_size: int = 1024
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = LAYER_NORM_EPS
    hidden_act: str = "gelu"
    pad_token_id: int = 0
    dropout: float = 0.1


@dataclass(frozen=True, kw_only=True)
class ModelMetadata:
    """The content of `config.json` beside the architecture.

    Attributes:
        treebanks: Of a teacher, in the order of their pieces; of a student, in the order of their
            adapters' rows from 1.
        is_trained_on_dev: It, or a model that it learnt from, was trained on three quarters of the
            dev files.
        styles: Language to the treebank whose style its text gets by default.
        temperatures: What divides the logits of `upos`, `feats` and `lemmas`, so that
            probabilities are calibrated.
        max_pieces: Longest sentence trained on, [CLS] and [SEP] included; 0 for a word student.
        first_treebank_piece: Id of the first treebank's piece, 0 for a student.
        conventions: Language to the treebank whose annotation its unlabelled text gets.
        ranges: By the name of the layer that reads an activation, the least and the largest value
            that the bundle expected from which the model was unpacked.
    """

    treebanks: tuple[str, ...] = ()
    is_trained_on_dev: bool = False
    styles: dict[str, str] = field(default_factory=dict)
    temperatures: dict[str, float] = field(
        default_factory=lambda: {"upos": 1.0, "feats": 1.0, "lemmas": 1.0}
    )
    max_pieces: int = 0
    first_treebank_piece: int = 0
    conventions: dict[str, str] = field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "ModelMetadata":
        """Takes what there is out of the content of a `config.json`."""
        return cls(**{**known_fields(cls, config), "treebanks": tuple(config["treebanks"])})

    @property
    def treebank_pieces(self) -> dict[str, int]:
        """The piece of each treebank; none of a student."""
        if not self.first_treebank_piece:
            return {}
        return {name: self.first_treebank_piece + i for i, name in enumerate(self.treebanks)}


def known_fields(kind: Any, config: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Those of a dataclass that the content of a `config.json` has."""
    return {each.name: config[each.name] for each in fields(kind) if each.name in config}


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A tagger's files; only a model that reads words has lemma rules.

    `config` is the content of `config.json`, weights are by the names of torch's modules, FEATS and
    lemma rules in label order; `from_bundle` are the labels of the bundle that it was unpacked
    from.
    """

    config: Mapping[str, Any]
    weights: Mapping[str, NDArray[Any]]
    feats: tuple[str, ...]
    tokenizer: bytes
    lemma_rules: tuple[str, ...] = ()
    from_bundle: Labels = NO_LABELS

    @property
    def has_words(self) -> bool:
        """Whether the model reads words, not wordpieces."""
        return self.config.get("architecture") == WORDS


def read_trained_model(directory: Path) -> TrainedModel:
    """Reads a model directory.

    Raises:
        CheckpointError: A file is missing or damaged.
    """
    try:
        rules = directory / "lemma_rules.json"
        return TrainedModel(
            _read_json(directory / "config.json"),
            load_file(directory / "model.safetensors"),
            tuple(_read_json(directory / "feats.json")),
            (directory / "tokenizer.json").read_bytes(),
            tuple(_read_json(rules)) if rules.exists() else (),
            load_labels(directory) if (directory / LABELS).exists() else NO_LABELS,
        )
    except (OSError, TypeError, ValueError) as error:
        raise CheckpointError(f"{directory}: not a trained model directory: {error}") from error


def read_student(directory: Path) -> TrainedModel:
    """Reads a student that graphs can be built of, its heads' weights divided by their temperature.

    Weights are float32.

    Raises:
        CheckpointError: As `read_trained_model`, the files do not fit each other, or the model
            reads wordpieces.
    """
    model = read_trained_model(directory)
    if not model.has_words:
        raise CheckpointError(f"{directory}: a model of wordpieces, expected a student of words")
    for head, tags in {"feats": model.feats, "lemmas": model.lemma_rules}.items():
        n_labels = len(model.weights[f"{head}.weight"])
        if n_labels != len(tags):
            raise CheckpointError(
                f"{directory}: {n_labels} labels of {head} in the weights, {len(tags)} in its list"
            )
    temperatures = model.config.get("temperatures", {})
    weights = {
        name: weight.astype(np.float32) / temperatures.get(name.partition(".")[0], 1.0)
        for name, weight in model.weights.items()
    }
    return replace(model, weights=weights)


def write_trained_model(model: TrainedModel, directory: Path) -> None:
    """Writes what `read_trained_model` reads: made if missing; files in it are replaced."""
    directory.mkdir(parents=True, exist_ok=True)
    lists: dict[str, object] = {"config.json": model.config, "feats.json": model.feats}
    if model.has_words:
        lists["lemma_rules.json"] = model.lemma_rules
    for name, value in lists.items():
        text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
        (directory / name).write_text(text, encoding="utf-8")
    if model.from_bundle != NO_LABELS:
        save_labels(model.from_bundle, directory)
    (directory / "tokenizer.json").write_bytes(model.tokenizer)
    halved = {
        name: np.ascontiguousarray(weight, np.float16) for name, weight in model.weights.items()
    }
    save_file(halved, directory / "model.safetensors")


def run(options: AverageOptions) -> str:
    """Runs `average-models`; what is no weight is taken from the first model.

    Raises:
        CheckpointError: One is no model directory, or the two differ in more than their weights.
        UsageError: The share is not from 0 to 1.
    """
    first, second, share = options.first, options.second, options.share
    if not 0 <= share <= 1:
        raise UsageError(f"--share: {share}, expected a number from 0 to 1")
    one, other = map(read_trained_model, (first, second))
    for name in ("tokenizer", "feats"):
        if getattr(one, name) != getattr(other, name):
            raise CheckpointError(f"{second}/{name}.json: differs from {first}; cannot average")
    shapes, others = ({k: w.shape for k, w in each.weights.items()} for each in (one, other))
    if shapes != others:
        raise CheckpointError(f"{second}: a model of another shape than {first}; cannot average")
    mean = {}
    for name, weight in one.weights.items():
        start, end = (each.astype(np.float32) for each in (weight, other.weights[name]))
        mean[name] = start + np.float32(share) * (end - start)
    write_trained_model(replace(one, weights=mean), options.output)
    return f"{options.output}: {1 - share:g} of {first} and {share:g} of {second}"


def _read_json(path: Path) -> Any:  # noqa: ANN401 (any JSON value)
    return json.loads(path.read_text("utf-8"))
