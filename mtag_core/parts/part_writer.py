"""The last step of a part: its file, its rejects and, last, its manifest; whole or not at all."""

import pickle
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import IO, Any, BinaryIO, Generic, TypeVar, cast

from mtag_core import storage
from mtag_core.corpus.planning import stored_bytes
from mtag_core.errors import CountMismatchError, StorageError
from mtag_core.output.json_files import reject_to_line
from mtag_core.output.layout import FileDigest, Manifest, OutputLayout
from mtag_core.output.part_counts import CountsWriter
from mtag_core.output.writers import HashingStream, RowWriter, whole_parquet
from mtag_core.parts.counts import CompletenessCheck, PartCounts, Tally, check_balance
from mtag_core.parts.part_records import CompletedPart, PartEnd, RecordKey
from mtag_core.records import Block, OutputRow, Reject

T = TypeVar("T")
# Sentences held in memory, some megabytes; what is more goes to a temporary file.
_MAX_SENTENCES = 1024
# A given sent_id must be one word to stand in CoNLL-U.
_SENT_ID = re.compile(r"\S+")
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
# Until the files of a part are closed.
_NO_FILE = FileDigest("", 0, "")
# Progress is offered this often, in sentences.
_SHOW_SENTENCES = 64


class PartWriter:
    """Writes parts, one after the other.

    Nothing appears under a part's name before `PartEnd` has come and all counts agree. A document
    is written when its last block has come: one that a step rejects midway leaves no sentence.
    `show` is called now and then with the totals of the part in work.
    """

    def __init__(
        self, layout: OutputLayout, show: Callable[[Tally], None] = lambda _tally: None
    ) -> None:
        self._layout = layout
        self._show = show
        self._part: _OpenPart | None = None

    def write(self, key: RecordKey, record: object) -> Manifest | None:
        """Takes a `Block` of tagged sentences, a `Reject`, a `PartEnd` or a `CompletedPart`.

        Returns:
            The manifest of a part that is done: written just now, or by an earlier attempt.

        Raises:
            CountMismatchError: Records were lost, doubled or swapped on the way.
            StorageError: Something cannot be written.
        """
        try:
            return self._write(key, record)
        except BaseException as error:
            self.discard(error)
            raise

    def _write(self, key: RecordKey, record: object) -> Manifest | None:
        if isinstance(record, CompletedPart):
            self.check_closed(before=f"part {key.part_id}")
            return record.manifest
        part = self._open_part(key.part_id)
        if isinstance(record, Block):
            part.write_block(key.ordinal, record)
        elif isinstance(record, Reject):
            part.write_reject(key.ordinal, record)
        elif isinstance(record, PartEnd):
            manifest = part.close(record)
            self._part = None
            self._layout.write_manifest(manifest)
            return manifest
        else:
            raise TypeError(f"expected a record of a part, got {type(record).__name__}")
        return None

    def check_closed(self, *, before: str = "the end") -> None:
        """Makes sure that no part is half done.

        Raises:
            CountMismatchError: The end of a part was lost.
        """
        if self._part is not None:
            raise CountMismatchError(
                f"part {self._part.part_id}: no end of the part came before {before}; the runner "
                "lost or swapped records inside a stage"
            )

    def discard(self, error: BaseException | None = None) -> None:
        """Removes the temporary files of a part that will not be finished.

        An error of the file system is raised again as a `StorageError`.
        """
        part, self._part = self._part, None
        if part is not None:
            part.discard(error or _DiscardedError())

    def _open_part(self, part_id: str) -> "_OpenPart":
        if self._part is not None and self._part.part_id != part_id:
            self.check_closed(before=f"part {part_id}")
        if self._part is None:
            self._part = _OpenPart(self._layout, part_id, self._show)
        return self._part


class _OpenPart:
    """The files and counts of one part."""

    def __init__(self, layout: OutputLayout, part_id: str, show: Callable[[Tally], None]) -> None:
        self.part_id = part_id
        self._show = show
        self._counts = PartCounts()
        self._check = CompletenessCheck(part_id)
        self._held: HeldDocument[Any] = HeldDocument()
        self._n_held_tokens = 0
        self._sent_ids: set[str] = set()
        self._stack = ExitStack()
        self._generator = layout.format.generator
        self._files: PartFiles = self._stack.enter_context(open_part(layout, part_id))

    def write_block(self, ordinal: int, block: Block[Any]) -> None:
        n_sentences = len(block.sentences)
        self._check.block(ordinal, block.index, n_sentences, is_last=block.is_last)
        self._held.add(block.sentences)
        if not block.is_last:
            self._n_held_tokens += sum(len(each.upos) for each in block.sentences)
            held = Tally(n_sentences=self._held.n_sentences, n_tokens=self._n_held_tokens)
            self._show(self._counts.plus(held))
            return
        self._n_held_tokens = 0
        end, n_before = 0, self._counts.n_sentences
        for index, tagged in enumerate(self._held.take()):
            gap = block.document.text[end : tagged.sentence.start]
            end = tagged.sentence.end
            is_first = _BLANK_LINE.search(gap) is not None
            sent_id = self._sent_id(tagged.sentence.sent_id, ordinal, index)
            document = block.document
            self._files.rows.write(
                OutputRow(document.doc_id, index, sent_id, tagged, is_first, document.fields)
            )
            self._counts.add(tagged)
            if self._files.counts is not None:
                self._files.counts.add(tagged)
            else:
                self._counts.upos.update(tagged.upos)
            if self._counts.n_sentences % _SHOW_SENTENCES == 0:
                self._show(self._counts)
        if self._files.counts is not None:
            self._files.counts.end_document(block.document, self._counts.n_sentences - n_before)
        self._counts.n_documents = self._check.n_documents
        self._counts.n_tagged += 1
        self._counts.n_source_bytes += stored_bytes(block.document.source, len(block.document.text))

    def write_reject(self, ordinal: int, reject: Reject) -> None:
        self._check.reject(ordinal)
        self._held.clear()
        self._n_held_tokens = 0
        self._files.reject(reject)
        if self._files.counts is not None:
            self._files.counts.reject(reject)
        self._counts.n_documents = self._check.n_documents
        self._counts.n_rejected += 1
        self._counts.reasons[reject.reason] += 1

    def close(self, end: PartEnd) -> Manifest:
        """Checks the counts and gives the files their names."""
        counts = self._counts
        upos = counts.upos if self._files.counts is None else self._files.counts.upos
        self._check.end(end.n_documents)
        manifest = Manifest(
            part_id=self.part_id,
            part=_NO_FILE,
            rejects=None,
            n_documents=end.n_documents,
            n_tagged=counts.n_tagged,
            n_rejected=counts.n_rejected,
            n_sentences=counts.n_sentences,
            n_tokens=counts.n_tokens,
            n_source_bytes=end.part.n_bytes,
            rejects_by_reason=dict(sorted(counts.reasons.items())),
            tokens_by_language=dict(sorted(counts.languages.items())),
            untrained_tokens_by_language=dict(sorted(counts.untrained.items())),
            tokens_by_upos=dict(sorted(upos.items())),
            pages_by_outcome=dict(end.pages_by_outcome),
            sources=end.part.sources,
            generator=self._generator,
        )
        check_balance(manifest)
        self._stack.close()
        part, rejects, count_file = self._files.digests()
        return replace(manifest, part=part, rejects=rejects, counts=count_file)

    def discard(self, error: BaseException) -> None:
        self._held.clear()
        # With an exception the files' context managers remove what has a temporary name.
        self._stack.__exit__(type(error), error, error.__traceback__)

    def _sent_id(self, given: str | None, ordinal: int, index: int) -> str:
        if given is not None and _SENT_ID.fullmatch(given) and given not in self._sent_ids:
            self._sent_ids.add(given)
            return given
        return f"{self.part_id}.{ordinal}.{index}"


class PartFiles:
    """The open files of one part: writers of rows and, with counts, of these; rejects if needed."""

    def __init__(self, layout: OutputLayout, part_id: str, files: ExitStack) -> None:
        part, counts = layout.part_path(part_id), layout.part_counts_path(part_id)
        self._paths = part, layout.rejects_path(part_id), counts
        self._files = files
        self._streams: dict[str, HashingStream] = {}
        self.rows: RowWriter[Any] = files.enter_context(layout.format.open(self._open(part)))
        self.counts: CountsWriter | None = None
        if layout.words:
            self.counts = files.enter_context(whole_parquet(self._open(counts), CountsWriter))

    def reject(self, reject: Reject) -> None:
        """Writes a rejected document; the first one opens the file."""
        path = self._paths[1]
        stream = self._streams.get(path) or self._open(path)
        stream.write(reject_to_line(reject))

    def digests(self) -> tuple[FileDigest, FileDigest | None, FileDigest | None]:
        """Digests of the part, the rejects and the counts, right once the files are closed."""
        part, rejects, counts = map(self._digest, self._paths)
        return cast(FileDigest, part), rejects, counts

    def _open(self, path: str) -> BinaryIO:
        stream = HashingStream(self._files.enter_context(storage.atomic_writer(path)))
        self._streams[path] = stream
        return cast(BinaryIO, stream)

    def _digest(self, path: str) -> FileDigest | None:
        stream = self._streams.get(path)
        if stream is None:
            return None
        return FileDigest(path.rsplit("/", 1)[-1], stream.n_bytes, stream.hexdigest())


@contextmanager
def open_part(layout: OutputLayout, part_id: str) -> Iterator[PartFiles]:
    """Opens the files of a part; they appear under their names when the block ends well.

    After an exception nothing appears and the temporary files are gone.
    """
    with ExitStack() as files:
        yield PartFiles(layout, part_id, files)


class _DiscardedError(Exception):
    """Ends the context managers of a part that is thrown away."""


class HeldDocument(Generic[T]):
    """Holds sentences of one document until it is written or rejected, in bounded memory."""

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
