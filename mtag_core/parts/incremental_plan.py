"""Plans what is new or changed beside the parts that are complete.

An output that grows keeps its parts: a new small file joins no pack that is tagged already. The
plan is a pure function of the listing, the options and the complete parts. An item's id is a digest
of its files with their sizes and versions, so a part is still right if the files that its manifest
names, as they are listed now, give its id.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mtag_core.corpus import ItemPlanner, WorkItem
from mtag_core.storage import FileInfo

Sources = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class CompletedParts:
    """The parts that an output holds.

    Attributes:
        part_ids: Their ids.
        read_sources: Ids to what the manifests of these parts name as `sources`.
    """

    part_ids: Collection[str] = ()
    read_sources: Callable[[Collection[str]], Sources] = lambda _part_ids: {}


NO_PARTS = CompletedParts()
"""Those of an empty output."""


def plan_beside(
    files: Sequence[FileInfo], planner: ItemPlanner, completed: CompletedParts
) -> Iterator[WorkItem]:
    """Plans a corpus of which parts are complete.

    Args:
        files: The listing.
        planner: Plans the corpus at once.
        completed: The manifests of those that are in the plan at once are not read.

    Yields:
        The items of complete parts that are still right; for each pack of which a file is gone or
        has changed an item of those that are left; items of files that are in no part. They cover
        every byte of every file once.
    """
    if not completed.part_ids:
        yield from planner.plan(files)
        return
    canonical, packed = _complete_of(planner.plan(files), completed.part_ids)
    others = set(completed.part_ids) - canonical
    if not others:
        yield from planner.plan(files)
        return
    for item in planner.plan(files):
        if item.item_id in canonical or not item.is_pack:
            yield item
    grown = _GrownPacks(files, planner, completed.read_sources(others), taken=packed)
    yield from grown.right()
    yield from grown.replaced()
    yield from planner.plan(
        file for file in files if file.path not in grown.taken and not planner.is_split(file)
    )


def _complete_of(items: Iterable[WorkItem], part_ids: Collection[str]) -> tuple[set[str], set[str]]:
    """Ids of the items that are complete, and paths of those of them that are packs."""
    ids, paths = set[str](), set[str]()
    for item in items:
        if item.item_id in part_ids:
            ids.add(item.item_id)
            if item.is_pack:
                paths.update(span.file.path for span in item.spans)
    return ids, paths


class _GrownPacks:
    """Packs that earlier runs made in steps; `taken` has the paths that are planned by now."""

    def __init__(
        self, files: Iterable[FileInfo], planner: ItemPlanner, sources: Sources, *, taken: set[str]
    ) -> None:
        self.taken = taken
        self._planner = planner
        # The largest first: of two parts with the same file it leaves less to be made.
        self._part_ids = sorted(sources, key=lambda part_id: (-len(sources[part_id]), part_id))
        self._sources = sources
        named = {path for paths in sources.values() for path in paths}
        self._path_to_file = {
            file.path: file for file in files if file.path in named and not planner.is_split(file)
        }

    def right(self) -> Iterator[WorkItem]:
        """The packs whose files are as they were."""
        for part_id in self._part_ids:
            files = self._files_of(part_id)
            if not files or len(files) < len(self._sources[part_id]):
                continue
            item = self._planner.pack(files)
            if item.item_id == part_id:
                self.taken.update(file.path for file in files)
                yield item

    def replaced(self) -> Iterator[WorkItem]:
        """What is left of the other packs, each planned alone; after `right`."""
        for part_id in self._part_ids:
            files = self._files_of(part_id)
            self.taken.update(file.path for file in files)
            yield from self._planner.plan(files)

    def _files_of(self, part_id: str) -> list[FileInfo]:
        """The files of a part that are there and not planned yet."""
        return [
            self._path_to_file[path]
            for path in self._sources[part_id]
            if path in self._path_to_file and path not in self.taken
        ]
