"""What is read and how: options, byte ranges, work items and formats.

Each format is a module of `mtag_core.corpus.formats`; `mtag_core.corpus.registry` finds them.
"""

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mtag_core import storage
from mtag_core.corpus.sniffing import HEAD_BYTES, codec_of, is_plain
from mtag_core.errors import MtagError, UsageError
from mtag_core.options import known_encoding, option, positive, seconds
from mtag_core.records import Document, Reject
from mtag_core.storage import FileInfo
from mtag_core.time_limit import MAX_DOCUMENT_SECONDS

AUTO = "auto"
"""Format of inputs whose names say it."""

DOCUMENTS = ("file", "line", "paragraph")
_MIN_DOCUMENT_BYTES = 16

MAX_EXPANSION = 1000
"""Text seldom shrinks to a hundredth; a bomb of gz to a thousandth, of bz2 much further."""

_DEFAULT_LIMITS = {"max_document_seconds": MAX_DOCUMENT_SECONDS, "max_expansion": MAX_EXPANSION}


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How documents are made of files; a field with a help is a flag.

    Without an encoding it is UTF-8, and for HTML what the page says; files in another one are read
    whole. Longer plain text than `max_document_bytes` is read as several documents, a longer line
    or record is rejected. What waits for a file does not count in `max_document_seconds`.
    `keep_fields` are as in `mtag_core.corpus.kept_fields`.

    Raises:
        UsageError: A value is none of those allowed.
    """

    input_format: str = option("how files are read; auto goes by their names", AUTO)
    document: str = option("what one document is", "file", choices=DOCUMENTS)
    text_field: str = option(
        "field of the text; outer.inner for a nested one", "text", metavar="NAME"
    )
    id_field: str | None = option("field of the document id", None, metavar="NAME")
    language_field: str | None = option(
        "field of the text's language, such as fr or French", None, metavar="NAME"
    )
    encoding: str | None = option(
        "of text, such as latin-1 or cp1251; UTF-8, or what a byte order mark says, if left out",
        None,
        metavar="NAME",
        parse=known_encoding,
    )
    max_document_bytes: int = 4 * 2**20
    namespaces: tuple[int, ...] = (0,)
    max_document_seconds: float = option(
        "seconds that one step may take for a document",
        MAX_DOCUMENT_SECONDS,
        metavar="S",
        parse=seconds,
    )
    max_expansion: int = option(
        "bytes that a byte of a compressed file may hold, beyond the first 64 MiB",
        MAX_EXPANSION,
        parse=positive,
    )
    keep_fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks the values."""
        if self.document not in DOCUMENTS:
            expected = f"expected one of {', '.join(DOCUMENTS)}"
            raise UsageError(f"document {self.document!r}; {expected}")
        if self.max_document_bytes < _MIN_DOCUMENT_BYTES:
            expected = f"expected {_MIN_DOCUMENT_BYTES} or more"
            raise UsageError(f"max_document_bytes {self.max_document_bytes}; {expected}")

    def to_dict(self) -> dict[str, Any]:
        """Returns the options as JSON values."""
        fields = dataclasses.asdict(self)
        for name, default in _DEFAULT_LIMITS.items():
            if fields[name] == default:
                # As before there was a limit, so that outputs from then are gone on with.
                del fields[name]
        for name in ("language_field", "encoding", "keep_fields"):
            if not fields[name]:
                del fields[name]
        return {name: list(v) if isinstance(v, tuple) else v for name, v in fields.items()}

    def to_json(self) -> str:
        """Returns one line of JSON, the same for equal options."""
        return json.dumps(self.to_dict(), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Span:
    """A range of a file's bytes as they are stored, compressed ones included.

    What begins in the range belongs to it (a line, a paragraph, a stream of bz2, a row group of
    Parquet), also where it ends behind it. Without an end it goes to the end of the file.
    """

    file: FileInfo
    start: int = 0
    end: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole file."""
        return self.start == 0 and self.end is None


@dataclass(frozen=True, slots=True)
class WorkItem:
    """What one worker reads at a time: a range of a file, or a pack of whole small files.

    All are of the format `kind`. The id is a digest of all that decides what the item reads, 16
    hexadecimal digits.
    """

    item_id: str
    kind: str
    spans: tuple[Span, ...]

    @property
    def is_pack(self) -> bool:
        """Whether it is one whole file or several."""
        return self.spans[0].is_whole


Range = tuple[int, int | None]
"""First byte of a file and the byte after the last; None for the end of the file."""

WHOLE: Sequence[Range] = ((0, None),)
"""The range of a file that is not split."""

Plan = Callable[[FileInfo, ReadOptions, int], Sequence[Range]]
Read = Callable[[Span, ReadOptions, Counter[str]], Iterator[Document | Reject]]


@dataclass(frozen=True, slots=True)
class Format:
    """A format of inputs.

    Attributes:
        name: What `--input_format` calls it.
        title: What it is, for people.
        extensions: Of its files, with their dots, in lower case and without that of a compression.
        read: Yields the documents that start in a span, and a reject for each that cannot be read;
            takes the options and what pages of dumps are counted in. An exception costs the rest of
            the file.
        plan: Splits a file into ranges of so many stored bytes, about, that cover it; called for
            large files whose server sends any range. Without one a file is never split.
        is_one_document: Whether a file is one document, as far as its size and the options say.
        options: The fields of `ReadOptions` that it uses, each the flag of that name.
        may_abort: Whether a native library reads it that may end the process on damaged files:
            such files are planned in a child process.
        names: Matches the ends of names that have none of the extensions, or None.
        is_default: Whether it is that of files whose names say nothing.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    read: Read
    plan: Plan = lambda _file, _options, _item_bytes: WHOLE
    is_one_document: Callable[[FileInfo, ReadOptions], bool] = lambda _file, _options: False
    options: tuple[str, ...] = ()
    may_abort: bool = False
    names: re.Pattern[str] | None = None
    is_default: bool = False


def even_ranges(size: int, step: int) -> Sequence[Range]:
    """Ranges of `step` bytes that cover `size`; the last is open."""
    return [
        (start, start + step if start + step < size else None) for start in range(0, size, step)
    ]


def can_start_midway(
    file: FileInfo,
    *,
    n_bytes: int = HEAD_BYTES,
    is_by_lines: Callable[[bytes], bool] = lambda _head: True,
) -> bool:
    """Whether a file can be read from its middle: neither compressed nor UTF-16 or UTF-32.

    Its first `n_bytes` are asked, also whether the format goes by lines; if unreadable, its name.
    """
    if codec_of(file.path) is not None:
        return False
    try:
        with storage.open_read(file.path) as stream:
            head = stream.read(n_bytes)
    except (MtagError, OSError):
        return True
    return is_plain(head) and is_by_lines(head)
