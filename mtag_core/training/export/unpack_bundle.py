"""The student of a bundle as a trained model directory again, so that training can go on from it.

The inverse of `mtag_core.training.graphs.student_graph` and `word_graphs`, up to their rounding to
7 and 8 bits. What divided the logits stays in the heads' weights. Older bundles
of wordpieces correct vectors for treebanks in another way: that is left behind, and `train
adapters` learns adapters in its place.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from mtag_core.errors import BundleError
from mtag_core.labels import Labels, load_labels
from mtag_core.tagging.bundle import FORMS, Bundle
from mtag_core.tagging.wordpiece import MAX_PIECES
from mtag_core.training.graphs.quantised_graph import MAX_ACTIVATION
from mtag_core.training.networks.trained_model import (
    EncoderConfig,
    FromBundle,
    ModelMetadata,
    TrainedModel,
    write_trained_model,
)
from mtag_core.training.options import UnpackBundleOptions

Arrays = Mapping[str, NDArray[Any]]
# Bias of a label that the graph does not have.
_NEVER = -20.0
# What older bundles of wordpieces have in the place of adapters.
_CORRECTIONS = "conventions"


def run(options: UnpackBundleOptions) -> str:
    """Runs `unpack-bundle`."""
    unpack_bundle(options.bundle, options.output)
    return str(options.output)


def unpack_bundle(bundle: str | None, output: Path) -> None:
    """Writes the student of a bundle, None for the shipped one, as a model directory.

    Raises:
        BundleError: The bundle is damaged, or its graph is not one that `export` writes.
    """
    opened = Bundle.open(bundle)
    directory = opened.directory
    labels = load_labels(directory)
    graph_path = directory / "tagger.onnx"
    try:
        graph = onnx.load(str(graph_path)).graph
        if (directory / FORMS).exists():
            forms = onnx.load(str(directory / FORMS)).graph
            write_trained_model(_words_model(graph, forms, labels, opened), output)
        else:
            write_trained_model(_model(graph, labels, opened), output)
    except (KeyError, StopIteration) as error:
        raise BundleError(
            f"{graph_path}: {error!r}, expected an int8 student that export writes"
        ) from error


def _words_model(
    graph: onnx.GraphProto, forms: onnx.GraphProto, labels: Labels, bundle: Bundle
) -> TrainedModel:
    arrays = _arrays(graph) | _arrays(forms)
    weights = dict(_weights(arrays, labels))
    n_pieces, width = weights["forms.pieces.weight"].shape
    n_rows, ngram_width = weights["forms.ngrams.weight"].shape
    config = {
        "architecture": "words",
        "n_pieces": n_pieces,
        "n_feats": len(labels.feats),
        "n_lemma_rules": len(labels.lemma_rules),
        "n_treebanks": len(labels.treebanks),
        "n_context_layers": sum(node.op_type == "MultiHeadAttention" for node in graph.node),
        "n_form_layers": 1,
        "hidden_size": width,
        "n_heads": _attribute(graph.node, "MultiHeadAttention", "num_heads").i,
        "intermediate_size": len(weights["forms.layers.0.intermediate.dense.bias"]),
        "n_ngram_rows": n_rows,
        "ngram_width": ngram_width,
        "max_form_pieces": len(weights["forms.positions.weight"]),
        "n_cases": len(weights["forms.case.weight"]),
        "max_tokens": len(weights["context.positions.weight"]),
        "hidden_act": _activation(graph.node),
        "layer_norm_eps": _attribute(graph.node, "RMSNormalization", "epsilon").f,
        "dropout": 0.0,
        "treebanks": list(labels.treebanks),
        "styles": dict(labels.styles),
        "temperatures": {"upos": 1.0, "feats": 1.0, "lemmas": 1.0},
        "is_trained_on_dev": bundle.is_trained_on_dev,
    }
    tokenizer = (bundle.directory / "tokenizer.json").read_bytes()
    known = _from_bundle(arrays, labels)
    return TrainedModel(config, weights, labels.feats, tokenizer, labels.lemma_rules, known)


def _model(graph: onnx.GraphProto, labels: Labels, bundle: Bundle) -> TrainedModel:
    arrays = _arrays(graph)
    n_layers = sum(node.op_type == "MultiHeadAttention" for node in graph.node)
    weights = dict(_weights(arrays, labels))
    has_adapters = "adapters" in arrays
    metadata = ModelMetadata(
        max_pieces=MAX_PIECES,
        is_trained_on_dev=bundle.is_trained_on_dev,
        treebanks=labels.treebanks if has_adapters else (),
        styles=dict(labels.styles) if has_adapters else {},
    )
    config = {
        "encoder": "bert",
        **asdict(_config(graph, weights, n_layers=n_layers)),
        "combine": "first_last",
        "n_feats": len(labels.feats),
        "n_treebanks": len(metadata.treebanks),
        **asdict(metadata),
    }
    return TrainedModel(
        config=config,
        weights=weights,
        feats=labels.feats,
        tokenizer=(bundle.directory / "tokenizer.json").read_bytes(),
        from_bundle=_from_bundle(arrays, labels),
    )


def _from_bundle(arrays: Arrays, labels: Labels) -> FromBundle:
    ranges = {}
    for name, scale in arrays.items():
        reader, _, part = name.rpartition(".")
        if part == "activation_scale":
            zero = int(arrays[f"{reader}.activation_zero"])
            ranges[reader] = float(-zero * scale), float((MAX_ACTIVATION - zero) * scale)
    tables = zip(labels.treebanks, labels.exceptions.code_to_rule, strict=False)
    exceptions = {treebank: list(table.items()) for treebank, table in tables}
    return FromBundle(labels.feats_of_upos, labels.lemma_rules_of_upos, ranges, exceptions)


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
        hidden_act=_activation(nodes),
        dropout=0.0,
    )


def _attribute(nodes: Any, kind: str, name: str) -> Any:  # noqa: ANN401 (protobuf's)
    node = next(node for node in nodes if node.op_type == kind)
    return next(attribute for attribute in node.attribute if attribute.name == name)


def _weights(arrays: Arrays, labels: Labels) -> Iterator[tuple[str, NDArray[np.float32]]]:
    heads = {
        "feats": (labels.feats, labels.feats_of_upos),
        "lemmas": (labels.lemma_rules, labels.lemma_rules_of_upos),
    }
    for name, array in arrays.items():
        layer, _, part = name.rpartition(".")
        if layer.partition(".")[0] in (*heads, _CORRECTIONS):
            continue
        if part == "kernel":
            yield f"{layer}.weight", _dequantised(arrays, layer)
        elif part in ("weight", "bias"):
            yield name, array
    pieces = arrays["pieces"] * arrays["piece_scales"].astype(np.float32)
    if "ngrams.rows" in arrays:
        yield "forms.pieces.weight", pieces
        yield "forms.ngrams.weight", arrays["ngrams.rows"] * arrays["ngrams.scales"]
        yield "context.positions.weight", arrays["positions"]
    else:
        yield "embeddings.word_embeddings.weight", pieces
        # The graph keeps the sum of both; only type 0 is ever used.
        yield "embeddings.position_embeddings.weight", arrays["positions"]
        types = np.zeros((2, pieces.shape[1]), np.float32)
        yield "embeddings.token_type_embeddings.weight", types
    if "adapters" in arrays:
        yield "adapters.weight", arrays["adapters"].astype(np.float32)
    for head, (tags, groups) in heads.items():
        if tags:
            yield from _head(arrays, head, len(tags), labels.upos, groups)


def _head(
    arrays: Arrays,
    head: str,
    n_labels: int,
    tags: Sequence[str],
    groups: Sequence[Sequence[int]],
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """A head that the graph has a part of for each part of speech; labels of several are equal."""
    width = arrays[f"{head}.{tags[0]}.kernel"].shape[0]
    weight, bias = np.zeros((n_labels, width), np.float32), np.full(n_labels, _NEVER, np.float32)
    for tag, ids in zip(tags, groups, strict=True):
        weight[list(ids)] = _dequantised(arrays, f"{head}.{tag}")
        bias[list(ids)] = arrays[f"{head}.{tag}.bias"]
    yield f"{head}.weight", weight
    yield f"{head}.bias", bias


def _arrays(graph: onnx.GraphProto) -> dict[str, NDArray[Any]]:
    return {item.name: numpy_helper.to_array(item) for item in graph.initializer}


def _activation(nodes: Any) -> str:  # noqa: ANN401 (protobuf's)
    return "gelu" if any(node.op_type == "Gelu" for node in nodes) else "relu"


def _dequantised(arrays: Arrays, layer: str) -> NDArray[np.float32]:
    kernel = arrays[f"{layer}.kernel"] * arrays[f"{layer}.scales"]
    return np.ascontiguousarray(kernel.T, np.float32)
