"""The first sentences of written parts, read back to be shown."""

import gzip
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, BinaryIO, cast
from xml.sax.saxutils import unescape

import pyarrow as pa
import pyarrow.parquet as pq

from mtag_core import conllu, storage
from mtag_core.errors import OutputError, StorageError

_ENTITIES = {"&quot;": '"'}
_ELEMENT = re.compile(r'<(doc|s) id="([^"]*)"(?: language="([^"]*)")?')
_MOST_TOKENS = 24
# Of a form; longer ones are no words.
_MOST_CHARACTERS = 80
_ROWS_A_PART = 200
_COLUMNS = ("doc_id", "language", "forms", "upos", "feats", "lemmas")


@dataclass(frozen=True, slots=True)
class Preview:
    """A sentence for people: form, UPOS and FEATS of its tokens, and lemmas, if any."""

    doc_id: str
    language: str
    tokens: tuple[tuple[str, str, str], ...]
    lemmas: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Document and language."""
        return f"{self.doc_id} ({self.language})"


def preview_parts(paths: Iterable[str], *, n_sentences: int) -> list[Preview]:
    """Picks short sentences out of the heads of parts, of different languages where it can."""
    # One part after the other: the heads of all take some 20 MB.
    kept: list[Preview] = []
    for path in paths:
        kept = _candidates(chain(kept, _head(path)), n_sentences)
    return kept[:n_sentences]


def choose_previews(previews: Iterable[Preview], *, n_sentences: int) -> list[Preview]:
    """Chooses short sentences, of different languages where it can, whatever their order."""
    return _candidates(previews, n_sentences)[:n_sentences]


def _candidates(previews: Iterable[Preview], n_sentences: int) -> list[Preview]:
    """The first of each language, then others: of more previews no other of these is chosen."""
    first: dict[str, Preview] = {}
    others: list[Preview] = []
    # By document, since part ids, and so their order, depend on times of modification.
    for preview in sorted(previews, key=lambda preview: preview.doc_id):
        is_short = max((len(form) for form, *_ in preview.tokens), default=0) <= _MOST_CHARACTERS
        if not is_short or not 3 <= len(preview.tokens) <= _MOST_TOKENS:
            continue
        if preview.language not in first:
            first[preview.language] = preview
        elif len(others) < n_sentences:
            others.append(preview)
    return [*first.values(), *others]


def _head(path: str) -> Iterator[Preview]:
    try:
        yield from _rows(path)
    except (pa.ArrowException, ValueError, KeyError, TypeError, EOFError, OSError) as error:
        if isinstance(error, StorageError):
            raise
        raise OutputError(
            f"{path}: damaged ({error}); the same command with --verify makes it again"
        ) from error


def _rows(path: str) -> Iterator[Preview]:
    name = path.rsplit("/", 1)[-1]
    with storage.open_read(path) as stream:
        if name.endswith(".parquet"):
            yield from _parquet_head(stream)
        elif ".jsonl" in name:
            lines = islice(_lines(stream, name), _ROWS_A_PART)
            yield from (_preview(json.loads(line)) for line in lines)
        elif ".conllu" in name:
            yield from islice(_conllu_rows(_lines(stream, name)), _ROWS_A_PART)
        elif ".vertical" in name:
            yield from islice(_vertical_rows(_lines(stream, name)), _ROWS_A_PART)


def _parquet_head(stream: BinaryIO) -> Iterator[Preview]:
    source = stream if stream.seekable() else io.BytesIO(stream.read())
    file = pq.ParquetFile(source)
    names = [name for name in _COLUMNS if name in file.schema_arrow.names]
    for batch in file.iter_batches(_ROWS_A_PART, columns=names):
        yield from map(_preview, batch.to_pylist())
        return


def _preview(row: Mapping[str, Any]) -> Preview:
    tokens = tuple(zip(row["forms"], row["upos"], row["feats"], strict=True))
    return Preview(row["doc_id"], row["language"], tokens, tuple(row.get("lemmas", ())))


def _conllu_rows(lines: Iterable[str]) -> Iterator[Preview]:
    doc_id = ""
    for sentence in conllu.read(lines):
        doc_id = sentence.metadata.get("newdoc id", doc_id)
        tokens = tuple(
            (row[conllu.FORM], row[conllu.UPOS], row[conllu.FEATS]) for row in sentence.tokens
        )
        lemmas = tuple(row[conllu.LEMMA] for row in sentence.tokens)
        # A column of nothing but `_` is one without lemmas.
        has_lemmas = any(lemma != "_" for lemma in lemmas)
        language = sentence.metadata.get("language", "und")
        yield Preview(doc_id, language, tokens, lemmas if has_lemmas else ())


def _vertical_rows(lines: Iterable[str]) -> Iterator[Preview]:
    doc_id, language, rows = "", "und", []
    for line in lines:
        fields = [unescape(field, _ENTITIES) for field in line.rstrip("\n").split("\t")]
        opened = _ELEMENT.match(line)
        if len(fields) > 1:
            rows.append(fields)
        elif opened and opened[1] == "doc":
            doc_id = unescape(opened[2], _ENTITIES)
        elif opened:
            language = unescape(opened[3] or "und", _ENTITIES)
        elif line == "</s>\n":
            tokens = tuple((form, upos, feats) for form, upos, feats, *_ in rows)
            yield Preview(doc_id, language, tokens, tuple(row[3] for row in rows if len(row) > 3))
            rows = []


def _lines(stream: BinaryIO, name: str) -> Iterator[str]:
    raw: Any = stream
    if name.endswith(".gz"):
        raw = gzip.GzipFile(fileobj=stream)
    elif name.endswith(".zst"):
        raw = pa.CompressedInputStream(pa.PythonFile(stream, "r"), "zstd")
    # Only line feeds end lines: forms may hold other Unicode line breaks.
    with io.TextIOWrapper(cast(BinaryIO, raw), encoding="utf-8", newline="\n") as lines:
        yield from lines
