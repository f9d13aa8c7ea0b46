"""CSV and TSV: a document a row, its text in one column and its id, if any, in another.

The first row, or the one behind `sep=;`, names the columns. A field in quotation marks may hold
line ends.
"""

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from mtag_core.corpus.decoding import Origin
from mtag_core.corpus.items import Format, ReadOptions, Span
from mtag_core.corpus.kept_fields import document_of
from mtag_core.corpus.sniffing import stem_of
from mtag_core.corpus.source import LimitedBytes, LongLine, Source, read_lines
from mtag_core.records import Document, Reject

_DELIMITERS = ",;\t|"
# A quotation mark opens a field at its start only; two within one stand for one.
_OPENING = re.compile(rb'(?:^|[,;\t|])"')
_CLOSING = re.compile(rb'(?:[^"]|"")*+"(?!")')
# What spreadsheets write before the names.
_SEPARATOR = re.compile(rb"(?:\xef\xbb\xbf)?sep=([,;\t|])\r?\n?")
# The limit of a document is what holds; the module's own is lower.
csv.field_size_limit(sys.maxsize)


def read_delimited(
    span: Span, options: ReadOptions, _pages: Counter[str]
) -> Iterator[Document | Reject]:
    """Reads the rows of a whole file; blank lines are no documents, and the limit is on a row."""
    with Source(span, options) as source:
        yield from source.records(_read_rows(source, options), title="CSV")


def _read_rows(source: Source, options: ReadOptions) -> Iterator[Document | Reject]:
    path, limit, limit_s = source.path, options.max_document_bytes, options.max_document_seconds
    rows = _rows(source, limit)
    _, first = next(rows, (0, b""))
    stated = _SEPARATOR.fullmatch(first) if isinstance(first, bytes) else None
    if stated:
        _, first = next(rows, (0, b""))
    names, delimiter = _names(first, path, stated[1].decode() if stated else None)
    fault = _fault(first, names, options)
    if fault:
        yield Reject(path, 0, path, "invalid_csv", fault)
        names = []
    for offset, row in rows:
        if not names:
            # Read to the end all the same: the file was not cut off.
            continue
        origin = Origin(path, offset)
        if isinstance(row, LongLine):
            yield origin.too_large(row.n_bytes, limit)
        else:
            make = partial(_document, row, names, delimiter, origin, options)
            yield origin.attempt(make, row, limit_s=limit_s)


def _names(row: bytes | LongLine, path: str, delimiter: str | None = None) -> tuple[list[str], str]:
    text = "" if isinstance(row, LongLine) else row.decode("utf-8", "replace")
    is_tsv = stem_of(path)[1] in (".tsv", ".tab")
    delimiter = delimiter or ("\t" if is_tsv else max(_DELIMITERS, key=text.count))
    try:
        return next(csv.reader([text], delimiter=delimiter), []), delimiter
    except csv.Error:
        return [], delimiter


def _fault(row: bytes | LongLine, names: Sequence[str], options: ReadOptions) -> str | None:
    if row and not names:
        if isinstance(row, bytes) and b"\r" in row.rstrip(b"\r\n"):
            return "lines that end in a carriage return alone; expected line feeds"
        return "the first row; expected names of columns"
    used = {options.text_field, options.id_field, options.language_field}
    twice = [name for name, count in Counter(names).items() if count > 1 and name in used]
    return f"{names.count(twice[0])} columns named {twice[0]!r}; expected one" if twice else None


def _rows(source: Source, limit: int) -> Iterator[tuple[int, bytes | LongLine]]:
    # A row ends at a line end outside of quotation marks.
    row, start, is_open = LimitedBytes(limit), 0, False
    for offset, line in read_lines(source, end=None, limit=limit):
        if not row.n_bytes:
            if not isinstance(line, LongLine) and line.isspace():
                continue
            start = offset
        row.add(line)
        # Where the marks of a row over the limit end is not known: the next line is a new row.
        is_held = row.n_bytes <= limit
        is_open = is_held and isinstance(line, bytes) and _ends_in_quotes(line, is_open)
        if not is_open:
            yield start, row.take()
    if source.failure:
        source.cut_off(start, row.held())
    elif row.n_bytes:
        yield start, row.take()


def _ends_in_quotes(line: bytes, is_open: bool) -> bool:
    position = 0
    while True:
        # What closes a field is looked for from its start: a pair of marks has a second half.
        found = _CLOSING.match(line, position) if is_open else _OPENING.search(line, position)
        if found is None:
            return is_open
        is_open, position = not is_open, found.end()


def _document(
    row: bytes, names: list[str], delimiter: str, origin: Origin, options: ReadOptions
) -> Document | Reject:
    row = row.rstrip(b"\r\n")
    try:
        values = next(csv.reader([row.decode("utf-8")], delimiter=delimiter, strict=True))
    except UnicodeDecodeError as error:
        value = row[error.start : error.start + 4]
        detail = f"bytes {value!r} at {origin.offset + error.start}; expected UTF-8"
        return origin.reject("invalid_utf8", detail, row)
    except (csv.Error, StopIteration) as error:
        detail = f"{error}; expected a row, quoted as RFC 4180 says"
        return origin.reject("invalid_csv", detail, row)
    if len(values) != len(names):
        detail = f"{len(values)} fields; expected {len(names)}, as the first row has"
        return origin.reject("invalid_csv", detail, row)
    fields = {name: value or None for name, value in zip(names, values, strict=True)}
    fields[options.text_field] = fields.get(options.text_field) or ""
    if options.text_field not in names:
        del fields[options.text_field]
    return document_of(fields, row, origin, options)


FORMATS = (
    Format(
        name="csv",
        title="CSV",
        extensions=(".csv", ".tsv", ".tab"),
        read=read_delimited,
        options=("text_field", "id_field", "language_field", "keep_fields"),
    ),
)
