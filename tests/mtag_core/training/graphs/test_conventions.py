import numpy as np
import pytest

from mtag_core.errors import CheckpointError
from mtag_core.training.graphs.conventions import Conventions


def test_what_is_saved_is_loaded(tmp_path):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in ((2, 4), (2, 4, 3), (2, 3, 4))]
    bias, down, up = (array.astype(np.float16).astype(np.float32) for array in arrays)
    Conventions(("de_x", "en_y"), bias, down, up).save(tmp_path)
    loaded = Conventions.load(tmp_path)
    assert loaded.treebanks == ("de_x", "en_y")
    for found, saved in zip((loaded.bias, loaded.down, loaded.up), (bias, down, up), strict=True):
        assert np.array_equal(found, saved)


def test_a_model_may_have_none(tmp_path):
    assert Conventions.load(tmp_path) is None


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "conventions.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"conventions\.safetensors: not the conventions of"):
        Conventions.load(tmp_path)
