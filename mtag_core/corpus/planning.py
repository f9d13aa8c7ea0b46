"""Plans work items: which worker reads which bytes of which files.

A plan is a pure function of the listing and the options; only large files are looked into. Small
files are packed. Where a pack ends depends on the paths in it (and on limits that are rarely met),
so that a file that is added or changed alters its own pack and no other.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mtag_core import storage
from mtag_core.corpus import json_values, multistream, parquet, sniffing
from mtag_core.corpus.items import ReadOptions, Span, WorkItem
from mtag_core.corpus.names import codec_of, kind_of
from mtag_core.corpus.text import window_bytes
from mtag_core.errors import MtagError
from mtag_core.storage import FileInfo

ITEM_BYTES = 8 * 2**20
"""Default size of a work item."""

MAX_PACK_FILES = 1000
# A pack of empty files ends, on average, after so many.
_MEAN_PACK_FILES = 512
_HASH_RANGE = 2**32
# Bytes of XML in a byte of a bz2 dump, so that its items take no longer than others.
_DUMP_RATIO = 4


def plan_items(
    files: Iterable[FileInfo], options: ReadOptions, *, salt: str, item_bytes: int = ITEM_BYTES
) -> Iterator[WorkItem]:
    """Plans the work items of a corpus.

    Args:
        files: In the order of the listing; not held.
        options: How documents are made.
        salt: Goes into the item ids, with all else that decides what an item's output is.
        item_bytes: Size of an item in stored bytes, about; above 0.

    Yields:
        Items whose spans cover every byte of every file once.
    """
    digest = hashlib.sha256(f"{options.to_json()}\n{salt}\n".encode())
    kind_to_pack: dict[str, _Pack] = {}
    for file in files:
        kind = kind_of(file, options)
        if not 0 <= file.size < item_bytes:
            for start, end in _ranges(file, kind, options, item_bytes):
                yield _item(digest, kind, [Span(file, start, end)])
            continue
        pack = kind_to_pack.setdefault(kind, _Pack())
        if pack.n_bytes + file.size > item_bytes or len(pack.spans) >= MAX_PACK_FILES:
            yield _item(digest, kind, pack.spans)
            pack = kind_to_pack[kind] = _Pack()
        pack.spans.append(Span(file))
        pack.n_bytes += file.size
        if _ends_pack(file, item_bytes):
            yield _item(digest, kind, pack.spans)
            del kind_to_pack[kind]
    for kind, pack in kind_to_pack.items():
        yield _item(digest, kind, pack.spans)


@dataclass(slots=True)
class _Pack:
    """Small files that are read together."""

    spans: list[Span] = field(default_factory=list)
    n_bytes: int = 0


def _ends_pack(file: FileInfo, item_bytes: int) -> bool:
    """Whether a pack ends behind this file, by a hash of its path.

    A larger file ends a pack more often, so that packs reach half of `item_bytes` on average and
    seldom meet the limit, which would shift the ends of all packs behind.
    """
    chance = 2 * file.size / item_bytes + 1 / _MEAN_PACK_FILES
    return zlib.crc32(file.path.encode("utf-8", "surrogateescape")) < chance * _HASH_RANGE


def _ranges(
    file: FileInfo, kind: str, options: ReadOptions, item_bytes: int
) -> Iterable[tuple[int, int | None]]:
    """Splits a large file, if its format and its server let it be read from the middle."""
    whole: list[tuple[int, int | None]] = [(0, None)]
    codec = codec_of(file.path)
    if not file.is_seekable or file.size < 0:
        return whole
    if kind == "parquet":
        return parquet.plan_ranges(file, item_bytes)
    if kind == "mediawiki" and codec == "bz2":
        is_split = multistream.is_multistream(file)
        step = max(1, item_bytes // _DUMP_RATIO)
        return _even_ranges(file.size, step) if is_split else whole
    if codec is not None or kind == "conllu" or not _can_start_midway(file, kind):
        return whole
    if kind == "text" and options.document == "file":
        if file.size <= options.max_document_bytes:
            return whole
        # Cuts between documents are found window by window, so an item has whole windows.
        window = window_bytes(options.max_document_bytes)
        return _even_ranges(file.size, max(1, item_bytes // window) * window)
    return _even_ranges(file.size, item_bytes)


def _can_start_midway(file: FileInfo, kind: str) -> bool:
    """Whether a file's bytes are as its name says; a file that cannot be opened is let be."""
    try:
        with storage.open_read(file.path) as stream:
            head = stream.read(json_values.HEAD_BYTES if kind == "jsonl" else sniffing.HEAD_BYTES)
    except (MtagError, OSError):
        return True
    return sniffing.is_plain(head) and (kind != "jsonl" or json_values.is_by_lines(head))


def _even_ranges(size: int, step: int) -> Iterator[tuple[int, int | None]]:
    """Yields ranges of `step` bytes; the last is open."""
    for start in range(0, size, step):
        yield start, start + step if start + step < size else None


def _item(digest: "hashlib._Hash", kind: str, spans: list[Span]) -> WorkItem:
    """Makes an item and its id."""
    digest = digest.copy()
    digest.update(kind.encode())
    for span in spans:
        file = span.file
        line = f"\n{file.path}\0{file.size}\0{file.version}\0{span.start}\0{span.end}"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return WorkItem(digest.hexdigest()[:16], kind, tuple(spans))
