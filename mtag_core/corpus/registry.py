"""The formats of inputs: what a file's name says of its format, and reading items by it."""

from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from mtag_core.corpus.decoding import Fault
from mtag_core.corpus.items import AUTO, Format, Read, ReadOptions, Span, WorkItem
from mtag_core.corpus.sniffing import stem_of
from mtag_core.corpus.source import changed_since_planned, failure_of
from mtag_core.errors import MtagError, StorageError, UsageError, one_line
from mtag_core.records import READER_FAILED, Document, Reject
from mtag_core.storage import FileInfo

_NAME_TO_FORMAT: dict[str, Format] = {}
_EXTENSION_TO_FORMAT: dict[str, Format] = {}


def register(added: Format) -> None:
    """Makes a format known; of two with one name or extension the later one holds."""
    _NAME_TO_FORMAT[added.name] = added
    _EXTENSION_TO_FORMAT.update((extension, added) for extension in added.extensions)


def register_modules() -> None:
    """Registers the `FORMATS` of all modules of `mtag_core.corpus.formats`."""
    package = import_module("mtag_core.corpus.formats")
    for found in iter_modules(package.__path__, f"{package.__name__}."):
        for each in import_module(found.name).FORMATS:
            register(each)


register_modules()


def formats() -> tuple[Format, ...]:
    """All formats, in the order in which they were registered."""
    return tuple(_NAME_TO_FORMAT.values())


def format_named(name: str) -> Format:
    """The format of a name.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in _NAME_TO_FORMAT:
        expected = ", ".join((AUTO, *_NAME_TO_FORMAT))
        raise UsageError(f"input_format {name!r}; expected one of {expected}")
    return _NAME_TO_FORMAT[name]


def format_of(file: FileInfo, options: ReadOptions) -> Format:
    """The format of a file: the one that the options name, or that its own name says.

    Raises:
        UsageError: The options name none.
    """
    if options.input_format != AUTO:
        return format_named(options.input_format)
    name, extension = stem_of(file.path)
    if extension in _EXTENSION_TO_FORMAT:
        return _EXTENSION_TO_FORMAT[extension]
    named = (each for each in formats() if each.names is not None and each.names.search(name))
    return next(named, next(each for each in formats() if each.is_default))


def formats_using(option: str) -> tuple[Format, ...]:
    """The formats that use a field of `ReadOptions`."""
    return tuple(each for each in formats() if option in each.options)


def read_item(
    item: WorkItem, options: ReadOptions, *, pages: Counter[str] | None = None
) -> Iterator[Document | Reject]:
    """Reads an item, document by document; each page of a dump is counted under its `PageOutcome`.

    Over all items of a plan every document of every file comes once. Bad input never raises, nor
    does a reader with a bug: it costs the rest of its file.

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
        failure = Fault(READER_FAILED, f"{one_line(error)}; the rest of the file is not read")
    if failure is not None:
        yield Reject(path, span.start, path, *failure)
