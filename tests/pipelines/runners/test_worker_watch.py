import signal
import threading

import pytest

from pipelines.process import RunGuard
from pipelines.runners.flink import FlinkJobs, WorkerStartError, WorkerWatch


class FakeJob:
    """A job that ends when told to."""

    def __init__(self, error=None):
        self.ended = threading.Event()
        self.is_cancelled = False
        self._error = error

    def wait_until_finish(self):
        self.ended.wait(20)
        if self._error is not None:
            raise self._error
        return "DONE"

    def cancel(self):
        self.is_cancelled = True
        self.ended.set()


@pytest.fixture
def watch(tmp_path):
    return WorkerWatch(str(tmp_path / "begun"), "localhost:50000", 0.2, FlinkJobs(None, "job"))


def test_a_job_whose_workers_do_not_begin_is_cancelled_with_what_to_start(watch):
    job = FakeJob()
    with pytest.raises(
        WorkerStartError, match=r"within 0.2 s; .*worker_pool_main --service_port=50"
    ):
        watch.wait(job)
    assert job.is_cancelled


def test_a_job_that_does_not_even_answer_is_left_alone(watch, monkeypatch):
    monkeypatch.setattr("pipelines.runners.flink._CANCEL_TIMEOUT_S", 0.1)
    job = FakeJob()
    monkeypatch.setattr(job, "cancel", lambda: job.ended.wait(20))
    with pytest.raises(WorkerStartError):
        watch.wait(job)
    job.ended.set()


def test_a_job_that_fails_before_a_worker_begins_says_what_to_start(watch):
    job = FakeJob(RuntimeError("trace\nUNAVAILABLE: io exception"))
    job.ended.set()
    with pytest.raises(WorkerStartError, match=r"\(UNAVAILABLE: io exception\); start"):
        watch.wait(job)


def test_a_job_with_a_worker_may_take_longer(watch, tmp_path):
    (tmp_path / "begun").touch()
    job = FakeJob()
    threading.Timer(1.5, job.ended.set).start()
    assert watch.wait(job) == "DONE"
    assert not job.is_cancelled


def test_the_error_of_a_job_with_a_worker_passes_unchanged(watch, tmp_path):
    (tmp_path / "begun").touch()
    job = FakeJob(ValueError("as it was"))
    job.ended.set()
    with pytest.raises(ValueError, match="as it was"):
        watch.wait(job)


def test_an_interrupt_cancels_the_job(watch, tmp_path):
    (tmp_path / "begun").touch()
    job = FakeJob()
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt), RunGuard():
        watch.wait(job)
    assert job.is_cancelled
