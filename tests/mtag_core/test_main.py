import pytest

from tests.without_packages import run_without


@pytest.mark.parametrize(
    ("argv", "name", "package", "extra"),
    [
        (
            ["train", "adapters", "--model", "m", "--treebanks", "t", "--output", "o"],
            "train adapters",
            "torch",
            "train",
        ),
        (
            ["adapt", "--student", "s", "--treebanks", "t", "--output", "o"],
            "train adapt",
            "torch",
            "train",
        ),
        (["bundle", "unpack", "--output", "o"], "bundle unpack", "onnx", "export"),
    ],
)
def test_a_missing_extra_is_named(argv, name, package, extra):
    done = run_without([package], "mtag_core", *argv)
    assert done.returncode == 2
    expected = f"mtag: {name} needs {package}: python -m pip install '.[{extra}]'\n"
    assert done.stderr == expected
