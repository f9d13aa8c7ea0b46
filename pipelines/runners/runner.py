"""What a runner is to mtag, which ones it knows more of than their names, and checks of services.

Beam itself waits, some of it for ever, for a job server or a pool of workers that is not running.
Each runner about which there is more to know is a module of this package with a `RUNNER`; every
other runner of Beam works by its name alone.
"""

import argparse
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.runner import PipelineRunner

from mtag_core import errors
from mtag_core.errors import MtagError, UsageError

SERVICE_TIMEOUT_S = 10
"""How long a service may take to answer."""

START_HINT = "`python -m deploy.flink.cluster start` starts one on this machine"
# What a client of gRPC says first (RFC 9113, 3.4: a fixed text and an empty frame of settings), and
# what a server then does: its first frame is one of settings too, kind 4 in the fourth byte.
_HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_HTTP2_HEAD, _HTTP2_KIND, _HTTP2_SETTINGS = 4, 3, b"\x04"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ERROR_LINE = re.compile(r"mtag_core\.errors\.(\w+): (.*)")
_WHILE_RUNNING = re.compile(r"\s*\[while running .*", re.DOTALL)


class EndpointError(MtagError):
    """A service that the run needs does not answer."""


def make_by_name(
    name: str, beam_flags: Sequence[str], *, is_verbose: bool
) -> tuple[PipelineRunner | str, PipelineOptions]:
    """Leaves it to Beam to look up a runner; arguments and results as in `Runner.make`."""
    del is_verbose
    return name, PipelineOptions([*beam_flags, f"--runner={name}"])


def check_services(
    beam_flags: Sequence[str], *, check_cluster: Callable[[], None] = lambda: None
) -> None:
    """Checks the job server and the pool of workers that flags name.

    The pool is asked only where it and the job server are on this machine: elsewhere the address is
    the cluster's view, which this process does not share, and `WorkerWatch` finds out. A job server
    has answered before `check_cluster` is called.

    Raises:
        EndpointError: One does not answer within 10 seconds; the message says what to start.
    """
    flags = parse_beam_flags(beam_flags, "job_endpoint", "environment_config")
    if flags.job_endpoint in (None, "", "embed"):
        return
    _check(flags.job_endpoint, flag="--job_endpoint", what="Beam job server")
    check_cluster()
    is_here = _split(flags.job_endpoint, "--job_endpoint")[0] in _LOOPBACK
    if worker_pool(beam_flags) is not None and is_here:
        _check(flags.environment_config, flag="--environment_config", what="Python worker pool")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A runner of Beam.

    Attributes:
        names: What `--runner` may call it, in any case; the first is Beam's own.
        is_local: Whether a run stays in this process and its children.
        make: Called with a name, the flags for Beam without `--runner`, and whether Beam's log in
            worker processes is wanted; gives the runner, or a name for Beam to look up, and the
            pipeline options.
        check_paths: Called with the flags for Beam and the paths of a run, before all else; raises
            UsageError where the runner could not start or not reach them.
        check: Called with the flags for Beam before anything is written; raises EndpointError or
            UsageError where a service or a program is missing.
        job_flags: Flags that its jobs take and Beam's Python options do not declare.
        unbounded_flags: Flags of a job without end, for `--streaming`; None for a runner on which
            bounded runs follow each other.
    """

    names: tuple[str, ...]
    is_local: bool = False
    make: Callable[..., tuple[PipelineRunner | str, PipelineOptions]] = make_by_name
    check_paths: Callable[[Sequence[str], Sequence[str]], None] = lambda _flags, _paths: None
    check: Callable[[Sequence[str]], None] = check_services
    job_flags: tuple[str, ...] = ()
    unbounded_flags: tuple[str, ...] | None = None


def worker_pool(beam_flags: Sequence[str]) -> str | None:
    """The address of the pool of workers that the flags name, None where they name none."""
    flags = parse_beam_flags(beam_flags, "environment_type", "environment_config")
    is_pool = (flags.environment_type or "").upper() == "EXTERNAL"
    return flags.environment_config or "" if is_pool else None


def parse_beam_flags(beam_flags: Sequence[str], *names: str) -> argparse.Namespace:
    """The values of some flags for Beam, each None where it is not given."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in names:
        parser.add_argument(f"--{name}")
    return parser.parse_known_args(list(beam_flags))[0]


def mtag_error(error: BaseException) -> MtagError | None:
    """Finds the mtag error, if any, behind what a runner raised.

    Runners pass a worker's exception on as text, with its traceback.
    """
    if isinstance(error, MtagError):
        return error
    found = _ERROR_LINE.findall(str(error))
    if not found:
        return None
    name, message = found[-1]
    kind = getattr(errors, name, None)
    if not (isinstance(kind, type) and issubclass(kind, MtagError)):
        return None
    return kind(_WHILE_RUNNING.sub("", message))


def _check(address: str | None, *, flag: str, what: str) -> None:
    host, port = _split(address or "", flag)
    try:
        with socket.create_connection((host, port), timeout=SERVICE_TIMEOUT_S) as connection:
            connection.sendall(_HTTP2_HELLO)
            with connection.makefile("rb") as answer:
                if answer.read(_HTTP2_HEAD)[_HTTP2_KIND:] != _HTTP2_SETTINGS:
                    raise ConnectionError("something else than gRPC answers")
    except OSError as error:
        reason = error.strerror or error
        raise EndpointError(
            f"no {what} answers at {flag}={address} ({reason}); {START_HINT}"
        ) from error


def _split(address: str, flag: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal():
        raise EndpointError(f"{flag}={address!r} is no address; expected HOST:PORT")
    return host.strip("[]"), int(port)


@cache
def _name_to_runner() -> dict[str, Runner]:
    # Not at import: the modules import this one.
    package = import_module("pipelines.runners")
    modules = iter_modules(package.__path__, f"{package.__name__}.")
    found = (getattr(import_module(each.name), "RUNNER", None) for each in modules)
    return {name.lower(): runner for runner in found if runner for name in runner.names}


def find_runner(name: str) -> Runner:
    """The runner of a name as given to `--runner`; one that is not registered is left to Beam."""
    return _name_to_runner().get(name.lower()) or Runner(names=(name,))


def check_runner(name: str, beam_flags: Sequence[str]) -> None:
    """Checks all that a run needs of its runner, before anything is written.

    Raises:
        UsageError: There is no such runner, or no program where a flag says.
        EndpointError: A service does not answer.
    """
    beams = StandardOptions.KNOWN_RUNNER_NAMES
    known = {*_name_to_runner(), *(each.lower() for each in beams)}
    known |= {each.lower().removesuffix("runner") for each in beams}
    if "." not in name and name.lower() not in known:
        raise UsageError(f"--runner={name}: no such runner; expected one of {', '.join(beams)}")
    find_runner(name).check(beam_flags)


def job_flags() -> frozenset[str]:
    """Flags that some runner's jobs take and Beam's Python options do not declare."""
    return frozenset(flag for each in _name_to_runner().values() for flag in each.job_flags)
