"""Rows of tagged sentences to Parquet row groups, one bounded buffer at a time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO, Protocol, TypeVar, cast

import pyarrow.parquet as pq

from mtag_core.output.columns import Column, schema_of, table_of
from mtag_core.output.rows import TaggedRow
from mtag_core.output.streams import KeptOpen

# A row group closes at the first of these. They count content, never time, so that a part has the
# same bytes however fast it is written; 64k tokens are about 10 MB of Python objects.
ROW_GROUP_SENTENCES = 8192
ROW_GROUP_TOKENS = 65536


class _Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=_Closable)


@contextmanager
def whole_parquet(sink: BinaryIO, open_writer: Callable[[BinaryIO], C]) -> Iterator[C]:
    """Opens a writer of a Parquet file; after an exception the file has no footer.

    Args:
        sink: Receives the bytes; stays open.
        open_writer: Gets a stream to write to.

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
    """Writes rows to a Parquet file, zstd inside."""

    def __init__(self, sink: BinaryIO, columns: Sequence[Column]) -> None:
        """Writes the file's head to `sink`, which stays open."""
        self._columns = columns
        self._writer = pq.ParquetWriter(sink, schema_of(columns), compression="zstd")
        self._rows: list[TaggedRow] = []
        self._n_tokens = 0

    def write(self, row: TaggedRow) -> None:
        """Buffers a row; writes a row group when the buffer is full."""
        self._rows.append(row)
        self._n_tokens += len(row.tagged)
        if len(self._rows) >= ROW_GROUP_SENTENCES or self._n_tokens >= ROW_GROUP_TOKENS:
            self._flush()

    def close(self) -> None:
        """Writes the last row group and the footer."""
        if self._rows:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        table = table_of(self._rows, self._columns)
        self._writer.write_table(table, row_group_size=len(self._rows))
        self._rows, self._n_tokens = [], 0
