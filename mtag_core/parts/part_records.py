"""The records of a part: what passes between the steps beside documents, and how they are read.

Each record goes with a `RecordKey`. Order matters: a part's records come in the order of its
documents, and `PartEnd` comes last.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from mtag_core.corpus.items import ReadOptions
from mtag_core.corpus.registry import read_item
from mtag_core.errors import MtagError
from mtag_core.output.layout import OutputLayout
from mtag_core.output.manifests import Manifest
from mtag_core.parts.plan import PlannedPart
from mtag_core.parts.read_alone import Trial, checked, read_item_alone
from mtag_core.parts.spool import read_spool
from mtag_core.records import Document, Reject
from mtag_core.wikipedia import PageOutcome


class RecordKey(NamedTuple):
    """Where a record belongs.

    Attributes:
        part_id: The part.
        ordinal: Number of the document in the part, from 0, rejected ones included.
    """

    part_id: str
    ordinal: int


@dataclass(frozen=True, slots=True)
class PartEnd:
    """Follows the last record of a part through every step.

    Attributes:
        part: What was read.
        n_documents: Documents read, rejected ones included.
        pages_by_outcome: Pages of dumps; empty where no page was read.
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

    Args:
        part: What to read.
        options: How to read.
        layout: Where slices are.
        trial: Where to try what may abort the process; None for a part that nobody died of.

    Yields:
        Documents and rejects in order, then the part's end.

    Raises:
        MtagError: Something that must stop the run, such as a disk that is gone.
    """
    pages: Counter[str] = Counter()
    n_documents = 0
    if part.slice is None:
        records = read_item_records(part, options, pages, trial=trial)
    else:
        records = read_spool(layout.spool_path(part.part_id))
        pages.update(part.slice.pages_by_outcome)
    if trial is not None:
        records = checked(records, trial, pages=pages)
    for record in records:
        yield RecordKey(part.part_id, n_documents), record
        n_documents += 1
    yield RecordKey(part.part_id, n_documents), PartEnd(part, n_documents, pages_of(pages))


def pages_of(pages: Counter[str]) -> dict[str, int]:
    """Pages of a dump by outcome, each outcome named; empty where no page was read."""
    return {str(outcome): pages[outcome] for outcome in PageOutcome if pages}


def read_item_records(
    part: PlannedPart, options: ReadOptions, pages: Counter[str], *, trial: Trial | None = None
) -> Iterator[Document | Reject]:
    """Reads the documents of a part's work item, at most `part.limit` of them; counts pages.

    Args:
        part: What to read.
        options: How to read.
        pages: Counted up, as in `read_item`.
        trial: As in `read_part`.

    Raises:
        MtagError: Something that must stop the run, such as a disk that is gone.
    """
    if trial is None:
        read = read_item(part.item, options, pages=pages)
    else:
        read = read_item_alone(part.item, options, trial, pages=pages)
    records = islice(read, part.limit)
    while True:
        try:
            record = next(records, None)
        except (MtagError, MemoryError):
            raise
        except Exception as error:
            # Readers reject what they cannot read; one that raises has a bug, which must not stop
            # a run over a whole corpus. What is left of the item is one reject.
            span = part.item.spans[0]
            detail = f"reader failed: {type(error).__name__}: {error}".split("\n")[0]
            yield Reject(span.file.path, span.start, None, "unreadable", detail)
            return
        if record is None:
            return
        yield record if isinstance(record, Reject) else _with_writable_id(record)


def _with_writable_id(document: Document) -> Document:
    """Names of files may be any bytes; UTF-8 cannot write those that Python escapes."""
    if document.doc_id.isascii():
        return document
    doc_id = document.doc_id.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return replace(document, doc_id=doc_id)
