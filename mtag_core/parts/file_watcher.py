"""Polls the inputs of a run without end: which files are stable, which parts are to be made.

Nothing is remembered that the output directory does not tell as well, except what two polls in a
row must share: a process that begins anew makes no part twice and misses none.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from mtag_core import storage
from mtag_core.output.layout import OutputLayout
from mtag_core.parts import run as runs
from mtag_core.parts.completed_parts import ManifestReader
from mtag_core.parts.incremental_plan import CompletedParts, Sources
from mtag_core.parts.inputs import list_present_inputs
from mtag_core.parts.plan import PlannedPart
from mtag_core.parts.run import RunConfig
from mtag_core.parts.run_plan import plan_run
from mtag_core.parts.slices import part_ids_of_slices
from mtag_core.storage import FileInfo


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
    """Polls the inputs now and then, and finishes the run whenever all parts are complete.

    Args:
        layout: The output directory.
        config: The run's configuration.
        interval_s: Seconds between two polls, at least.
    """

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
        """Plans a new set of files, beside the parts that are complete or being made."""
        begun = {*runs.completed_parts(self._layout), *self._given}
        self._files, self._planned, self._is_finished = files, set(), False
        completed = CompletedParts(begun, self._sources)
        for part in plan_run(self._layout, self._config, files, completed):
            self._planned.add(part.part_id)
            if part.part_id not in begun:
                self._given[part.part_id] = part.sources
                yield part

    def _sources(self, part_ids: Collection[str]) -> Sources:
        """What parts are made of; those that are still being made have no manifest."""
        given = {part_id: self._given[part_id] for part_id in self._given.keys() & set(part_ids)}
        return {**self._manifests.sources(set(part_ids) - given.keys()), **given}

    def _finish(self) -> None:
        """Writes run.json once nothing that was given is still being made."""
        layout = self._layout
        slices = part_ids_of_slices(layout)
        parts = _parts_of(self._planned, slices)
        if not parts | _parts_of(self._given, slices) <= runs.completed_parts(layout):
            return
        manifests = self._manifests.read(sorted(parts))
        report = runs.finish_run(layout, self._config, manifests=manifests, n_parts=len(parts))
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
