"""The inputs of a run: the files that patterns name now, and those that appear while it goes on.

Nothing is remembered that the output directory does not tell as well, except what two polls in a
row must share: a process that begins again makes no part twice and misses none.
"""

import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache

from mtag_core import storage
from mtag_core.errors import InputNotFoundError
from mtag_core.output.layout import OutputLayout, is_own_path
from mtag_core.parts import run as runs
from mtag_core.parts.completed_parts import ManifestReader, completed_parts
from mtag_core.parts.part_records import part_ids_of_slices
from mtag_core.parts.plan import CompletedParts, PlannedPart, Sources
from mtag_core.parts.run import RunConfig
from mtag_core.parts.run_plan import plan_run
from mtag_core.storage import FileInfo, list_files, literal_prefix, local_path, scheme_of


def list_inputs(patterns: Sequence[str], *, output: str) -> list[FileInfo]:
    """Lists the files that patterns name, sorted by path, each once.

    Where a pattern leads into the output directory, what mtag writes there is left out, else all
    that lies below it.

    Raises:
        InputNotFoundError: A pattern matches nothing, or nothing but outputs of this run.
        StorageError: A directory or a store cannot be listed.
    """
    return _sorted(file for pattern in patterns for file in _list(pattern, output))


def list_present_inputs(patterns: Sequence[str], *, output: str) -> list[FileInfo]:
    """As `list_inputs`, but a pattern that matches nothing yet is no error."""
    found: list[FileInfo] = []
    for pattern in patterns:
        with suppress(InputNotFoundError):
            found += _list(pattern, output)
    return _sorted(found)


def _sorted(files: Iterable[FileInfo]) -> list[FileInfo]:
    path_to_file = {file.path: file for file in files}
    return [path_to_file[path] for path in sorted(path_to_file)]


def _list(pattern: str, output: str) -> list[FileInfo]:
    kept = _without_outputs(list_files([pattern]), pattern, base=_real(output) + "/")
    if not kept:
        raise InputNotFoundError(
            f"{pattern}: nothing there but what mtag writes to --output={output}; "
            "name another --output"
        )
    return kept


def _without_outputs(files: Sequence[FileInfo], pattern: str, *, base: str) -> list[FileInfo]:
    is_folder = not scheme_of(pattern) and os.path.isdir(local_path(pattern))
    start = pattern if is_folder else literal_prefix(pattern)
    is_inside = f"{_real(start)}/".startswith(base)
    kept = []
    real_folder = lru_cache(maxsize=1024)(_real)
    for file in files:
        folder, slash, name = file.path.rpartition("/")
        path = f"{real_folder(folder + slash)}/{name}"
        is_below = path.startswith(base)
        if not is_below or (is_inside and not is_own_path(path[len(base) :])):
            kept.append(file)
    return kept


def _real(folder: str) -> str:
    if scheme_of(folder):
        return folder.rstrip("/")
    return os.path.realpath(local_path(folder) or ".").rstrip("/")


class StableFiles:
    """Finds the files that nobody is writing: those that two polls in a row listed alike."""

    def __init__(self) -> None:
        self._last: frozenset[FileInfo] = frozenset()

    def among(self, files: Sequence[FileInfo]) -> list[FileInfo]:
        """The stable ones among the files that this poll listed, in their order."""
        stable = [file for file in files if file in self._last]
        self._last = frozenset(files)
        return stable


class FileWatcher:
    """Polls the inputs now and then, and finishes the run whenever all parts are complete."""

    def __init__(self, layout: OutputLayout, config: RunConfig, *, interval_s: float) -> None:
        self._layout = layout
        self._config = config
        self._interval_s = interval_s
        self._last_s = float("-inf")
        self._stable = StableFiles()
        self._files: list[FileInfo] = []
        self._planned: set[str] = set()
        self._given: dict[str, tuple[str, ...]] = {}
        self._manifests = ManifestReader(layout)
        self._is_finished = True

    def poll(self) -> Iterator[PlannedPart]:
        """Polls, unless the last poll was just now.

        Yields:
            The parts to be made that no poll before has given. When none is left to be made,
            run.json is written and the parts of inputs that are gone are removed instead.
        """
        # After a delay, polls that were due come all at once: they would find every file stable.
        if time.monotonic() - self._last_s < 0.9 * self._interval_s:
            return
        self._last_s = time.monotonic()
        found = list_present_inputs(self._config.inputs, output=self._layout.base)
        files = self._stable.among(found)
        if files and files != self._files:
            yield from self._plan(files)
        if not self._is_finished:
            self._finish()

    def _plan(self, files: list[FileInfo]) -> Iterator[PlannedPart]:
        begun = {*completed_parts(self._layout), *self._given}
        self._files, self._planned, self._is_finished = files, set(), False
        completed = CompletedParts(begun, self._sources)
        for part in plan_run(self._layout, self._config, files, completed):
            self._planned.add(part.part_id)
            if part.part_id not in begun:
                self._given[part.part_id] = part.sources
                yield part

    def _sources(self, part_ids: Collection[str]) -> Sources:
        given = {part_id: self._given[part_id] for part_id in self._given.keys() & set(part_ids)}
        return {**self._manifests.sources(set(part_ids) - given.keys()), **given}

    def _finish(self) -> None:
        layout = self._layout
        slices = part_ids_of_slices(layout)
        parts = _parts_of(self._planned, slices)
        if not parts | _parts_of(self._given, slices) <= completed_parts(layout):
            return
        manifests = self._manifests.read(sorted(parts))
        # Sums over all parts, again and again, would cost more with each.
        uncounted = replace(layout, words=None)
        report = runs.finish_run(uncounted, self._config, manifests=manifests, n_parts=len(parts))
        runs.prune(layout, report)
        self._manifests.keep_only(parts)
        self._given.clear()
        self._is_finished = True


def _parts_of(planned: Iterable[str], slices: Mapping[str, Collection[str]]) -> set[str]:
    """Ids of parts; an item that is to be sliced is no part until its slices are known."""
    return {part_id for each in planned for part_id in slices.get(each, (each,))}


def mark_started(path: str) -> None:
    """Writes the empty file by which a worker says that it has started."""
    with storage.atomic_writer(path):
        pass
