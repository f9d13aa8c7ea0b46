"""annotate killed with SIGKILL at any moment and run again ends as one clean run does."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.pipelines.trees import ARGUMENTS, annotate, tree, write_corpus

_TIMEOUT_S = 60
_FLAGS = ("--document=line", "--item_bytes=12000")


def _start(pattern, output, *flags):
    command = [sys.executable, "-m", "tests.pipelines.annotate_fake", *ARGUMENTS]
    return subprocess.Popen(
        [*command, "--input", pattern, "--output", str(output), *flags],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _kill(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(_TIMEOUT_S)


def _finished(output):
    return {path.name: path.stat().st_mtime_ns for path in output.glob("manifests/*.json")}


@pytest.mark.parametrize("flags", [[], ["--direct_num_workers=2"]])
def test_killed_and_run_again_gives_the_tree_of_a_clean_run(tmp_path, flags):
    pattern = write_corpus(tmp_path / "in", n_files=24, n_lines=300)
    annotate(pattern, tmp_path / "clean", *_FLAGS)
    output = tmp_path / "out"
    rng = random.Random(7)
    for _ in range(2):
        process = _start(pattern, output, *_FLAGS, *flags)
        _wait_for_parts(process, output, more_than=len(_finished(output)))
        time.sleep(rng.uniform(0, 0.2))
        _kill(process)
    done = _finished(output)
    assert annotate(pattern, output, *_FLAGS) == 0
    assert tree(output) == tree(tmp_path / "clean")
    assert {name: time for name, time in _finished(output).items() if name in done} == done


def _wait_for_parts(process, output, *, more_than):
    """Waits until the run has finished a part, or is over."""
    deadline = time.monotonic() + _TIMEOUT_S
    while len(_finished(output)) <= more_than and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
