"""The temporary folder of a run: what Beam and mtag write beside the output, removed as a whole.

    mtag-run-*/running     locked by the run; local workers end when it is gone
    mtag-run-*/...         progress files, Beam's folders

The lock ends with the process, also by SIGKILL: the next run removes folders that nobody holds.
"""

import atexit
import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "mtag-run-"
_RUNNING = "running"
# A folder without the file may be one that a run is just making.
_UNLOCKED_S = 3600.0

_current: Path | None = None


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
            end_workers()
            _current, tempfile.tempdir = before[:2]
            if before[2] is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = before[2]


def running_path() -> str | None:
    """The file that local workers watch; None outside of a run."""
    return None if _current is None else str(_current / _RUNNING)


def end_workers() -> None:
    """Makes all local workers of the run end within a second, wherever they are."""
    if _current is not None:
        (_current / _RUNNING).unlink(missing_ok=True)


def delete_run_folder() -> None:
    """Removes the folder of the run, for a process that ends without cleaning up."""
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
