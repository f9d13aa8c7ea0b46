"""The plan of a run: which part each work item becomes.

A plan is a pure function of the listing, the configuration, the complete parts and, with a limit,
of the first documents; the same inputs give the same parts under the same names.

An output that grows keeps its parts: what is new or changed is planned beside those that are
complete, and a new small file joins no pack that is tagged already. An item's id is a digest of its
files with their sizes and versions, so a part is still right if the files that its manifest names,
as they are listed now, give its id.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType

from mtag_core.child_process import ChildProcess
from mtag_core.corpus.items import ReadOptions, Span, WorkItem
from mtag_core.corpus.planning import (
    MAX_ITEM_BYTES,
    ItemPlanner,
    expected_bytes,
    is_slow,
    may_abort,
)
from mtag_core.output.json_files import Count, from_json
from mtag_core.parts.read_alone import count_documents, count_documents_alone
from mtag_core.storage import FileInfo

Sources = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class CompletedParts:
    """The parts of an output: ids, and what gives the `sources` that their manifests name."""

    part_ids: Collection[str] = ()
    read_sources: Callable[[Collection[str]], Sources] = lambda _part_ids: {}


NO_PARTS = CompletedParts()
"""Those of an empty output."""


def plan_beside(
    files: Sequence[FileInfo], planner: ItemPlanner, completed: CompletedParts
) -> Iterator[WorkItem]:
    """Plans a corpus of which parts are complete; the planner plans it at once.

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


@dataclass(frozen=True, slots=True)
class ItemSlice:
    """Consecutive documents of an item, by the number of the slice; see `part_records`.

    It has its share in the stored bytes of the item, and pages of a dump up to its last document
    that no slice before it has.
    """

    index: Count
    n_bytes: Count
    pages_by_outcome: Mapping[str, Count]


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """A work item and the part it becomes, or its list of slices; ids are 16 hexadecimal digits.

    A limit is for documents. `slice_bytes` are for an item that is to be sliced: so many bytes of
    documents, about, become a part. A slice says that the part is one of the item.
    """

    part_id: str
    item: WorkItem
    limit: int | None = None
    slice_bytes: int | None = None
    slice: ItemSlice | None = None

    @property
    def n_bytes(self) -> int:
        """Bytes of the input that the part covers, as they are stored."""
        if self.slice is not None:
            return self.slice.n_bytes
        return sum(_span_bytes(span) for span in self.item.spans)

    @property
    def n_expected_slices(self) -> int:
        """Slices that the item makes, about; 0 where it is not to be sliced."""
        if self.slice_bytes is None:
            return 0
        return max(1, expected_bytes(self.item.spans[0].file) // self.slice_bytes)

    @property
    def sources(self) -> tuple[str, ...]:
        """The item's files, each with its range or slice where it is not the whole file."""
        if self.slice is not None:
            return (f"{self.item.spans[0].file.path}#slice-{self.slice.index}",)
        return tuple(_source(span) for span in self.item.spans)

    def of_slice(self, item_slice: ItemSlice) -> "PlannedPart":
        """The part of a slice; `self` is the item that is to be sliced."""
        return PlannedPart(
            slice_part_id(self.part_id, item_slice.index), self.item, slice=item_slice
        )

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @staticmethod
    def from_json(line: str) -> "PlannedPart":
        """Reads back what `to_json` wrote."""
        return from_json(PlannedPart, json.loads(line))


def plan_parts(
    files: Sequence[FileInfo],
    options: ReadOptions,
    *,
    salt: str,
    item_bytes: int = MAX_ITEM_BYTES,
    limit: int | None = None,
    spool_bytes: int = 0,
    completed: CompletedParts = NO_PARTS,
    slices: Mapping[str, Sequence[ItemSlice]] = MappingProxyType({}),
    one_file_per_item: bool = False,
) -> Iterator[PlannedPart]:
    """Plans the parts of a run: one a work item, in the order of the files where there is a limit.

    A limit stops after so many documents, rejected ones included. To find where that is they are
    read here, in order, without being tagged; items stay whole, and completed parts have no say:
    which documents are the first ones follows from the listing alone.

    Without a limit an item that holds more than `spool_bytes`, about, and cannot be read from the
    middle is to be sliced; 0 for none. `slices` are those of the lists that the output holds.

    The salt is a digest of everything else that decides a part's bytes; `item_bytes` and
    `one_file_per_item` are as in `ItemPlanner`.
    """
    planner = ItemPlanner(
        options, salt=salt, item_bytes=item_bytes, one_file_per_item=one_file_per_item
    )
    if limit is None:
        for item in plan_beside(files, planner, _without_slices(completed, slices)):
            whole = PlannedPart(item.item_id, item)
            is_whole = item.item_id in completed.part_ids or not spool_bytes
            if is_whole or not is_slow(item, options, above_bytes=spool_bytes):
                yield whole
            else:
                yield from _sliced(whole, min(item_bytes, MAX_ITEM_BYTES), completed, slices)
        return
    yield from _limited(planner.plan(files), options, limit)


def _limited(items: Iterator[WorkItem], options: ReadOptions, limit: int) -> Iterator[PlannedPart]:
    with closing(ChildProcess()) as child:
        for item in items:
            if limit <= 0:
                return
            if may_abort(item):
                n_documents = count_documents_alone(item, options, child, limit + 1)
            else:
                n_documents = count_documents(item, options, limit + 1)
            if n_documents <= limit:
                yield PlannedPart(item.item_id, item)
            else:
                yield PlannedPart(_limited_id(item.item_id, limit), item, limit)
            limit -= n_documents


def _sliced(
    whole: PlannedPart,
    slice_bytes: int,
    completed: CompletedParts,
    slices: Mapping[str, Sequence[ItemSlice]],
) -> Iterator[PlannedPart]:
    list_id = _digest_id(f"{whole.item.item_id} slices of {slice_bytes}")
    to_slice = PlannedPart(list_id, whole.item, slice_bytes=slice_bytes)
    parts = [to_slice.of_slice(each) for each in slices.get(list_id, ())]
    is_complete = parts and all(part.part_id in completed.part_ids for part in parts)
    yield from parts if is_complete else [to_slice]


def _without_slices(
    completed: CompletedParts, slices: Mapping[str, Sequence[ItemSlice]]
) -> CompletedParts:
    slice_ids = {
        slice_part_id(list_id, each.index) for list_id in slices for each in slices[list_id]
    }
    return replace(completed, part_ids=set(completed.part_ids) - slice_ids)


def slice_part_id(list_id: str, index: int) -> str:
    """The id of the part of a slice."""
    return _digest_id(f"{list_id} slice {index}")


def _digest_id(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _limited_id(item_id: str, limit: int) -> str:
    return _digest_id(f"{item_id} limit {limit}")


def _span_bytes(span: Span) -> int:
    end = span.file.size if span.end is None else min(span.end, span.file.size)
    return max(0, end - span.start)


def _source(span: Span) -> str:
    if span.is_whole:
        return span.file.path
    end = "" if span.end is None else span.end
    return f"{span.file.path}#{span.start}-{end}"
