import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from pipelines.process import (
    RunGuard,
    Terminated,
    WorkerError,
    delete_stale_folders,
    run_folder,
    running_path,
)
from tests.source_tree import ROOT

_LIGHT = """
import gc, sys
from importlib.util import find_spec
from pipelines.process import import_beam_alone
import_beam_alone()
assert gc.get_threshold()[0] > 2000
assert not {"boto3", "google.auth", "pandas", "pymongo"} & set(sys.modules)
import pipelines.annotate, pyarrow
import boto3, google.auth
pyarrow.array([1])
assert "pandas" not in sys.modules and find_spec("pandas") is not None
print(pyarrow.default_memory_pool().backend_name)
"""


@pytest.mark.parametrize(("named", "used"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_beam_and_arrow_import_no_more_than_a_local_run_needs(named, used):
    env = {name: value for name, value in os.environ.items() if not name.startswith("ARROW_")}
    env |= {"ARROW_DEFAULT_MEMORY_POOL": named} if named else {}
    command = [sys.executable, "-c", _LIGHT]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, used, "")


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_temporary_files_of_a_run_are_inside_its_folder(temporary):
    with run_folder():
        inside = Path(tempfile.mkdtemp(prefix="beam-pipeline-temp"))
        assert os.environ["TMPDIR"] == str(inside.parent)
    assert inside.parent.parent == temporary
    assert tempfile.gettempdir() == str(temporary)


def test_the_file_that_workers_watch_is_gone_at_the_end(temporary):
    with run_folder():
        watched = Path(str(running_path()))
        assert watched.exists()
    assert not watched.exists()
    assert running_path() is None


def test_a_folder_of_a_process_that_is_gone_is_removed(temporary):
    (temporary / "mtag-run-old" / "mtag-progress-1").mkdir(parents=True)
    (temporary / "mtag-run-old" / "running").touch()
    with run_folder():
        assert not (temporary / "mtag-run-old").exists()


def test_a_folder_of_a_run_that_is_on_stays(temporary):
    (temporary / "mtag-run-on").mkdir()
    with open(temporary / "mtag-run-on" / "running", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        delete_stale_folders()
        assert (temporary / "mtag-run-on" / "running").exists()


@pytest.mark.parametrize(("age_s", "is_there"), [(0, True), (7200, False)])
def test_a_folder_without_a_lock_stays_while_it_may_be_new(temporary, age_s, is_there):
    folder = temporary / "mtag-run-new"
    folder.mkdir()
    os.utime(folder, (time.time() - age_s,) * 2)
    delete_stale_folders()
    assert folder.exists() == is_there


def test_folders_of_others_and_links_stay(temporary):
    (temporary / "target").mkdir()
    (temporary / "target" / "running").touch()
    (temporary / "mtag-run-link").symlink_to(temporary / "target")
    (temporary / "beam-pipeline-temp1").mkdir()
    delete_stale_folders()
    assert (temporary / "target" / "running").exists()
    assert (temporary / "beam-pipeline-temp1").exists()


def test_an_interrupt_that_a_runner_turned_into_another_error_is_an_interrupt_again():
    with pytest.raises(KeyboardInterrupt), RunGuard():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt as error:
            raise RuntimeError("KeyboardInterrupt [while running 'x']") from error


def test_a_worker_that_dies_ends_the_wait_for_it():
    def worker():
        raise RuntimeError("Worker subprocess exited with return code -9")

    with pytest.raises(WorkerError, match=r"exit code -9; .* goes on where"), RunGuard():
        threading.Thread(target=worker, name="run_worker").start()
        threading.Event().wait(10)


def test_other_errors_pass_unchanged():
    with pytest.raises(ValueError, match="as it was"), RunGuard():
        raise ValueError("as it was")


def test_the_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT), threading.excepthook
    with RunGuard():
        pass
    assert (signal.getsignal(signal.SIGINT), threading.excepthook) == before


def test_sigterm_ends_a_run_as_ctrl_c_does():
    with pytest.raises(Terminated), RunGuard():
        signal.raise_signal(signal.SIGTERM)


_STUCK = """
import os, signal, sys, threading, time
from pipelines import process
process._AFTER_DEATH_S = process._AFTER_SIGNAL_S = 0.1

def stay():
    while True:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            pass

def die():
    raise RuntimeError("Worker subprocess exited with return code -9")

with process.RunGuard("job"):
    if sys.argv[1] == "worker":
        thread = threading.Timer(0.5, die)
        thread.name = "run_worker"
        thread.start()
    else:
        threading.Timer(0.5, os.kill, (os.getpid(), int(sys.argv[1]))).start()
    stay()
"""


@pytest.mark.parametrize(
    ("cause", "code", "line"),
    [
        ("worker", 1, "job: a worker process died (exit code -9"),
        (str(int(signal.SIGINT)), 130, "job: interrupted"),
        (str(int(signal.SIGTERM)), 143, "job: ended by SIGTERM"),
    ],
)
def test_a_runner_that_does_not_end_is_ended(cause, code, line):
    command = [sys.executable, "-c", _STUCK, cause]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == code
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


_LEAVES = """
import atexit, threading, time
from pipelines.process import exit_program

atexit.register(print, "exit function")
# The interpreter would wait for it.
threading.Thread(target=time.sleep, args=[600]).start()
print("last line")
exit_program(3)
"""


def test_a_program_ends_without_the_interpreter_but_with_its_exit_functions():
    command = [sys.executable, "-c", _LEAVES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "last line\nexit function\n", "")


def test_output_that_cannot_be_written_is_no_success():
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full; it is absent")
    code = "from pipelines.process import exit_program; print('line'); exit_program(0)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, env=environment, timeout=60, check=False
        )
    assert done.returncode == 120
