"""Reads the documents of a work item."""

from collections import Counter
from collections.abc import Iterator

from mtag_core.corpus.conllu import read_conllu
from mtag_core.corpus.items import ReadOptions, Span, WorkItem
from mtag_core.corpus.jsonl import read_jsonl
from mtag_core.corpus.mediawiki import open_mediawiki, read_mediawiki
from mtag_core.corpus.parquet import read_parquet
from mtag_core.corpus.source import Source, changed_since_planned
from mtag_core.corpus.text import open_text, read_text
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
    for span in item.spans:
        failure = changed_since_planned(span)
        if failure:
            path = span.file.path
            yield Reject(path, span.start, path, failure.reason, failure.detail)
        else:
            yield from _read_span(span, item.kind, options, Counter() if pages is None else pages)


def _read_span(
    span: Span, kind: str, options: ReadOptions, pages: Counter[str]
) -> Iterator[Document | Reject]:
    """Reads a span; what a failing file cuts off becomes one reject, the last."""
    if kind == "parquet":
        yield from read_parquet(span, options)
        return
    with _open(span, kind, options) as source:
        if kind == "text":
            yield from read_text(span, source, options)
        elif kind == "jsonl":
            yield from read_jsonl(span, source, options)
        elif kind == "mediawiki":
            yield from read_mediawiki(span, source, options, pages=pages)
        else:
            yield from read_conllu(source, options)
        if source.failure:
            yield source.reject()


def _open(span: Span, kind: str, options: ReadOptions) -> Source:
    """Opens a span where its reader wants to start."""
    if kind == "text":
        return open_text(span, options)
    if kind == "mediawiki":
        return open_mediawiki(span)
    # A byte early, to see whether a line ends right before the span.
    return Source(span, start=max(0, span.start - 1))
