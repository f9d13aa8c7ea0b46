"""`--streaming`: bounded runs in a loop, each over the files that are stable by then.

A run skips the completed parts, so each one tags only what is new. The loop serves every runner
but Flink, which has `pipelines.unbounded`.
"""

import logging
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from mtag_core.errors import MtagError
from mtag_core.parts.file_watcher import StableFiles
from mtag_core.parts.inputs import list_present_inputs
from mtag_core.storage import FileInfo
from pipelines.annotate_options import AnnotateOptions

_LOGGER = logging.getLogger(__name__)


def watch(options: AnnotateOptions, run: Callable[..., object]) -> None:
    """Runs whenever the set of stable files has changed, until SIGTERM.

    Args:
        options: The flags.
        run: Called with the options, `files` and `stop_path`.

    Raises:
        MtagError: A run failed.
    """
    stable, done = StableFiles(), list[FileInfo]()
    with tempfile.TemporaryDirectory(prefix="mtag-stop-") as folder:
        stop_path = Path(folder) / "stop"
        with _until_sigterm(stop_path) as stop:
            while not stop.is_set():
                found = list_present_inputs(options.corpus.input, output=options.job.output)
                files = stable.among(found)
                if files != done and files:
                    _run(run, options, files, stop_path, stop)
                    done = files
                stop.wait(options.poll_interval)
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


@contextmanager
def _until_sigterm(stop_path: Path) -> Iterator[threading.Event]:
    stop = threading.Event()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        stop_path.touch()
        stop.set()

    old_handler = signal.signal(signal.SIGTERM, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, old_handler)
