"""Reads the documents of a work item."""

from collections import Counter
from collections.abc import Iterator

from mtag_core.corpus.decoding import one_line
from mtag_core.corpus.format import Read
from mtag_core.corpus.items import ReadOptions, Span, WorkItem
from mtag_core.corpus.registry import format_named
from mtag_core.corpus.source import Failure, changed_since_planned, failure_of
from mtag_core.errors import MtagError, StorageError
from mtag_core.records import READER_FAILED, Document, Reject


def read_item(
    item: WorkItem, options: ReadOptions, *, pages: Counter[str] | None = None
) -> Iterator[Document | Reject]:
    """Reads an item, document by document.

    Over all items of a plan every document of every file comes once. Bad input never raises, nor
    does a reader with a bug: it costs the rest of its file.

    Args:
        item: From `plan_items`.
        options: Those of the plan.
        pages: Counted up by one for each page of a dump, under its `PageOutcome`; right for what
            has been read so far.

    Yields:
        Documents, and a reject for each that cannot be read, with one of `REASONS`.

    Raises:
        UsageError: There is no format of the item's kind.
        StorageError: Something that is not the input's fault, such as a disk that is gone.
    """
    read = format_named(item.kind).read
    counter = Counter[str]() if pages is None else pages
    for span in item.spans:
        yield from _read_span(span, read, options, counter)


def _read_span(
    span: Span, read: Read, options: ReadOptions, pages: Counter[str]
) -> Iterator[Document | Reject]:
    path = span.file.path
    try:
        failure = changed_since_planned(span)
        if failure is None:
            yield from read(span, options, pages)
    except (StorageError, MemoryError):
        raise
    except MtagError as error:
        failure = failure_of(error)
    except Exception as error:
        failure = Failure(READER_FAILED, f"{one_line(error)}; the rest of the file is not read")
    if failure is not None:
        yield Reject(path, span.start, path, failure.reason, failure.detail)
