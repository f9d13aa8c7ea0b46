"""The formats of inputs: what a file's name says of its format, and how users name one."""

from mtag_core.corpus.format import Format
from mtag_core.corpus.formats import conllu, jsonl, mediawiki, parquet, text
from mtag_core.corpus.items import AUTO, ReadOptions
from mtag_core.corpus.names import stem_of
from mtag_core.errors import UsageError
from mtag_core.storage import FileInfo

_NAME_TO_FORMAT: dict[str, Format] = {}
_EXTENSION_TO_FORMAT: dict[str, Format] = {}


def register(added: Format) -> None:
    """Makes a format known; of two with one name or extension the later one holds."""
    _NAME_TO_FORMAT[added.name] = added
    _EXTENSION_TO_FORMAT.update((extension, added) for extension in added.extensions)


for _module in (text, jsonl, parquet, mediawiki, conllu):
    register(_module.FORMAT)


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

    What the name does not say is plain text.

    Raises:
        UsageError: The options name none.
    """
    if options.input_format != AUTO:
        return format_named(options.input_format)
    name, extension = stem_of(file.path)
    if extension in _EXTENSION_TO_FORMAT:
        return _EXTENSION_TO_FORMAT[extension]
    named = (each for each in formats() if each.names is not None and each.names.search(name))
    return next(named, text.FORMAT)


def formats_using(option: str) -> tuple[Format, ...]:
    """The formats that use a field of `ReadOptions`."""
    return tuple(each for each in formats() if option in each.options)
