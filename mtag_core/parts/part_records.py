"""The records of a part: what passes between the steps beside documents, and how they are read.

Each record goes with a `RecordKey`. Order matters: a part's records come in the order of its
documents, and `PartEnd` comes last.

An item that cannot be read from the middle is sliced: one worker reads it, all tag it. Its
documents are read once and written in slices to `spool/`, a JSON line each; each slice becomes a
part. The list of an item's slices is written when all are there, so that a run that goes on, or
comes later, knows the item's parts without reading it. The spool is removed at the end of a run,
the list stays.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate, islice, pairwise
from typing import Any, NamedTuple

from mtag_core import storage
from mtag_core.corpus.compression import DecompressedStream
from mtag_core.corpus.items import ReadOptions
from mtag_core.corpus.registry import read_item
from mtag_core.errors import CountMismatchError
from mtag_core.output.json_files import line_to_reject, read_record, reject_to_line, write_json
from mtag_core.output.layout import SLICES, Manifest, OutputLayout
from mtag_core.output.writers import compressed
from mtag_core.parts.plan import ItemSlice, PlannedPart, slice_part_id
from mtag_core.parts.read_alone import Trial, checked, read_item_alone
from mtag_core.records import Document, MultiwordToken, Reject, Sentence
from mtag_core.wikipedia.dumps import PageOutcome

_CHUNK_BYTES = 2**20
_LIST_VERSION = 1


class RecordKey(NamedTuple):
    """The part of a record, and the number of its document in it, from 0, with rejected ones."""

    part_id: str
    ordinal: int


@dataclass(frozen=True, slots=True)
class PartEnd:
    """Follows the last record of a part through every step, with the documents read in all.

    There are outcomes of pages of dumps, none where no page was read.
    """

    part: PlannedPart
    n_documents: int
    pages_by_outcome: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CompletedPart:
    """Stands for all records of a part that an earlier attempt has written already."""

    manifest: Manifest


def read_part(
    part: PlannedPart, options: ReadOptions, layout: OutputLayout, *, trial: Trial | None = None
) -> Iterator[tuple[RecordKey, Document | Reject | PartEnd]]:
    """Reads the documents of a part's work item, at most `part.limit` of them, or of its slice.

    A trial says where to try what may abort the process; None for a part that nobody died of.

    Yields:
        Documents and rejects in order, then the part's end.

    Raises:
        MtagError: Something that must stop the run, such as a disk that is gone.
    """
    pages: Counter[str] = Counter()
    n_documents = 0
    if part.slice is None:
        records = _read_item_records(part, options, pages, trial=trial)
    else:
        records = read_spool(layout.spool_path(part.part_id))
        pages.update(part.slice.pages_by_outcome)
    if trial is not None:
        records = checked(records, trial, pages=pages)
    for record in records:
        yield RecordKey(part.part_id, n_documents), record
        n_documents += 1
    yield RecordKey(part.part_id, n_documents), PartEnd(part, n_documents, _pages_of(pages))


def _pages_of(pages: Counter[str]) -> dict[str, int]:
    return {str(outcome): pages[outcome] for outcome in PageOutcome if pages}


def _read_item_records(
    part: PlannedPart, options: ReadOptions, pages: Counter[str], *, trial: Trial | None
) -> Iterator[Document | Reject]:
    if trial is None:
        read = read_item(part.item, options, pages=pages)
    else:
        read = read_item_alone(part.item, options, trial, pages=pages)
    for record in islice(read, part.limit):
        if isinstance(record, Document) and not record.doc_id.isascii():
            record = replace(record, doc_id=storage.writable(record.doc_id))
        yield record


def write_spool(path: str, lines: Sequence[bytes]) -> None:
    """Writes lines that `record_to_line` made, compressed."""
    with storage.atomic_writer(path) as sink, compressed(sink, "zstd") as stream:
        stream.writelines(lines)


def read_spool(path: str) -> Iterator[Document | Reject]:
    """Reads the records of a file that `write_spool` wrote.

    Raises:
        InputNotFoundError: There is no such file.
        FormatError: It is damaged.
    """
    with storage.open_read(path) as raw:
        stream, rest = DecompressedStream(raw, "zst"), b""
        while data := stream.read(_CHUNK_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            yield from map(line_to_record, lines)


def record_to_line(record: Document | Reject) -> bytes:
    """One JSON line, with its line feed."""
    if isinstance(record, Reject):
        return reject_to_line(record)
    # Names of files may hold lone surrogates.
    text = json.dumps(asdict(record), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass") + b"\n"


def line_to_record(line: bytes) -> Document | Reject:
    """Reads back what `record_to_line` wrote."""
    text = line.decode("utf-8", "surrogatepass")
    fields = json.loads(text)
    if "reason" in fields:
        return line_to_reject(text)
    sentences = fields.pop("sentences")
    if sentences is not None:
        sentences = tuple(map(_sentence, sentences))
    # A run that was killed may have been one of a version without fields.
    kept = tuple(fields.get("fields", ()))
    return Document(**{**fields, "fields": kept, "sentences": sentences})


def _sentence(fields: Mapping[str, Any]) -> Sentence:
    columns = {name: tuple(fields[name]) for name in ("forms", "starts", "ends")}
    multiword_tokens = tuple(MultiwordToken(**token) for token in fields["multiword_tokens"])
    return Sentence(**{**fields, **columns, "multiword_tokens": multiword_tokens})


@dataclass(frozen=True, slots=True)
class _SliceList:
    slices: tuple[ItemSlice, ...]


def slice_item(
    part: PlannedPart, options: ReadOptions, layout: OutputLayout, *, trial: Trial | None = None
) -> Iterator[PlannedPart]:
    """Slices the item of a planned part, unless an earlier attempt has.

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
    for record in _read_item_records(part, options, pages, trial=trial):
        lines.append(record_to_line(record))
        n_bytes += len(lines[-1])
        if n_bytes >= (part.slice_bytes or 0):
            yield lines, _pages_of(pages - before)
            before, lines, n_bytes, is_first = pages.copy(), [], 0, False
    # Pages may follow the last document that are none themselves.
    if lines or is_first or pages != before:
        yield lines, _pages_of(pages - before)
