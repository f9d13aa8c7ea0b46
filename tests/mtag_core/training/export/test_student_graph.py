import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from mtag_core.errors import CheckpointError
from mtag_core.labels import UPOS_LABELS, Labels
from mtag_core.tagging.student import Student
from mtag_core.tagging.wordpiece import WordPiece
from mtag_core.training.export.student_graph import build_student_graph, observe_ranges
from mtag_core.training.networks.trained_model import read_student
from tests.mtag_core.training.tiny_teacher import N_FEATS, write_model
from tests.mtag_core.training.torch_logits import torch_logits

# Every part of speech has `_` and a share of the other bundles; the last, all of them.
GROUPS = tuple(
    tuple(range(N_FEATS)) if upos == 16 else (0, *range(1 + upos, N_FEATS, 17))
    for upos in range(17)
)
SENTENCES = [["abc", "de", "j"], ["a"], ["hij", "b", "cab", "deaf"], ["ab", "c"]]


@pytest.fixture(params=["gelu", "relu"])
def trained(request, tmp_path):
    return read_student(write_model(tmp_path, hidden_act=request.param))


@pytest.fixture
def labels():
    return Labels(UPOS_LABELS, tuple(f"F={i}" for i in range(N_FEATS)), GROUPS)


@pytest.fixture
def windows(tmp_path, trained):
    wordpiece = WordPiece.load(tmp_path / "tokenizer.json")
    return [wordpiece.encode(forms)[0] for forms in SENTENCES]


def _student(graph: bytes, tmp_path) -> Student:
    (tmp_path / "tagger.onnx").write_bytes(graph)
    return Student.load(tmp_path / "tagger.onnx")


def test_float_answers_are_the_best_logits(trained, labels, windows, tmp_path):
    student = _student(build_student_graph(trained.weights, trained.shape, labels), tmp_path)
    for window in windows:
        answer = student.answer([window])
        upos, feats = torch_logits(tmp_path, window)
        assert answer.upos.tolist() == upos.argmax(1).tolist()
        assert answer.second_upos.tolist() == np.argsort(-upos)[:, 1].tolist()
        for token, label in enumerate(answer.upos):
            ids = list(GROUPS[label])
            allowed = feats[token, ids]
            assert answer.feats[token] == ids[allowed.argmax()]
            probs = np.exp(allowed - allowed.max())
            assert answer.feats_score[token] == pytest.approx(1 / probs.sum(), abs=1e-5)


@pytest.fixture
def quantised(trained, labels, tmp_path):
    observed = build_student_graph(trained.weights, trained.shape, labels, has_observed=True)
    wordpiece = WordPiece.load(tmp_path / "tokenizer.json")
    ranges = observe_ranges(observed, [(forms, 0) for forms in SENTENCES * 20], wordpiece)
    graph = build_student_graph(trained.weights, trained.shape, labels, ranges=ranges)
    return _student(graph, tmp_path)


def test_int8_is_close_to_float(trained, labels, windows, quantised, tmp_path):
    exact = _student(build_student_graph(trained.weights, trained.shape, labels), tmp_path)
    differences = [
        abs(quantised.answer([window]).upos_score - exact.answer([window]).upos_score)
        for window in windows
    ]
    assert np.concatenate(differences).mean() < 0.1


def test_int8_does_not_depend_on_the_batch(windows, quantised):
    for window in windows:
        alone = quantised.answer([window])
        together = quantised.answer([window, window])
        assert together.feats.tolist() == alone.feats.tolist() * 2
        assert together.feats_score.tolist() == alone.feats_score.tolist() * 2


@pytest.fixture
def adapters():
    values = np.random.default_rng(1).normal(size=(3, 8), scale=0.3)
    values[0] = 0
    return {"adapters.weight": values.astype(np.float16).astype(np.float32)}


def test_a_named_treebank_adds_its_adapter(trained, labels, windows, adapters, tmp_path):
    graph = build_student_graph({**trained.weights, **adapters}, trained.shape, labels)
    student = _student(graph, tmp_path)
    # A bias of the heads does what an adapter of the vectors does.
    moved = dict(trained.weights)
    for head in ("upos", "feats"):
        change = moved[f"{head}.weight"] @ adapters["adapters.weight"][2]
        moved[f"{head}.bias"] = moved[f"{head}.bias"] + change
    expected = _student(build_student_graph(moved, trained.shape, labels), tmp_path)
    plain = _student(build_student_graph(trained.weights, trained.shape, labels), tmp_path)
    for window in windows:
        without = student.answer([window])
        assert without.feats_score.tolist() == plain.answer([window]).feats_score.tolist()
        found, wanted = student.answer([replace(window, treebank=2)]), expected.answer([window])
        assert found.upos.tolist() == wanted.upos.tolist()
        np.testing.assert_allclose(found.upos_score, wanted.upos_score, atol=2e-3)


def test_int8_adapters_are_close_to_float(trained, labels, windows, adapters, tmp_path):
    build = partial(build_student_graph, {**trained.weights, **adapters}, trained.shape, labels)
    wordpiece = WordPiece.load(tmp_path / "tokenizer.json")
    named = [(forms, index % 3) for index, forms in enumerate(SENTENCES * 21)]
    ranges = observe_ranges(build(has_observed=True), named, wordpiece)
    quantised = _student(build(ranges=ranges), tmp_path)
    exact = _student(build(), tmp_path)
    differences = []
    for window in windows:
        second = replace(window, treebank=2)
        difference = quantised.answer([second]).upos_score - exact.answer([second]).upos_score
        differences.append(abs(difference))
    assert np.concatenate(differences).mean() < 0.1


def test_weights_and_inventory_must_fit(tmp_path):
    write_model(tmp_path)
    (tmp_path / "feats.json").write_text(json.dumps(["_"]))
    with pytest.raises(CheckpointError, match="40 labels of feats in the weights, 1 in its list"):
        read_student(tmp_path)
