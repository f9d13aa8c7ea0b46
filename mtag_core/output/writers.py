"""Writers of tagged sentences: Parquet, CoNLL-U and JSONL, each with the same bytes each time.

A writer holds at most one row group or one block of text, however long the part becomes. The
streams below it hash and count, plain or compressed.
"""

import gzip
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, Protocol, TypeVar, cast

import pyarrow as pa
import pyarrow.parquet as pq

from mtag_core.conllu import format_sentence
from mtag_core.corpus.kept_fields import KeptField, field_text, kept_fields
from mtag_core.errors import UsageError
from mtag_core.output.columns import (
    Column,
    json_object,
    output_columns,
    parquet_options,
    schema_of,
    table_of,
)
from mtag_core.output.vertical import VerticalWriter
from mtag_core.records import OutputRow
from mtag_core.tagging.tagged import TaggedRow, TaggedSentence

# Compression -> what it adds to a part's name.
COMPRESSION_SUFFIXES = {"none": "", "gz": ".gz", "zstd": ".zst"}

# Text is handed to the compressor in blocks of this size: a call a line would cost more.
_BUFFER_BYTES = 256 * 1024
# A row group closes at the first of these. They count content, never time, so that a part has the
# same bytes however fast it is written.
ROW_GROUP_SENTENCES = 8192
ROW_GROUP_TOKENS = 65536
# Before, rows become tables of so many tokens: soon, as long as what they are made of is in the
# processor's cache, and because 64k tokens are about 10 MB of Python objects.
_TABLE_TOKENS = 4096
_LINE_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


class KeptOpen(io.RawIOBase):
    """Writes to a sink and does not close it: whoever opened it decides whether its content stands.

    Attributes:
        n_bytes: Bytes written so far.
        error: What the sink raised, such as that the disk is full; libraries may hide it.
    """

    def __init__(self, sink: BinaryIO) -> None:
        super().__init__()
        self.error: OSError | None = None
        self._sink: BinaryIO | None = sink
        self.n_bytes = 0

    def writable(self) -> bool:
        """True: the stream is for writing only."""
        return True

    def write(self, data: object) -> int:
        """Writes all of `data` (bytes-like) and returns its length in bytes."""
        view = memoryview(data)  # type: ignore[arg-type]
        if self._sink is not None:
            try:
                self._sink.write(view)
            except OSError as error:
                self.error = error
                raise
        self.n_bytes += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """Number of bytes written so far; Parquet's footer is made of such positions."""
        return self.n_bytes

    def drop(self) -> None:
        """Swallows all further writes, such as a trailer that a library insists to write."""
        self._sink = None


class HashingStream(KeptOpen):
    """Keeps the SHA-256 of what it writes, too."""

    def __init__(self, sink: BinaryIO) -> None:
        super().__init__(sink)
        self._hash = hashlib.sha256()

    def write(self, data: object) -> int:
        """Writes all of `data` (bytes-like) and returns its length in bytes."""
        n_bytes = super().write(data)
        self._hash.update(memoryview(data))  # type: ignore[arg-type]
        return n_bytes

    def hexdigest(self) -> str:
        """SHA-256 of what was written so far, in hexadecimal."""
        return self._hash.hexdigest()


@contextmanager
def compressed(sink: BinaryIO, compression: str) -> Iterator[BinaryIO]:
    """Opens a buffered stream on `sink`, which stays open, that compresses by its name or not.

    The bytes depend on what is written only: gzip's header gets no name and no time.

    Raises:
        UsageError: The compression is none of these.
    """
    if compression not in COMPRESSION_SUFFIXES:
        known = ", ".join(COMPRESSION_SUFFIXES)
        raise UsageError(f"unknown compression {compression!r}; choose one of {known}")
    with io.BufferedWriter(_raw(sink, compression), _BUFFER_BYTES) as stream:
        yield cast(BinaryIO, stream)


def _raw(sink: BinaryIO, compression: str) -> io.RawIOBase:
    if compression == "gz":
        stream = gzip.GzipFile(filename="", mode="wb", fileobj=sink, mtime=0, compresslevel=6)
        return cast(io.RawIOBase, stream)
    if compression == "zstd":
        return cast(io.RawIOBase, pa.CompressedOutputStream(pa.PythonFile(KeptOpen(sink)), "zstd"))
    return KeptOpen(sink)


class _Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=_Closable)
T = TypeVar("T")


@contextmanager
def whole_parquet(sink: BinaryIO, open_writer: Callable[[BinaryIO], C]) -> Iterator[C]:
    """Opens a writer of a Parquet file; `sink` stays open. After an exception it has no footer.

    Raises:
        OSError: As the sink raised it, such as for a full disk.
    """
    kept = KeptOpen(sink)
    writer = open_writer(cast(BinaryIO, kept))
    try:
        yield writer
        writer.close()
    except BaseException as error:
        # pyarrow writes a footer whenever its writer goes away, by then into a closed sink; and
        # what it raises after a failed write says nothing of the cause.
        kept.drop()
        with suppress(Exception):
            writer.close()
        if kept.error is None or kept.error is error:
            raise
        raise kept.error from error


class ParquetRows:
    """Writes rows, made into tables of the schema by `table_of`, to a Parquet file, zstd inside.

    A row group closes at the first of `row_group`, numbers of sentences and tokens. The options are
    those of `pyarrow.parquet.ParquetWriter`.
    """

    def __init__(
        self,
        sink: BinaryIO,
        schema: pa.Schema,
        table_of: Callable[[Sequence[OutputRow[Any]]], pa.Table],
        *,
        row_group: tuple[int, int],
        **options: Any,  # noqa: ANN401
    ) -> None:
        self._table_of = table_of
        self._most_rows, self._most_tokens = row_group
        self._writer = pq.ParquetWriter(sink, schema, compression="zstd", **options)
        self._rows: list[OutputRow[Any]] = []
        self._tables: list[pa.Table] = []
        # Of the row group; those of the tables are the first of them.
        self._n_rows = self._n_tokens = self._n_packed_tokens = 0

    def write(self, row: OutputRow[Any]) -> None:
        """Buffers a row; writes a row group when the buffer is full."""
        self._rows.append(row)
        self._n_rows += 1
        self._n_tokens += len(row.tagged.upos)
        if self._n_rows >= self._most_rows or self._n_tokens >= self._most_tokens:
            self._flush()
        elif self._n_tokens - self._n_packed_tokens >= _TABLE_TOKENS:
            self._pack()

    def close(self) -> None:
        """Writes the last row group and the footer."""
        if self._n_rows:
            self._flush()
        self._writer.close()

    def _pack(self) -> None:
        self._tables.append(self._table_of(self._rows))
        self._rows, self._n_packed_tokens = [], self._n_tokens

    def _flush(self) -> None:
        self._pack()
        # In one chunk a column: where chunks end would show in the pages.
        table = pa.concat_tables(self._tables).combine_chunks()
        self._tables = []
        self._writer.write_table(table, row_group_size=self._n_rows)
        self._n_rows = self._n_tokens = self._n_packed_tokens = 0


class RowWriter(Protocol[T]):
    """Encodes the rows of one part, in order, into an open file."""

    def write(self, row: OutputRow[T]) -> None:
        """Writes a row, or buffers it."""


class PartFormat(Protocol):
    """How parts are written: `OutputFormat`, or another kind of rows."""

    @property
    def suffix(self) -> str:
        """What part names end with."""

    @property
    def generator(self) -> str:
        """What writes them: program, version, digest of the model; empty where nobody says."""

    def open(self, sink: BinaryIO) -> AbstractContextManager[RowWriter[Any]]:
        """Opens a writer on `sink`, which stays open."""


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """How parts are written; Parquet compresses inside the file and ignores the compression.

    `keep_fields` are as in `ReadOptions`, each with its type; the generator is as in `PartFormat`.
    """

    name: str = "parquet"
    compression: str = "zstd"
    has_lemmas: bool = False
    keep_fields: tuple[str, ...] = ()
    generator: str = ""

    @property
    def suffix(self) -> str:
        """What part names end with, such as `.conllu.zst`."""
        inner = "" if self.name == "parquet" else COMPRESSION_SUFFIXES[self.compression]
        return f".{self.name}{inner}"

    def open(self, sink: BinaryIO) -> AbstractContextManager[RowWriter[TaggedSentence]]:
        """Opens a writer on `sink`, which stays open; leaving it well completes the part."""
        return _OPENERS[self.name](sink, self)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those of Parquet and JSONL, in order."""
        return output_columns(has_lemmas=self.has_lemmas, fields=self.fields)

    @property
    def fields(self) -> tuple[KeptField, ...]:
        """The fields of the input that are written."""
        return kept_fields(self.keep_fields)


_Opened = AbstractContextManager[RowWriter[TaggedSentence]]


def _open_parquet(sink: BinaryIO, output: OutputFormat) -> _Opened:
    schema = schema_of(output.columns, generator=output.generator)
    table = partial(table_of, columns=output.columns, schema=schema)
    row_group = (ROW_GROUP_SENTENCES, ROW_GROUP_TOKENS)
    options = parquet_options(output.columns)
    return whole_parquet(
        sink, lambda kept: ParquetRows(kept, schema, table, row_group=row_group, **options)
    )


@contextmanager
def _open_conllu(sink: BinaryIO, output: OutputFormat) -> Iterator[RowWriter[TaggedSentence]]:
    with compressed(sink, output.compression) as stream:
        yield _ConlluWriter(stream, output)


@contextmanager
def _open_jsonl(sink: BinaryIO, output: OutputFormat) -> Iterator[RowWriter[TaggedSentence]]:
    with compressed(sink, output.compression) as stream:
        yield _JsonlWriter(stream, output.columns)


@contextmanager
def _open_vertical(sink: BinaryIO, output: OutputFormat) -> Iterator[RowWriter[TaggedSentence]]:
    with compressed(sink, output.compression) as stream:
        writer = VerticalWriter(
            stream,
            has_lemmas=output.has_lemmas,
            fields=[field.name for field in output.fields],
            generator=output.generator,
        )
        yield writer
        writer.close()


_OPENERS: dict[
    str, Callable[[BinaryIO, OutputFormat], AbstractContextManager[RowWriter[TaggedSentence]]]
] = {
    "parquet": _open_parquet,
    "conllu": _open_conllu,
    "jsonl": _open_jsonl,
    "vertical": _open_vertical,
}

FORMATS = tuple(_OPENERS)


class _ConlluWriter:
    """Writes sentences as CoNLL-U with a `# newdoc id` before each document's first."""

    def __init__(self, stream: BinaryIO, output: OutputFormat) -> None:
        self._stream = stream
        self._fields = [field.name for field in output.fields]
        self._generator = output.generator
        self._doc_id: str | None = None

    def write(self, row: TaggedRow) -> None:
        tagged = row.tagged
        is_first = self._doc_id is None
        if is_first and self._generator:
            self._comment("generator", self._generator)
        if row.index == 0 or row.doc_id != self._doc_id:
            self._doc_id = row.doc_id
            self._comment("newdoc id", row.doc_id)
            for name, value in zip(self._fields, row.fields, strict=False):
                if value is not None:
                    self._comment(f"meta::{name.replace('=', '_')}", field_text(value))
        if row.is_new_paragraph:
            self._stream.write(b"# newpar\n")
        self._stream.write(f"# language = {tagged.sentence.language}\n".encode())
        if not tagged.sentence.is_trained:
            self._stream.write(b"# is_trained = no\n")
        text = format_sentence(
            tagged.sentence,
            upos=tagged.upos,
            feats=tagged.feats,
            lemmas=tagged.lemmas,
            sent_id=row.sent_id,
        )
        # The sentence comes without the blank line that ends it.
        self._stream.write(text.encode() + b"\n")

    def _comment(self, key: str, value: str) -> None:
        # A line break would end the comment and break the format.
        self._stream.write(f"# {_LINE_BREAKS.sub(' ', f'{key} = {value}')}\n".encode())


class _JsonlWriter:
    """Writes one JSON object a sentence."""

    def __init__(self, stream: BinaryIO, columns: Sequence[Column]) -> None:
        self._stream = stream
        self._columns = columns

    def write(self, row: TaggedRow) -> None:
        line = json.dumps(
            json_object(row, self._columns), ensure_ascii=False, separators=(",", ":")
        )
        self._stream.write(line.encode())
        self._stream.write(b"\n")
