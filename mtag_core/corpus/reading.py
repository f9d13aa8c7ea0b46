"""Reads the documents of a work item."""

from collections import Counter
from collections.abc import Iterator

from mtag_core.corpus.items import ReadOptions, WorkItem
from mtag_core.corpus.registry import format_named
from mtag_core.corpus.source import changed_since_planned
from mtag_core.records import Document, Reject


def read_item(
    item: WorkItem, options: ReadOptions, *, pages: Counter[str] | None = None
) -> Iterator[Document | Reject]:
    """Reads an item, document by document.

    Over all items of a plan every document of every file comes once. Bad input never raises.

    Args:
        item: From `plan_items`.
        options: Those of the plan.
        pages: Counted up by one for each page of a dump, under its `PageOutcome`; right for what
            has been read so far.

    Yields:
        Documents, and a reject for each that cannot be read, with one of `REASONS`.
    """
    read = format_named(item.kind).read
    counter = Counter[str]() if pages is None else pages
    for span in item.spans:
        failure = changed_since_planned(span)
        if failure:
            path = span.file.path
            yield Reject(path, span.start, path, failure.reason, failure.detail)
        else:
            yield from read(span, options, counter)
