"""A trained model directory to a teacher directory that ONNX Runtime can run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.graphs.logit_graph import build_logit_graph
from mtag_core.training.graphs.trained_model import read_trained_model
from mtag_core.training.logits.logit_teachers import TeacherCard, write_teacher


def export_teacher(model: Path, output: Path) -> None:
    """Exports a teacher or a student for `pipelines.teacher_logits`.

    Args:
        model: A directory of `mtag_core.training.networks.model_files` with a BERT-shaped encoder:
            config.json, model.safetensors, tokenizer.json, feats.json.
        output: The teacher directory to write.

    Raises:
        CheckpointError: A file is missing, or the encoder has another shape.
    """
    trained = read_trained_model(model)
    graph = build_logit_graph(trained.weights, trained.shape)
    card = TeacherCard(trained.config["max_pieces"], UPOS_LABELS, _openings(trained.config))
    write_teacher(output, card, graph=graph, tokenizer=trained.tokenizer, feats=list(trained.feats))


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
