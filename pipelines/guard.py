"""What happens to a local run from outside: Ctrl-C, and the death of a worker process.

Beam turns an interrupt inside a step into some other exception, and waits for ever for a worker
process that is gone. The guard remembers the first and ends the wait for the second.
"""

import os
import re
import signal
import threading
from types import FrameType, TracebackType

from mtag_core.errors import MtagError

# The thread in which Beam waits for a worker process, and what it raises when that ends badly.
_WORKER_THREAD = "run_worker"
_EXIT_CODE = re.compile(r"exited with return code (-?\d+)")


class WorkerError(MtagError):
    """A local worker process died."""


class RunGuard:
    """Watches over a run; translates what a runner raises."""

    def __init__(self) -> None:
        self._is_interrupted = False
        self._worker_exit: str | None = None

    def __enter__(self) -> "RunGuard":
        """Starts to watch. Only the main thread can."""
        self._old_handler = signal.signal(signal.SIGINT, self._interrupt)
        self._old_hook, threading.excepthook = threading.excepthook, self._thread_failed
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops watching; raises what really happened.

        Raises:
            KeyboardInterrupt: The user interrupted the run.
            WorkerError: A worker process died.
        """
        signal.signal(signal.SIGINT, self._old_handler)
        threading.excepthook = self._old_hook
        if error is None:
            return
        if self._worker_exit is not None:
            raise WorkerError(
                f"a worker process died (exit code {self._worker_exit}; -9 is often a lack of "
                "memory); the same command goes on where this one stopped"
            ) from error
        if self._is_interrupted and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from error

    def _interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        """SIGINT: remembers it, then does what Python does."""
        self._is_interrupted = True
        raise KeyboardInterrupt

    def _thread_failed(self, args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread else ""
        if name == _WORKER_THREAD and self._worker_exit is None and not self._is_interrupted:
            found = _EXIT_CODE.search(str(args.exc_value))
            self._worker_exit = found[1] if found else "unknown"
            # The main thread waits for that worker; only a signal wakes it.
            os.kill(os.getpid(), signal.SIGINT)
