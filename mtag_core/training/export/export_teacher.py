"""A trained model directory to a teacher directory that ONNX Runtime can run."""

from pathlib import Path

from mtag_core.errors import CheckpointError
from mtag_core.labels import UPOS_LABELS
from mtag_core.training.graphs.logit_graph import build_logit_graph
from mtag_core.training.graphs.trained_model import read_trained_model
from mtag_core.training.logits.logit_teachers import TeacherCard, language_openings, write_teacher
from mtag_core.training.networks.model_config import ModelMetadata
from mtag_core.training.options import ExportTeacherOptions


def run(options: ExportTeacherOptions) -> str:
    """Runs `export-teacher`."""
    export_teacher(options.model, options.output)
    return f"{options.output}: a teacher for pipelines.teacher_logits"


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
    if trained.has_words:
        raise CheckpointError(f"{model}: a student of words, expected a teacher")
    graph = build_logit_graph(trained.weights, trained.shape)
    metadata = ModelMetadata.of(trained.config)
    openings = language_openings(metadata.conventions, metadata.treebank_pieces)
    card = TeacherCard(trained.config["max_pieces"], UPOS_LABELS, openings)
    write_teacher(output, card, graph=graph, tokenizer=trained.tokenizer, feats=list(trained.feats))
