from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")

from mtag_core.errors import CheckpointError
from mtag_core.training.export.export_teacher import export_teacher
from mtag_core.training.logits.logit_teachers import OnnxTeacher
from mtag_core.training.logits.shared_basis import fit_basis
from mtag_core.training.logits.soft_targets import SummaryOptions
from mtag_core.training.logits.trained_teacher import TrainedTeacher
from tests.mtag_core.training.logit_samples import logits_of, sentence
from tests.mtag_core.training.tiny_teacher import write_model

SENTENCES = [
    sentence("abc de f", language="de"),
    sentence("jih", language="en"),
    sentence(" ".join(["abcdefgh"] * 12), language="xx"),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("trained") / "model")


@pytest.fixture(scope="module")
def onnx_teacher(model: Path) -> OnnxTeacher:
    export_teacher(model, model.parent / "onnx")
    return OnnxTeacher(model.parent / "onnx")


def test_logits_are_those_of_the_exported_teacher(model: Path, onnx_teacher: OnnxTeacher):
    results = logits_of(TrainedTeacher(model), SENTENCES)
    for own, other in zip(results, logits_of(onnx_teacher, SENTENCES), strict=True):
        assert np.allclose(own.upos, other.upos, atol=1e-4)
        assert np.allclose(own.feats, other.feats, atol=1e-4)


@pytest.mark.parametrize("tail_rank", [0, 4])
def test_summaries_are_those_of_the_exported_teacher(
    model: Path, onnx_teacher: OnnxTeacher, tail_rank: int
):
    options = SummaryOptions(top_k=5, temperatures=(1.0, 3.0), tail_rank=tail_rank)
    basis = fit_basis(onnx_teacher, SENTENCES, options, n_tokens=20)
    encoded = [onnx_teacher.encode(each) for each in SENTENCES]
    results = TrainedTeacher(model).summaries(encoded, options, basis=basis)
    for own, other in zip(
        results, onnx_teacher.summaries(encoded, options, basis=basis), strict=True
    ):
        assert np.array_equal(own.feats.label_ids, other.feats.label_ids)
        assert own.feats.label_ids.dtype == other.feats.label_ids.dtype
        assert np.allclose(own.feats.logits, other.feats.logits, atol=1e-3)
        assert np.allclose(own.feats.rest, other.feats.rest, atol=1e-4)
        assert np.abs(own.feats.tail.astype(int) - other.feats.tail).max(initial=0) <= 1


def test_best_labels_follow_the_treebank(model: Path):
    teacher = TrainedTeacher(model)
    told = teacher.best_labels([SENTENCES[0].forms], treebank="de_x")
    (logits,) = logits_of(teacher, SENTENCES[:1])
    upos, feats = told[0]
    assert upos == tuple(teacher.upos_labels[index] for index in logits.upos.argmax(1))
    assert feats == tuple(teacher.feats_labels[index] for index in logits.feats.argmax(1))
    letters = [(first, second) for first in "abcdefghij" for second in "abcdefghij"]
    assert teacher.best_labels(letters) != teacher.best_labels(letters, treebank="de_x")


def test_a_directory_without_a_model_is_an_error(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"expected config\.json, tokenizer\.json"):
        TrainedTeacher(tmp_path)
