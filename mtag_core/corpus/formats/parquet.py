"""Parquet: a document a row, its text in one column and its id, if any, in another."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mtag_core import storage
from mtag_core.corpus.compression import DecompressedStream
from mtag_core.corpus.decoding import Fault, Origin, language_fault
from mtag_core.corpus.items import WHOLE, Format, Range, ReadOptions, Span
from mtag_core.corpus.kept_fields import NESTED, FieldError, kept_fields, kept_values
from mtag_core.corpus.sniffing import HEAD_BYTES, codec_of, codec_of_head
from mtag_core.corpus.source import failure_of
from mtag_core.errors import MtagError
from mtag_core.languages import find_language
from mtag_core.records import READER_FAILED, Document, Reject
from mtag_core.storage import FileInfo

# Few rows at a time: a row may be megabytes.
_BATCH_ROWS = 64
_BUFFER_BYTES = 2**20
_ERRORS = (pa.ArrowException, OSError, MtagError, ValueError)

_IS_BINARY = ("binary", "large_binary", "binary_view", "string", "large_string", "string_view")
_IS_NUMBER = ("integer", "floating", "decimal")


def plan_parquet(file: FileInfo, _options: ReadOptions, item_bytes: int) -> Sequence[Range]:
    """Groups row groups into byte ranges of `item_bytes` or more that cover the file.

    There is one range when the footer cannot be read.
    """
    try:
        with storage.open_seekable(file.path) as stream:
            metadata = pq.read_metadata(stream)
    except _ERRORS:
        return WHOLE
    edges = [0]
    for start in _row_group_starts(metadata, file):
        if start - edges[-1] >= item_bytes:
            edges.append(start)
    return list(zip(edges, [*edges[1:], None], strict=True))


def read_parquet(
    span: Span, options: ReadOptions, _pages: Counter[str]
) -> Iterator[Document | Reject]:
    """Reads the rows of the row groups that start in a span; the limit is on the text.

    `article.body` is the field `body` of the column `article`.

    Yields:
        Documents; one reject for a file that lacks a column, and for what cannot be read of a
        row group, at the row reached.
    """
    path, row = span.file.path, 0
    try:
        with _open(path, options) as stream:
            file = pq.ParquetFile(stream, pre_buffer=False, buffer_size=_BUFFER_BYTES)
            row, row_groups = _owned_row_groups(file.metadata, span)
            fault = _schema_fault(file.schema_arrow, options) if row_groups else None
            if fault:
                yield Origin(path, row).reject(*fault)
                return
            for row_group in row_groups:
                yield from _read_row_group(file, row_group, span, row, options)
                row += file.metadata.row_group(row_group).num_rows
    except _ERRORS as error:
        yield Origin(path, row).reject(*_failure(error))


def _read_row_group(
    file: Any,  # noqa: ANN401
    row_group: int,
    span: Span,
    row: int,
    options: ReadOptions,
) -> Iterator[Document | Reject]:
    path, n_rows = span.file.path, file.metadata.row_group(row_group).num_rows
    end = row + n_rows
    try:
        for values in _rows(file, row_group, options):
            origin = Origin(path, row)
            yield origin.attempt(partial(_kept_document, values, origin, options), values[0])
            row += 1
        failure = None if row == end else Fault(READER_FAILED, "its rows do not come")
    except _ERRORS as error:
        failure = _failure(error)
    if failure is not None:
        detail = f"{failure.detail}; rows {row} to {end - 1} of {n_rows} in their row group"
        yield Origin(path, row).reject(failure.reason, detail)


@contextmanager
def _open(path: str, options: ReadOptions) -> Iterator[BinaryIO]:
    with storage.open_seekable(path) as stream:
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        codec = codec_of_head(head) or codec_of(path)
        if codec is None:
            yield stream
            return
        with tempfile.TemporaryFile() as copy:
            plain = DecompressedStream(stream, codec, max_expansion=options.max_expansion)
            shutil.copyfileobj(cast(BinaryIO, plain), copy)
            copy.seek(0)
            yield cast(BinaryIO, copy)


def _owned_row_groups(metadata: Any, span: Span) -> tuple[int, list[int]]:  # noqa: ANN401
    starts = _row_group_starts(metadata, span.file)
    owned = [i for i, start in enumerate(starts) if span.start <= start < (span.end or start + 1)]
    first = owned[0] if owned else 0
    return sum(metadata.row_group(i).num_rows for i in range(first)), owned


def _rows(
    file: Any,  # noqa: ANN401
    row_group: int,
    options: ReadOptions,
) -> Iterator[Sequence[Any]]:
    schema = file.schema_arrow
    kept = [field.name for field in kept_fields(options.keep_fields)]
    fields = (
        *(options.text_field, options.id_field, options.language_field),
        *(name if _type_of(schema, name) is not None else None for name in kept),
    )
    names = list(dict.fromkeys(name for name in fields if name is not None))
    for batch in file.iter_batches(_BATCH_ROWS, row_groups=[row_group], columns=names):
        columns = [
            [None] * len(batch) if name is None else _values(_column(batch, name))
            for name in fields
        ]
        yield from zip(*columns, strict=True)


def _column(batch: Any, name: str) -> Any:  # noqa: ANN401
    if name in batch.schema.names:
        return batch.column(name)
    first, *path = name.split(NESTED)
    return pc.struct_field(batch.column(first), path)


def _values(column: Any) -> list[Any]:  # noqa: ANN401
    """Strings as bytes, because a column of strings may hold what is not UTF-8."""
    kind = _value_type(column.type)
    if pa.types.is_timestamp(kind):
        # Nanoseconds are no `datetime`.
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    if not any(getattr(pa.types, f"is_{name}")(kind) for name in _IS_BINARY):
        return cast(list[Any], column.to_pylist())
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    storage_of = column.storage if isinstance(column, pa.ExtensionArray) else column
    return cast(list[Any], storage_of.cast(pa.large_binary()).to_pylist())


def _kept_document(
    values: Sequence[Any], origin: Origin, options: ReadOptions
) -> Document | Reject:
    text, doc_id, called, *fields = values
    document = _document(text, doc_id, called, origin, options)
    if isinstance(document, Reject) or not fields:
        return document
    try:
        return replace(document, fields=kept_values(options.keep_fields, fields))
    except FieldError as error:
        return origin.reject(error.reason, str(error), text or b"", doc_id=document.doc_id)


def _document(
    text: bytes | None,
    doc_id: Any,  # noqa: ANN401
    called: Any,  # noqa: ANN401
    origin: Origin,
    options: ReadOptions,
) -> Document | Reject:
    if isinstance(doc_id, bytes):
        decoded = origin.decode(doc_id)
        if isinstance(decoded, Reject):
            detail = f"column {options.id_field!r}: {decoded.detail}"
            return origin.reject(decoded.reason, detail, text or b"")
        doc_id = decoded.text
    doc_id = origin.doc_id if doc_id is None else str(doc_id)
    if text is None:
        column, row = options.text_field, origin.offset
        detail = f"column {column!r} is null in row {row}; expected a string"
        return origin.reject("wrong_type", detail, b"", doc_id=doc_id)
    if len(text) > options.max_document_bytes:
        return origin.too_large(len(text), options.max_document_bytes)
    if isinstance(called, bytes):
        called = called.decode("utf-8", "replace")
    fault = language_fault(called, options.language_field or "")
    if fault:
        return origin.reject(*fault, text, doc_id=doc_id)
    document = origin.decode(text, doc_id=doc_id)
    if called and isinstance(document, Document):
        return replace(document, language=find_language(called))
    return document


def _schema_fault(schema: pa.Schema, options: ReadOptions) -> Fault | None:
    for name in (options.text_field, options.id_field, options.language_field):
        if name is None:
            continue
        kind = _type_of(schema, name)
        if kind is None:
            found = " ".join(", ".join(_names(schema)).split())[:200] or "none"
            return Fault("missing_field", f"no column {name!r}; columns found: {found}")
        if schema.names.count(name.split(NESTED)[0]) > 1:
            return Fault("wrong_type", f"column {name!r} is there twice; expected it once")
        allowed = (*_IS_BINARY, *_IS_NUMBER) if name == options.id_field else _IS_BINARY
        kind = _value_type(kind)
        if any(getattr(pa.types, f"is_{each}")(kind) for each in allowed):
            continue
        if name != options.id_field or not _is_uuid(kind):
            expected = "a string or a number" if name == options.id_field else "a string"
            return Fault("wrong_type", f"column {name!r} is {kind}; expected {expected}")
    return None


def _type_of(schema: pa.Schema, name: str) -> pa.DataType | None:
    if name in schema.names:
        return schema.types[schema.names.index(name)]
    first, *path = name.split(NESTED)
    kind = schema.types[schema.names.index(first)] if first in schema.names else None
    for step in path:
        if kind is None or not pa.types.is_struct(kind) or kind.get_field_index(step) < 0:
            return None
        kind = kind.field(step).type
    return kind


def _names(schema: pa.Schema) -> list[str]:
    return [
        f"{field.name}{NESTED}{inner}" if inner else field.name
        for field in schema
        for inner in ([f.name for f in field.type] if pa.types.is_struct(field.type) else [""])
    ]


def _value_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _value_type(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType) and not _is_uuid(kind):
        return _value_type(kind.storage_type)
    return kind


def _is_uuid(kind: pa.DataType) -> bool:
    return getattr(kind, "extension_name", "") == "arrow.uuid"


def _failure(error: Exception) -> Fault:
    if isinstance(error, MtagError):
        return failure_of(error)
    return Fault("corrupt", f"Parquet: {' '.join(str(error).split())[:300]}")


def _row_group_starts(metadata: Any, file: FileInfo) -> list[int]:  # noqa: ANN401
    """Where row groups start, about: each has a share in the file as in the bytes of values.

    The true offsets are those of columns, and asking for a column of a damaged footer aborts.
    """
    sizes = [max(0, metadata.row_group(i).total_byte_size) for i in range(metadata.num_row_groups)]
    total = max(1, sum(sizes))
    return [max(0, file.size) * before // total for before in accumulate([0, *sizes[:-1]])]


FORMATS = (
    Format(
        name="parquet",
        title="Parquet",
        extensions=(".parquet",),
        read=read_parquet,
        plan=plan_parquet,
        may_abort=True,
        options=("text_field", "id_field", "language_field", "keep_fields"),
    ),
)
