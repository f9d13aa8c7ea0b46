import sys
from types import ModuleType

import pytest

from mtag_core.errors import BundleError, UsageError
from mtag_core.tagging.bundle import DEFAULT_BUNDLE
from mtag_core.training.logits.logit_teachers import BundleTeacher
from mtag_core.training.logits.logits_run import load_teacher
from tests.mtag_core.training.tiny_teacher import write_model


def test_without_a_directory_the_shipped_bundle_teaches():
    teacher = load_teacher(None, device="cpu")
    assert isinstance(teacher, BundleTeacher)
    assert teacher.digest == load_teacher(DEFAULT_BUNDLE, device="cpu").digest


def test_a_model_of_training_is_run_by_torch(tmp_path):
    pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
    from mtag_core.training.logits.trained_teacher import TrainedTeacher

    assert isinstance(load_teacher(write_model(tmp_path), device="cpu"), TrainedTeacher)


def test_another_directory_is_refused(tmp_path):
    with pytest.raises(BundleError, match=r"neither a bundle's bundle.json .* nor config.json"):
        load_teacher(tmp_path, device="cpu")


@pytest.mark.parametrize("package", ["safetensors", "torch"])
def test_a_missing_package_is_named(tmp_path, monkeypatch, package):
    class Missing(ModuleType):
        def __getattr__(self, name):
            raise ModuleNotFoundError(f"No module named '{package}'", name=package)

    name = "mtag_core.training.logits.trained_teacher"
    monkeypatch.setitem(sys.modules, name, Missing(name))
    with pytest.raises(UsageError, match=rf"needs {package}: python -m pip install '.\[train\]'"):
        load_teacher(write_model(tmp_path), device="cpu")
