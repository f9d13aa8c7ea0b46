"""JSON: a document a record, its text in one field and its id, if any, in another.

A record is a line; in a file that is an array, or whose records are spread over lines, it is a
value of it (`mtag_core.corpus.json_values`).
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from mtag_core.corpus.decoding import check_text, make_reject, or_failed, too_large
from mtag_core.corpus.format import WHOLE, Format, Range, can_start_midway, even_ranges
from mtag_core.corpus.items import ReadOptions, Span
from mtag_core.corpus.json_values import HEAD_BYTES, is_by_lines, read_values
from mtag_core.corpus.lines import LongLine, read_lines
from mtag_core.corpus.source import Source
from mtag_core.records import Document, Reject
from mtag_core.storage import FileInfo

# Between the names of a field and of the one within it.
_NESTED = "."
_MISSING = object()


def read_jsonl(
    span: Span, options: ReadOptions, _pages: Counter[str]
) -> Iterator[Document | Reject]:
    """Reads the records that start in a span; blank lines are no documents.

    Args:
        span: Its range; the whole file where records are not lines.
        options: Names of the fields; the limit is on the record.
    """
    # A byte early, to see a line end there.
    start = max(0, span.start - 1)
    with Source(span, start=start, max_expansion=options.max_expansion) as source:
        yield from _read_records(span, source, options)
        yield from source.rejects()


def plan_jsonl(file: FileInfo, _options: ReadOptions, item_bytes: int) -> Sequence[Range]:
    """Splits lines anywhere; what does not go by lines is not split."""
    if not can_start_midway(file, n_bytes=HEAD_BYTES, is_by_lines=is_by_lines):
        return WHOLE
    return even_ranges(file.size, item_bytes)


def _read_records(span: Span, source: Source, options: ReadOptions) -> Iterator[Document | Reject]:
    limit = options.max_document_bytes
    if span.start > 0 or is_by_lines(source.peek(HEAD_BYTES)):
        is_mid_line = span.start > 0
        records = read_lines(source, end=span.end, limit=limit, is_mid_line=is_mid_line)
    else:
        records = read_values(source, limit=limit)
    for offset, record in records:
        if isinstance(record, LongLine):
            yield too_large(record.n_bytes, limit, source=source.path, offset=offset)
        elif not record.isspace():
            parse = partial(
                parse_record, record, source=source.path, offset=offset, options=options
            )
            limit_s = options.max_document_seconds
            yield or_failed(parse, record, source=source.path, offset=offset, limit_s=limit_s)


def parse_record(
    line: bytes, *, source: str, offset: int, options: ReadOptions
) -> Document | Reject:
    """Makes a document of one record, or a reject that carries it.

    Args:
        line: Its bytes.
        source: Path or URL.
        offset: Its byte offset.
        options: Names of the fields; `article.body` is the field `body` of the object `article`,
            unless a field has that very name.
    """
    doc_id = f"{source}#{offset}"
    line = line.rstrip(b"\r\n")
    fault, fields = _parse(line)
    if not fault:
        fault = find_fault(fields, options)
    if fault:
        return make_reject(*fault, line, source=source, offset=offset, doc_id=doc_id)
    if options.id_field is not None and _field(fields, options.id_field) is not None:
        doc_id = str(_field(fields, options.id_field))
    return Document(doc_id, str(_field(fields, options.text_field)), source, offset)


def find_fault(fields: dict[str, Any], options: ReadOptions) -> tuple[str, str] | None:
    """Returns why a record is no document, as (reason, detail), or None."""
    for name in (options.text_field, options.id_field):
        if name is not None and _field(fields, name) is _MISSING:
            found = ", ".join(_names(fields)[:20]) or "none"
            return "missing_field", f"no field {name!r}; fields found: {found[:200]}"
    text = _field(fields, options.text_field)
    if not isinstance(text, str):
        detail = f"field {options.text_field!r} is {type(text).__name__}; expected a string"
        return "wrong_type", detail
    doc_id = _field(fields, options.id_field) if options.id_field is not None else None
    if doc_id is not None and (isinstance(doc_id, bool) or not isinstance(doc_id, str | int)):
        detail = f"field {options.id_field!r} is {type(doc_id).__name__}; expected string or number"
        return "wrong_type", detail
    return check_text(text) or (check_text(doc_id) if isinstance(doc_id, str) else None)


def _field(fields: Any, name: str) -> Any:  # noqa: ANN401
    """The value of a field, `_MISSING` where there is none."""
    while isinstance(fields, dict):
        if name in fields:
            return fields[name]
        first, dot, name = name.partition(_NESTED)
        if not dot or first not in fields:
            break
        fields = fields[first]
    return _MISSING


def _names(fields: dict[str, Any]) -> list[str]:
    """The names that `_field` finds, of objects the names within; one level deep."""
    return sorted(
        f"{name}{_NESTED}{inner}" if inner else name
        for name, value in fields.items()
        for inner in (value if isinstance(value, dict) and value else ("",))
    )


def _parse(line: bytes) -> tuple[tuple[str, str] | None, dict[str, Any]]:
    try:
        fields = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        value = line[error.start : error.start + 4]
        return ("invalid_utf8", f"bytes {value!r} at byte {error.start}; expected UTF-8"), {}
    # Numbers of 5,000 digits are a ValueError, 10,000 brackets a RecursionError.
    except (ValueError, RecursionError) as error:
        return ("invalid_json", f"{error}; expected a JSON object"[:300]), {}
    if not isinstance(fields, dict):
        return ("wrong_type", f"{type(fields).__name__}; expected a JSON object"), {}
    return None, fields


FORMAT = Format(
    name="jsonl",
    title="JSON",
    extensions=(".jsonl", ".ndjson", ".json"),
    read=read_jsonl,
    plan=plan_jsonl,
    options=("text_field", "id_field"),
)
