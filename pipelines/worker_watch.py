"""Ends a job whose workers never begin.

Flink waits for ever for a pool of Python workers that takes connections and does not answer, and
long for one that cannot be reached. The pool's address is the TaskManager's view of it, so the
process that starts a job cannot ask in its place. Instead the first step in Python leaves a file in
the output directory, and a job without that file is cancelled after a while.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mtag_core import storage
from mtag_core.errors import MtagError
from pipelines.runners.flink import FlinkJobs

_POLL_S = 1.0


class WorkerStartError(MtagError):
    """No worker began to work."""


@dataclass(frozen=True, slots=True)
class WorkerWatch:
    """What tells that a worker has started.

    Attributes:
        path: The file that the first worker writes.
        pool: Address of the pool of workers, as TaskManagers see it.
        timeout_s: Seconds from the start of the job to the file.
        jobs: Cancels the job.
        on_poll: Called every second; what it raises ends the job.
    """

    path: str
    pool: str
    timeout_s: float
    jobs: FlinkJobs
    on_poll: Callable[[], None] | None = None

    def wait(self, result: Any) -> str | None:  # noqa: ANN401 (Beam's results have no types)
        """Waits for the end of a job; cancels it where no worker begins.

        Args:
            result: Beam's result of a pipeline that runs elsewhere.

        Returns:
            The state that the job ended in.

        Raises:
            WorkerStartError: No worker began in time, or the job failed before one did.
            Exception: What Beam raises for a job that failed later.
        """
        end, deadline_s = _End(result), time.monotonic() + self.timeout_s
        end.start()
        try:
            has_started = False
            while end.is_alive():
                end.join(_POLL_S)
                if self.on_poll is not None:
                    self.on_poll()
                has_started = has_started or storage.exists(self.path)
                if not has_started and end.is_alive() and time.monotonic() > deadline_s:
                    raise WorkerStartError(self._message(f"within {self.timeout_s:g} s"))
        except BaseException:
            # Also on Ctrl-C: nobody waits for the job any more.
            self.jobs.cancel(result)
            raise
        if end.error is not None and not storage.exists(self.path):
            reason = str(end.error).strip().split("\n")[-1]
            raise WorkerStartError(self._message(f"({reason})")) from end.error
        if end.error is not None:
            raise end.error
        return end.state

    def _message(self, what: str) -> str:
        return (
            f"no Python worker began to work {what}; start a worker pool where TaskManagers see it "
            f"as --environment_config={self.pool} (`python -m apache_beam.runners.worker."
            f"worker_pool_main --service_port={self.pool.rpartition(':')[2]}`), see that task "
            "slots are free, or raise --worker_timeout"
        )


class _End(threading.Thread):
    """Waits for the end of a job, so that the main thread can look at other things."""

    def __init__(self, result: Any) -> None:  # noqa: ANN401
        super().__init__(name="end-of-job", daemon=True)
        self._result = result
        self.state: str | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        """Waits."""
        try:
            self.state = self._result.wait_until_finish()
        except Exception as error:
            self.error = error
