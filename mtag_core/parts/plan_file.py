"""A plan as a file, which workers read: the parts still to be made first, the largest first.

Neither the driver nor the job graph holds the plan: a plan over a million files is hundreds of
megabytes as objects, and runners limit the size of a graph (Dataflow: 10 MB).
"""

import tempfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from mtag_core import storage
from mtag_core.parts.plan import PlannedPart


@dataclass(frozen=True, slots=True)
class PlanSize:
    """How much a plan holds.

    Attributes:
        n_parts: Parts, completed ones included.
        n_bytes: Bytes of input of all parts.
        n_pending: Parts to be made.
        n_pending_bytes: Bytes of input of the parts to be made.
        largest_bytes: Bytes of input of the largest part.
        n_files: Files and ranges of files, all parts together.
        sliced: Ids of the lists of items that are to be sliced; they count as no parts, as nobody
            knows yet how many they will be.
        n_expected_slices: Slices of these, about.
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
    """Writes a plan, a JSON line a part.

    Args:
        path: Where to; every worker must be able to read it.
        parts: In any order.
        completed: Ids of the parts that are made already.

    Returns:
        The size of the plan.
    """
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
