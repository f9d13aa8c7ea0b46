"""What a run plans: its sizes, its parts beside those that are complete, and the plan as a file.

Workers read the file: the parts still to be made first, the largest first. Neither the driver nor
the job graph holds the plan: a plan over a million files is hundreds of megabytes as objects, and
runners limit the size of a graph (Dataflow: 10 MB).
"""

import logging
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

from mtag_core import storage
from mtag_core.child_process import ChildCrashError, ChildProcess
from mtag_core.corpus.items import ReadOptions, Span, WorkItem
from mtag_core.corpus.kept_fields import RAW, KeptField, kept_fields, kind_of
from mtag_core.corpus.planning import fitting_item_bytes, fitting_spool_bytes
from mtag_core.corpus.registry import format_of, formats_using, read_item
from mtag_core.errors import OutputError
from mtag_core.output.json_files import read_json
from mtag_core.output.layout import OutputLayout
from mtag_core.parts.completed_parts import ManifestReader, completed_parts, damaged_parts
from mtag_core.parts.part_records import read_all_slices
from mtag_core.parts.plan import CompletedParts, PlannedPart, plan_parts
from mtag_core.parts.run import RunConfig
from mtag_core.records import Document
from mtag_core.storage import FileInfo

_LOGGER = logging.getLogger(__name__)
# So many documents of so many files say what type a field has.
_SAMPLE_FILES = 8
_SAMPLE_DOCUMENTS = 200


@dataclass(frozen=True, slots=True)
class PlanSize:
    """How much a plan holds: parts, with completed ones, bytes of their input, and what is pending.

    Files count with ranges of files. Items of `sliced` lists, by their ids, count as no parts, as
    nobody knows yet how many slices they will be; about so many are expected.
    """

    n_parts: int = 0
    n_bytes: int = 0
    n_pending: int = 0
    n_pending_bytes: int = 0
    largest_bytes: int = 0
    n_files: int = 0
    sliced: tuple[str, ...] = ()
    n_expected_slices: int = 0

    def plus(self, part: PlannedPart, *, is_pending: bool) -> "PlanSize":
        """The size with one more part."""
        n_bytes, n_slices = part.n_bytes, part.n_expected_slices
        is_part = not n_slices
        return PlanSize(
            self.n_parts + is_part,
            self.n_bytes + n_bytes,
            self.n_pending + (is_part and is_pending),
            self.n_pending_bytes + n_bytes * is_pending,
            max(self.largest_bytes, n_bytes // max(1, n_slices)),
            self.n_files + len(part.item.spans),
            self.sliced if is_part else (*self.sliced, part.part_id),
            self.n_expected_slices + n_slices,
        )


def measure_plan(parts: Iterable[PlannedPart], *, completed: Collection[str] = ()) -> PlanSize:
    """The size of a plan of which some parts are made already."""
    size = PlanSize()
    for part in parts:
        size = size.plus(part, is_pending=part.part_id not in completed)
    return size


def write_plan(path: str, parts: Iterable[PlannedPart], *, completed: Collection[str]) -> PlanSize:
    """Writes a plan, a JSON line a part, where every worker can read it; returns its size."""
    size = PlanSize()
    # (is completed, minus bytes, offset, length) of each line: sorted, it is the order to write.
    order: list[tuple[bool, int, int, int]] = []
    with tempfile.TemporaryFile(prefix="mtag-plan-") as spool:
        for part in parts:
            is_pending = part.part_id not in completed
            size = size.plus(part, is_pending=is_pending)
            line = part.to_json().encode() + b"\n"
            order.append((not is_pending, -part.n_bytes, spool.tell(), len(line)))
            spool.write(line)
        with storage.atomic_writer(path) as stream:
            for _, _, offset, length in sorted(order):
                spool.seek(offset)
                stream.write(spool.read(length))
    return size


@dataclass(frozen=True, slots=True)
class PlanLine:
    """Where a part stands in a plan: small, though the part may name a thousand files."""

    path: str
    offset: int
    n_bytes: int

    def read(self) -> PlannedPart:
        """Decodes the part from its line."""
        with storage.open_read(self.path, start=self.offset) as stream:
            return PlannedPart.from_json(stream.read(self.n_bytes).decode())


def plan_lines(path: str) -> Iterator[PlanLine]:
    """The lines of a plan, in order."""
    offset = 0
    with storage.open_read(path) as stream:
        for line in stream:
            yield PlanLine(path, offset, len(line))
            offset += len(line)


class PlanSizes(NamedTuple):
    """The sizes that a plan depends on, as in `RunConfig`."""

    item_bytes: int
    spool_bytes: int


def choose_sizes(
    layout: OutputLayout,
    files: Sequence[FileInfo],
    *,
    item_bytes: int | None,
    spool_bytes: int | None,
    is_planned_anew: bool,
) -> PlanSizes:
    """The sizes that flags name, or else those of the runs before, or else those that fit.

    Those of earlier runs do not count where all is planned anew.

    Raises:
        OutputError: config.json is not readable.
    """
    there: dict[str, Any] = {}
    if not is_planned_anew and storage.exists(layout.config_path):
        # Outputs of versions that knew no slices go on without.
        there = {"spool_bytes": 0, **read_json(layout.config_path)}
    if item_bytes is None:
        item_bytes = _size(layout, there, "item_bytes") if there else fitting_item_bytes(files)
    if spool_bytes is None and there:
        spool_bytes = _size(layout, there, "spool_bytes")
    if spool_bytes is None:
        spool_bytes = fitting_spool_bytes(files, item_bytes=item_bytes)
    return PlanSizes(item_bytes, spool_bytes)


def choose_fields(
    layout: OutputLayout, files: Sequence[FileInfo], read: ReadOptions, *, is_planned_anew: bool
) -> tuple[str, ...]:
    """The fields to keep, each with its type: as named, as in the runs before, or as found.

    The first documents of the first files are read. The types of earlier runs do not count where
    all is planned anew.

    Raises:
        OutputError: config.json is not readable.
    """
    fields = kept_fields(read.keep_fields)
    if not fields:
        return ()
    if not is_planned_anew and storage.exists(layout.config_path):
        there = read_json(layout.config_path).get("read")
        words = there.get("keep_fields", []) if isinstance(there, dict) else []
        before = kept_fields(tuple(map(str, words)))
        if [field.name for field in before] == [field.name for field in fields]:
            return tuple(
                str(field if field.kind else there)
                for field, there in zip(fields, before, strict=True)
            )
    if all(field.kind for field in fields):
        return read.keep_fields
    documents = _sample(files, replace(read, keep_fields=tuple(f"{f.name}:{RAW}" for f in fields)))
    chosen = []
    for index, field in enumerate(fields):
        values = [document[index] for document in documents]
        if documents and all(value is None for value in values):
            _LOGGER.warning(
                "--keep_fields=%s: none of the first %d documents has it", field, len(documents)
            )
        chosen.append(str(field if field.kind else KeptField(field.name, kind_of(values))))
    return tuple(chosen)


def _sample(files: Iterable[FileInfo], read: ReadOptions) -> list[tuple[Any, ...]]:
    users = formats_using("keep_fields")
    found: list[tuple[Any, ...]] = []
    usable = (file for file in files if format_of(file, read) in users)
    with closing(ChildProcess()) as child:
        for file in islice(usable, _SAMPLE_FILES):
            item = WorkItem("sample", format_of(file, read).name, (Span(file),))
            with suppress(ChildCrashError):
                # The process may end with a damaged file: its documents are rejected later.
                found += storage.call_in_child(child, _fields_of, item, read)
    return found


def _fields_of(item: WorkItem, read: ReadOptions) -> list[tuple[Any, ...]]:
    records = islice(read_item(item, read), _SAMPLE_DOCUMENTS)
    return [record.fields for record in records if isinstance(record, Document)]


def find_completed(layout: OutputLayout) -> CompletedParts:
    """The parts that are done, for planning beside them; see `completed_parts`."""
    return CompletedParts(completed_parts(layout), ManifestReader(layout).sources)


def find_intact(layout: OutputLayout, *, verify: bool) -> CompletedParts:
    """As `find_completed` after `prepare_output`, but changes nothing: for a dry run."""
    intact = completed_parts(layout, is_dry=True) - damaged_parts(layout, verify=verify).keys()
    return CompletedParts(intact, ManifestReader(layout).sources)


def plan_run(
    layout: OutputLayout, config: RunConfig, files: Sequence[FileInfo], completed: CompletedParts
) -> Iterator[PlannedPart]:
    """Plans the parts of a run; see `plan_parts`."""
    return plan_parts(
        files,
        config.read,
        salt=config.salt,
        item_bytes=config.item_bytes,
        limit=config.limit,
        spool_bytes=config.spool_bytes,
        completed=completed,
        slices=read_all_slices(layout),
        one_file_per_item=config.one_file_per_input,
    )


def _size(layout: OutputLayout, config: Mapping[str, Any], name: str) -> int:
    value = config.get(name)
    if type(value) is int and value >= 0 and (value or name == "spool_bytes"):
        return value
    raise OutputError(f"{layout.config_path}: {name} {value!r}; expected a number of bytes")
