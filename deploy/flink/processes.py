"""Processes that outlive the command that started them: pid files, logs and health checks."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_POLL_S = 0.2


class ProcessError(RuntimeError):
    """A process did not start, or ended too early."""


def free_ports(n: int) -> list[int]:
    """Returns `n` ports on loopback that nobody uses now."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(n)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def is_answering(port: int) -> bool:
    """Whether somebody accepts connections on a loopback port."""
    try:
        with socket.create_connection(("localhost", port), timeout=1):
            return True
    except OSError:
        return False


class Service:
    """One process with its pid file and its log, both named for it in a state folder."""

    def __init__(self, name: str, state: Path) -> None:
        self.name = name
        self.log_path = state / f"{name}.log"
        self._pid_path = state / f"{name}.pid"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The running process, None when it is not running."""
        try:
            pid, started = self._pid_path.read_text().split()
        except (OSError, ValueError):
            return None
        # A pid alone may by now belong to a stranger.
        return int(pid) if _start_time(int(pid)) == started else None

    def start(self, command: Sequence[str], *, env: Mapping[str, str]) -> None:
        """Starts the process in a session of its own, unless it runs."""
        if self.pid is not None:
            return
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **env},
                start_new_session=True,
            )
        pid = self._process.pid
        self._pid_path.write_text(f"{pid} {_start_time(pid)}")

    def wait_for_port(self, port: int, *, timeout_s: float) -> None:
        """Waits until the process answers.

        Raises:
            ProcessError: It ended, or does not answer in time; with the end of its log.
        """
        deadline = time.monotonic() + timeout_s
        while not is_answering(port):
            if self.pid is None or time.monotonic() > deadline:
                what = "ended" if self.pid is None else f"does not answer after {timeout_s:.0f} s"
                raise ProcessError(f"{self.name} {what}; {self.log_path} ends with:\n{self.tail()}")
            time.sleep(_POLL_S)

    def tail(self, n_bytes: int = 2000) -> str:
        """The end of the log."""
        try:
            return self.log_path.read_bytes()[-n_bytes:].decode(errors="replace")
        except OSError:
            return ""

    def kill(self) -> None:
        """Kills the process and its children at once, as a lost machine would."""
        self._signal(signal.SIGKILL)
        self._wait(timeout_s=10)

    def stop(self, *, timeout_s: float = 10) -> None:
        """Asks the process to end, then kills what is left of its group."""
        if self.pid is not None:
            self._signal(signal.SIGTERM)
            self._wait(timeout_s=timeout_s)
            self._signal(signal.SIGKILL)
        self._pid_path.unlink(missing_ok=True)

    def _signal(self, number: int) -> None:
        try:
            pid = int(self._pid_path.read_text().split()[0])
            os.killpg(pid, number)
        except (OSError, ValueError, IndexError):
            pass

    def _wait(self, *, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while self.pid is not None and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        if self._process is not None:
            # Ours to reap where this object started it; else the system does.
            self._process.wait(timeout_s)
            self._process = None


def _start_time(pid: int) -> str | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]
