"""A trained model directory to a teacher directory that ONNX Runtime can run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from mtag_core.errors import CheckpointError
from mtag_core.training.logit_graph import GraphShape, build_logit_graph
from mtag_core.training.logit_teachers import TeacherCard, write_teacher

UPOS_LABELS = tuple(
    "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split()
)


def export_teacher(model: Path, output: Path) -> None:
    """Exports a teacher or a student for `pipelines.teacher_logits`.

    Args:
        model: A directory of `mtag_core.training.model_files` with a BERT-shaped encoder:
            config.json, model.safetensors, tokenizer.json, feats.json.
        output: The teacher directory to write.

    Raises:
        CheckpointError: A file is missing, or the encoder has another shape.
    """
    try:
        config: dict[str, Any] = json.loads((model / "config.json").read_text(encoding="utf-8"))
        feats: list[str] = json.loads((model / "feats.json").read_text(encoding="utf-8"))
        weights = load_file(model / "model.safetensors")
        tokenizer = (model / "tokenizer.json").read_bytes()
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{model}: not a trained model directory: {error}") from error
    if config.get("encoder") != "bert":
        raise CheckpointError(
            f"{model / 'config.json'}: encoder {config.get('encoder')!r}, expected 'bert'; "
            "other encoders run as Hugging Face directories"
        )
    shape = GraphShape(
        n_layers=config["num_hidden_layers"],
        n_heads=config["num_attention_heads"],
        hidden_act=config["hidden_act"],
        layer_norm_eps=config["layer_norm_eps"],
    )
    graph = build_logit_graph(
        {name: tensor.astype(np.float32) for name, tensor in weights.items()}, shape
    )
    card = TeacherCard(config["max_pieces"], UPOS_LABELS, _openings(config))
    write_teacher(output, card, graph=graph, tokenizer=tokenizer, feats=feats)


def _openings(config: Mapping[str, Any]) -> dict[str, int]:
    """The piece of the treebank whose convention each language's text follows."""
    treebanks: list[str] = list(config.get("treebanks", ()))
    first = config.get("first_treebank_piece", 0)
    conventions: dict[str, str] = config.get("conventions", {})
    return {
        language: first + treebanks.index(treebank)
        for language, treebank in sorted(conventions.items())
        if treebank in treebanks
    }
