"""The student of a bundle as a trained model directory again, so that training can go on from it.

The inverse of `mtag_core.training.graphs.student_graph`, up to its rounding to 7 and 8 bits.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from mtag_core.errors import BundleError
from mtag_core.labels import Labels, load_labels
from mtag_core.tagging.bundle import Bundle
from mtag_core.tagging.wordpiece import MAX_PIECES
from mtag_core.training.graphs.conventions import Conventions
from mtag_core.training.graphs.trained_model import TrainedModel, write_trained_model
from mtag_core.training.networks.model_config import EncoderConfig, ModelMetadata, config_fields
from mtag_core.training.options import UnpackBundleOptions

Arrays = Mapping[str, NDArray[Any]]
# The linear layers of an encoder layer.
_DENSE = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)


def run(options: UnpackBundleOptions) -> str:
    """Runs `unpack-bundle`."""
    unpack_bundle(options.bundle, options.output)
    return str(options.output)


def unpack_bundle(bundle: str | None, output: Path) -> None:
    """Writes the student of a bundle as a model directory.

    Args:
        bundle: Directory or URL; None for the shipped one.
        output: The model directory to write, see `mtag_core.training.networks.model_files`.

    Raises:
        BundleError: The bundle is damaged, or its graph is not one that `export` writes.
    """
    opened = Bundle.open(bundle)
    directory = opened.directory
    labels = load_labels(directory)
    graph_path = directory / "tagger.onnx"
    try:
        graph = onnx.load(str(graph_path)).graph
        model = _model(graph, labels, opened)
    except (KeyError, StopIteration) as error:
        raise BundleError(
            f"{graph_path}: {error!r}, expected an int8 student with first and last pieces"
        ) from error
    write_trained_model(model, output)


def _model(graph: onnx.GraphProto, labels: Labels, bundle: Bundle) -> TrainedModel:
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    n_layers = sum(node.op_type == "MultiHeadAttention" for node in graph.node)
    weights = dict(_weights(arrays, labels, n_layers=n_layers))
    architecture = {"encoder": "bert", **asdict(_config(graph, weights, n_layers=n_layers))}
    metadata = ModelMetadata(max_pieces=MAX_PIECES, is_trained_on_dev=bundle.is_trained_on_dev)
    return TrainedModel(
        config=config_fields(architecture, metadata, n_feats=len(labels.feats)),
        weights=weights,
        feats=labels.feats,
        tokenizer=(bundle.directory / "tokenizer.json").read_bytes(),
        conventions=_conventions(arrays, labels) if labels.treebanks else None,
    )


def _config(graph: onnx.GraphProto, weights: Arrays, *, n_layers: int) -> EncoderConfig:
    nodes = graph.node
    n_pieces, width = weights["embeddings.word_embeddings.weight"].shape
    return EncoderConfig(
        vocab_size=n_pieces,
        hidden_size=width,
        num_hidden_layers=n_layers,
        num_attention_heads=_attribute(nodes, "MultiHeadAttention", "num_heads").i,
        intermediate_size=len(weights["encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(weights["embeddings.position_embeddings.weight"]),
        layer_norm_eps=_attribute(nodes, "RMSNormalization", "epsilon").f,
        hidden_act="gelu" if any(node.op_type == "Gelu" for node in nodes) else "relu",
        dropout=0.0,
    )


def _conventions(arrays: Arrays, labels: Labels) -> Conventions:
    """The treebanks' corrections; the graph's first row is that of no treebank."""
    bias = arrays["conventions.bias"].astype(np.float32)
    down, up = (
        arrays[f"conventions.{part}.kernel"] * arrays[f"conventions.{part}.scale"][:, None, None]
        for part in ("down", "up")
    )
    return Conventions(labels.treebanks, bias[1:], down[1:], up[1:])


def _attribute(nodes: Any, kind: str, name: str) -> Any:  # noqa: ANN401 (protobuf's)
    node = next(node for node in nodes if node.op_type == kind)
    return next(attribute for attribute in node.attribute if attribute.name == name)


def _weights(
    arrays: Arrays, labels: Labels, *, n_layers: int
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    width = arrays["pieces"].shape[1]
    scales = arrays["piece_scales"].astype(np.float32)
    yield "embeddings.word_embeddings.weight", arrays["pieces"] * scales
    # The graph keeps the sum of both; only type 0 is ever used.
    yield "embeddings.position_embeddings.weight", arrays["positions"]
    yield "embeddings.token_type_embeddings.weight", np.zeros((2, width), np.float32)
    layers = [f"encoder.layer.{index}." for index in range(n_layers)]
    norms = [
        f"{layer}{part}LayerNorm" for layer in layers for part in ("attention.output.", "output.")
    ]
    for name in ("embeddings.LayerNorm", *norms):
        yield f"{name}.weight", arrays[f"{name}.weight"]
        yield f"{name}.bias", arrays[f"{name}.bias"]
    for name in (*(layer + dense for layer in layers for dense in _DENSE), "combine", "upos"):
        yield f"{name}.weight", _dequantised(arrays, name)
        yield f"{name}.bias", arrays[f"{name}.bias"]
    weight = np.zeros((len(labels.feats), width), np.float32)
    bias = np.zeros(len(labels.feats), np.float32)
    # A bundle that goes with several parts of speech is in the graph several times, equal.
    for tag, ids in zip(labels.upos, labels.feats_of_upos, strict=True):
        weight[list(ids)] = _dequantised(arrays, f"feats.{tag}")
        bias[list(ids)] = arrays[f"feats.{tag}.bias"]
    yield "feats.weight", weight
    yield "feats.bias", bias


def _dequantised(arrays: Arrays, layer: str) -> NDArray[np.float32]:
    kernel = arrays[f"{layer}.kernel"] * arrays[f"{layer}.scales"]
    return np.ascontiguousarray(kernel.T, np.float32)
