"""annotate ended from outside: by a worker's death, Ctrl-C or SIGTERM, during imports or later."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.pipelines.killing import finished
from tests.pipelines.trees import ARGUMENTS, annotate, tree, write_corpus

_FLAGS = ("--document=line", "--item_bytes=12000")
# Far more than an end takes: a run that hangs fails the test.
_TIMEOUT_S = 120
_PROGRESS = re.compile(r"^\d\d:\d\d:\d\d .*\n", re.MULTILINE)
_WORKER_ID = re.compile(r"^ *(\d+) .*pipelines\.local_worker", re.MULTILINE)


@pytest.fixture
def start(tmp_path):
    """Starts a run with two workers, whose temporary files go to a folder of their own."""
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    command = [sys.executable, "-m", "tests.pipelines.annotate_fake", *ARGUMENTS, *_FLAGS]
    command += ["--input", str(tmp_path / "in" / "*"), "--output", str(tmp_path / "out")]
    write_corpus(tmp_path / "in", n_files=24, n_lines=300)
    started = []

    def run(module="tests.pipelines.annotate_fake"):
        command[2] = module
        process = subprocess.Popen(
            [*command, "--direct_num_workers=2"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("after", ["start", "first part"])
def test_a_worker_that_is_killed_ends_the_run(start, tmp_path, after):
    process = start()
    _wait(lambda: _workers(process))
    if after == "first part":
        _wait(lambda: finished(tmp_path / "out"))
    os.kill(_workers(process)[0], signal.SIGKILL)
    _, log = process.communicate(timeout=_TIMEOUT_S)
    assert process.returncode == 1
    assert "a worker process died (exit code -9;" in log
    _goes_on(tmp_path)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_with_one_line(start, tmp_path, number, code):
    process = start()
    _wait(lambda: finished(tmp_path / "out"))
    # A terminal sends Ctrl-C to all processes.
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, log = process.communicate(timeout=_TIMEOUT_S)
    assert process.returncode == code
    # A slow machine shows the progress in between.
    assert _PROGRESS.sub("", log).count("\n") == 1
    _goes_on(tmp_path)


@pytest.mark.parametrize("module", ["pipelines.annotate", "pipelines.teacher_logits"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_imports_ends_the_program_with_one_line(start, module, number, code):
    process = start(module)
    caught = f"/proc/{process.pid}/status"
    if not os.path.exists(caught):
        pytest.skip("this system has no /proc; it is absent")
    _wait(lambda: _handles(caught, signal.SIGTERM))
    process.send_signal(number)
    _, log = process.communicate(timeout=_TIMEOUT_S)
    assert process.returncode == code
    assert re.fullmatch(r"\w+: [\w ]+; the same command goes on where this one stopped\n", log)


def _goes_on(tmp_path):
    """The temporary folder is empty, and the same command ends as a clean run does."""
    assert [name for name in os.listdir(tmp_path / "temporary") if "mtag" in name] == []
    assert [name for name in os.listdir(tmp_path / "temporary") if "beam" in name] == []
    pattern = str(tmp_path / "in" / "*")
    assert annotate(pattern, tmp_path / "out", *_FLAGS) == 0
    assert annotate(pattern, tmp_path / "clean", *_FLAGS) == 0
    assert tree(tmp_path / "out") == tree(tmp_path / "clean")


def _workers(process):
    command = ["ps", "-e", "-o", "pid=,ppid=,args="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [line for line in listed.splitlines() if line.split()[1] == str(process.pid)]
    return [int(found[1]) for found in _WORKER_ID.finditer("\n".join(lines))]


def _handles(status, number):
    """Whether a process has a handler of its own for a signal."""
    with open(status) as lines:
        caught = next(line.split()[1] for line in lines if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def _wait(is_there):
    deadline_s = time.monotonic() + _TIMEOUT_S
    while not is_there():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
