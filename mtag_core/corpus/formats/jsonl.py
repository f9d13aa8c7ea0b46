"""JSON: a document a record, its text in one field and its id, if any, in another.

A record is a line; in a file that is an array, or whose records are spread over lines, it is a
value of it. The bytes of such a record are found by counting brackets outside of strings, without
parsing, so that a record that is no JSON costs itself alone and one over the limit is counted, not
held.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from mtag_core.corpus.decoding import Fault, Origin
from mtag_core.corpus.items import (
    WHOLE,
    Format,
    Range,
    ReadOptions,
    Span,
    can_start_midway,
    even_ranges,
)
from mtag_core.corpus.kept_fields import document_of
from mtag_core.corpus.sniffing import UTF8_MARK, foreign_kind
from mtag_core.corpus.source import LimitedBytes, LongLine, Source, read_lines
from mtag_core.records import Document, Reject
from mtag_core.storage import FileInfo

# So many first bytes of a file decide whether it goes by lines.
_HEAD_BYTES = 2**16
_BLOCK_BYTES = 2**20
_MAX_ARRAYS = 16
_DECODER = json.JSONDecoder()
_OUTSIDE = re.compile(rb'["{}\[\],\n]')
_INSIDE = re.compile(rb'["\\]')


def _is_by_lines(head: bytes) -> bool:
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


def _read_values(source: Source, *, limit: int) -> Iterator[tuple[int, bytes | LongLine]]:
    # A last record that a failure of the source cut off is not yielded but noted in the source.
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
        self._record = LimitedBytes(limit)
        self._position = position
        self._start = position
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
        return self._start, self._record.held()

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
        if not self._record.n_bytes:
            # White space before a record is none of its bytes.
            data = data.lstrip()
            self._start = self._position - len(data)
        self._record.add(data)

    def _skip(self, n_bytes: int) -> None:
        self._position += n_bytes

    def _take(self, data: bytes) -> Iterator[tuple[int, bytes | LongLine]]:
        self._add(data)
        if self._record.n_bytes:
            record = self._record.take()
            yield self._start, record.rstrip() if isinstance(record, bytes) else record


def read_jsonl(
    span: Span, options: ReadOptions, _pages: Counter[str]
) -> Iterator[Document | Reject]:
    """Reads the records that start in a span, or in the whole file where records are not lines.

    Blank lines are no documents; the limit is on the record.
    """
    # A byte early, to see a line end there.
    start = max(0, span.start - 1)
    with Source(span, options, start=start) as source:
        title = "JSON" if span.start == 0 else None
        yield from source.records(_read_records(span, source, options), title=title)


def plan_jsonl(file: FileInfo, options: ReadOptions, item_bytes: int) -> Sequence[Range]:
    """Splits lines anywhere; what does not go by lines is not split."""
    if options.encoding is not None or not can_start_midway(
        file, n_bytes=_HEAD_BYTES, is_by_lines=_is_text_by_lines
    ):
        return WHOLE
    return even_ranges(file.size, item_bytes)


def _is_text_by_lines(head: bytes) -> bool:
    return foreign_kind(head) is None and _is_by_lines(head)


def _read_records(span: Span, source: Source, options: ReadOptions) -> Iterator[Document | Reject]:
    limit = options.max_document_bytes
    if span.start > 0 or _is_by_lines(source.peek(_HEAD_BYTES)):
        is_mid_line = span.start > 0
        records = read_lines(source, end=span.end, limit=limit, is_mid_line=is_mid_line)
    else:
        records = _read_values(source, limit=limit)
    for offset, record in records:
        origin = Origin(source.path, offset)
        if isinstance(record, LongLine):
            yield origin.too_large(record.n_bytes, limit)
        elif not record.isspace():
            parse = partial(parse_record, record, origin, options)
            yield origin.attempt(parse, record, limit_s=options.max_document_seconds)


def parse_record(line: bytes, origin: Origin, options: ReadOptions) -> Document | Reject:
    """Makes a document of one record, or a reject that carries it; as `document_of`."""
    line = line.rstrip(b"\r\n")
    fault, fields = _parse(line)
    return origin.reject(*fault, line) if fault else document_of(fields, line, origin, options)


def _parse(line: bytes) -> tuple[Fault | None, dict[str, Any]]:
    try:
        fields = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        value = line[error.start : error.start + 4]
        return Fault("invalid_utf8", f"bytes {value!r} at byte {error.start}; expected UTF-8"), {}
    # Numbers of 5,000 digits are a ValueError, 10,000 brackets a RecursionError.
    except (ValueError, RecursionError) as error:
        return Fault("invalid_json", f"{error}; expected a JSON object"[:300]), {}
    if not isinstance(fields, dict):
        return Fault("wrong_type", f"{type(fields).__name__}; expected a JSON object"), {}
    return None, fields


FORMATS = (
    Format(
        name="jsonl",
        title="JSON",
        extensions=(".jsonl", ".ndjson", ".json"),
        read=read_jsonl,
        plan=plan_jsonl,
        options=("text_field", "id_field", "language_field", "keep_fields"),
    ),
)
