"""The plan of a run: which part each work item becomes.

A plan is a pure function of the listing, the configuration and, with a limit, of the first
documents; the same inputs give the same parts under the same names.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice

from mtag_core.corpus import ITEM_BYTES, ReadOptions, Span, WorkItem, plan_items, read_item
from mtag_core.storage import FileInfo


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """A work item and the part it becomes.

    Attributes:
        part_id: 16 hexadecimal digits; names the part.
        item: What to read.
        limit: Read at most this many documents; None for all.
    """

    part_id: str
    item: WorkItem
    limit: int | None = None

    @property
    def n_bytes(self) -> int:
        """Bytes of the input that the item covers, as they are stored."""
        return sum(_span_bytes(span) for span in self.item.spans)

    @property
    def sources(self) -> tuple[str, ...]:
        """The item's files, each with its range where it is not the whole file."""
        return tuple(_source(span) for span in self.item.spans)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @staticmethod
    def from_json(line: str) -> "PlannedPart":
        """Reads back what `to_json` wrote."""
        fields = json.loads(line)
        item = fields["item"]
        spans = tuple(
            Span(FileInfo(**span["file"]), span["start"], span["end"]) for span in item["spans"]
        )
        work_item = WorkItem(item_id=item["item_id"], kind=item["kind"], spans=spans)
        return PlannedPart(fields["part_id"], work_item, fields["limit"])


def plan_parts(
    files: Iterable[FileInfo],
    options: ReadOptions,
    *,
    salt: str,
    item_bytes: int = ITEM_BYTES,
    limit: int | None = None,
) -> Iterator[PlannedPart]:
    """Plans the parts of a run.

    Args:
        files: The listing of the inputs.
        options: How to read.
        salt: Digest of everything else that decides a part's bytes.
        item_bytes: Size of a work item in stored bytes, about.
        limit: Stop after this many documents, rejected ones included. To find where that is the
            documents are read here, in order, without being tagged; None plans everything.

    Yields:
        One part a work item, in the order of the files.
    """
    items = plan_items(files, options, salt=salt, item_bytes=item_bytes)
    if limit is None:
        yield from (PlannedPart(item.item_id, item) for item in items)
        return
    for item in items:
        if limit <= 0:
            return
        n_documents = sum(1 for _ in islice(read_item(item, options), limit + 1))
        if n_documents <= limit:
            yield PlannedPart(item.item_id, item)
        else:
            yield PlannedPart(_limited_id(item.item_id, limit), item, limit)
        limit -= n_documents


def _limited_id(item_id: str, limit: int) -> str:
    """The id of a part that holds only the first documents of its item."""
    return hashlib.sha256(f"{item_id} limit {limit}".encode()).hexdigest()[:16]


def _span_bytes(span: Span) -> int:
    """Bytes of a span; row groups of a Parquet file count as its share in the whole file."""
    end = span.file.size if span.end is None else min(span.end, span.file.size)
    return max(0, end - span.start)


def _source(span: Span) -> str:
    """A span for people: `path` or `path#start-end`."""
    if span.start == 0 and span.end is None:
        return span.file.path
    end = "" if span.end is None else span.end
    return f"{span.file.path}#{span.start}-{end}"
