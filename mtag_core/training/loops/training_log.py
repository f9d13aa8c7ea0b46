"""What a training writes about itself: its curves and a progress line.

Curves go to `curves.jsonl`, one object a point, and to TensorBoard's event files where that package
is installed.
"""

import json
import logging
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Protocol

_LOGGER = logging.getLogger(__name__)
_BAR_WIDTH = 30


class _Board(Protocol):
    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        """Adds a point to a curve."""

    def close(self) -> None:
        """Closes the file."""


class TrainingLog:
    """Collects the curves of a training; use as a context manager."""

    def __init__(self, directory: Path, *, is_writer: bool) -> None:
        self._is_writer = is_writer
        self._start_s = time.monotonic()
        self._file = (directory / "curves.jsonl").open("a") if is_writer else None
        self._board = _tensorboard(directory) if is_writer else None

    def __enter__(self) -> "TrainingLog":
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the files."""
        if self._file is not None:
            self._file.close()
        if self._board is not None:
            self._board.close()

    def point(self, step: int, **values: float) -> None:
        """Adds one point to each named curve."""
        if self._file is None:
            return
        seconds = round(time.monotonic() - self._start_s, 1)
        rounded = {name: round(value, 4) for name, value in values.items()}
        self._file.write(json.dumps({"step": step, "seconds": seconds, **rounded}) + "\n")
        self._file.flush()
        _LOGGER.info("%7.1f s  step %d  %s", seconds, step, rounded)
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def progress(self, fraction: float, text: str) -> None:
        """Draws the progress bar, on a terminal only."""
        if self._is_writer and sys.stderr.isatty():
            done = int(fraction * _BAR_WIDTH)
            bar = "#" * done + "-" * (_BAR_WIDTH - done)
            sys.stderr.write(f"\r[{bar}] {fraction:4.0%} {text:<40}")
            sys.stderr.write("\n" if fraction >= 1 else "")
            sys.stderr.flush()


def _tensorboard(directory: Path) -> _Board | None:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    board: _Board = SummaryWriter(str(directory / "tensorboard"))
    return board
