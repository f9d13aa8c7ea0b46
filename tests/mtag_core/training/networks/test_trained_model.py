import json

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="safetensors is an extra: install mtag[export]")

from safetensors.numpy import load_file, save_file

from mtag_core.__main__ import main
from tests.mtag_core.training.tiny_teacher import write_model


@pytest.fixture
def models(tmp_path):
    """Two models of which the second has every weight of the first, plus one."""
    first, second = write_model(tmp_path / "a"), write_model(tmp_path / "b")
    weights = load_file(first / "model.safetensors")
    moved = {name: weight + np.float16(1) for name, weight in weights.items()}
    save_file(moved, second / "model.safetensors")
    return first, second


def _average(models, output, *flags):
    named = ["--first", str(models[0]), "--second", str(models[1])]
    return main(["average-models", *named, "--output", str(output), *flags])


def test_every_weight_is_the_weighted_mean(models, tmp_path):
    assert _average(models, tmp_path / "mean", "--share", "0.25") == 0
    first = load_file(models[0] / "model.safetensors")
    mean = load_file(tmp_path / "mean" / "model.safetensors")
    assert mean.keys() == first.keys()
    for name, weight in mean.items():
        expected = first[name].astype(np.float32) + 0.25
        np.testing.assert_allclose(weight.astype(np.float32), expected, atol=2e-3)


def test_share_of_none_is_the_first_model(models, tmp_path):
    assert _average(models, tmp_path / "mean", "--share", "0") == 0
    first = load_file(models[0] / "model.safetensors")
    mean = load_file(tmp_path / "mean" / "model.safetensors")
    assert all(np.array_equal(mean[name], weight) for name, weight in first.items())


def test_models_with_other_labels_are_refused(models, tmp_path, capsys):
    path = models[1] / "feats.json"
    path.write_text(json.dumps([*json.loads(path.read_text())[:-1], "F=Other"]))
    assert _average(models, tmp_path / "mean") == 1
    assert "feats.json: differs from" in capsys.readouterr().err
    assert not (tmp_path / "mean").exists()


def test_missing_model_is_named(models, tmp_path, capsys):
    assert _average((models[0], tmp_path / "none"), tmp_path / "mean") == 1
    assert f"{tmp_path / 'none'}: not a trained model directory" in capsys.readouterr().err


def test_share_outside_0_to_1_is_a_usage_error(models, tmp_path, capsys):
    assert _average(models, tmp_path / "mean", "--share", "1.5") == 2
    assert "--share: 1.5" in capsys.readouterr().err
