"""Runs a pipeline as a process of its own and kills it once it has finished some parts."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_TIMEOUT_S = 240


def kill_in_mid_run(command: Sequence[str], output: Path, *, rng: random.Random) -> None:
    """Starts `python -m` with a command and kills it after it has finished one more part."""
    n_before = len(finished(output))
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline_s = time.monotonic() + _TIMEOUT_S
        while len(finished(output)) <= n_before and process.poll() is None:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.2))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(_TIMEOUT_S)


def finished(output: Path) -> dict[str, int]:
    """The manifests of an output directory with the times they were written at."""
    return {path.name: path.stat().st_mtime_ns for path in output.glob("manifests/*.json")}
