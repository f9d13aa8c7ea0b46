"""Parquet: a document a row, its text in one column and its id, if any, in another."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mtag_core import storage
from mtag_core.corpus.decoding import decode_document, make_reject, too_large
from mtag_core.corpus.items import ReadOptions, Span
from mtag_core.corpus.source import Failure, failure_of
from mtag_core.errors import MtagError
from mtag_core.records import Document, Reject
from mtag_core.storage import FileInfo

# Few rows at a time: a row may be megabytes.
_BATCH_ROWS = 64
_BUFFER_BYTES = 2**20
_ERRORS = (pa.ArrowException, OSError, MtagError, ValueError)


def plan_ranges(file: FileInfo, item_bytes: int) -> list[tuple[int, int | None]]:
    """Groups the row groups of a file into byte ranges of `item_bytes` or more.

    Returns:
        Ranges that cover the file; one range when its footer cannot be read.
    """
    try:
        with storage.open_seekable(file.path) as stream:
            metadata = pq.read_metadata(stream)
    except _ERRORS:
        return [(0, None)]
    edges = [0]
    n_bytes = 0
    for i in range(metadata.num_row_groups):
        if n_bytes >= item_bytes:
            edges.append(_row_group_start(metadata, i))
            n_bytes = 0
        n_bytes += _row_group_bytes(metadata, i)
    return list(zip(edges, [*edges[1:], None], strict=True))


def read_parquet(span: Span, options: ReadOptions) -> Iterator[Document | Reject]:
    """Reads the rows of the row groups that start in a span.

    Args:
        span: Its range.
        options: Names of the columns; the limit is on the text.

    Yields:
        Documents; one reject for a file that lacks a column or is damaged, at the row reached.
    """
    row = 0
    try:
        with storage.open_seekable(span.file.path) as stream:
            file = pq.ParquetFile(stream, pre_buffer=False, buffer_size=_BUFFER_BYTES)
            row, row_groups = _owned_row_groups(file.metadata, span)
            if not row_groups:
                return
            fault = _schema_fault(file.schema_arrow, options)
            if fault:
                yield _reject(span, row, fault)
                return
            for text, doc_id in _rows(file, row_groups, options):
                yield _document(text, doc_id, row=row, path=span.file.path, options=options)
                row += 1
    except _ERRORS as error:
        yield _reject(span, row, _failure(error))


def _owned_row_groups(metadata: Any, span: Span) -> tuple[int, list[int]]:  # noqa: ANN401
    """Returns the number of rows before the span's row groups, and their indices."""
    starts = [_row_group_start(metadata, i) for i in range(metadata.num_row_groups)]
    owned = [i for i, start in enumerate(starts) if span.start <= start < (span.end or start + 1)]
    first = owned[0] if owned else 0
    return sum(metadata.row_group(i).num_rows for i in range(first)), owned


def _rows(
    file: Any,  # noqa: ANN401
    row_groups: list[int],
    options: ReadOptions,
) -> Iterator[tuple[Any, Any]]:
    """Yields text, as bytes, and id of each row."""
    names = [name for name in (options.text_field, options.id_field) if name is not None]
    batches = file.iter_batches(_BATCH_ROWS, row_groups=row_groups, columns=names)
    for batch in batches:
        # Bytes, because a column of strings may hold what is not UTF-8.
        texts = batch.column(options.text_field).cast(pa.large_binary()).to_pylist()
        doc_ids: list[Any] = [None] * len(texts)
        if options.id_field is not None:
            doc_ids = batch.column(options.id_field).to_pylist()
        yield from zip(texts, doc_ids, strict=True)


def _document(
    text: bytes | None,
    doc_id: Any,  # noqa: ANN401
    *,
    row: int,
    path: str,
    options: ReadOptions,
) -> Document | Reject:
    """Makes a document of a row, or a reject."""
    doc_id = f"{path}#{row}" if doc_id is None else str(doc_id)
    if text is None:
        detail = f"column {options.text_field!r} is null in row {row}; expected a string"
        return make_reject("wrong_type", detail, b"", source=path, offset=row, doc_id=doc_id)
    if len(text) > options.max_document_bytes:
        return too_large(len(text), options.max_document_bytes, source=path, offset=row)
    return decode_document(text, source=path, offset=row, doc_id=doc_id)


def _schema_fault(schema: pa.Schema, options: ReadOptions) -> Failure | None:
    """Says which column is missing or of another type."""
    for name in (options.text_field, options.id_field):
        if name is not None and name not in schema.names:
            found = ", ".join(schema.names)[:200]
            return Failure("missing_field", f"no column {name!r}; columns found: {found}")
    kind = schema.field(options.text_field).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
        return None
    if pa.types.is_large_binary(kind):
        return None
    detail = f"column {options.text_field!r} is {kind}; expected string"
    return Failure("wrong_type", detail)


def _reject(span: Span, row: int, failure: Failure) -> Reject:
    """Makes the reject of all rows from `row` on."""
    path = span.file.path
    return Reject(path, row, f"{path}#{row}", failure.reason, failure.detail)


def _failure(error: Exception) -> Failure:
    """Names what an error of the Parquet reader means."""
    if isinstance(error, MtagError):
        return failure_of(error)
    return Failure("corrupt", f"Parquet: {' '.join(str(error).split())[:300]}")


def _row_group_start(metadata: Any, index: int) -> int:  # noqa: ANN401
    """First byte of a row group's first column."""
    column = metadata.row_group(index).column(0)
    offsets = (column.dictionary_page_offset, column.data_page_offset)
    return min(int(offset) for offset in offsets if offset is not None)


def _row_group_bytes(metadata: Any, index: int) -> int:  # noqa: ANN401
    """Stored bytes of a row group."""
    row_group = metadata.row_group(index)
    columns = map(row_group.column, range(row_group.num_columns))
    return sum(int(column.total_compressed_size) for column in columns)
