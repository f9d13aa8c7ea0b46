"""Slices of an item that cannot be read from the middle: one worker reads it, all tag it.

Its documents are read once and written in slices to `spool/`; each slice becomes a part. The list
of an item's slices is written when all are there, so that a run that goes on, or comes later, knows
the item's parts without reading it. The spool is removed at the end of a run, the list stays.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise

from mtag_core import storage
from mtag_core.corpus.items import ReadOptions
from mtag_core.errors import CountMismatchError
from mtag_core.output.json_files import read_record, write_json
from mtag_core.output.layout import SLICES, OutputLayout
from mtag_core.parts.part_records import (
    pages_of,
    read_item_records,
    record_to_line,
    write_spool,
)
from mtag_core.parts.plan import ItemSlice, PlannedPart, slice_part_id
from mtag_core.parts.read_alone import Trial

_LIST_VERSION = 1


@dataclass(frozen=True, slots=True)
class _SliceList:
    slices: tuple[ItemSlice, ...]


def slice_item(
    part: PlannedPart, options: ReadOptions, layout: OutputLayout, *, trial: Trial | None = None
) -> Iterator[PlannedPart]:
    """Slices the item of a planned part, unless an earlier attempt has.

    Args:
        part: With `slice_bytes`.
        options: How to read.
        layout: Where the slices go.
        trial: As in `read_part`.

    Yields:
        A part a slice. Those that are not complete have their documents in the spool.

    Raises:
        CountMismatchError: An earlier attempt read other documents.
        StorageError: Something cannot be read or written.
    """
    there = read_slices(layout, part.part_id)
    slices = there
    if slices is None or not _are_at_hand(layout, part.part_id, slices):
        slices = _write_spools(part, options, layout, trial)
        if there not in (None, slices):
            path = part.item.spans[0].file.path
            raise CountMismatchError(f"{path}: holds other documents than before; run again")
        _write_list(layout, part.part_id, slices)
    for each in slices:
        yield part.of_slice(each)


def read_slices(layout: OutputLayout, list_id: str) -> tuple[ItemSlice, ...] | None:
    """Reads the list of an item's slices; None where there is none.

    Raises:
        OutputError: It is damaged.
    """
    path = layout.slices_path(list_id)
    if not storage.exists(path):
        return None
    return read_record(_SliceList, path, version=_LIST_VERSION).slices


def read_all_slices(layout: OutputLayout) -> dict[str, tuple[ItemSlice, ...]]:
    """The slices of all items that the output has lists of."""
    lists = {list_id: read_slices(layout, list_id) for list_id in layout.own_files(SLICES)}
    return {list_id: slices for list_id, slices in lists.items() if slices is not None}


def part_ids_of_slices(layout: OutputLayout) -> dict[str, tuple[str, ...]]:
    """Ids of the lists that the output has to the ids of the parts of their slices."""
    return {
        list_id: tuple(slice_part_id(list_id, each.index) for each in slices)
        for list_id, slices in read_all_slices(layout).items()
    }


def _are_at_hand(layout: OutputLayout, list_id: str, slices: Sequence[ItemSlice]) -> bool:
    part_ids = (slice_part_id(list_id, each.index) for each in slices)
    return all(
        storage.exists(layout.manifest_path(part_id)) or storage.exists(layout.spool_path(part_id))
        for part_id in part_ids
    )


def _write_list(layout: OutputLayout, list_id: str, slices: Sequence[ItemSlice]) -> None:
    fields = {"version": _LIST_VERSION, **asdict(_SliceList(tuple(slices)))}
    write_json(layout.slices_path(list_id), fields)


def _write_spools(
    part: PlannedPart, options: ReadOptions, layout: OutputLayout, trial: Trial | None
) -> tuple[ItemSlice, ...]:
    sizes: list[int] = []
    pages: list[dict[str, int]] = []
    for index, (lines, page_counts) in enumerate(_cut(part, options, trial)):
        sizes.append(sum(map(len, lines)))
        pages.append(page_counts)
        part_id = slice_part_id(part.part_id, index)
        if not storage.exists(layout.manifest_path(part_id)):
            write_spool(layout.spool_path(part_id), lines)
    # Each slice has its share in the stored bytes, so that the shares add up to the file.
    total = max(1, sum(sizes))
    edges = [part.n_bytes * edge // total for edge in accumulate(sizes, initial=0)]
    shares = [end - start for start, end in pairwise(edges)]
    return tuple(
        ItemSlice(index, n_bytes, page_counts)
        for index, (n_bytes, page_counts) in enumerate(zip(shares, pages, strict=True))
    )


def _cut(
    part: PlannedPart, options: ReadOptions, trial: Trial | None
) -> Iterator[tuple[list[bytes], dict[str, int]]]:
    pages: Counter[str] = Counter()
    before: Counter[str] = Counter()
    lines: list[bytes] = []
    n_bytes, is_first = 0, True
    for record in read_item_records(part, options, pages, trial=trial):
        lines.append(record_to_line(record))
        n_bytes += len(lines[-1])
        if n_bytes >= (part.slice_bytes or 0):
            yield lines, pages_of(pages - before)
            before, lines, n_bytes, is_first = pages.copy(), [], 0, False
    # Pages may follow the last document that are none themselves.
    if lines or is_first or pages != before:
        yield lines, pages_of(pages - before)
