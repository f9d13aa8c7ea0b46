"""What parts hold, counted: a small Parquet file a part, summed up at the end of a run.

A row of a part's file is a number of a kind; the columns that the kind does not have are null.

    kind        source  document  language  upos  key
    documents   x                                               tagged documents
    rejected    x                                               rejected documents
    sentences   x
    upos        x       x         x         x                   tokens
    words                         x         x     lemma, form   tokens; rows of one key may repeat
    confidence                                    0.95          tokens by the score of their UPOS

The sums of all parts:

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
from itertools import islice, repeat
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mtag_core import storage
from mtag_core.output.layout import OutputLayout
from mtag_core.records import Document, Reject
from mtag_core.tagging.tagged import TaggedSentence

_DOCUMENTS, _REJECTED, _SENTENCES = "documents", "rejected", "sentences"
_UPOS, _WORDS, _CONFIDENCE = "upos", "words", "confidence"
_KEYS = ("kind", "source", "document", "language", "upos", "key")
_SCHEMA = pa.schema([*((name, pa.string()) for name in _KEYS), ("n", pa.int64())])
_TOKENS = pa.schema(list(_SCHEMA)[3:])
CONFIDENCE_BINS = 20
# So many words are counted in memory; then they are written and counted from 0 again.
_MOST_WORDS = 50_000
_ROWS = 65_536
_N_TOGETHER = 32
# Rows that are held, some hundred bytes each.
_MOST_ROWS = 300_000
_N_BUCKETS = 64
_REPORT_ROWS = 200
# Ids and forms may be of any length.
_MOST_CHARACTERS = 200
_REPORT_LANGUAGES = 20
_REPORT_WORDS = 50


class CountsWriter:
    """Counts the documents of a part and writes them into a Parquet file."""

    def __init__(self, sink: BinaryIO) -> None:
        self._writer = pq.ParquetWriter(sink, _SCHEMA, compression="zstd")
        self._rows: list[tuple[str | int | None, ...]] = []
        self._sources: Counter[tuple[str, str]] = Counter()
        # By language.
        self._document: dict[str, Counter[str]] = defaultdict(Counter)
        self._words = _Words()
        self._n_words_left = _MOST_WORDS
        self._scores: list[float] = []
        self._n_by_score = np.zeros(CONFIDENCE_BINS, np.int64)

    def add(self, tagged: TaggedSentence) -> None:
        """Counts a sentence of the document that `end_document` will name."""
        self._document[tagged.sentence.language].update(tagged.upos)
        self._words.add(tagged)
        self._scores.extend(tagged.upos_scores)
        self._n_words_left -= len(tagged.upos)
        if self._n_words_left <= 0:
            self._make_room()

    def end_document(self, document: Document, n_sentences: int) -> None:
        """Ends a document that was written."""
        source = storage.writable(document.source)
        self._sources[_DOCUMENTS, source] += 1
        self._sources[_SENTENCES, source] += n_sentences
        for language, counts in sorted(self._document.items()):
            for upos, n in sorted(counts.items()):
                self._rows.append((_UPOS, source, document.doc_id, language, upos, None, n))
        self._document.clear()
        self._flush_full()

    def reject(self, reject: Reject) -> None:
        """Counts a document that was rejected."""
        self._sources[_REJECTED, storage.writable(reject.source)] += 1

    def close(self) -> None:
        """Writes what is left, and the footer."""
        self._end_words()
        self._end_scores()
        for (kind, source), n in sorted(self._sources.items()):
            self._rows.append((kind, source, None, None, None, None, n))
        for index, n in enumerate(self._n_by_score.tolist()):
            low = f"{index / CONFIDENCE_BINS:.2f}"
            if n:
                self._rows.append((_CONFIDENCE, None, None, None, None, low, n))
        self._flush_full()
        self._flush(self._rows)
        self._writer.close()

    def _make_room(self) -> None:
        self._end_scores()
        n_held = self._words.count()
        if n_held > _MOST_WORDS // 2:
            self._end_words()
            n_held = 0
        # So many tokens cannot be more words than are held at most.
        self._n_words_left = _MOST_WORDS - n_held

    def _end_scores(self) -> None:
        bins = (np.array(self._scores, np.float64) * CONFIDENCE_BINS).astype(np.int64)
        bins = np.minimum(bins, CONFIDENCE_BINS - 1)
        self._n_by_score += np.bincount(bins, minlength=CONFIDENCE_BINS)
        self._scores.clear()

    def _end_words(self) -> None:
        rows = self._words.take()
        self._rows.extend((_WORDS, None, None, *row) for row in rows)
        self._flush_full()

    def _flush_full(self) -> None:
        while len(self._rows) >= _ROWS:
            self._flush(self._rows[:_ROWS])
            del self._rows[:_ROWS]

    def _flush(self, rows: Sequence[tuple[str | int | None, ...]]) -> None:
        if not rows:
            return
        columns: Any = zip(*rows, strict=True)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA))


class _Words:
    """Words, each with its tokens: those of many sentences are summed up together."""

    def __init__(self) -> None:
        self._tokens: tuple[list[str], list[str], list[str]] = ([], [], [])
        self._sums = _TOKENS.empty_table()

    def add(self, tagged: TaggedSentence) -> None:
        languages, upos, words = self._tokens
        languages.extend(repeat(tagged.sentence.language, len(tagged.upos)))
        upos.extend(tagged.upos)
        words.extend(tagged.lemmas or tagged.sentence.forms)

    def count(self) -> int:
        """Number of words so far."""
        ones = np.ones(len(self._tokens[0]), np.int64)
        new = pa.Table.from_arrays([*map(pa.array, (*self._tokens, ones))], schema=_TOKENS)
        self._sums = _summed([self._sums, new], _TOKENS.names[:-1])
        for column in self._tokens:
            column.clear()
        n_words: int = self._sums.num_rows
        return n_words

    def take(self) -> Iterator[tuple[str, str, str, int]]:
        """Yields language, part of speech, word and tokens, sorted, and forgets them."""
        self.count()
        ordered = self._sums.sort_by([(name, "ascending") for name in _TOKENS.names[:-1]])
        self._sums = _TOKENS.empty_table()
        return zip(*(column.to_pylist() for column in ordered.columns), strict=True)


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
    """Sums up the counts of parts; the same files for the same parts.

    Args:
        layout: The output directory.
        part_ids: In order.

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
            if _UPOS in kinds:
                documents.add(kinds[_UPOS])
                upos.add(kinds[_UPOS])
                sources.add(kinds[_UPOS])
            if _WORDS in kinds:
                words.add(kinds[_WORDS])
            for kind in {_DOCUMENTS, _REJECTED, _SENTENCES} & kinds.keys():
                sources.add(kinds[kind])
            for row in kinds[_CONFIDENCE].to_pylist() if _CONFIDENCE in kinds else ():
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
    """Sums `n` by key in bounded memory.

    Args:
        keys: Columns of strings.
        folder: For temporary files.
        by: Rows that agree in this column come in one table; in all keys, if left out.
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
            self._tables = [_summed(self._tables, self._keys)]
            self._n_rows = self._tables[0].num_rows
            if self._n_rows > _MOST_ROWS // 2:
                self._spill()

    def results(self) -> Iterator[pa.Table]:
        """Yields the keys, each once, with their sums, as one table or as one a bucket."""
        if not self._buckets:
            if self._tables:
                yield _summed(self._tables, self._keys)
            return
        self._spill()
        for bucket, writer in sorted(self._buckets.items()):
            writer.close()
            with pa.memory_map(str(self._path(bucket))) as stream:
                yield _summed([pa.ipc.open_file(stream).read_all()], self._keys)

    def _spill(self) -> None:
        if not self._tables:
            return
        table = _summed(self._tables, self._keys)
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


def _summed(tables: Sequence[pa.Table], keys: list[str]) -> pa.Table:
    sums = pa.concat_tables(tables).group_by(keys, use_threads=False).aggregate([("n", "sum")])
    return sums.select([*keys, "n_sum"]).rename_columns([*keys, "n"])


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
            (source[:_MOST_CHARACTERS], n[_DOCUMENTS], n[_REJECTED], n[_SENTENCES], n[_UPOS])
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
