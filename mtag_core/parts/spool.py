"""Files that hold documents for a while: slices for other workers, a long document's sentences."""

import json
import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import IO, Any, Generic, TypeVar

from mtag_core import storage
from mtag_core.corpus.compression import DecompressedStream
from mtag_core.errors import StorageError
from mtag_core.output.rejects import line_to_reject, reject_to_line
from mtag_core.output.streams import compressed
from mtag_core.records import Document, MultiwordToken, Reject, Sentence

_CHUNK_BYTES = 2**20
T = TypeVar("T")
# Sentences held in memory, some megabytes; what is more goes to a temporary file.
_MAX_SENTENCES = 1024


def write_spool(path: str, lines: Sequence[bytes]) -> None:
    """Writes lines that `record_to_line` made, compressed."""
    with storage.atomic_writer(path) as sink, compressed(sink, "zstd") as stream:
        stream.writelines(lines)


def read_spool(path: str) -> Iterator[Document | Reject]:
    """Reads the records of a file that `write_spool` wrote.

    Raises:
        InputNotFoundError: There is no such file.
        FormatError: It is damaged.
    """
    with storage.open_read(path) as raw:
        stream, rest = DecompressedStream(raw, "zst"), b""
        while data := stream.read(_CHUNK_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            yield from map(line_to_record, lines)


def record_to_line(record: Document | Reject) -> bytes:
    """One JSON line, with its line feed."""
    if isinstance(record, Reject):
        return reject_to_line(record)
    # Names of files may hold lone surrogates.
    text = json.dumps(asdict(record), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass") + b"\n"


def line_to_record(line: bytes) -> Document | Reject:
    """Reads back what `record_to_line` wrote."""
    text = line.decode("utf-8", "surrogatepass")
    fields = json.loads(text)
    if "reason" in fields:
        return line_to_reject(text)
    sentences = fields.pop("sentences")
    if sentences is not None:
        sentences = tuple(map(_sentence, sentences))
    # A run that was killed may have been one of a version without fields.
    kept = tuple(fields.get("fields", ()))
    return Document(**{**fields, "fields": kept, "sentences": sentences})


def _sentence(fields: Mapping[str, Any]) -> Sentence:
    columns = {name: tuple(fields[name]) for name in ("forms", "starts", "ends")}
    multiword_tokens = tuple(MultiwordToken(**token) for token in fields["multiword_tokens"])
    return Sentence(**{**fields, **columns, "multiword_tokens": multiword_tokens})


class HeldDocument(Generic[T]):
    """Holds the sentences of one document until it is written or rejected, in bounded memory.

    Attributes:
        n_sentences: Sentences held.
    """

    def __init__(self) -> None:
        self.n_sentences = 0
        self._sentences: list[T] = []
        self._spool: IO[bytes] | None = None

    def add(self, sentences: Sequence[T]) -> None:
        """Holds sentences behind those held already."""
        if self._sentences and len(self._sentences) + len(sentences) > _MAX_SENTENCES:
            self._write()
        self._sentences.extend(sentences)
        self.n_sentences += len(sentences)

    def take(self) -> Iterator[T]:
        """Gives the sentences in order and holds nothing afterwards."""
        spool, self._spool = self._spool, None
        sentences, self._sentences, self.n_sentences = self._sentences, [], 0
        if spool is not None:
            with spool:
                yield from _read(spool)
        yield from sentences

    def clear(self) -> None:
        """Drops the sentences."""
        if self._spool is not None:
            self._spool.close()
        self._spool, self._sentences, self.n_sentences = None, [], 0

    def _write(self) -> None:
        try:
            if self._spool is None:
                self._spool = tempfile.TemporaryFile(prefix="mtag-document-")
            pickle.dump(self._sentences, self._spool, protocol=pickle.HIGHEST_PROTOCOL)
        except OSError as error:
            raise StorageError(
                f"{tempfile.gettempdir()}: a long document needs room for temporary files there: "
                f"{error.strerror}"
            ) from error
        self._sentences = []


def _read(spool: IO[bytes]) -> Iterator[T]:
    end = spool.tell()
    spool.seek(0)
    while spool.tell() < end:
        yield from pickle.load(spool)
