import sys

import pytest

from mtag_core.__main__ import main


@pytest.mark.parametrize(
    "argv",
    [
        ["learn-conventions", "--model", "m", "--treebanks", "t"],
        ["unpack-bundle", "--output", "o"],
        ["adapt", "--student", "s", "--treebanks", "t", "--output", "o"],
    ],
)
def test_a_missing_extra_is_named(argv, capsys, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("mtag_core.training")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(argv) == 1
    message = capsys.readouterr().err
    assert message == f"mtag: {argv[0]} needs torch: python -m pip install '.[train]'\n"
