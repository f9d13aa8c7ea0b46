import os
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="torch is an extra: install mtag[train]")
pytest.importorskip("triton", reason="triton comes with torch for CUDA")


def test_loss_and_gradient_are_those_of_plain_torch():
    """Run by Triton's interpreter: no GPU is needed."""
    module = "tests.mtag_core.training.loops.fused_loss_check"
    result = subprocess.run(
        [sys.executable, "-m", module],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
