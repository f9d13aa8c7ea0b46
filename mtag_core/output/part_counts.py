"""What one part holds, counted: a small Parquet file.

A row is a number of a kind; the columns that the kind does not have are null.

    kind        source  document  language  upos  key
    documents   x                                               tagged documents
    rejected    x                                               rejected documents
    sentences   x
    upos        x       x         x         x                   tokens
    words                         x         x     lemma, form   tokens; rows of one key may repeat
    confidence                                    0.95          tokens by the score of their UPOS

`mtag_core.output.count_tables` sums up those of all parts.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mtag_core import storage
from mtag_core.records import Document, Reject
from mtag_core.tagging.tagged import TaggedSentence

DOCUMENTS, REJECTED, SENTENCES = "documents", "rejected", "sentences"
UPOS, WORDS, CONFIDENCE = "upos", "words", "confidence"
_KEYS = ("kind", "source", "document", "language", "upos", "key")
_SCHEMA = pa.schema([*((name, pa.string()) for name in _KEYS), ("n", pa.int64())])
_TOKENS = pa.schema(list(_SCHEMA)[3:])
CONFIDENCE_BINS = 20
# So many words are counted in memory; then they are written and counted from 0 again.
_MOST_WORDS = 50_000
_ROWS = 65_536


class CountsWriter:
    """Counts the documents of a part and writes them into a Parquet file.

    `upos` are the tokens by part of speech, of documents that have ended.
    """

    def __init__(self, sink: BinaryIO) -> None:
        self.upos: Counter[str] = Counter()
        self._writer = pq.ParquetWriter(sink, _SCHEMA, compression="zstd")
        # Tables hold the rows before: as objects, words would take some megabytes more.
        self._tables: list[pa.Table] = []
        self._rows: list[tuple[str | int | None, ...]] = []
        self._sources: Counter[tuple[str, str]] = Counter()
        # Parts of speech by language: counted together, they take half the time.
        self._document: dict[str, list[str]] = defaultdict(list)
        self._words = _Words()
        self._n_words_left = _MOST_WORDS
        self._scores: list[float] = []
        self._n_by_score = np.zeros(CONFIDENCE_BINS, np.int64)

    def add(self, tagged: TaggedSentence) -> None:
        """Counts a sentence of the document that `end_document` will name."""
        self._document[tagged.sentence.language].extend(tagged.upos)
        self._words.add(tagged)
        self._scores.extend(tagged.upos_scores)
        self._n_words_left -= len(tagged.upos)
        if self._n_words_left <= 0:
            self._make_room()

    def end_document(self, document: Document, n_sentences: int) -> None:
        """Ends a document that was written."""
        source = storage.writable(document.source)
        self._sources[DOCUMENTS, source] += 1
        self._sources[SENTENCES, source] += n_sentences
        for language, tokens in sorted(self._document.items()):
            counts = Counter(tokens)
            self.upos.update(counts)
            for upos, n in sorted(counts.items()):
                self._rows.append((UPOS, source, document.doc_id, language, upos, None, n))
        self._document.clear()
        self._flush_full()

    def reject(self, reject: Reject) -> None:
        """Counts a document that was rejected."""
        self._sources[REJECTED, storage.writable(reject.source)] += 1

    def close(self) -> None:
        """Writes what is left, and the footer."""
        self._end_words()
        self._end_scores()
        for (kind, source), n in sorted(self._sources.items()):
            self._rows.append((kind, source, None, None, None, None, n))
        for index, n in enumerate(self._n_by_score.tolist()):
            low = f"{index / CONFIDENCE_BINS:.2f}"
            if n:
                self._rows.append((CONFIDENCE, None, None, None, None, low, n))
        self._flush_full()
        self._flush()
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
        words = self._words.take()
        kinds, none = pa.repeat(WORDS, len(words)), pa.nulls(len(words), pa.string())
        self._pack()
        self._tables.append(
            pa.Table.from_arrays([kinds, none, none, *words.columns], schema=_SCHEMA)
        )
        self._flush_full()

    def _pack(self) -> None:
        if self._rows:
            columns: Any = zip(*self._rows, strict=True)
            arrays = [pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)]
            self._tables.append(pa.Table.from_arrays(arrays, schema=_SCHEMA))
            self._rows = []

    def _flush_full(self) -> None:
        while sum(map(len, self._tables)) + len(self._rows) >= _ROWS:
            self._flush()

    def _flush(self) -> None:
        self._pack()
        # In one chunk a column: where chunks end would show in the pages.
        table = pa.concat_tables([_SCHEMA.empty_table(), *self._tables]).combine_chunks()
        if len(table):
            self._writer.write_table(table[:_ROWS])
        self._tables = [table[_ROWS:]]


class _Words:
    """Words, each with its tokens: those of many sentences are summed up together."""

    def __init__(self) -> None:
        # Languages and sizes of sentences; parts of speech and words of tokens.
        self._columns: tuple[list[str], list[int], list[str], list[str]] = ([], [], [], [])
        self._sums = _TOKENS.empty_table()

    def add(self, tagged: TaggedSentence) -> None:
        languages, sizes, upos, words = self._columns
        languages.append(tagged.sentence.language)
        sizes.append(len(tagged.upos))
        upos.extend(tagged.upos)
        words.extend(tagged.lemmas or tagged.sentence.forms)

    def count(self) -> int:
        """Number of words so far."""
        languages, sizes, upos, words = self._columns
        places = np.repeat(np.arange(len(sizes)), np.array(sizes, np.int64))
        tokens = pa.array(languages, pa.string()).take(pa.array(places)), upos, words
        ones = np.ones(len(upos), np.int64)
        new = pa.Table.from_arrays([*map(pa.array, (*tokens, ones))], schema=_TOKENS)
        self._sums = summed([self._sums, new], _TOKENS.names[:-1], use_threads=False)
        for column in self._columns:
            column.clear()
        n_words: int = self._sums.num_rows
        return n_words

    def take(self) -> pa.Table:
        """Language, part of speech, word and tokens, sorted; forgets them."""
        self.count()
        ordered = self._sums.sort_by([(name, "ascending") for name in _TOKENS.names[:-1]])
        self._sums = _TOKENS.empty_table()
        return ordered


def summed(tables: Sequence[pa.Table], keys: list[str], *, use_threads: bool = True) -> pa.Table:
    """Sums `n` by keys, which come in any order."""
    grouped = pa.concat_tables(tables).group_by(keys, use_threads=use_threads)
    sums = grouped.aggregate([("n", "sum")])
    return sums.select([*keys, "n_sum"]).rename_columns([*keys, "n"])
