import pytest

from tests.without_packages import run_without


@pytest.mark.parametrize(
    ("argv", "package", "extra"),
    [
        (["learn-conventions", "--model", "m", "--treebanks", "t"], "torch", "train"),
        (["adapt", "--student", "s", "--treebanks", "t", "--output", "o"], "torch", "train"),
        (["unpack-bundle", "--output", "o"], "onnx", "export"),
        (["export-teacher", "--model", "m", "--output", "o"], "safetensors", "export"),
    ],
)
def test_a_missing_extra_is_named(argv, package, extra):
    done = run_without([package], "mtag_core", *argv)
    assert done.returncode == 1
    expected = f"mtag: {argv[0]} needs {package}: python -m pip install '.[{extra}]'\n"
    assert done.stderr == expected
