"""What a part holds, counted: one small Parquet file a part, summed up at the end of a run.

A row is a number of a kind; the columns that the kind does not have are null.

    kind        source  document  language  upos  key
    documents   x                                               tagged documents
    rejected    x                                               rejected documents
    sentences   x
    upos        x       x         x         x                   tokens
    words                         x         x     lemma, form   tokens; rows of one key may repeat
    confidence                                    0.95          tokens by the score of their UPOS
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mtag_core import storage
from mtag_core.output.writers import whole_parquet
from mtag_core.records import Document, Reject
from mtag_core.tagging.tagged import TaggedSentence

DOCUMENTS, REJECTED, SENTENCES = "documents", "rejected", "sentences"
UPOS, WORDS, CONFIDENCE = "upos", "words", "confidence"
_KEYS = ("kind", "source", "document", "language", "upos", "key")
SCHEMA = pa.schema([*((name, pa.string()) for name in _KEYS), ("n", pa.int64())])
CONFIDENCE_BINS = 20
# So many words are counted in memory; then they are written and counted from 0 again.
_MOST_WORDS = 50_000
_ROWS = 65_536
_Row = tuple[str | None, ...]


class CountsWriter:
    """Counts the documents of a part and writes them into a Parquet file."""

    def __init__(self, sink: BinaryIO) -> None:
        self._writer = pq.ParquetWriter(sink, SCHEMA, compression="zstd")
        self._rows: list[tuple[_Row, int]] = []
        self._sources: Counter[tuple[str, str]] = Counter()
        # By language.
        self._document: dict[str, Counter[str]] = defaultdict(Counter)
        self._words: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        self._n_words_left = _MOST_WORDS
        self._scores: list[float] = []
        self._n_by_score = np.zeros(CONFIDENCE_BINS, np.int64)

    def add(self, tagged: TaggedSentence) -> None:
        """Counts a sentence of the document that `end_document` will name."""
        language, words = tagged.sentence.language, tagged.lemmas or tagged.sentence.forms
        self._document[language].update(tagged.upos)
        self._words[language].update(zip(tagged.upos, words, strict=True))
        self._scores.extend(tagged.upos_scores)
        self._n_words_left -= len(words)
        if self._n_words_left <= 0:
            self._make_room()

    def end_document(self, document: Document, n_sentences: int) -> None:
        """Ends a document that was written."""
        source = storage.writable(document.source)
        self._sources[DOCUMENTS, source] += 1
        self._sources[SENTENCES, source] += n_sentences
        for language, counts in sorted(self._document.items()):
            for upos, n in sorted(counts.items()):
                self._add((UPOS, source, document.doc_id, language, upos, None), n)
        self._document.clear()

    def reject(self, reject: Reject) -> None:
        """Counts a document that was rejected."""
        self._sources[REJECTED, storage.writable(reject.source)] += 1

    def close(self) -> None:
        """Writes what is left, and the footer."""
        self._end_words()
        self._end_scores()
        for (kind, source), n in sorted(self._sources.items()):
            self._add((kind, source, None, None, None, None), n)
        for index, n in enumerate(self._n_by_score.tolist()):
            low = f"{index / CONFIDENCE_BINS:.2f}"
            if n:
                self._add((CONFIDENCE, None, None, None, None, low), n)
        self._flush()
        self._writer.close()

    def _make_room(self) -> None:
        self._end_scores()
        n_held = sum(map(len, self._words.values()))
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
        for language, counts in sorted(self._words.items()):
            for (upos, word), n in sorted(counts.items()):
                self._add((WORDS, None, None, language, upos, word), n)
        self._words.clear()

    def _add(self, row: _Row, n: int) -> None:
        self._rows.append((row, n))
        if len(self._rows) >= _ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        keys, numbers = zip(*self._rows, strict=True)
        columns: list[Any] = [*zip(*keys, strict=True), numbers]
        arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
        self._rows = []


def open_counts(sink: BinaryIO) -> AbstractContextManager[CountsWriter]:
    """Opens a writer of counts on `sink`, which stays open; after an exception it has no footer."""
    return whole_parquet(sink, CountsWriter)


def read_counts(stream: BinaryIO) -> Iterator[pa.Table]:
    """Yields the rows of a file of counts, some at a time."""
    file = pq.ParquetFile(stream)
    for group in range(file.metadata.num_row_groups):
        yield file.read_row_group(group)
