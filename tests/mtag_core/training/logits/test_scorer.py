import pytest

from mtag_core.errors import BundleError, UsageError
from mtag_core.tagging.bundle import DEFAULT_BUNDLE
from mtag_core.training.logits.bundle_teacher import BundleTeacher
from mtag_core.training.logits.logit_teachers import OnnxTeacher
from mtag_core.training.logits.scorer import load_teacher
from tests.mtag_core.training.tiny_teacher import write_model, write_tiny_teacher


def test_without_a_directory_the_shipped_bundle_teaches():
    teacher = load_teacher(None, device="cpu")
    assert isinstance(teacher, BundleTeacher)
    assert teacher.digest == load_teacher(DEFAULT_BUNDLE, device="cpu").digest


def test_an_exported_teacher_is_told_from_a_bundle(tmp_path):
    assert isinstance(load_teacher(write_tiny_teacher(tmp_path), device="cpu"), OnnxTeacher)


def test_another_directory_is_refused(tmp_path):
    with pytest.raises(BundleError, match=r"neither teacher.json .* nor a bundle's bundle.json"):
        load_teacher(tmp_path, device="cpu")


@pytest.mark.parametrize("package", ["safetensors", "torch"])
def test_a_missing_package_is_named(tmp_path, monkeypatch, package):
    def fail(*_args, **_kwargs):
        raise ModuleNotFoundError(f"No module named '{package}'", name=package)

    monkeypatch.setattr("mtag_core.training.logits.scorer.TrainedTeacher", fail)
    with pytest.raises(UsageError, match=rf"needs {package}: python -m pip install '.\[train\]'"):
        load_teacher(write_model(tmp_path), device="cpu")
