"""Asks the services that a cluster run needs whether they are there, before anything is sent.

Beam itself waits, some of it for ever, for a job server, a Flink cluster or a pool of workers that
is not running.
"""

import argparse
import importlib.util
import json
import socket
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from apache_beam.options.pipeline_options import StandardOptions

from mtag_core.errors import MtagError, UsageError
from pipelines.flink_jobs import rest_url
from pipelines.runners import is_local

_TIMEOUT_S = 10
# What a client of gRPC says first (RFC 9113, 3.4: a fixed text and an empty frame of settings), and
# what a server then does: its first frame is one of settings too, kind 4 in the fourth byte.
_HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_HTTP2_HEAD, _HTTP2_KIND, _HTTP2_SETTINGS = 4, 3, b"\x04"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SERVICE_FLAGS = (
    "job_endpoint",
    "flink_master",
    "environment_type",
    "environment_config",
    "prism_location",
)
_DATAFLOW_FLAGS = ("--project", "--region", "--temp_location")
_START = "`python -m deploy.flink.cluster start` starts one on this machine"


class EndpointError(MtagError):
    """A service that the run needs does not answer."""


def check_runner(runner: str, beam_flags: Sequence[str]) -> None:
    """Checks all that a run needs of its runner, before anything is written.

    Args:
        runner: As given to `--runner`.
        beam_flags: The flags for Beam.

    Raises:
        UsageError: There is no such runner, or no Prism where its flag says.
        EndpointError: A service does not answer; see `check_endpoints`.
    """
    names = StandardOptions.KNOWN_RUNNER_NAMES
    known = {name.lower() for name in names} | {name.lower()[: -len("Runner")] for name in names}
    if not is_local(runner) and "." not in runner and runner.lower() not in known:
        raise UsageError(f"--runner={runner}: no such runner; expected one of {', '.join(names)}")
    prism = _parsed(beam_flags).prism_location
    if prism and "://" not in prism and not Path(prism).is_file():
        raise UsageError(
            f"--prism_location={prism}: no such file; `python -m deploy.prism` builds Prism"
        )
    check_endpoints(beam_flags)


def check_endpoints(beam_flags: Sequence[str]) -> None:
    """Checks the services that flags name.

    The worker pool is asked only where it and the job server are on this machine: elsewhere the
    address is the TaskManager's view, which this process does not share, and
    `pipelines.worker_watch` finds out.

    Args:
        beam_flags: The flags for Beam.

    Raises:
        EndpointError: One does not answer within 10 seconds; the message says what to start.
    """
    flags = _parsed(beam_flags)
    if flags.job_endpoint in (None, "", "embed"):
        return
    _check(flags.job_endpoint, flag="--job_endpoint", what="Beam job server")
    if url := rest_url(flags.flink_master):
        _check_slots(url, flags.flink_master)
    is_here = _split(flags.job_endpoint, "--job_endpoint")[0] in _LOOPBACK
    if worker_pool(beam_flags) is not None and is_here:
        _check(flags.environment_config, flag="--environment_config", what="Python worker pool")


def worker_pool(beam_flags: Sequence[str]) -> str | None:
    """The address of the pool of workers that the flags name, None where they name none."""
    flags = _parsed(beam_flags)
    is_pool = (flags.environment_type or "").upper() == "EXTERNAL"
    return flags.environment_config or "" if is_pool else None


def check_dataflow(runner: str, beam_flags: Sequence[str], *, paths: Sequence[str]) -> None:
    """Checks what Dataflow would refuse, or fail at only after minutes.

    Args:
        runner: As given to `--runner`; other runners are fine.
        beam_flags: The flags for Beam.
        paths: The inputs and the output.

    Raises:
        UsageError: A flag is missing, a path is local, or Beam's Dataflow support is not installed.
    """
    if runner.lower() not in ("dataflowrunner", "dataflow"):
        return
    if importlib.util.find_spec("apitools") is None:
        raise UsageError(f"{runner} needs another package; pip install 'mtag[dataflow]'")
    names = {flag.split("=", 1)[0] for flag in beam_flags}
    missing = [name for name in _DATAFLOW_FLAGS if name not in names]
    if missing:
        raise UsageError(f"{runner} needs {', '.join(missing)}")
    local = [path for path in paths if "://" not in path or path.startswith("file:")]
    if local:
        raise UsageError(f"{local[0]}: Dataflow's workers cannot see local files; expected gs://")


def _parsed(beam_flags: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in _SERVICE_FLAGS:
        parser.add_argument(f"--{name}")
    return parser.parse_known_args(list(beam_flags))[0]


def _check(address: str | None, *, flag: str, what: str) -> None:
    """Connects once and waits for the first words of a gRPC server."""
    host, port = _split(address or "", flag)
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_S) as connection:
            connection.sendall(_HTTP2_HELLO)
            with connection.makefile("rb") as answer:
                if answer.read(_HTTP2_HEAD)[_HTTP2_KIND:] != _HTTP2_SETTINGS:
                    raise ConnectionError("something else than gRPC answers")
    except OSError as error:
        reason = error.strerror or error
        raise EndpointError(
            f"no {what} answers at {flag}={address} ({reason}); {_START}"
        ) from error


def _check_slots(url: str, master: str) -> None:
    try:
        with urllib.request.urlopen(f"{url}/overview", timeout=_TIMEOUT_S) as response:
            n_slots = json.load(response)["slots-total"]
    except (OSError, ValueError, KeyError) as error:
        raise EndpointError(
            f"no Flink JobManager answers at --flink_master={master} ({error}); {_START}"
        ) from error
    if not n_slots:
        raise EndpointError(
            f"the Flink cluster at --flink_master={master} has no task slots; start a TaskManager"
        )


def _split(address: str, flag: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal():
        raise EndpointError(f"{flag}={address!r} is no address; expected HOST:PORT")
    return host.strip("[]"), int(port)
