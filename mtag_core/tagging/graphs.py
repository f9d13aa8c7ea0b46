"""Opens the ONNX graphs of a student, which `mtag_core.training.export.student_graph` builds."""

from collections.abc import Collection
from functools import cache
from pathlib import Path

import onnxruntime

from mtag_core.errors import BundleError

# 3 is "error": what the graph's optimiser says is for its developers.
_LOG_ERRORS = 3


def open_session(model: Path | bytes, *, source: str) -> onnxruntime.InferenceSession:
    """Opens a model, a file or its content, on one thread of the CPU; errors name the source.

    Raises:
        BundleError: ONNX Runtime cannot open it.
    """
    options = onnxruntime.SessionOptions()
    # Workers are processes: more threads would only get into each other's way.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_ERRORS
    _share_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    # Shapes differ from batch to batch, so that plans made for one are memory lost.
    options.enable_mem_pattern = False
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # The package raises classes of its own that have no common base.
        raise BundleError(f"{source}: not a model that ONNX Runtime can open: {error}") from error


@cache
def _share_memory() -> None:
    # Each session would keep what it once took for itself: 20 MB of three graphs that run in turn.
    info = onnxruntime.OrtMemoryInfo(
        "Cpu",
        onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
        0,
        onnxruntime.OrtMemType.DEFAULT,
    )
    onnxruntime.create_and_register_allocator(info, None)


def check_graph(
    session: onnxruntime.InferenceSession,
    *,
    inputs: Collection[str],
    outputs: Collection[str],
    source: str,
) -> None:
    """Checks that a graph has inputs and outputs of these names; errors name the source.

    Raises:
        BundleError: It lacks one.
    """
    kinds = {
        "inputs": (session.get_inputs(), inputs),
        "outputs": (session.get_outputs(), outputs),
    }
    for kind, (values, expected) in kinds.items():
        found = {value.name for value in values}
        if not found.issuperset(expected):
            raise BundleError(f"{source}: {kind} {sorted(found)}, expected {sorted(expected)}")
