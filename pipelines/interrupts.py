"""What ends a program from outside: Ctrl-C, SIGTERM, the death of a local worker process.

Beam turns an interrupt inside a step into some other exception, waits for ever for a worker process
that is gone, and then for the workers that are left. The guard remembers what happened, makes the
workers end, and ends the process itself where that was not enough.

Imports little: a program calls `end_on_signals` before it imports the rest, which takes seconds.
"""

import atexit
import os
import re
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

from mtag_core.errors import MtagError
from pipelines.run_folder import delete_run_folder, end_workers, remove_open_marks

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_DID = {signal.SIGINT: "interrupted", signal.SIGTERM: "ended by SIGTERM"}
# The thread in which Beam waits for a worker process, and what it raises when that ends badly.
_WORKER_THREAD = "run_worker"
_EXIT_CODE = re.compile(r"exited with return code (-?\d+)")
# How long Beam may take to end; a signal may first have to cancel a job elsewhere.
_AFTER_DEATH_S = 5.0
_AFTER_SIGNAL_S = 20.0


class Terminated(KeyboardInterrupt):
    """SIGTERM came; ends what a Ctrl-C ends."""


def end_on_signals(name: str) -> None:
    """Makes Ctrl-C and SIGTERM end the process at once, as long as it has written nothing."""

    def end(number: int, _frame: FrameType | None) -> None:
        os.write(2, f"{name}: {signal_message(number)}\n".encode())
        os._exit(exit_code(number))

    for number in SIGNALS:
        signal.signal(number, end)


def exit_program(code: int) -> NoReturn:
    """Ends a program whose work is over: a signal would only hide its exit code.

    The interpreter does not end by itself: it would stop threads inside native libraries, where
    glibc then aborts the process (`FATAL: exception not rethrown`).

    Args:
        code: The exit code. 120 instead of 0 if standard output cannot be written, as Python has
            it.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code or 120
    os._exit(code)


def signal_message(number: int) -> str:
    """What to say to the user."""
    return f"{_DID[signal.Signals(number)]}; the same command goes on where this one stopped"


def exit_code(number: int) -> int:
    """The exit code as shells have it: 130 for SIGINT, 143 for SIGTERM."""
    return 128 + number


class WorkerError(MtagError):
    """A local worker process died."""


class RunGuard:
    """Watches over a run; translates what a runner raises.

    Args:
        name: Begins the line on standard error where the guard has to end the process.
    """

    def __init__(self, name: str = "mtag") -> None:
        self._name = name
        self._signal: int | None = None
        self._worker_exit: str | None = None
        self._is_waking = False
        self._last_resort: threading.Timer | None = None

    def __enter__(self) -> "RunGuard":
        """Starts to watch. Only the main thread can."""
        self._old_handlers = {each: signal.signal(each, self._on_signal) for each in SIGNALS}
        self._old_hook, threading.excepthook = threading.excepthook, self._thread_failed
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Stops watching; raises what really happened.

        Raises:
            KeyboardInterrupt: The user interrupted the run; `Terminated` for SIGTERM.
            WorkerError: A worker process died.
        """
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        if self._last_resort is None:
            threading.excepthook = self._old_hook
        else:
            # The hook stays: threads of Beam fail one after the other, and which is no news.
            self._last_resort.cancel()
        if error is None:
            return
        if self._worker_exit is not None:
            raise WorkerError(self._message()) from error
        if self._signal is not None:
            kinds = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}
            raise kinds[signal.Signals(self._signal)] from error

    def _message(self) -> str:
        if self._signal is not None:
            return signal_message(self._signal)
        return (
            f"a worker process died (exit code {self._worker_exit}; -9 is often a lack of "
            "memory); the same command goes on where this one stopped"
        )

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._is_waking:
            self._is_waking = False
        elif self._signal is not None:
            # Asked for twice.
            self._give_up()
        else:
            self._worker_exit, self._signal = None, number
            self._end_soon(_AFTER_SIGNAL_S)
        raise KeyboardInterrupt

    def _thread_failed(self, args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread else ""
        if name == _WORKER_THREAD and self._worker_exit is None and self._signal is None:
            found = _EXIT_CODE.search(str(args.exc_value))
            self._worker_exit = found[1] if found else "unknown"
            self._end_soon(_AFTER_DEATH_S)
            # The main thread waits for that worker; only a signal wakes it.
            self._is_waking = True
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def _end_soon(self, limit_s: float) -> None:
        end_workers()
        self._last_resort = threading.Timer(limit_s, self._give_up)
        self._last_resort.daemon = True
        self._last_resort.start()

    def _give_up(self) -> None:
        print(f"{self._name}: {self._message()}", file=sys.stderr, flush=True)
        delete_run_folder()
        remove_open_marks()
        os._exit(1 if self._signal is None else exit_code(self._signal))
