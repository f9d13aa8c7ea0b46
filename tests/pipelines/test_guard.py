import os
import signal
import threading

import pytest

from pipelines.guard import RunGuard, WorkerError


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
