"""Shards of teacher logits: the Parquet schema, its writer, its reader, and a preview for people.

A row is a sentence with its tokens. Token columns are flat: of a sentence with n tokens,
`upos_logits` holds n * 17 values, `feats_ids` and `feats_logits` n * top_k, `feats_rest`
n * n_temperatures and `feats_tail` n * rank bytes. The file's metadata say which teacher spoke, in
which labels, and how to read the columns; `read_info` refuses a file that is no shard.
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mtag_core import storage
from mtag_core.errors import ShardError
from mtag_core.output.preview import Preview, choose_previews
from mtag_core.output.writers import ParquetRows, whole_parquet
from mtag_core.records import OutputRow, Sentence
from mtag_core.training.logits.soft_targets import FeatsSummary, top_log_probs

SHARD_VERSION = 1
_METADATA_KEY = b"mtag.logits"
# Sentences and tokens; about 10 MB.
_ROW_GROUP = (4096, 32768)


@dataclass(frozen=True, slots=True)
class ShardInfo:
    """What a shard's metadata say; a student must agree with it.

    `teacher` and `labels` (see `labels_digest`) are digests, and so is `tail_basis`, that of the
    basis of the sketch, empty for none. `top_k` FEATS logits, `tail_rank` bytes of the sketch and a
    log-sum-exp of the rest for each of `temperatures` are kept a token; `version` is the schema's.
    """

    teacher: str
    labels: str
    n_upos: int
    n_feats: int
    top_k: int
    temperatures: tuple[float, ...]
    tail_rank: int = 0
    tail_basis: str = ""
    version: int = SHARD_VERSION

    @staticmethod
    def from_json(text: str | bytes, *, source: str) -> "ShardInfo":
        """Reads them back.

        Raises:
            ShardError: Another version, or no such object; the message names `source`.
        """
        try:
            fields: dict[str, Any] = json.loads(text)
            temperatures = tuple(float(value) for value in fields.pop("temperatures"))
            info = ShardInfo(temperatures=temperatures, **fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ShardError(f"{source}: metadata are no teacher logits': {error}") from error
        if info.version != SHARD_VERSION:
            raise ShardError(f"{source}: shard version {info.version}, expected {SHARD_VERSION}")
        return info


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """A sentence with its teacher's logits, and its best UPOS tags for the counts of a run.

    UPOS logits are less the largest of each token. Shape (n_tokens, n_upos), float16.
    """

    sentence: Sentence
    upos: tuple[str, ...]
    upos_logits: NDArray[np.float16]
    feats_summary: FeatsSummary


@dataclass(frozen=True, slots=True)
class LogitBlock:
    """Sentences of a shard; UPOS logits have the shape (total_tokens, n_upos), float16."""

    doc_ids: list[str]
    languages: list[str]
    forms: list[list[str]]
    upos_logits: NDArray[np.float16]
    feats_summary: FeatsSummary


# Column -> its type, and what it holds of a sentence.
_COLUMNS: dict[str, tuple[pa.DataType, Callable[[OutputRow[ScoredSentence]], object]]] = {
    "doc_id": (pa.string(), lambda row: row.doc_id),
    "sentence_index": (pa.int32(), lambda row: row.index),
    "language": (pa.string(), lambda row: row.tagged.sentence.language),
    "text": (pa.string(), lambda row: row.tagged.sentence.text),
    "start": (pa.int64(), lambda row: row.tagged.sentence.start),
    "end": (pa.int64(), lambda row: row.tagged.sentence.end),
    "forms": (pa.list_(pa.string()), lambda row: row.tagged.sentence.forms),
    "upos_logits": (pa.list_(pa.float16()), lambda row: row.tagged.upos_logits.ravel()),
    "feats_ids": (pa.list_(pa.uint16()), lambda row: row.tagged.feats_summary.label_ids.ravel()),
    "feats_logits": (pa.list_(pa.float16()), lambda row: row.tagged.feats_summary.logits.ravel()),
    "feats_rest": (pa.list_(pa.float32()), lambda row: row.tagged.feats_summary.rest.ravel()),
    "feats_tail": (pa.binary(), lambda row: row.tagged.feats_summary.tail.tobytes()),
}
_READ_COLUMNS = [
    name for name in _COLUMNS if name not in ("sentence_index", "text", "start", "end")
]


@dataclass(frozen=True, slots=True)
class ShardFormat:
    """Parts are shards of teacher logits, with these metadata; `generator` as in `PartFormat`."""

    info: ShardInfo
    generator: str = ""

    @property
    def suffix(self) -> str:
        """What part names end with."""
        return ".parquet"

    def open(self, sink: BinaryIO) -> AbstractContextManager[ParquetRows]:
        """Opens a writer on `sink`, which stays open."""
        schema = pa.schema(
            [pa.field(name, kind, nullable=False) for name, (kind, _) in _COLUMNS.items()],
            metadata={_METADATA_KEY: json.dumps(asdict(self.info), sort_keys=True).encode()},
        )

        def table(rows: Sequence[OutputRow[ScoredSentence]]) -> pa.Table:
            columns = {name: list(map(value, rows)) for name, (_, value) in _COLUMNS.items()}
            return pa.table(columns, schema=schema)

        return whole_parquet(
            sink, lambda kept: ParquetRows(kept, schema, table, row_group=_ROW_GROUP)
        )


def read_info(source: str, stream: BinaryIO) -> ShardInfo:
    """Reads a shard's metadata.

    Raises:
        ShardError: It is no shard of teacher logits.
    """
    try:
        metadata = pq.ParquetFile(stream).schema_arrow.metadata or {}
    except (pa.ArrowInvalid, OSError) as error:
        raise ShardError(f"{source}: not a Parquet file: {error}") from error
    if _METADATA_KEY not in metadata:
        raise ShardError(f"{source}: a Parquet file, but not of teacher logits")
    return ShardInfo.from_json(metadata[_METADATA_KEY], source=source)


def row_group_sizes(stream: BinaryIO) -> list[int]:
    """Number of sentences of each row group of a shard."""
    metadata = pq.ParquetFile(stream).metadata
    return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]


def read_row_group(stream: BinaryIO, group: int, *, info: ShardInfo) -> LogitBlock:
    """Reads a row group of a shard, by its number; `info` is what `read_info` gave for the file."""
    table = pq.ParquetFile(stream).read_row_group(group, columns=_READ_COLUMNS)

    def flat(name: str, width: int) -> NDArray[Any]:
        values: NDArray[Any] = table.column(name).combine_chunks().flatten().to_numpy()
        return values.reshape(-1, width)

    upos_logits = flat("upos_logits", info.n_upos)
    tail = np.frombuffer(b"".join(table.column("feats_tail").to_pylist()), np.int8)
    summary = FeatsSummary(
        flat("feats_ids", info.top_k),
        flat("feats_logits", info.top_k),
        flat("feats_rest", len(info.temperatures)),
        tail.reshape(len(upos_logits), info.tail_rank),
    )
    names = ("doc_id", "language", "forms")
    doc_ids, languages, forms = (table.column(name).to_pylist() for name in names)
    return LogitBlock(doc_ids, languages, forms, upos_logits, summary)


def preview_shards(
    paths: Iterable[str], *, upos: Sequence[str], feats: Sequence[str], n_sentences: int
) -> list[Preview]:
    """Picks short sentences out of the heads of shards, as `preview_parts` does.

    They have the best labels of each token and their probabilities at the lowest temperature that
    the shards keep. `upos` and `feats` are the teacher's labels in label order.
    """
    found = (preview for path in paths for preview in _head(path, upos, feats))
    return choose_previews(found, n_sentences=n_sentences)


def _head(path: str, upos: Sequence[str], feats: Sequence[str]) -> Iterator[Preview]:
    with storage.open_read(path) as opened:
        stream = opened if opened.seekable() else io.BytesIO(opened.read())
        info = read_info(path, stream)
        if not row_group_sizes(stream):
            return
        block = read_row_group(stream, 0, info=info)
    # The largest UPOS logit is 0.
    upos_probs = 1 / np.exp(block.upos_logits.astype(np.float32)).sum(axis=1)
    feats_log_probs = top_log_probs(
        block.feats_summary, temperature=min(info.temperatures), temperatures=info.temperatures
    )
    feats_probs = np.exp(feats_log_probs[:, 0])
    ids = (block.upos_logits.argmax(axis=1), block.feats_summary.label_ids[:, 0])
    tokens = zip(*ids, upos_probs, feats_probs, strict=True)
    shown = ((f"{upos[i]} {p:.2f}", f"{feats[j]} {q:.2f}") for i, j, p, q in tokens)
    for doc_id, language, forms in zip(block.doc_ids, block.languages, block.forms, strict=True):
        own = islice(shown, len(forms))
        pairs = zip(forms, own, strict=True)
        yield Preview(doc_id, language, tuple((form, *tags) for form, tags in pairs))
