"""Flink: slots, jobs without end, how a job is cancelled, and workers that never begin.

The job server takes a request to cancel and ends its own wait, but the job goes on in a standalone
cluster (seen with Beam 2.77 and Flink 1.19), so Flink's REST API is asked too.

Flink waits for ever for a pool of Python workers that takes connections and does not answer, and
long for one that cannot be reached. The pool's address is the TaskManager's view of it, so the
process that starts a job cannot ask in its place. Instead the first step in Python leaves a file in
the output directory, and a job without that file is cancelled after a while.
"""

import functools
import json
import logging
import secrets
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mtag_core import storage
from mtag_core.errors import MtagError
from pipelines.runners.runner import (
    SERVICE_TIMEOUT_S,
    START_HINT,
    EndpointError,
    Runner,
    check_services,
    parse_beam_flags,
)

_CANCEL_TIMEOUT_S = 5.0
_POLL_S = 0.5
_WATCH_POLL_S = 1.0
# Taken by the job server, so Beam's Python options do not declare them.
_JOB_FLAGS = (
    "--parallelism",
    "--max_parallelism",
    "--checkpointing_interval",
    "--number_of_execution_retries",
    "--execution_retry_delay",
    "--object_reuse",
    "--latency_tracking_interval",
    "--shutdown_sources_after_idle_ms",
    "--max_bundle_size",
    "--max_bundle_time_mills",
)
# Flink ends a job without checkpoints when its first source, a single impulse, has ended.
_KEEP_SOURCES = "--shutdown_sources_after_idle_ms=9000000000000"
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FlinkJobs:
    """The jobs of one name on a Flink cluster, by the URL of its REST API.

    It is None where it is not known or Flink runs inside the job server.
    """

    url: str | None
    name: str

    @classmethod
    def from_flags(cls, beam_flags: Sequence[str]) -> "FlinkJobs":
        """The cluster that flags name, and the name that they give or a new one."""
        flags = parse_beam_flags(beam_flags, "flink_master", "job_name")
        name = f"mtag-{secrets.token_hex(4)}" if flags.job_name is None else flags.job_name
        return cls(rest_url(flags.flink_master), name)

    def cancel(self, result: Any) -> None:  # noqa: ANN401 (Beam's results have no types)
        """Ends the jobs; waits some seconds at most for an answer."""
        for ask in (result.cancel, self._cancel_on_flink):
            thread = threading.Thread(target=ask, name="cancel-job", daemon=True)
            thread.start()
            thread.join(2 * _CANCEL_TIMEOUT_S)

    def _cancel_on_flink(self) -> None:
        if self.url is None:
            _LOGGER.warning(
                "without --flink_master, only the job server was asked to cancel the job"
            )
            return
        deadline_s = time.monotonic() + _CANCEL_TIMEOUT_S
        try:
            # The job server may still be handing the job over.
            while not self._cancel_known():
                if time.monotonic() > deadline_s:
                    raise TimeoutError("it is not there yet")
                time.sleep(_POLL_S)
        except (OSError, ValueError, KeyError) as error:
            _LOGGER.warning("job %s may still run at %s (%s)", self.name, self.url, error)

    def _cancel_known(self) -> bool:
        jobs = [job for job in self._ask("/jobs/overview")["jobs"] if job["name"] == self.name]
        for job in jobs:
            if job["end-time"] < 0:
                self._ask(f"/jobs/{job['jid']}?mode=cancel", method="PATCH")
        return bool(jobs)

    def _ask(self, path: str, *, method: str = "GET") -> Any:  # noqa: ANN401 (the shape is the path's)
        request = urllib.request.Request(f"{self.url}{path}", method=method)
        with urllib.request.urlopen(request, timeout=_CANCEL_TIMEOUT_S) as response:
            return json.load(response)


class WorkerStartError(MtagError):
    """No worker began to work."""


@dataclass(frozen=True, slots=True)
class WorkerWatch:
    """Waits for the file at `path` that the first worker writes, so many seconds from the start.

    The pool is its address as TaskManagers see it. `on_poll` is called every second; what it raises
    ends the job.
    """

    path: str
    pool: str
    timeout_s: float
    jobs: FlinkJobs
    on_poll: Callable[[], None] | None = None

    def wait(self, result: Any) -> str | None:  # noqa: ANN401 (Beam's results have no types)
        """Waits for the end of a job, and gives its state; cancels it where no worker begins.

        Raises:
            WorkerStartError: No worker began in time, or the job failed before one did.
            Exception: What Beam raises for a job that failed later.
        """
        end, deadline_s = _End(result), time.monotonic() + self.timeout_s
        end.start()
        try:
            has_started = False
            while end.is_alive():
                end.join(_WATCH_POLL_S)
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


def rest_url(master: str | None) -> str | None:
    """The URL of the REST API of `--flink_master`; None for `[local]`, `[auto]` and none."""
    if not master or master.startswith("["):
        return None
    return master.rstrip("/") if master.startswith("http") else f"http://{master}"


def _check(beam_flags: Sequence[str]) -> None:
    master = parse_beam_flags(beam_flags, "flink_master").flink_master
    url = rest_url(master)
    if url is None:
        check_services(beam_flags)
    else:
        check_services(beam_flags, check_cluster=functools.partial(_check_slots, url, master))


def _check_slots(url: str, master: str) -> None:
    try:
        with urllib.request.urlopen(f"{url}/overview", timeout=SERVICE_TIMEOUT_S) as response:
            n_slots = json.load(response)["slots-total"]
    except (OSError, ValueError, KeyError) as error:
        raise EndpointError(
            f"no Flink JobManager answers at --flink_master={master} ({error}); {START_HINT}"
        ) from error
    if not n_slots:
        raise EndpointError(
            f"the Flink cluster at --flink_master={master} has no task slots; start a TaskManager"
        )


RUNNER = Runner(
    names=("FlinkRunner", "flink"),
    check=_check,
    job_flags=_JOB_FLAGS,
    unbounded_flags=("--streaming", _KEEP_SOURCES),
)
