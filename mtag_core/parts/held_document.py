"""The tagged sentences of a document that is not complete yet: in memory, then in a file."""

import pickle
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Generic, TypeVar

from mtag_core.errors import StorageError

T = TypeVar("T")

# Sentences held in memory, some megabytes; what is more goes to a temporary file.
_MAX_SENTENCES = 1024


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
