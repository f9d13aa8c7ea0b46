"""How far each process of a run is, told through small local files.

Worker processes share nothing with the one that shows the progress but the file system. Each keeps
one file of totals, replaced at most twice a second; the reader adds them up.
"""

import json
import os
import time
import uuid
from dataclasses import asdict, dataclass, fields
from pathlib import Path

_INTERVAL_S = 0.5


@dataclass(slots=True)
class Tally:
    """Running totals; `n_source_bytes` counts work items that are done."""

    n_documents: int = 0
    n_rejected: int = 0
    n_sentences: int = 0
    n_tokens: int = 0
    n_source_bytes: int = 0
    n_parts: int = 0

    def plus(self, other: "Tally") -> "Tally":
        """The sum of two tallies."""
        return Tally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Tally)))


class ProgressFile:
    """The totals of one worker, written to a file of its own."""

    def __init__(self, directory: str) -> None:
        """Creates nothing yet; `directory` must exist when the first totals are written."""
        self._path = Path(directory) / f"{os.getpid()}-{uuid.uuid4().hex}.json"
        self._done = Tally()
        self._next_s = 0.0

    def show(self, current: Tally) -> None:
        """Shows the totals of the item in work on top of the finished ones, now and then."""
        if time.monotonic() >= self._next_s:
            self._write(self._done.plus(current))

    def finish(self, item: Tally) -> None:
        """Adds a finished item."""
        self._done = self._done.plus(item)
        self._write(self._done)

    def _write(self, tally: Tally) -> None:
        """Replaces the file; a directory that is gone means that nobody looks any more."""
        self._next_s = time.monotonic() + _INTERVAL_S
        temporary = self._path.with_suffix(".tmp")
        try:
            temporary.write_text(json.dumps(asdict(tally)), encoding="utf-8")
            temporary.replace(self._path)
        except OSError:
            self._next_s = float("inf")


def read_progress(directory: str) -> Tally:
    """The sum of all workers' totals; files that cannot be read just now are left out."""
    total = Tally()
    for path in Path(directory).glob("*.json"):
        try:
            total = total.plus(Tally(**json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError):
            continue
    return total
