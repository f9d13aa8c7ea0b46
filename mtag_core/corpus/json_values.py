"""JSON that is not a line a record: an array of records, or records spread over lines.

The bytes of each record are found by counting brackets outside of strings, without parsing, so
that a record that is no JSON costs itself alone and one over the limit is counted, not held.
"""

import json
import re
from collections.abc import Iterator

from mtag_core.corpus.lines import LongLine
from mtag_core.corpus.sniffing import UTF8_MARK
from mtag_core.corpus.source import Source

HEAD_BYTES = 2**16
"""So many first bytes of a file decide whether it goes by lines."""

_BLOCK_BYTES = 2**20
_MAX_ARRAYS = 16
_DECODER = json.JSONDecoder()
_OUTSIDE = re.compile(rb'["{}\[\],\n]')
_INSIDE = re.compile(rb'["\\]')


def is_by_lines(head: bytes) -> bool:
    """Whether a file that begins so has a record a line.

    It has not where it begins with an array, or with an object that goes on in the next line. One
    whose line was cut short does not: there a new record follows.
    """
    text = head.removeprefix(UTF8_MARK).decode("utf-8", "replace").lstrip()
    line, line_end, rest = text.partition("\n")
    is_array = text.startswith("[")
    if not is_array and not text.startswith("{"):
        return True
    if _is_json(line):
        return not is_array or bool(rest.strip())
    if is_array or not line_end:
        return not is_array or line.startswith("[" * _MAX_ARRAYS)
    return _is_json(rest.partition("\n")[0]) or _meets_record(text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _meets_record(text: str) -> bool:
    try:
        _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        return text.startswith("{", error.pos)
    except (ValueError, RecursionError):
        return True
    return False


def read_values(source: Source, *, limit: int) -> Iterator[tuple[int, bytes | LongLine]]:
    """Yields (offset, bytes) of each record of a file, without the array and the commas around.

    A last record that a failure of the source cut off is not yielded but noted in the source.

    Args:
        source: Opened at its start.
        limit: Most bytes of a record.
    """
    if source.peek(len(UTF8_MARK)) == UTF8_MARK:
        source.read_exactly(len(UTF8_MARK))
    cutter = _RecordCutter(source.position, limit=limit)
    while block := source.read(_BLOCK_BYTES):
        yield from cutter.cut(block)
    if source.failure:
        source.cut_off(*cutter.unfinished())
    else:
        yield from cutter.finish()


class _RecordCutter:
    """Cuts blocks of bytes into records.

    Between records stand commas and line ends, and the brackets of arrays that hold them.
    """

    def __init__(self, position: int, *, limit: int) -> None:
        self._limit = limit
        self._position = position
        self._start = position
        self._pieces: list[bytes] = []
        self._n_bytes = 0
        self._depth = 0
        self._is_in_string = False
        self._is_escaped = False

    def cut(self, block: bytes) -> Iterator[tuple[int, bytes | LongLine]]:
        """Takes a block and yields the records that end in it."""
        taken = position = 0
        while position < len(block):
            if self._is_in_string:
                position = self._end_of_string(block, position)
                continue
            match = _OUTSIDE.search(block, position)
            if match is None:
                break
            position = match.end()
            mark = match[0]
            if mark == b'"':
                self._is_in_string = True
            elif mark in b"{[":
                if self._depth == 0:
                    # Also ends a value that no comma parts from this one.
                    yield from self._take(block[taken : match.start()])
                    taken = match.start()
                    if mark == b"[":
                        taken = position
                        self._skip(1)
                        continue
                self._depth += 1
            elif self._depth and mark in b"}]":
                self._depth -= 1
                if self._depth == 0:
                    yield from self._take(block[taken:position])
                    taken = position
            elif self._depth == 0:
                yield from self._take(block[taken : match.start()])
                taken = position
                self._skip(1)
        self._add(block[taken:])

    def finish(self) -> Iterator[tuple[int, bytes | LongLine]]:
        """Yields what stands behind the last record; a file that was cut ends in the middle."""
        yield from self._take(b"")

    def unfinished(self) -> tuple[int, bytes | None]:
        """Offset and bytes of the record that is not complete; None where it is over the limit."""
        is_held = self._n_bytes <= self._limit
        return self._start, b"".join(self._pieces) if is_held else None

    def _end_of_string(self, block: bytes, position: int) -> int:
        if self._is_escaped:
            self._is_escaped = False
            return position + 1
        match = _INSIDE.search(block, position)
        if match is None:
            return len(block)
        if match[0] == b'"':
            self._is_in_string = False
        else:
            self._is_escaped = True
        return match.end()

    def _add(self, data: bytes) -> None:
        self._position += len(data)
        if not self._n_bytes:
            # White space before a record is none of its bytes.
            data = data.lstrip()
            self._start = self._position - len(data)
        self._n_bytes += len(data)
        if self._n_bytes <= self._limit:
            self._pieces.append(data)
        else:
            self._pieces.clear()

    def _skip(self, n_bytes: int) -> None:
        self._position += n_bytes

    def _take(self, data: bytes) -> Iterator[tuple[int, bytes | LongLine]]:
        """Ends a record with these bytes; white space alone is none."""
        self._add(data)
        if self._n_bytes > self._limit:
            yield self._start, LongLine(self._n_bytes)
        elif self._n_bytes:
            yield self._start, b"".join(self._pieces).rstrip()
        self._pieces, self._n_bytes = [], 0
