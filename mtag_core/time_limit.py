"""Ends calls that take too long, in any thread, by an exception raised there from another thread.

The exception comes between two instructions of Python: a single call of a library is not
interrupted, but ends with the exception when it returns.
"""

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

MAX_DOCUMENT_SECONDS = 600.0
"""For one step: a document of the largest size takes a tenth on a slow core."""

_POLL_S = 0.2


class TooSlowError(Exception):
    """A call took longer than it may."""


@dataclass(slots=True, eq=False)
class _Call:
    thread: int
    end_s: float
    is_over: bool = False


_lock = threading.Lock()
_calls: set[_Call] = set()
_watcher: threading.Thread | None = None


@contextmanager
def time_limit(limit_s: float) -> Iterator[None]:
    """Raises in the block, once it has taken so many seconds, to a fifth of a second.

    Blocks of one thread may not lie in each other. Infinity is no limit.

    Raises:
        TooSlowError: It took longer.
    """
    call = _Call(threading.get_ident(), time.monotonic() + limit_s)
    try:
        if limit_s < inf:
            with _lock:
                _calls.add(call)
                _start_watcher()
        yield
    finally:
        with _lock:
            _calls.discard(call)
    if call.is_over:
        # It came between the end of the block and the lock.
        _take_back(call)
        raise TooSlowError


def _take_back(call: _Call) -> None:
    _set_exception(call.thread, ctypes.py_object())


def _set_exception(thread: int, kind: "ctypes.py_object[type[Exception]]") -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), kind)


def _start_watcher() -> None:
    global _watcher
    # A forked process has the variable, but not the thread.
    if _watcher is None or not _watcher.is_alive():
        _watcher = threading.Thread(target=_watch, name="time_limit", daemon=True)
        _watcher.start()


def _watch() -> None:
    while True:
        time.sleep(_POLL_S)
        now_s = time.monotonic()
        with _lock:
            for call in [each for each in _calls if now_s >= each.end_s]:
                _calls.discard(call)
                call.is_over = True
                _set_exception(call.thread, ctypes.py_object(TooSlowError))


class TimeBudget:
    """Seconds that several blocks may take together."""

    def __init__(self, limit_s: float) -> None:
        self._left_s = limit_s

    @contextmanager
    def spend(self) -> Iterator[None]:
        """As `time_limit`, with what the blocks before have left."""
        started_s = time.monotonic()
        try:
            with time_limit(self._left_s):
                yield
        finally:
            self._left_s -= time.monotonic() - started_s
