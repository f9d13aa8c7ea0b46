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
        The items of complete parts that are still right, then items of all other files: new ones,
        changed ones, those whose pack has lost a file. They cover every byte of every file once.
    """
    if not completed.part_ids:
        yield from planner.plan(files)
        return
    canonical, taken = _complete_of(planner.plan(files), completed.part_ids)
    others = set(completed.part_ids) - canonical
    if not others:
        yield from planner.plan(files)
        return
    for item in planner.plan(files):
        if item.item_id in canonical or not item.is_pack:
            yield item
    for item in _packs_still_right(files, planner, completed.read_sources(others)):
        paths = {span.file.path for span in item.spans}
        if taken.isdisjoint(paths):
            taken |= paths
            yield item
    yield from planner.plan(
        file for file in files if file.path not in taken and not planner.is_split(file)
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


def _packs_still_right(
    files: Iterable[FileInfo], planner: ItemPlanner, sources: Sources
) -> Iterator[WorkItem]:
    """The items of parts whose files are as they were.

    The largest come first: of two parts with the same file it leaves less to be made.
    """
    named = {path for paths in sources.values() for path in paths}
    path_to_file = {
        file.path: file for file in files if file.path in named and not planner.is_split(file)
    }
    for part_id in sorted(sources, key=lambda part_id: (-len(sources[part_id]), part_id)):
        found = [path_to_file[path] for path in sources[part_id] if path in path_to_file]
        if found and planner.pack(found).item_id == part_id:
            yield planner.pack(found)
