"""The process of a job: its start, its temporary folder, and what ends it from outside.

**Start.** Importing Beam takes seconds, and Beam imports what it finds installed, whether it is
used or not: Google Cloud's clients, boto3 and pandas are 80 MiB of a process and a second. So this
module imports little, and a program calls `end_on_signals` before it imports the rest.

**Folder.** What Beam and mtag write beside the output, removed as a whole:

    mtag-run-*/running     locked by the run; local workers end when it is gone
    mtag-run-*/...         progress files, Beam's folders

The lock ends with the process, also by SIGKILL: the next run removes folders that nobody holds.

**End.** By Ctrl-C, SIGTERM, the death of a local worker process. Beam turns an interrupt inside a
step into some other exception, waits for ever for a worker process that is gone, and then for the
workers that are left. The guard remembers what happened, makes the workers end, and ends the
process itself where that was not enough.
"""

import argparse
import atexit
import ctypes
import fcntl
import gc
import importlib
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import FrameType, ModuleType
from typing import NoReturn

from mtag_core.errors import MtagError

_PACKAGES = ("apache_beam", "pyarrow")
_LOCAL_RUNNERS = ("direct", "fnapi")
# Of Beam's own connectors, which no run on this machine uses; storage imports its own later.
_CONNECTORS = ("apitools", "boto3", "bson", "google.auth", "google.cloud")

# As in glibc's malloc.h. Left alone, it raises the size with each such block that is freed.
_M_MMAP_THRESHOLD = -3
_MAPPED_BYTES = 1024 * 1024
# New objects between two rounds of the garbage collector: records are many, and in no cycles.
_COLLECTED_OBJECTS = 20_000
_PREFIX = "mtag-run-"
_RUNNING = "running"
# A folder without the file may be one that a run is just making.
_UNLOCKED_S = 3600.0

_current: Path | None = None
SIGNALS = (signal.SIGINT, signal.SIGTERM)
_DID = {signal.SIGINT: "interrupted", signal.SIGTERM: "ended by SIGTERM"}
# The thread in which Beam waits for a worker process, and what it raises when that ends badly.
_WORKER_THREAD = "run_worker"
_EXIT_CODE = re.compile(r"exited with return code (-?\d+)")
# How long Beam may take to end; a signal may first have to cancel a job elsewhere.
_AFTER_DEATH_S = 5.0
_AFTER_SIGNAL_S = 20.0


def start_job(name: str, *, command: str, argv: Sequence[str]) -> None:
    """Prepares this process for a job: signals, packages, memory."""
    end_on_signals(name)
    end_without_packages(command)
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--runner", nargs="?", default=_LOCAL_RUNNERS[0])
    runner = parser.parse_known_args(argv)[0].runner or ""
    if runner.lower().removesuffix("runner") in _LOCAL_RUNNERS:
        import_beam_alone()


def end_without_packages(command: str) -> None:
    """Ends the process with one line and exit code 2 where a job's packages are not installed."""
    for package in _PACKAGES:
        if find_spec(package) is None:
            # Not above: it imports much, and signals have to be waited for before.
            from mtag_core.cli.commands import missing_extra

            error = missing_extra(command, ModuleNotFoundError(name=package))
            print(f"mtag: {error}", file=sys.stderr)
            sys.exit(2)


def import_beam_alone() -> None:
    """Imports Beam without packages that it can do without.

    For a process of this machine alone that runs nothing but mtag: pandas, which pyarrow would
    import, too, stays out for good. Arrow takes its memory from the process's allocator, as all
    else does, unless ARROW_DEFAULT_MEMORY_POOL names another one: that is 35 MiB. Large blocks are
    mapped, and so given back when they are freed: 20 MiB.
    """
    # Other C libraries than glibc do without.
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    gc.set_threshold(_COLLECTED_OBJECTS)
    # It would warn that MongoDB's package is not there.
    logging.getLogger("apache_beam.io.mongodbio").setLevel(logging.ERROR)
    connectors = _LeftOut(_CONNECTORS)
    sys.meta_path[:0] = [connectors, _LeftOut(("pandas",))]
    try:
        importlib.import_module("apache_beam")
    finally:
        sys.meta_path.remove(connectors)


class _LeftOut(MetaPathFinder, Loader):
    """Packages that cannot be imported, though they are found: others ask whether they are."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in self._names else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        raise ModuleNotFoundError(f"{spec.name} is left out", name=spec.name)

    def exec_module(self, module: ModuleType) -> None:
        raise NotImplementedError


@contextmanager
def run_folder() -> Iterator[None]:
    """Makes a folder that is the directory for temporary files while the block runs.

    It is removed when the process ends: what Beam starts for a remote runner stays until then.
    """
    global _current
    before = _current, tempfile.tempdir, os.environ.get("TMPDIR")
    delete_stale_folders()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with open(folder / f"{_RUNNING}.new", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.rename(lock.name, folder / _RUNNING)
        _current, tempfile.tempdir, os.environ["TMPDIR"] = folder, str(folder), str(folder)
        try:
            yield
        finally:
            _end_workers()
            _current, tempfile.tempdir = before[:2]
            if before[2] is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = before[2]


def running_path() -> str | None:
    """The file that local workers watch; None outside of a run."""
    return None if _current is None else str(_current / _RUNNING)


def _end_workers() -> None:
    # Local workers look for the file, wherever they are.
    if _current is not None:
        (_current / _RUNNING).unlink(missing_ok=True)


def _delete_run_folder() -> None:
    if _current is not None:
        shutil.rmtree(_current, ignore_errors=True)


def remove_open_marks() -> None:
    """Removes the marks of parts in work, for a process that ends on purpose."""
    # Not imported: where it is not there yet, there are no marks.
    reader = sys.modules.get("mtag_core.parts.read_alone")
    if reader is not None:
        reader.remove_open_marks()


def delete_stale_folders() -> None:
    """Removes the folders that killed runs of this user left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            status = folder.lstat()
            if status.st_uid == os.getuid() and not _is_held(folder, made_s=status.st_mtime):
                shutil.rmtree(folder, ignore_errors=True)


def _is_held(folder: Path, *, made_s: float) -> bool:
    try:
        with open(folder / _RUNNING, "rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return time.time() - made_s < _UNLOCKED_S


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
    glibc then aborts the process (`FATAL: exception not rethrown`). The exit code is 120 instead of
    0 if standard output cannot be written, as Python has it.
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

    Its name begins the line on standard error where it has to end the process.
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
        _end_workers()
        self._last_resort = threading.Timer(limit_s, self._give_up)
        self._last_resort.daemon = True
        self._last_resort.start()

    def _give_up(self) -> None:
        print(f"{self._name}: {self._message()}", file=sys.stderr, flush=True)
        _delete_run_folder()
        remove_open_marks()
        os._exit(1 if self._signal is None else exit_code(self._signal))
