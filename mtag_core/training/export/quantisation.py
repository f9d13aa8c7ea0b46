"""The graphs of a trained student in float32 and in int8, whose bounds are found on sentences.

The int8 graphs round activations to 256 steps between fixed bounds. The bounds leave out the most
extreme values: a few pieces (such as [CLS]) have activations thirty times larger than all others,
and steps wide enough for them would be too coarse for the rest.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mtag_core.labels import Labels
from mtag_core.tagging.form_vectors import feeds
from mtag_core.tagging.forms import FormFeatures
from mtag_core.tagging.wordpiece import WordPiece
from mtag_core.tagging.words import MAX_WORDS
from mtag_core.training.graphs.quantised_graph import OBSERVED, Range
from mtag_core.training.graphs.student_graph import (
    build_form_graph,
    build_student_graph,
    build_tagger_graph,
)
from mtag_core.training.graphs.tagging_heads import LanguageLabels
from mtag_core.training.networks.trained_model import TrainedModel

Feed = Mapping[str, NDArray[np.generic]]
Told = tuple[Sequence[str], int]

# One value in ten thousand is clipped at either end. On dev this scored highest of 99.99, 99.999
# and 100 percent and of the bounds with the least squared error.
_CLIPPED_PERCENT = 0.01
# Every seventh value is kept: enough for the bounds, in a seventh of the memory. Seven shares
# no factor with the layers' widths, so that all units are seen.
_STRIDE = 7


def piece_graphs(
    trained: TrainedModel, labels: Labels, sentences: Iterable[Told], wordpiece: WordPiece
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Builds the graph of a student of wordpieces by file name: in float32, and in int8."""
    build = partial(build_student_graph, trained.weights, trained.shape, labels)
    ranges = observe_ranges(build(has_observed=True), sentences, wordpiece)
    ranges = _widened(ranges, trained)
    return {"tagger.onnx": build()}, {"tagger.onnx": build(ranges=ranges)}


def word_graphs(
    trained: TrainedModel,
    labels: Labels,
    sentences: Iterable[Told],
    features: FormFeatures,
    *,
    languages: LanguageLabels | None = None,
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Builds the graphs of a student of words by file name: in float32, and in int8.

    `sentences` are the forms of each and the number of its treebank, 0 where it has none.
    """
    told = [(forms[:MAX_WORDS], treebank) for forms, treebank in sentences if forms]
    forms = list(dict.fromkeys(form for each, _ in told for form in each))
    form_feeds = list(feeds(features(forms)))
    encode = partial(build_form_graph, trained.weights, trained.shape)
    form_ranges = observe(encode(has_observed=True), (feed for _, feed in form_feeds))
    reference = {"forms.onnx": encode()}
    session = _session(reference["forms.onnx"])
    vectors = {
        forms[index]: vector
        for indices, feed in form_feeds
        for index, vector in zip(indices, session.run(["vectors"], feed)[0], strict=True)
    }
    build = partial(build_tagger_graph, trained.weights, trained.shape, labels)
    tag = partial(build, languages=languages)
    ranges = observe(build(has_observed=True), _word_feeds(told, vectors))
    reference["tagger.onnx"] = tag()
    return reference, {
        "forms.onnx": encode(ranges=_widened(form_ranges, trained)),
        "tagger.onnx": tag(ranges=_widened(ranges, trained)),
    }


def observe_ranges(
    graph: bytes, sentences: Iterable[Told], wordpiece: WordPiece
) -> dict[str, Range]:
    """As `observe`, of a student of wordpieces on sentences, with their treebanks and without.

    A thousand sentences are enough.
    """
    return observe(graph, _piece_feeds(sentences, wordpiece))


def observe(graph: bytes, inputs: Iterable[Feed]) -> dict[str, Range]:
    """Runs a float32 graph and finds the range of what each layer reads, by the layer's name.

    The graph is built with `has_observed=True`; inputs that it does not have are left out.
    """
    session = _session(graph)
    inputs_known = {value.name for value in session.get_inputs()}
    names = [out.name for out in session.get_outputs() if out.name.startswith(OBSERVED)]
    name_to_values: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for feed in inputs:
        known = {name: value for name, value in feed.items() if name in inputs_known}
        for name, values in zip(names, session.run(names, known), strict=True):
            name_to_values[name].append(values[::_STRIDE])
    percents = (_CLIPPED_PERCENT, 100 - _CLIPPED_PERCENT)
    return {
        name.removeprefix(OBSERVED): Range(*np.percentile(np.concatenate(values), percents))
        for name, values in name_to_values.items()
    }


def _piece_feeds(sentences: Iterable[Told], wordpiece: WordPiece) -> Iterator[Feed]:
    for forms, treebank in sentences:
        for window, number in product(wordpiece.encode(forms), sorted({0, treebank})):
            yield {
                "piece_ids": np.array([window.piece_ids]),
                "first_piece_index": np.array(window.first),
                "last_piece_index": np.array(window.last),
                "treebank": np.array(number),
            }


def _word_feeds(
    sentences: Iterable[Told], vectors: Mapping[str, NDArray[np.float16]]
) -> Iterator[Feed]:
    for forms, treebank in sentences:
        for number in sorted({0, treebank}):
            yield {
                "vectors": np.array([[vectors[form] for form in forms]]),
                "treebank": np.array(number),
            }


def _widened(ranges: Mapping[str, Range], trained: TrainedModel) -> dict[str, Range]:
    # The sentences may be of one language, the bundle that the model began with knew others.
    known = trained.from_bundle.ranges
    bounds = {name: (each.low, each.high) for name, each in ranges.items()}
    pairs = {name: zip(bounds[name], known.get(name, bounds[name]), strict=True) for name in bounds}
    return {name: Range(min(low), max(high)) for name, (low, high) in pairs.items()}


def _session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
