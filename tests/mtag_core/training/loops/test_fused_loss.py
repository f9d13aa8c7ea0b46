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


def test_kernels_have_no_annotations_but_tritons():
    """On a GPU it compiles them and refuses any other name; its interpreter does not mind."""
    import triton.language as tl

    from mtag_core.training.loops import fused_loss

    for kernel in (fused_loss._forward, fused_loss._backward):
        assert set(kernel.fn.__annotations__.values()) == {tl.constexpr, None}
