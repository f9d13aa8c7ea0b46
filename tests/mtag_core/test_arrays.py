"""Tests of the files that segmenters' arrays are kept in."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mtag_core.arrays import are_among, read_arrays, text_code, text_codes, write_arrays
from mtag_core.errors import BundleError

_ARRAYS = {
    "levels": np.arange(-60, 60, dtype=np.int8).reshape(12, 10),
    "has_spaces": np.array(True),
    "scales": np.linspace(0, 1, 7, dtype=np.float32),
}


def test_numpy_reads_what_is_written(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", _ARRAYS)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert sorted(arrays.files) == sorted(_ARRAYS)
        for name, array in _ARRAYS.items():
            assert arrays[name].dtype == array.dtype
            assert np.array_equal(arrays[name], array)


def test_the_same_arrays_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_arrays(tmp_path / name, _ARRAYS)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pickle"):
        write_arrays(tmp_path / "a.npz", {"names": np.array([{}], object)})


@pytest.mark.parametrize("place", [0, 30, 120, -30, -1])
def test_damage_is_named(tmp_path: Path, place: int) -> None:
    path = tmp_path / "a.npz"
    write_arrays(path, {"noise": np.random.default_rng(1).integers(0, 99, 400, dtype=np.int8)})
    data = path.read_bytes()
    path.write_bytes(data[:place] if place else b"")
    with (
        pytest.raises(BundleError, match=r"a\.npz: expected noise"),
        read_arrays(path, what="noise") as arrays,
    ):
        arrays["noise"]


def test_a_text_has_the_same_code_alone_and_among_others():
    texts = ["", "a", "\u0161koda", "two words", "a\0b", "\ud800"]
    assert text_codes(texts) == list(map(text_code, texts))
    assert text_codes(texts[:4]) == list(map(text_code, texts[:4]))


@pytest.mark.parametrize("known", [[], [3], [0, 3, 2**64 - 1], [4, 5]])
def test_codes_are_found_among_known_ones(known: list[int]) -> None:
    codes = np.array([5, 0, 3, 3, 2**64 - 1], np.uint64)
    assert are_among(codes, np.array(known, np.uint64)).tolist() == np.isin(codes, known).tolist()


def test_segmentation_does_without_a_slow_import() -> None:
    code = (
        "import sys; from mtag_core import Tagger\n"
        "Tagger.load().segment_many(['Dr. Ay 5. Mart 2020. Bir z. B. a. iki. 5 km. Ve.'], 'tr')\n"
        "sys.exit('numpy.ma' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
