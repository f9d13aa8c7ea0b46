"""What the parts of a run hold, summed up at its end; see `part_counts` for a single part.

    counts.parquet   document, language, upos, n: tokens
    words.parquet    language, upos, lemma (form, where the bundle has no lemmas), n: tokens

Memory does not grow with the corpus: what is too much is put into temporary files by a hash of its
key, each of which is then summed up alone.
"""

import heapq
import tempfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mtag_core import storage
from mtag_core.output.layout import OutputLayout
from mtag_core.output.part_counts import (
    CONFIDENCE,
    DOCUMENTS,
    REJECTED,
    SENTENCES,
    UPOS,
    WORDS,
    summed,
)

_N_TOGETHER = 32
# Rows that are held, some hundred bytes each.
_MOST_ROWS = 300_000
_N_BUCKETS = 64
_REPORT_ROWS = 200
# Ids and forms may be of any length.
_MOST_CHARACTERS = 200
_REPORT_LANGUAGES = 20
_REPORT_WORDS = 50


@dataclass
class CountSummary:
    """What the report shows of the counts.

    Attributes:
        upos_by_language: Language to part of speech to tokens.
        confidence: Lower edge of a twentieth to tokens whose UPOS has such a score.
        sources: Path, documents, rejected, sentences, tokens; those with most tokens.
        n_sources: Of all.
        documents: Document, tokens and tokens by part of speech; those with most tokens.
        words: Language, part of speech, lemma or form, tokens; those with most in each of the
            largest languages, punctuation left out.
    """

    upos_by_language: dict[str, dict[str, int]] = field(default_factory=dict)
    confidence: dict[str, int] = field(default_factory=dict)
    sources: list[tuple[str, int, int, int, int]] = field(default_factory=list)
    n_sources: int = 0
    documents: list[tuple[str, int, dict[str, int]]] = field(default_factory=list)
    words: list[tuple[str, str, str, int]] = field(default_factory=list)


def write_count_tables(layout: OutputLayout, part_ids: Sequence[str]) -> CountSummary:
    """Sums up the counts of parts, in order; the same files for the same parts.

    Raises:
        StorageError: Something cannot be read or written.
    """
    summary = CountSummary()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mtag-counts-")))
        words = _Sums(("language", "upos", "key"), folder)
        sources = _Sums(("source", "kind"), folder, by="source")
        documents = _Documents(stack.enter_context(storage.atomic_writer(layout.counts_path)))
        scores = Counter[str]()
        upos = _Sums(("language", "upos"), folder)
        for table in _tables(layout, part_ids):
            kinds = {kind: table.filter(pc.equal(table["kind"], kind)) for kind in _kinds(table)}
            if UPOS in kinds:
                documents.add(kinds[UPOS])
                upos.add(kinds[UPOS])
                sources.add(kinds[UPOS])
            if WORDS in kinds:
                words.add(kinds[WORDS])
            for kind in {DOCUMENTS, REJECTED, SENTENCES} & kinds.keys():
                sources.add(kinds[kind])
            for row in kinds[CONFIDENCE].to_pylist() if CONFIDENCE in kinds else ():
                scores[row["key"]] += row["n"]
        summary.documents = documents.close()
        summary.confidence = dict(sorted(scores.items()))
        summary.upos_by_language = _by_language(upos)
        summary.sources, summary.n_sources = _top_sources(sources)
        largest = sorted(
            summary.upos_by_language, key=lambda code: -sum(summary.upos_by_language[code].values())
        )
        stream = stack.enter_context(storage.atomic_writer(layout.words_path))
        name = layout.words or "form"
        summary.words = _write_words(stream, words, name, largest[:_REPORT_LANGUAGES])
    return summary


def _kinds(table: pa.Table) -> list[str]:
    return sorted(pc.unique(table["kind"]).to_pylist())


def _tables(layout: OutputLayout, part_ids: Sequence[str]) -> Iterator[pa.Table]:
    paths = map(layout.part_counts_path, part_ids)
    with ThreadPoolExecutor(_N_TOGETHER) as pool:
        while chunk := list(islice(paths, _N_TOGETHER)):
            for data in pool.map(storage.read_bytes, chunk):
                file = pq.ParquetFile(BytesIO(data))
                yield from map(file.read_row_group, range(file.num_row_groups))


class _Sums:
    """Sums `n` by keys, columns of strings, in bounded memory.

    Rows that agree in the column `by`, or in all keys, come in one table.
    """

    def __init__(self, keys: Sequence[str], folder: Path, *, by: str | None = None) -> None:
        self._keys = list(keys)
        self._by = [by] if by else list(keys)
        self._folder = folder
        self._tables: list[pa.Table] = []
        self._n_rows = 0
        self._buckets: dict[int, pa.RecordBatchFileWriter] = {}

    def add(self, table: pa.Table) -> None:
        """Adds rows that have the keys, and `n`."""
        self._tables.append(table.select([*self._keys, "n"]))
        self._n_rows += table.num_rows
        if self._n_rows > _MOST_ROWS:
            self._tables = [summed(self._tables, self._keys)]
            self._n_rows = self._tables[0].num_rows
            if self._n_rows > _MOST_ROWS // 2:
                self._spill()

    def results(self) -> Iterator[pa.Table]:
        """Yields the keys, each once, with their sums, as one table or as one a bucket."""
        if not self._buckets:
            if self._tables:
                yield summed(self._tables, self._keys)
            return
        self._spill()
        for bucket, writer in sorted(self._buckets.items()):
            writer.close()
            with pa.memory_map(str(self._path(bucket))) as stream:
                yield summed([pa.ipc.open_file(stream).read_all()], self._keys)

    def _spill(self) -> None:
        if not self._tables:
            return
        table = summed(self._tables, self._keys)
        columns = [table[key].to_pylist() for key in self._by]
        hashes = [zlib.crc32("\t".join(key).encode()) for key in zip(*columns, strict=True)]
        buckets = pa.array([value % _N_BUCKETS for value in hashes], pa.int32())
        for bucket in range(_N_BUCKETS):
            if bucket not in self._buckets:
                path = str(self._path(bucket))
                self._buckets[bucket] = pa.ipc.new_file(path, table.schema)
            self._buckets[bucket].write_table(table.filter(pc.equal(buckets, bucket)))
        self._tables, self._n_rows = [], 0

    def _path(self, bucket: int) -> Path:
        return self._folder / f"{'-'.join(self._keys)}-{bucket}.arrow"


class _Documents:
    """Writes counts.parquet and keeps the largest documents."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401
        names = ("document", "language", "upos")
        self._schema = pa.schema([*((name, pa.string()) for name in names), ("n", pa.int64())])
        self._writer = pq.ParquetWriter(stream, self._schema, compression="zstd")
        self._tables: list[pa.Table] = []
        self._n_rows = self._n_seen = 0
        self._largest: list[tuple[int, int, str, dict[str, int]]] = []
        self._open: tuple[tuple[str, str] | None, Counter[str]] = (None, Counter())

    def add(self, table: pa.Table) -> None:
        """Adds rows of a part; those of a document stand together."""
        self._tables.append(table.select(self._schema.names))
        self._n_rows += table.num_rows
        if self._n_rows >= _MOST_ROWS:
            self._flush()
        columns = (table[name].to_pylist() for name in ("source", "document", "upos", "n"))
        for source, document, upos, n in zip(*columns, strict=True):
            if (source, document) != self._open[0]:
                self._end_document()
                self._open = (source, document), Counter()
            self._open[1][upos] += n

    def close(self) -> list[tuple[str, int, dict[str, int]]]:
        """Ends the file; the largest documents, the largest first."""
        self._end_document()
        self._flush()
        self._writer.close()
        ordered = sorted(self._largest, key=lambda each: (-each[0], each[2]))
        return [(document, n, upos) for n, _, document, upos in ordered]

    def _end_document(self) -> None:
        key, upos = self._open
        if key is None:
            return
        # Of documents of one size the first ones stay; numbers keep dictionaries uncompared.
        self._n_seen += 1
        name = key[1][:_MOST_CHARACTERS]
        entry = (upos.total(), -self._n_seen, name, dict(sorted(upos.items())))
        if len(self._largest) < _REPORT_ROWS:
            heapq.heappush(self._largest, entry)
        else:
            heapq.heappushpop(self._largest, entry)

    def _flush(self) -> None:
        if self._tables:
            table = pa.concat_tables(self._tables).cast(self._schema)
            self._writer.write_table(table, row_group_size=_MOST_ROWS)
        self._tables, self._n_rows = [], 0


def _by_language(sums: _Sums) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for table in sums.results():
        for row in table.to_pylist():
            found[row["language"]][row["upos"]] = row["n"]
    return {code: dict(sorted(found[code].items())) for code in sorted(found)}


def _top_sources(sums: _Sums) -> tuple[list[tuple[str, int, int, int, int]], int]:
    top: list[tuple[str, int, int, int, int]] = []
    n_sources = 0
    for table in sums.results():
        kind_to_n: dict[str, Counter[str]] = defaultdict(Counter)
        for row in table.to_pylist():
            kind_to_n[row["source"]][row["kind"]] = row["n"]
        rows = (
            (source[:_MOST_CHARACTERS], n[DOCUMENTS], n[REJECTED], n[SENTENCES], n[UPOS])
            for source, n in kind_to_n.items()
        )
        top = heapq.nsmallest(_REPORT_ROWS, [*top, *rows], key=lambda row: (-row[4], row[0]))
        n_sources += len(kind_to_n)
    return top, n_sources


def _write_words(
    stream: Any,  # noqa: ANN401
    sums: _Sums,
    name: str,
    languages: Iterable[str],
) -> list[tuple[str, str, str, int]]:
    schema = pa.schema(
        [*((key, pa.string()) for key in ("language", "upos", name)), ("n", pa.int64())]
    )
    top: dict[str, list[tuple[str, str, str, int]]] = {code: [] for code in languages}
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        for table in sums.results():
            order = [("language", "ascending"), ("n", "descending"), ("upos", "ascending")]
            ordered = table.sort_by([*order, ("key", "ascending")])
            writer.write_table(ordered.rename_columns(schema.names))
            is_mark = pc.is_in(ordered["upos"], pa.array(["PUNCT", "SYM"]))
            shown = ordered.filter(pc.invert(is_mark))
            for code, rows in top.items():
                first = shown.filter(pc.equal(shown["language"], code)).slice(0, _REPORT_WORDS)
                found = (row.values() for row in first.to_pylist())
                rows += [(lang, upos, word[:_MOST_CHARACTERS], n) for lang, upos, word, n in found]
    return [
        row
        for rows in top.values()
        for row in sorted(rows, key=lambda row: (-row[3], row[1], row[2]))[:_REPORT_WORDS]
    ]
