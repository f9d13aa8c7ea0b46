"""The same bytes on Prism, Beam's runner in Go."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.prism import build_prism
from tests.pipelines.trees import annotate, tree, write_compressed, write_corpus

_ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed"),
]


def test_prism_writes_the_same_bytes(tmp_path):
    write_corpus(tmp_path / "in")
    write_compressed(tmp_path / "in" / "sliced.jsonl.gz")
    pattern = str(tmp_path / "in" / "*")
    assert annotate(pattern, tmp_path / "direct") == 0
    runner = ["--runner=PrismRunner", f"--prism_location={build_prism()}"]
    module = "tests.pipelines.annotate_fake"
    paths = ["--item_bytes=4000", f"--input={pattern}", f"--output={tmp_path / 'prism'}"]
    command = [sys.executable, "-m", module, *paths, *runner, "--environment_type=LOOPBACK"]
    done = subprocess.run(command, cwd=_ROOT, timeout=120, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = tree(tmp_path / "prism")
    assert any(name.startswith("slices/") for name in found)
    assert found == tree(tmp_path / "direct")
