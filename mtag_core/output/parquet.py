"""Rows of tagged sentences to Parquet row groups, one bounded buffer at a time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, Protocol, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mtag_core.output.rows import TaggedRow
from mtag_core.output.schemas import MULTIWORD_TOKEN_TYPE, SENTENCE_SCHEMA
from mtag_core.output.streams import KeptOpen
from mtag_core.records import MultiwordToken, Sentence
from mtag_core.tagging.tagged import TaggedSentence

# A row group closes at the first of these. They count content, never time, so that a part has the
# same bytes however fast it is written; 64k tokens are about 10 MB of Python objects.
ROW_GROUP_SENTENCES = 8192
ROW_GROUP_TOKENS = 65536

_SENTENCE_LISTS = ("forms", "starts", "ends")
_TAG_LISTS = ("upos", "feats", "second_upos")
_SCORE_LISTS = ("upos_scores", "feats_scores")


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

    def __init__(self, sink: BinaryIO, *, score_decimals: int) -> None:
        """Writes the file's head.

        Args:
            sink: Receives the bytes; stays open.
            score_decimals: Scores are rounded to this many decimals.
        """
        self._writer = pq.ParquetWriter(sink, SENTENCE_SCHEMA, compression="zstd")
        self._score_decimals = score_decimals
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
        table = _table(self._rows, score_decimals=self._score_decimals)
        self._writer.write_table(table, row_group_size=len(self._rows))
        self._rows, self._n_tokens = [], 0


def _table(rows: Sequence[TaggedRow], *, score_decimals: int) -> pa.Table:
    tagged = [row.tagged for row in rows]
    sentences = [row.tagged.sentence for row in rows]
    columns: dict[str, list[object] | pa.Array] = {
        "doc_id": [row.doc_id for row in rows],
        "sentence_index": [row.index for row in rows],
        "sent_id": [row.sent_id for row in rows],
        "text": [sentence.text for sentence in sentences],
        "start": [sentence.start for sentence in sentences],
        "end": [sentence.end for sentence in sentences],
        "language": [sentence.language for sentence in sentences],
        "multiword_tokens": _multiword_column(sentences),
    } | _token_columns(sentences, tagged, score_decimals=score_decimals)
    fields = list(SENTENCE_SCHEMA)
    return pa.Table.from_arrays(
        [_array(columns[field.name], field.type) for field in fields], schema=SENTENCE_SCHEMA
    )


def _array(values: list[object] | pa.Array, kind: pa.DataType) -> pa.Array:
    """An Arrow array of a column, which may be one already."""
    return values if isinstance(values, pa.Array) else pa.array(values, kind)


def _token_columns(
    sentences: Sequence[Sentence], tagged: Sequence[TaggedSentence], *, score_decimals: int
) -> dict[str, pa.Array]:
    """The list columns: flat values with shared offsets, which is much faster than nested lists."""
    offsets = _offsets([len(row) for row in tagged])
    columns = {}
    for names, rows in ((_SENTENCE_LISTS, sentences), (_TAG_LISTS, tagged)):
        for name in names:
            values = [value for row in rows for value in getattr(row, name)]
            columns[name] = _list_array(name, offsets, values)
    for name in _SCORE_LISTS:
        scores = np.array([score for row in tagged for score in getattr(row, name)], np.float64)
        rounded = np.round(scores, score_decimals).astype(np.float32)
        columns[name] = _list_array(name, offsets, rounded)
    return columns


def _list_array(
    name: str, offsets: pa.Array, values: list[object] | np.ndarray[Any, Any]
) -> pa.Array:
    kind = SENTENCE_SCHEMA.field(name).type
    return pa.ListArray.from_arrays(offsets, pa.array(values, kind.value_type), type=kind)


def _offsets(lengths: Sequence[int]) -> pa.Array:
    """List offsets of rows with these lengths. Length n + 1."""
    return pa.array(np.concatenate(([0], np.cumsum(lengths, dtype=np.int32))), pa.int32())


def _multiword_column(sentences: Sequence[Sentence]) -> pa.Array:
    rows = [
        [
            {name: getattr(token, name) for name in MultiwordToken.__slots__}
            for token in sentence.multiword_tokens
        ]
        for sentence in sentences
    ]
    return pa.array(rows, pa.list_(MULTIWORD_TOKEN_TYPE))
