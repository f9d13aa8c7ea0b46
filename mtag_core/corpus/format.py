"""What a format of inputs is, and ranges of bytes to plan its files in.

Each format is a module of `mtag_core.corpus.formats` with a `FORMAT` that
`mtag_core.corpus.registry` registers.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mtag_core import storage
from mtag_core.corpus import sniffing
from mtag_core.corpus.items import ReadOptions, Span
from mtag_core.corpus.sniffing import codec_of
from mtag_core.errors import MtagError
from mtag_core.records import Document, Reject
from mtag_core.storage import FileInfo

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


def even_ranges(size: int, step: int) -> Sequence[Range]:
    """Ranges of `step` bytes that cover `size`; the last is open."""
    return [
        (start, start + step if start + step < size else None) for start in range(0, size, step)
    ]


def can_start_midway(
    file: FileInfo,
    *,
    n_bytes: int = sniffing.HEAD_BYTES,
    is_by_lines: Callable[[bytes], bool] = lambda _head: True,
) -> bool:
    """Whether a file can be read from its middle: neither compressed nor UTF-16 or UTF-32.

    Args:
        file: Its first bytes are read; where that fails, its name decides.
        n_bytes: How many.
        is_by_lines: Says of them whether the format goes by lines.
    """
    if codec_of(file.path) is not None:
        return False
    try:
        with storage.open_read(file.path) as stream:
            head = stream.read(n_bytes)
    except (MtagError, OSError):
        return True
    return sniffing.is_plain(head) and is_by_lines(head)
