"""Cancels jobs on Flink's REST API.

The job server takes a request to cancel and ends its own wait, but the job goes on in a standalone
cluster (seen with Beam 2.77 and Flink 1.19), so Flink itself is asked too.
"""

import argparse
import json
import logging
import secrets
import threading
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_TIMEOUT_S = 5.0
_POLL_S = 0.5
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FlinkJobs:
    """The jobs of one name on a Flink cluster.

    Attributes:
        url: Of the REST API; None where it is not known or Flink runs inside the job server.
        name: Given to the job when it is submitted.
    """

    url: str | None
    name: str

    @classmethod
    def from_flags(cls, beam_flags: Sequence[str]) -> "FlinkJobs":
        """The cluster that flags name, and the name that they give or a new one."""
        parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        parser.add_argument("--flink_master", default="")
        parser.add_argument("--job_name", default=f"mtag-{secrets.token_hex(4)}")
        flags = parser.parse_known_args(list(beam_flags))[0]
        return cls(rest_url(flags.flink_master), flags.job_name)

    def cancel(self, result: Any) -> None:  # noqa: ANN401 (Beam's results have no types)
        """Ends the jobs; waits some seconds at most for an answer.

        Args:
            result: Beam's result of the pipeline.
        """
        for ask in (result.cancel, self._cancel_on_flink):
            thread = threading.Thread(target=ask, name="cancel-job", daemon=True)
            thread.start()
            thread.join(2 * _TIMEOUT_S)

    def _cancel_on_flink(self) -> None:
        if self.url is None:
            _LOGGER.warning(
                "without --flink_master, only the job server was asked to cancel the job"
            )
            return
        deadline_s = time.monotonic() + _TIMEOUT_S
        try:
            # The job server may still be handing the job over.
            while not self._cancel_known():
                if time.monotonic() > deadline_s:
                    raise TimeoutError("it is not there yet")
                time.sleep(_POLL_S)
        except (OSError, ValueError, KeyError) as error:
            _LOGGER.warning("job %s may still run at %s (%s)", self.name, self.url, error)

    def _cancel_known(self) -> bool:
        """Cancels the jobs that Flink knows; whether it knows any."""
        jobs = [job for job in self._ask("/jobs/overview")["jobs"] if job["name"] == self.name]
        for job in jobs:
            if job["end-time"] < 0:
                self._ask(f"/jobs/{job['jid']}?mode=cancel", method="PATCH")
        return bool(jobs)

    def _ask(self, path: str, *, method: str = "GET") -> Any:  # noqa: ANN401 (the shape is the path's)
        request = urllib.request.Request(f"{self.url}{path}", method=method)
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            return json.load(response)


def rest_url(master: str | None) -> str | None:
    """The URL of the REST API of `--flink_master`; None for `[local]`, `[auto]` and none."""
    if not master or master.startswith("["):
        return None
    return master.rstrip("/") if master.startswith("http") else f"http://{master}"
