"""The student of a bundle as a trained model directory again, so that training can go on from it.

The inverse of `mtag_core.training.export.student_graph`, up to its rounding to 7 and 8 bits. What
divided the logits stays in the heads' weights. Labels are kept as the bundle has them.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from mtag_core.errors import BundleError
from mtag_core.labels import Labels, load_labels
from mtag_core.tagging.bundle import FORMS, HEADS, TAGGER, Bundle
from mtag_core.training.export.quantised_graph import MAX_ACTIVATION
from mtag_core.training.networks.trained_model import WORDS, TrainedModel, write_trained_model
from mtag_core.training.options import UnpackBundleOptions

Arrays = Mapping[str, NDArray[Any]]
# Bias of a label that the graph does not have.
_NEVER = -20.0


def run(options: UnpackBundleOptions) -> str:
    """Runs `unpack-bundle`: writes the student of a bundle as a model directory.

    Raises:
        BundleError: The bundle is damaged, or its graph is not one that `export` writes.
    """
    opened = Bundle.open(options.bundle)
    labels = load_labels(opened.directory)
    graphs = [onnx.load(str(opened.directory / name)).graph for name in (TAGGER, HEADS, FORMS)]
    try:
        write_trained_model(_model(graphs, labels, opened), options.output)
    except (KeyError, StopIteration) as error:
        raise BundleError(
            f"{opened.directory}: {error!r}, expected an int8 student that export writes"
        ) from error
    return str(options.output)


def _model(graphs: Sequence[onnx.GraphProto], labels: Labels, bundle: Bundle) -> TrainedModel:
    initialisers = chain.from_iterable(graph.initializer for graph in graphs)
    arrays = {item.name: numpy_helper.to_array(item) for item in initialisers}
    weights = dict(_weights(arrays, labels))
    attentions = [node for node in graphs[0].node if node.op_type == "Attention"]
    n_pieces, width = weights["forms.pieces.weight"].shape
    ranges = {}
    for name, scale in arrays.items():
        reader, _, part = name.rpartition(".")
        if part == "activation_scale":
            zero = int(arrays[f"{reader}.activation_zero"])
            ranges[reader] = float(-zero * scale), float((MAX_ACTIVATION - zero) * scale)
    config = {
        "architecture": WORDS,
        "n_pieces": n_pieces,
        "n_context_layers": len(attentions),
        "hidden_size": width,
        "n_heads": next(each.i for each in attentions[0].attribute if each.name == "q_num_heads"),
        "intermediate_size": len(weights["forms.layers.0.intermediate.dense.bias"]),
        "ngram_width": weights["forms.ngrams.weight"].shape[1],
        "max_tokens": len(weights["context.positions.weight"]),
        "n_feats": len(labels.feats),
        "n_lemma_rules": len(labels.lemma_rules),
        "n_treebanks": len(labels.treebanks),
        "treebanks": labels.treebanks,
        "styles": dict(labels.styles),
        "temperatures": {"upos": 1.0, "feats": 1.0, "lemmas": 1.0},
        "is_trained_on_dev": bundle.is_trained_on_dev,
        "ranges": ranges,
    }
    tokenizer = (bundle.directory / "tokenizer.json").read_bytes()
    return TrainedModel(config, weights, labels.feats, tokenizer, labels.lemma_rules, labels)


def _weights(arrays: Arrays, labels: Labels) -> Iterator[tuple[str, NDArray[np.float32]]]:
    heads = {
        "feats": (labels.feats, labels.feats_of_upos),
        "lemmas": (labels.lemma_rules, labels.lemma_rules_of_upos),
    }
    for name, array in arrays.items():
        layer, _, part = name.rpartition(".")
        if layer.partition(".")[0] in heads:
            continue
        if part == "kernel":
            yield f"{layer}.weight", _dequantised(arrays, layer)
        elif part in ("weight", "bias"):
            yield name, array
    yield "forms.pieces.weight", arrays["pieces"] * arrays["piece_scales"].astype(np.float32)
    yield "forms.ngrams.weight", arrays["ngrams.rows"] * arrays["ngrams.scales"]
    yield "context.positions.weight", arrays["positions"]
    yield "adapters.weight", arrays["adapters"].astype(np.float32)
    for head, (tags, groups) in heads.items():
        weight = np.zeros((len(tags), arrays["adapters"].shape[1]), np.float32)
        bias = np.full(len(tags), _NEVER, np.float32)
        # The graph has a part for each part of speech; labels of several are equal.
        for upos, ids in zip(labels.upos, map(list, groups), strict=True):
            weight[ids] = _dequantised(arrays, f"{head}.{upos}")
            bias[ids] = arrays[f"{head}.{upos}.bias"]
        yield f"{head}.weight", weight
        yield f"{head}.bias", bias


def _dequantised(arrays: Arrays, layer: str) -> NDArray[np.float32]:
    kernel = arrays[f"{layer}.kernel"] * arrays[f"{layer}.scales"]
    return np.ascontiguousarray(kernel.T, np.float32)
