"""Calls functions in a process of its own, which a native library may end without harm to ours.

python -m mtag_core.child_process FD     not called by hand
"""

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from typing import Any, TypeVar, cast

T = TypeVar("T")

_END_S = 10.0
_POLL_S = 1.0


class ChildCrashError(Exception):
    """The child process ended in the middle of a call; the message says how."""


class ChildProcess:
    """A child process that is started by the first call, and again after a call that ended it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Calls a function in the child and returns what it returns; all of it must pickle.

        Raises:
            ChildCrashError: The child ended before it answered.
            Exception: Whatever the function raised.
        """
        process, connection = self._started()
        try:
            connection.send((function, args))
            is_returned, value = connection.recv()
        except (EOFError, OSError) as error:
            code = process.wait()
            self.close()
            raise ChildCrashError(_how(code)) from error
        if not is_returned:
            raise value
        return cast(T, value)

    def close(self) -> None:
        """Ends the child, if there is one."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is not None:
            # At the end of the connection it ends by itself.
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            atexit.unregister(self.close)

    def _started(self) -> tuple[subprocess.Popen[bytes], Connection]:
        if self._process is None or self._connection is None:
            ours, theirs = Pipe()
            with theirs:
                descriptor = theirs.fileno()
                command = [sys.executable, "-m", __name__, str(descriptor), str(os.getpid())]
                # What a native library says as it aborts would stand among our lines.
                self._process = subprocess.Popen(
                    command, pass_fds=[descriptor], stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )  # fmt: skip
            self._connection = ours
            atexit.register(self.close)
        return self._process, self._connection


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _serve(connection: Connection) -> None:
    while True:
        try:
            function, args = connection.recv()
        except EOFError:
            return
        try:
            answer: tuple[bool, Any] = True, function(*args)
        except Exception as error:
            answer = False, error
        connection.send_bytes(_pickled(answer))


def _pickled(answer: tuple[bool, Any]) -> bytes:
    try:
        return pickle.dumps(answer)
    except Exception as error:
        return pickle.dumps((False, RuntimeError(f"no answer that pickles: {error}")))


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os._exit(1)


def main() -> None:
    """Serves the process that started this one, until it is gone."""
    descriptor, parent = map(int, sys.argv[1:])
    # Ctrl-C is for the parent, which then closes the connection.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=[parent], daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        _serve(Connection(descriptor))


if __name__ == "__main__":
    main()
