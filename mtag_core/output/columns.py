"""The columns of tagged sentences, one entry each: Parquet and JSONL parts are made from them.

A row is a sentence. A column holds one value a sentence, or a list with one a token.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate, chain
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa

from mtag_core.corpus.kept_fields import KeptField
from mtag_core.records import FieldValue, MultiwordToken
from mtag_core.tagging.tagged import TaggedRow

# Raised when a column is added, renamed or changes its meaning; part of every run's configuration.
SCHEMA_VERSION = 2
# Scores are written with this many decimals: more says nothing and does not compress.
SCORE_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the output.

    Attributes:
        name: In the Parquet schema and in JSON objects.
        kind: Type of a sentence's value or, of a token column, of a token's.
        value: A row to the sentence's value or, of a token column, to one value a token.
        array_of: Makes of rows what else `value` would, in less time.
        is_of_tokens: Whether it is a token column.
        decimals: Numbers are rounded to so many; None where they are not.
        to_arrow: Makes of a value that JSON has the one of `kind`; None where they are the same.
        is_nullable: Whether a row may have no value.
    """

    name: str
    kind: pa.DataType
    value: Callable[[TaggedRow], Any]
    array_of: Callable[[Sequence[TaggedRow]], pa.Array] | None = None
    is_of_tokens: bool = False
    decimals: int | None = None
    to_arrow: Callable[[Any], Any] | None = None
    is_nullable: bool = False

    @property
    def field(self) -> pa.Field:
        """The column in an Arrow schema."""
        kind = pa.list_(self.kind) if self.is_of_tokens else self.kind
        return pa.field(self.name, kind, nullable=self.is_nullable)

    def json_value(self, row: TaggedRow) -> Any:  # noqa: ANN401
        """A row's value for `json.dumps`."""
        if self.decimals is None:
            return self.value(row)
        return [round(number, self.decimals) for number in self.value(row)]

    def array(self, rows: Sequence[TaggedRow], offsets: pa.Array) -> pa.Array:
        """The column of some rows; their tokens start at `offsets`, of length n_rows + 1."""
        if self.array_of is not None:
            return self.array_of(rows)
        if not self.is_of_tokens:
            values = [self.value(row) for row in rows]
            if self.to_arrow is not None:
                values = [None if value is None else self.to_arrow(value) for value in values]
            return pa.array(values, self.kind)
        # Flat values with shared offsets are much faster than nested lists.
        flat: Any = chain.from_iterable(map(self.value, rows))
        if pa.types.is_integer(self.kind) or pa.types.is_floating(self.kind):
            # Arrow reads numbers of Python in twice the time.
            flat = np.fromiter(flat, float if pa.types.is_floating(self.kind) else int)
        if self.decimals is not None:
            flat = np.round(flat, self.decimals).astype(np.float32)
        kind = self.field.type
        return pa.ListArray.from_arrays(offsets, pa.array(flat, self.kind), type=kind)


def _of_tokens(
    name: str, kind: pa.DataType, value: Callable[[TaggedRow], Any], decimals: int | None = None
) -> Column:
    return Column(name, kind, value, is_of_tokens=True, decimals=decimals)


_multiword_fields = attrgetter(*MultiwordToken.__slots__)


def _multiword_tokens(row: TaggedRow) -> list[dict[str, Any]]:
    tokens = map(_multiword_fields, row.tagged.sentence.multiword_tokens)
    return [dict(zip(MultiwordToken.__slots__, token, strict=True)) for token in tokens]


def _multiword_array(rows: Sequence[TaggedRow]) -> pa.Array:
    # By columns, since dictionaries of Python would take most of the time of a table.
    tokens = [row.tagged.sentence.multiword_tokens for row in rows]
    values = list(zip(*map(_multiword_fields, chain.from_iterable(tokens)), strict=True))
    kinds = list(_MULTIWORD_TOKEN)
    arrays = [
        pa.array(own, f.type) for own, f in zip(values or [()] * len(kinds), kinds, strict=True)
    ]
    structs = pa.StructArray.from_arrays(arrays, fields=kinds)
    return pa.ListArray.from_arrays(_offsets(map(len, tokens)), structs)


def _offsets(lengths: Iterable[int]) -> pa.Array:
    return pa.array(np.array(list(accumulate(lengths, initial=0)), np.int32))


_LEMMAS = "lemmas"

_MULTIWORD_TOKEN = pa.struct(
    [
        ("first", pa.int32()),
        ("last", pa.int32()),
        ("form", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
    ]
)

COLUMNS = (
    Column("doc_id", pa.string(), lambda row: row.doc_id),
    Column("sentence_index", pa.int32(), lambda row: row.index),
    Column("sent_id", pa.string(), lambda row: row.sent_id),
    Column("text", pa.string(), lambda row: row.tagged.sentence.text),
    Column("start", pa.int64(), lambda row: row.tagged.sentence.start),
    Column("end", pa.int64(), lambda row: row.tagged.sentence.end),
    Column("language", pa.string(), lambda row: row.tagged.sentence.language),
    Column("is_trained", pa.bool_(), lambda row: row.tagged.sentence.is_trained),
    _of_tokens("forms", pa.string(), lambda row: row.tagged.sentence.forms),
    _of_tokens("starts", pa.int64(), lambda row: row.tagged.sentence.starts),
    _of_tokens("ends", pa.int64(), lambda row: row.tagged.sentence.ends),
    _of_tokens("upos", pa.string(), lambda row: row.tagged.upos),
    _of_tokens("feats", pa.string(), lambda row: row.tagged.feats),
    _of_tokens(_LEMMAS, pa.string(), lambda row: row.tagged.lemmas),
    _of_tokens("upos_scores", pa.float32(), lambda row: row.tagged.upos_scores, SCORE_DECIMALS),
    _of_tokens("second_upos", pa.string(), lambda row: row.tagged.second_upos),
    _of_tokens("feats_scores", pa.float32(), lambda row: row.tagged.feats_scores, SCORE_DECIMALS),
    Column("multiword_tokens", pa.list_(_MULTIWORD_TOKEN), _multiword_tokens, _multiword_array),
)

_KIND_TO_ARROW: dict[str, tuple[pa.DataType, Callable[[Any], Any] | None]] = {
    "string": (pa.string(), None),
    "int": (pa.int64(), None),
    "float": (pa.float64(), None),
    "bool": (pa.bool_(), None),
    "date": (pa.date32(), date.fromisoformat),
    "timestamp": (pa.timestamp("us", tz="UTC"), datetime.fromisoformat),
}


def _kept_column(field: KeptField, index: int) -> Column:
    kind, to_arrow = _KIND_TO_ARROW[field.kind]

    def value(row: TaggedRow) -> FieldValue:
        # Documents of formats without fields have none.
        return row.fields[index] if row.fields else None

    return Column(field.name, kind, value, to_arrow=to_arrow, is_nullable=True)


def output_columns(*, has_lemmas: bool, fields: Sequence[KeptField] = ()) -> tuple[Column, ...]:
    """The columns of a run: `lemmas` only where the bundle has them; then fields of the input."""
    ours = (column for column in COLUMNS if has_lemmas or column.name != _LEMMAS)
    return (*ours, *(_kept_column(field, index) for index, field in enumerate(fields)))


def schema_of(columns: Sequence[Column], *, generator: str = "") -> pa.Schema:
    """The Parquet schema of columns."""
    metadata = {"mtag.schema": "tagged-sentences", "mtag.schema_version": str(SCHEMA_VERSION)}
    if generator:
        metadata["mtag.generator"] = generator
    return pa.schema([column.field for column in columns], metadata=metadata)


def parquet_options(columns: Sequence[Column]) -> dict[str, Any]:
    """Arguments of `pyarrow.parquet.ParquetWriter`: offsets of tokens are written as differences.

    Only columns of sentences have bounds: nobody skips a row group by those of tokens.
    """
    rising = [c.name for c in columns if c.is_of_tokens and pa.types.is_integer(c.kind)]
    paths = {c.name: f"{c.name}.list.element" for c in columns}
    others = [name for name in paths if name not in rising]
    return {
        "column_encoding": {paths[name]: "DELTA_BINARY_PACKED" for name in rising},
        "use_dictionary": [*others, *(paths[name] for name in others)],
        "write_statistics": list(paths),
    }


def table_of(rows: Sequence[TaggedRow], columns: Sequence[Column], schema: pa.Schema) -> pa.Table:
    """Rows as an Arrow table with the schema of the columns, as `schema_of` gives it."""
    offsets = _offsets(len(row.tagged.upos) for row in rows)
    arrays = [column.array(rows, offsets) for column in columns]
    return pa.Table.from_arrays(arrays, schema=schema)


def json_object(row: TaggedRow, columns: Sequence[Column]) -> dict[str, Any]:
    """A row under the names of the columns, for `json.dumps`."""
    return {column.name: column.json_value(row) for column in columns}
