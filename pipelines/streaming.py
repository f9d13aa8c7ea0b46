"""`--streaming`: bounded runs in a loop, each over the files that are quiet by then.

A run skips the parts that stand, so each one tags only what is new. The same loop serves every
runner; an unbounded match of Beam's would lose run.json, and on FnApiRunner it ends early.
"""

import logging
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from mtag_core.errors import InputNotFoundError, MtagError
from mtag_core.storage import FileInfo, list_files
from pipelines.options import AnnotateOptions

_LOGGER = logging.getLogger(__name__)


class Quiet:
    """Tells which files nobody is writing: those that two looks in a row found alike."""

    def __init__(self) -> None:
        """Has seen nothing."""
        self._last: frozenset[FileInfo] = frozenset()

    def of(self, files: Sequence[FileInfo]) -> list[FileInfo]:
        """The quiet ones among the files that this look found, in their order."""
        quiet = [file for file in files if file in self._last]
        self._last = frozenset(files)
        return quiet


def watch(options: AnnotateOptions, run: Callable[..., object]) -> None:
    """Runs whenever the set of quiet files has changed, until SIGTERM.

    Args:
        options: The flags.
        run: Called with the options, `files` and `stop_path`.

    Raises:
        MtagError: A run failed.
    """
    quiet, done = Quiet(), list[FileInfo]()
    with tempfile.TemporaryDirectory(prefix="mtag-stop-") as folder:
        stop_path = Path(folder) / "stop"
        with _until_sigterm(stop_path) as stop:
            while not stop.is_set():
                files = quiet.of(_listed(options.inputs))
                if files != done and files:
                    _run(run, options, files, stop_path, stop)
                    done = files
                stop.wait(options.poll_interval_s)
    _LOGGER.info("stopped; the same command goes on from here")


def _run(
    run: Callable[..., object],
    options: AnnotateOptions,
    files: Sequence[FileInfo],
    stop_path: Path,
    stop: threading.Event,
) -> None:
    """One bounded run; one that was stopped lacks parts, which is no failure."""
    try:
        run(options, files=files, stop_path=str(stop_path))
    except MtagError:
        if not stop.is_set():
            raise


def _listed(patterns: Sequence[str]) -> list[FileInfo]:
    """The files of all patterns; one that matches nothing yet will do so later."""
    files: dict[str, FileInfo] = {}
    for pattern in patterns:
        try:
            files.update((file.path, file) for file in list_files([pattern]))
        except InputNotFoundError:
            continue
    return [files[path] for path in sorted(files)]


@contextmanager
def _until_sigterm(stop_path: Path) -> Iterator[threading.Event]:
    """SIGTERM sets the event and makes the file that tells workers."""
    stop = threading.Event()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        stop_path.touch()
        stop.set()

    old_handler = signal.signal(signal.SIGTERM, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, old_handler)
