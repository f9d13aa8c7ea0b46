"""The records of a part: what passes between the steps beside documents, and how they are read.

Each record goes with a `RecordKey`. Order matters: a part's records come in the order of its
documents, and `PartEnd` comes last. Documents of slices wait in the spool, a JSON line each.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

from mtag_core import storage
from mtag_core.corpus.compression import DecompressedStream
from mtag_core.corpus.items import ReadOptions
from mtag_core.corpus.registry import read_item
from mtag_core.output.layout import OutputLayout
from mtag_core.output.manifests import Manifest
from mtag_core.output.rejects import line_to_reject, reject_to_line
from mtag_core.output.writers import compressed
from mtag_core.parts.plan import PlannedPart
from mtag_core.parts.read_alone import Trial, checked, read_item_alone
from mtag_core.records import Document, MultiwordToken, Reject, Sentence
from mtag_core.wikipedia.dumps import PageOutcome

_CHUNK_BYTES = 2**20


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

    Raises:
        MtagError: Something that must stop the run, such as a disk that is gone.
    """
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
