"""Reads what may abort the process: everything is tried in a child process first.

A native library may do so. A part that is being made is marked: a mark that is left over names a
part whose maker died, and the next attempt reads it alone. A file whose reading ends the child is
one reject, and so is a document that a later step cannot bear; all others come as usual.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice

from mtag_core import storage
from mtag_core.child_process import ChildCrashError, ChildProcess
from mtag_core.corpus.items import ReadOptions, Span, WorkItem
from mtag_core.corpus.registry import read_item
from mtag_core.errors import StorageError
from mtag_core.output.layout import OutputLayout
from mtag_core.records import CRASHED, Document, Reject
from mtag_core.wikipedia.dumps import PageOutcome

_open_marks: set[str] = set()


@contextmanager
def attempt(layout: OutputLayout, part_id: str) -> Iterator[bool]:
    """Marks a part while the block runs, however it ends, unless the process ends with it.

    Yields:
        Whether a process died in an earlier attempt.

    Raises:
        StorageError: The mark cannot be made.
    """
    path = layout.attempt_path(part_id)
    is_suspect = storage.exists(path)
    _open_marks.add(path)
    storage.touch(path)
    try:
        yield is_suspect
    finally:
        _remove(path)


def remove_open_marks() -> None:
    """Removes the marks of this process, which ends on purpose in the middle of its parts."""
    for path in tuple(_open_marks):
        _remove(path)


def _remove(path: str) -> None:
    _open_marks.discard(path)
    with suppress(StorageError):
        storage.delete(path)


@dataclass(frozen=True, slots=True)
class Trial:
    """A child process, and what to try there: what the steps behind the reader do to a document.

    A check must pickle; None tries reading only.
    """

    check: Callable[[Document], object] | None
    child: ChildProcess


@contextmanager
def trial_if(
    is_suspect: bool, check: Callable[[Document], object] | None = None
) -> Iterator[Trial | None]:
    """A trial where one is needed; its process ends with the block."""
    if not is_suspect:
        yield None
        return
    with closing(ChildProcess()) as child:
        yield Trial(check, child)


def read_item_alone(
    item: WorkItem, options: ReadOptions, trial: Trial, *, pages: Counter[str]
) -> Iterator[Document | Reject]:
    """As `read_item`, with a reject for each file that cannot be read without an abort."""
    for span in item.spans:
        each = replace(item, spans=(span,))
        crash = _crash(trial.child, each, options)
        if crash is None:
            yield from read_item(each, options, pages=pages)
        else:
            yield _crashed_file(span, crash)


def _crash(child: ChildProcess, item: WorkItem, options: ReadOptions) -> ChildCrashError | None:
    try:
        _count_in(child, item, options)
    except ChildCrashError as error:
        return error
    except Exception:
        # It comes again where the item is read here.
        return None
    return None


def count_documents(item: WorkItem, options: ReadOptions, limit: int | None = None) -> int:
    """How many documents an item has, rejected ones included; `limit` at most."""
    return sum(1 for _ in islice(read_item(item, options), limit))


def _count_in(
    child: ChildProcess, item: WorkItem, options: ReadOptions, limit: int | None = None
) -> int:
    return storage.call_in_child(child, count_documents, item, options, limit)


def count_documents_alone(
    item: WorkItem, options: ReadOptions, child: ChildProcess, limit: int
) -> int:
    """As `count_documents`, for what `read_item_alone` yields; the child opens the files."""
    n_documents = 0
    for span in item.spans:
        each = replace(item, spans=(span,))
        try:
            n_documents += _count_in(child, each, options, limit - n_documents)
        except ChildCrashError:
            n_documents += 1
        if n_documents >= limit:
            break
    return n_documents


def checked(
    records: Iterator[Document | Reject], trial: Trial, *, pages: Counter[str]
) -> Iterator[Document | Reject]:
    """Records, with a reject for each document that the steps cannot bear, in `pages`, too."""
    for record in records:
        try:
            if trial.check is not None and isinstance(record, Document):
                trial.child.call(trial.check, record)
        except ChildCrashError as error:
            assert isinstance(record, Document)
            if pages:
                pages[PageOutcome.KEPT] -= 1
                pages[PageOutcome.REJECTED] += 1
            detail = f"{record.source}: tagging this document ends the process ({error})"
            yield record.reject(CRASHED, detail, step="tag")
        else:
            yield record


def _crashed_file(span: Span, error: ChildCrashError) -> Reject:
    path = span.file.path
    doc_id = path if span.is_whole else f"{path}#{span.start}"
    detail = f"{path}: reading it ends the process ({error}); the rest of the file is not read"
    return Reject(path, span.start, doc_id, CRASHED, detail)
