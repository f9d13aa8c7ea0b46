"""Plans work items: which worker reads which bytes of which files.

A plan is a pure function of the listing and the options; only large files are looked into. Small
files are packed. Where a pack ends depends on the files in it alone, so that a pack stays as it is
when the packs before it are planned already; and mostly on their paths, so that a file that is
added or changed alters few packs.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mtag_core import storage
from mtag_core.child_process import ChildProcess
from mtag_core.corpus.items import WHOLE, Range, ReadOptions, Span, WorkItem
from mtag_core.corpus.registry import format_named, format_of
from mtag_core.corpus.sniffing import codec_of
from mtag_core.errors import MtagError
from mtag_core.storage import FileInfo

MIN_ITEM_BYTES = 256 * 2**10
"""An item costs as much as 6 to 8 KB of text more: its part, its manifest, its unfilled batches."""

MAX_ITEM_BYTES = 8 * 2**20
"""A minute or two of tagging; what a killed worker loses at most."""

MAX_PACK_FILES = 1000
# A corpus between the bounds has once or twice as many items.
_MIN_ITEMS = 256
# A file of fewer items is not worth the copy; neither is one among more files of its size.
_MIN_SLICES = 4
_MIN_FILES = 64
# A pack of empty files ends, on average, after so many.
_MEAN_PACK_FILES = 512
_HASH_RANGE = 2**32
_CHILD = ChildProcess()
# Bytes of text or XML in a stored byte, about; those of Parquet are not known without opening it.
_CODEC_TO_RATIO = {None: 1, "gz": 3, "zst": 3, "bz2": 4, "xz": 4}


def fitting_item_bytes(files: Iterable[FileInfo]) -> int:
    """The size of work items that fits a corpus: small corpora keep several workers busy, too.

    A compressed file counts by what it holds, about.

    Returns:
        A power of two from `MIN_ITEM_BYTES` to `MAX_ITEM_BYTES`, so that a corpus that grows a
        little keeps its size of items.
    """
    n_bytes = sum(expected_bytes(file) for file in files) // _MIN_ITEMS
    power_of_two = 1 << max(0, n_bytes.bit_length() - 1)
    return min(max(power_of_two, MIN_ITEM_BYTES), MAX_ITEM_BYTES)


def fitting_spool_bytes(files: Iterable[FileInfo], *, item_bytes: int) -> int:
    """From which size on a file that cannot be read from the middle should be sliced.

    A file that is small beside the corpus is not: other workers have other files meanwhile.
    """
    n_bytes = sum(expected_bytes(file) for file in files)
    return max(_MIN_SLICES * item_bytes, n_bytes // _MIN_FILES)


class ItemPlanner:
    """Plans work items of one size, in stored bytes, about; opens no file twice.

    The salt goes into the item ids, with all else that decides what an item's output is. With
    `one_file_per_item` files are neither split nor packed, whatever their size.
    """

    def __init__(
        self,
        options: ReadOptions,
        *,
        salt: str,
        item_bytes: int = MAX_ITEM_BYTES,
        one_file_per_item: bool = False,
    ) -> None:
        self._one_file_per_item = one_file_per_item
        self._options = options
        self._item_bytes = item_bytes
        self._digest = hashlib.sha256(f"{options.to_json()}\n{salt}\n".encode())
        self._path_to_ranges: dict[str, Sequence[Range]] = {}

    def plan(self, files: Iterable[FileInfo]) -> Iterator[WorkItem]:
        """Yields items whose spans cover every byte of every file once, in the files' order."""
        kind_to_pack: dict[str, _Pack] = {}
        for file in files:
            kind = format_of(file, self._options).name
            if self._one_file_per_item:
                yield self._item(kind, [Span(file)])
                continue
            if not self._is_small(file):
                for start, end in self._ranges(file):
                    yield self._item(kind, [Span(file, start, end)])
                continue
            pack = kind_to_pack.setdefault(kind, _Pack())
            pack.spans.append(Span(file))
            pack.n_bytes += expected_bytes(file)
            if self._ends_pack(file, pack):
                yield self._item(kind, pack.spans)
                del kind_to_pack[kind]
        for kind, pack in kind_to_pack.items():
            yield self._item(kind, pack.spans)

    def pack(self, files: Sequence[FileInfo]) -> WorkItem:
        """The item of whole files of one format, at least one."""
        return self._item(format_of(files[0], self._options).name, [Span(file) for file in files])

    def is_split(self, file: FileInfo) -> bool:
        """Whether a file makes several items."""
        if self._one_file_per_item or self._is_small(file):
            return False
        return len(self._ranges(file)) > 1

    def _is_small(self, file: FileInfo) -> bool:
        return 0 <= file.size < self._item_bytes

    def _ranges(self, file: FileInfo) -> Sequence[Range]:
        if file.path not in self._path_to_ranges:
            self._path_to_ranges[file.path] = _ranges(file, self._options, self._item_bytes)
        return self._path_to_ranges[file.path]

    def _ends_pack(self, file: FileInfo, pack: "_Pack") -> bool:
        """Whether a pack ends behind this file: by a hash of its path, or because it is full.

        A larger file ends a pack more often, so that packs reach half of an item's size on average
        and are seldom full, which shifts the ends of all packs behind.
        """
        if pack.n_bytes >= self._item_bytes or len(pack.spans) >= MAX_PACK_FILES:
            return True
        chance = 2 * expected_bytes(file) / self._item_bytes + 1 / _MEAN_PACK_FILES
        return zlib.crc32(file.path.encode("utf-8", "surrogateescape")) < chance * _HASH_RANGE

    def _item(self, kind: str, spans: Sequence[Span]) -> WorkItem:
        digest = self._digest.copy()
        digest.update(kind.encode())
        for span in spans:
            file = span.file
            line = f"\n{file.path}\0{file.size}\0{file.version}\0{span.start}\0{span.end}"
            digest.update(line.encode("utf-8", "surrogateescape"))
        return WorkItem(digest.hexdigest()[:16], kind, tuple(spans))


@dataclass(slots=True)
class _Pack:
    """Small files that are read together, and their expected bytes."""

    spans: list[Span] = field(default_factory=list)
    n_bytes: int = 0


def is_slow(item: WorkItem, options: ReadOptions, *, above_bytes: int) -> bool:
    """Whether an item keeps one worker busy for long: a file that cannot be read from the middle.

    One that holds less than `above_bytes`, about, does not.
    """
    file = item.spans[0].file
    if not item.is_pack or len(item.spans) > 1 or expected_bytes(file) < above_bytes:
        return False
    return not format_of(file, options).is_one_document(file, options)


def may_abort(item: WorkItem) -> bool:
    """Whether reading an item may end the process, by its format."""
    return format_named(item.kind).may_abort


def expected_bytes(file: FileInfo) -> int:
    """Bytes of a file once it is decompressed, about; 0 where the size is unknown."""
    return max(0, file.size) * _CODEC_TO_RATIO[codec_of(file.path)]


def stored_bytes(path: str, n_bytes: int) -> int:
    """Bytes that so many bytes of text take in a file, about; the inverse of `expected_bytes`."""
    return n_bytes // _CODEC_TO_RATIO[codec_of(path)]


def _ranges(file: FileInfo, options: ReadOptions, item_bytes: int) -> Sequence[Range]:
    if not file.is_seekable or file.size < 0:
        return WHOLE
    form = format_of(file, options)
    try:
        if form.may_abort:
            return storage.call_in_child(_CHILD, form.plan, file, options, item_bytes)
        return form.plan(file, options, item_bytes)
    except (MtagError, MemoryError):
        raise
    except Exception:
        # What is wrong with the file costs its documents, not the plan: its reader says it.
        return WHOLE
