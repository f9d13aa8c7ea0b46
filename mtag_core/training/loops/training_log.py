"""What a training run writes about itself: its config, its curves, a progress line.

Curves go to `curves.jsonl`, one object a point, and to TensorBoard's event files where that package
is installed.
"""

import json
import logging
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from mtag_core.errors import CheckpointError
from mtag_core.training.options import AdaptOptions, DistillOptions, TeacherTrainingOptions

_LOGGER = logging.getLogger(__name__)
_BAR_WIDTH = 30


def record_options(
    config: AdaptOptions | DistillOptions | TeacherTrainingOptions,
    directory: Path,
    *,
    is_resumed: bool,
) -> None:
    """Writes a run's config to `run_config.json`, or checks that the one there is the same.

    Args:
        config: The run's options.
        directory: The run's output directory; made if missing.
        is_resumed: The run goes on from a checkpoint.

    Raises:
        CheckpointError: The directory holds another run, or a resumed run's config differs.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "run_config.json"
    text = json.dumps(asdict(config), indent=2, default=str, ensure_ascii=False) + "\n"
    if path.exists():
        _check_same(path, json.loads(text), is_resumed=is_resumed)
    path.write_text(text, encoding="utf-8")


def _check_same(path: Path, config: dict[str, Any], *, is_resumed: bool) -> None:
    """Raises CheckpointError unless the run may write here."""
    if not is_resumed:
        raise CheckpointError(f"{path.parent}: holds a run already; pass --resume to go on with it")
    there = json.loads(path.read_text(encoding="utf-8"))
    changed = sorted(key for key in config if there.get(key) != config[key])
    # A run may go on for longer than was first planned.
    changed = [key for key in changed if key not in ("minutes", "epochs")]
    if changed:
        raise CheckpointError(
            f"{path}: {changed[0]} is {there.get(changed[0])!r} there and {config[changed[0]]!r} "
            "now; resume with the same options or choose another output directory"
        )


class _Board(Protocol):
    """What is used of a TensorBoard writer."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        """Adds a point to a curve."""

    def close(self) -> None:
        """Closes the file."""


class TrainingLog:
    """Collects the curves of a run; use as a context manager."""

    def __init__(self, directory: Path, *, is_writer: bool) -> None:
        """Opens the files; a process that is not the writer logs nothing."""
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
    """A TensorBoard writer, or None where the package is missing."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    board: _Board = SummaryWriter(str(directory / "tensorboard"))
    return board
