"""The student of a bundle as a trained model directory again, so that training can go on from it.

The inverse of `mtag_core.training.graphs.student_graph`, up to its rounding to 7 and 8 bits.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from mtag_core.errors import BundleError
from mtag_core.labels import Labels, load_labels
from mtag_core.tagging.bundle import Bundle
from mtag_core.tagging.wordpiece import MAX_PIECES
from mtag_core.training.graphs.conventions import Conventions
from mtag_core.training.networks.encoder import BertEncoder, EncoderConfig
from mtag_core.training.networks.model import TokenTagger
from mtag_core.training.networks.model_files import ModelCard, save_model

Arrays = Mapping[str, NDArray[Any]]


def unpack_bundle(bundle: str | None, output: Path) -> None:
    """Writes the student of a bundle as a model directory.

    Args:
        bundle: Directory or URL; None for the shipped one.
        output: The model directory to write, see `mtag_core.training.networks.model_files`.

    Raises:
        BundleError: The bundle is damaged, or its graph is not one that `export` writes.
    """
    directory = Bundle.open(bundle).directory
    labels = load_labels(directory)
    graph_path = directory / "tagger.onnx"
    try:
        graph = onnx.load(str(graph_path)).graph
        arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
        model = _model(graph, arrays, labels)
        conventions = _conventions(arrays, labels) if labels.treebanks else None
    except (KeyError, RuntimeError, StopIteration) as error:
        raise BundleError(
            f"{graph_path}: {error!r}, expected an int8 student with first and last pieces"
        ) from error
    save_model(
        model,
        # A bundle does not say whether dev files taught it, and the shipped one they did teach.
        ModelCard(max_pieces=MAX_PIECES, has_learnt_dev=True),
        directory=output,
        tokenizer_path=directory / "tokenizer.json",
        feats=list(labels.feats),
    )
    if conventions is not None:
        conventions.save(output)


def _model(graph: onnx.GraphProto, arrays: Arrays, labels: Labels) -> TokenTagger:
    """The student with the graph's weights."""
    weights = dict(_weights(arrays, labels))
    config = _config(graph, weights)
    model = TokenTagger(
        BertEncoder(config),
        hidden_size=config.hidden_size,
        n_upos=len(labels.upos),
        n_feats=len(labels.feats),
        dropout=config.dropout,
    )
    # Copied, since torch wants arrays that it may write to.
    model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    return model


def _config(graph: onnx.GraphProto, weights: Arrays) -> EncoderConfig:
    """The encoder's shape, as the graph and the weights show it."""
    nodes = graph.node
    n_pieces, width = weights["encoder.embeddings.word_embeddings.weight"].shape
    return EncoderConfig(
        vocab_size=n_pieces,
        hidden_size=width,
        num_hidden_layers=sum(node.op_type == "MultiHeadAttention" for node in nodes),
        num_attention_heads=_attribute(nodes, "MultiHeadAttention", "num_heads").i,
        intermediate_size=len(weights["encoder.encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(weights["encoder.embeddings.position_embeddings.weight"]),
        layer_norm_eps=_attribute(nodes, "RMSNormalization", "epsilon").f,
        hidden_act="gelu" if any(node.op_type == "Gelu" for node in nodes) else "relu",
        dropout=0.0,
    )


def _conventions(arrays: Arrays, labels: Labels) -> Conventions:
    """The treebanks' corrections; the graph's first row stands for none."""
    bias = arrays["conventions.bias"].astype(np.float32)
    down, up = (
        arrays[f"conventions.{part}.kernel"] * arrays[f"conventions.{part}.scale"][:, None, None]
        for part in ("down", "up")
    )
    return Conventions(labels.treebanks, bias[1:], down[1:], up[1:])


def _attribute(nodes: Any, kind: str, name: str) -> Any:  # noqa: ANN401 (protobuf's)
    """An attribute of the first node of a kind."""
    node = next(node for node in nodes if node.op_type == kind)
    return next(attribute for attribute in node.attribute if attribute.name == name)


def _weights(arrays: Arrays, labels: Labels) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Name and value of each of the model's weights."""
    width = arrays["pieces"].shape[1]
    embeddings = "encoder.embeddings."
    scales = arrays["piece_scales"].astype(np.float32)
    yield embeddings + "word_embeddings.weight", arrays["pieces"] * scales
    # The graph keeps the sum of both; only type 0 is ever used.
    yield embeddings + "position_embeddings.weight", arrays["positions"]
    yield embeddings + "token_type_embeddings.weight", np.zeros((2, width), np.float32)
    for name, value in arrays.items():
        prefix = "" if name.startswith(("combine.", "upos.")) else "encoder."
        if name.endswith((".LayerNorm.weight", ".LayerNorm.bias")):
            yield prefix + name, value
        elif name.endswith(".kernel") and not name.startswith(("conventions.", "feats.")):
            layer = name.removesuffix(".kernel")
            yield f"{prefix}{layer}.weight", _dequantised(arrays, layer)
            yield f"{prefix}{layer}.bias", arrays[f"{layer}.bias"]
    weight = np.zeros((len(labels.feats), width), np.float32)
    bias = np.zeros(len(labels.feats), np.float32)
    # A bundle that goes with several parts of speech stands in the graph several times, equal.
    for tag, ids in zip(labels.upos, labels.feats_of_upos, strict=True):
        weight[list(ids)] = _dequantised(arrays, f"feats.{tag}")
        bias[list(ids)] = arrays[f"feats.{tag}.bias"]
    yield "feats.weight", weight
    yield "feats.bias", bias


def _dequantised(arrays: Arrays, layer: str) -> NDArray[np.float32]:
    """A linear layer's weight. Shape (n_outputs, n_inputs)."""
    kernel = arrays[f"{layer}.kernel"] * arrays[f"{layer}.scales"]
    return np.ascontiguousarray(kernel.T, np.float32)
