from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto

from mtag_core.errors import BundleError
from mtag_core.labels import UPOS_LABELS, Labels
from mtag_core.tagging.student import Student, open_session
from mtag_core.tagging.wordpiece import WordPiece
from mtag_core.training.export.quantised_graph import GraphBuilder
from mtag_core.training.export.student_graph import build_student_graph, observe_ranges
from mtag_core.training.logits.logit_teachers import (
    UPOS_LOGITS,
    feats_logits_name,
    with_logit_outputs,
)
from mtag_core.training.networks.trained_model import read_student
from tests.mtag_core.training.tiny_teacher import N_FEATS, write_model
from tests.mtag_core.training.torch_logits import torch_logits

GROUPS = tuple((0, *range(1 + upos, N_FEATS, 17)) for upos in range(17))
LABELS = Labels(UPOS_LABELS, tuple(f"F={i}" for i in range(N_FEATS)), GROUPS)
OUTPUTS = [UPOS_LOGITS, *map(feats_logits_name, UPOS_LABELS)]
SENTENCES = [["abc", "de", "j"], ["hij", "b", "cab", "deaf"]]


@pytest.fixture
def trained(tmp_path):
    return read_student(write_model(tmp_path))


@pytest.fixture
def windows(tmp_path, trained):
    wordpiece = WordPiece.load(tmp_path / "tokenizer.json")
    return [wordpiece.encode(forms)[0] for forms in SENTENCES]


def _logits(graph, windows):
    """UPOS and FEATS logits of the windows' tokens, those of no tag NaN."""
    changed = with_logit_outputs(graph, UPOS_LABELS, source="g")
    upos, *by_tag = Student(open_session(changed, source="g")).run(OUTPUTS, windows)
    feats = np.full((len(upos), N_FEATS), np.nan, np.float32)
    for ids, logits in zip(GROUPS, by_tag, strict=True):
        feats[:, ids] = logits
    return upos, feats


def test_float_graph_gives_the_logits_of_the_whole_inventory(trained, windows, tmp_path):
    graph = build_student_graph(trained.weights, trained.shape, LABELS)
    for window in windows:
        for found, expected in zip(
            _logits(graph, [window]), torch_logits(tmp_path, window), strict=True
        ):
            np.testing.assert_allclose(found, expected, atol=1e-4)


def test_int8_graph_gives_logits_close_to_them(trained, windows, tmp_path):
    observed = build_student_graph(trained.weights, trained.shape, LABELS, has_observed=True)
    wordpiece = WordPiece.load(tmp_path / "tokenizer.json")
    ranges = observe_ranges(observed, [(forms, 0) for forms in SENTENCES * 20], wordpiece)
    graph = build_student_graph(trained.weights, trained.shape, LABELS, ranges=ranges)
    for window in windows:
        for found, expected in zip(
            _logits(graph, [window]), torch_logits(tmp_path, window), strict=True
        ):
            assert np.abs(found - expected).mean() < 0.2 * np.abs(expected).mean()


def test_treebank_0_adds_nothing_and_others_do(trained, windows, tmp_path):
    adapters = np.random.default_rng(1).normal(size=(2, 8)).astype(np.float32)
    adapters[0] = 0
    weights = {**trained.weights, "adapters.weight": adapters}
    graph = build_student_graph(weights, trained.shape, LABELS)
    window = windows[0]
    np.testing.assert_allclose(
        _logits(graph, [window])[1], torch_logits(tmp_path, window)[1], atol=1e-4
    )
    told = _logits(graph, [replace(window, treebank=1)])[1]
    assert not np.allclose(told, torch_logits(tmp_path, window)[1], atol=1e-2)


def test_another_graph_is_refused():
    builder = GraphBuilder()
    builder.node("Identity", "piece_ids", output="same")
    graph = builder.serialised(
        "other",
        inputs={"piece_ids": (TensorProto.INT64, ("n",))},
        outputs={"same": (TensorProto.INT64, ("n",))},
    )
    with pytest.raises(BundleError, match=r"t.onnx: KeyError: 'upos_top_probs', expected a graph"):
        with_logit_outputs(graph, UPOS_LABELS, source="t.onnx")


@pytest.mark.parametrize("content", [b"", b"no protocol buffer"])
def test_another_file_is_refused(content):
    with pytest.raises(BundleError, match=r"t.onnx: .*, expected a graph that `export` writes"):
        with_logit_outputs(content, UPOS_LABELS, source="t.onnx")
