import os
import signal
import subprocess
import sys
import threading

import pytest

from pipelines.interrupts import RunGuard, Terminated, WorkerError


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
from pipelines import interrupts
interrupts._AFTER_DEATH_S = interrupts._AFTER_SIGNAL_S = 0.1

def stay():
    while True:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            pass

def die():
    raise RuntimeError("Worker subprocess exited with return code -9")

with interrupts.RunGuard("job"):
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
from pipelines.interrupts import exit_program

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
    code = "from pipelines.interrupts import exit_program; print('line'); exit_program(0)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, env=environment, timeout=60, check=False
        )
    assert done.returncode == 120
