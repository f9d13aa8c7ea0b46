"""One work item: read, segment, tag, write its part, its rejects and, last, its manifest.

Sentences flow through as generators: memory does not grow with the item. Documents are counted
where they are read and again where they are written, and the two must agree.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol, TypeVar

from mtag_core.annotation.counts import PartCounts, check_balance
from mtag_core.annotation.document_ends import DocumentEnds
from mtag_core.annotation.plan import PlannedPart
from mtag_core.annotation.progress import Tally
from mtag_core.corpus import ReadOptions, read_item
from mtag_core.errors import MtagError
from mtag_core.output.layout import OutputLayout, PartFiles, open_part
from mtag_core.output.manifests import Manifest
from mtag_core.output.rejects import TAGGING_FAILED
from mtag_core.output.rows import OutputRow, SentenceResult
from mtag_core.records import Document, Reject, Sentence
from mtag_core.tagged import BatchReport

K = TypeVar("K")

# A given sent_id must be one word to stand in CoNLL-U.
_SENT_ID = re.compile(r"\S+")
# Progress is offered this often, in sentences.
_SHOW_SENTENCES = 64


class StreamTagger(Protocol):
    """What annotation needs of `mtag_core.tagger.Tagger`."""

    digest: str
    piece_budget: int
    on_batch: Callable[[BatchReport], None] | None

    def segment(self, text: str) -> Iterator[Sentence]:
        """Splits a text into sentences."""

    def tag_stream(self, pairs: Iterable[tuple[K, Sentence]]) -> Iterator[tuple[K, SentenceResult]]:
        """Tags sentences, order and keys kept."""


class SentenceSelector(Protocol):
    """Chooses among the sentences of one document after the other."""

    def __call__(self, sentences: Iterable[Sentence], /) -> Iterable[Sentence]:
        """The sentences of the next document that stay."""


class _DocumentFailedError(Exception):
    """Segmenting or tagging raised; which document did it is not known yet."""


class _ReadFailedError(Exception):
    """Reading raised an error that must stop the run, such as a disk that is gone."""


@dataclass(frozen=True, slots=True)
class _Key:
    """Goes through the tagger with a sentence and says where it belongs."""

    ordinal: int
    index: int
    document: Document


def annotate_part(
    part: PlannedPart,
    *,
    tagger: StreamTagger,
    options: ReadOptions,
    layout: OutputLayout,
    show: Callable[[Tally], None] = lambda _tally: None,
    select: Callable[[], SentenceSelector] | None = None,
) -> Manifest:
    """Makes one part, whole or not at all.

    The documents are first tagged as one stream. If that raises, the attempt is thrown away and a
    second one tags document by document, so that only the document at fault is rejected; tags
    do not depend on neighbours, so the others come out the same.

    Args:
        part: What to read and how to name it.
        tagger: Segments and tags.
        options: How to read.
        layout: Where to write.
        show: Called now and then with the totals of this part.
        select: Makes what chooses among each document's sentences; None takes them all.

    Returns:
        The manifest, as written.

    Raises:
        CountMismatchError: Documents or sentences were lost or doubled on the way.
        StorageError: Something cannot be read or written.
    """
    try:
        try:
            attempt = _Attempt(part, tagger=tagger, options=options, show=show, select=select)
            manifest = attempt.run(layout, attempt.tagged_together)
        except _DocumentFailedError:
            attempt = _Attempt(part, tagger=tagger, options=options, show=show, select=select)
            manifest = attempt.run(layout, attempt.tagged_one_by_one)
    except _ReadFailedError as error:
        raise error.__cause__ or error from None
    layout.write_manifest(manifest)
    return manifest


class _Attempt:
    """One try at a part."""

    def __init__(
        self,
        part: PlannedPart,
        *,
        tagger: StreamTagger,
        options: ReadOptions,
        show: Callable[[Tally], None],
        select: Callable[[], SentenceSelector] | None,
    ) -> None:
        self._part = part
        self._tagger = tagger
        self._options = options
        self._show = show
        self._select = select() if select else None
        self._counts = PartCounts()
        self._ends = DocumentEnds(part.part_id)
        self._sent_ids: set[str] = set()

    def run(
        self,
        layout: OutputLayout,
        tag: Callable[[PartFiles], Iterator[tuple[_Key, SentenceResult]]],
    ) -> Manifest:
        """Writes the part and its rejects; returns the manifest, not yet written."""
        counts = self._counts
        with open_part(layout, self._part.part_id) as files:
            for key, tagged in tag(files):
                counts.n_tagged += self._ends.received(key.ordinal, key.index)
                files.rows.write(self._row(key, tagged))
                self._count(tagged)
            counts.n_tagged += self._ends.finish()
            check_balance(
                self._part.part_id,
                n_documents=counts.n_read,
                n_tagged=counts.n_tagged,
                rejects_by_reason=counts.reasons,
                pages_by_outcome=counts.pages_by_outcome(),
            )
        return self._manifest(files)

    def tagged_together(self, files: PartFiles) -> Iterator[tuple[_Key, SentenceResult]]:
        """Tags all documents as one stream."""
        return _guarded(self._tagger.tag_stream(self._sentences(files)))

    def tagged_one_by_one(self, files: PartFiles) -> Iterator[tuple[_Key, SentenceResult]]:
        """Tags each document alone; rejects the ones that raise."""
        for ordinal, document in enumerate(self._documents(files)):
            keyed = ((index, s) for index, s in enumerate(self._segmented(document)))
            try:
                tagged = list(self._tagger.tag_stream(keyed))
            except MemoryError:
                raise
            except Exception as error:
                self._reject(files, _failed(document, error))
                continue
            for index, sentence in tagged:
                yield _Key(ordinal, index, document), sentence
            self._ends.expect(ordinal, len(tagged))

    def _sentences(self, files: PartFiles) -> Iterator[tuple[_Key, Sentence]]:
        """The sentences of all documents; notes how many each has."""
        for ordinal, document in enumerate(self._documents(files)):
            n_sentences = 0
            for sentence in self._segmented(document):
                yield _Key(ordinal, n_sentences, document), sentence
                n_sentences += 1
            self._ends.expect(ordinal, n_sentences)

    def _segmented(self, document: Document) -> Iterable[Sentence]:
        """The document's own sentences, or those the segmenter finds."""
        sentences: Iterable[Sentence] | None = document.sentences
        if sentences is None:
            sentences = self._tagger.segment(document.text)
        return sentences if self._select is None else self._select(sentences)

    def _documents(self, files: PartFiles) -> Iterator[Document]:
        """Reads and counts; rejects go to their file at once."""
        for record in _read(self._part, self._options, self._counts.pages):
            self._counts.n_read += 1
            if isinstance(record, Reject):
                self._reject(files, record)
            else:
                yield _writable(record)

    def _reject(self, files: PartFiles, reject: Reject) -> None:
        """Writes and counts a reject."""
        files.reject(reject)
        self._counts.reasons[reject.reason] += 1

    def _row(self, key: _Key, tagged: SentenceResult) -> OutputRow[SentenceResult]:
        """The sentence with its ids."""
        sent_id = tagged.sentence.sent_id
        if sent_id is not None and _SENT_ID.fullmatch(sent_id) and sent_id not in self._sent_ids:
            self._sent_ids.add(sent_id)
        else:
            sent_id = f"{self._part.part_id}.{key.ordinal}.{key.index}"
        return OutputRow(key.document.doc_id, key.index, sent_id, tagged)

    def _count(self, tagged: SentenceResult) -> None:
        """Counts a written sentence and offers the totals now and then."""
        self._counts.add(tagged)
        if self._counts.n_sentences % _SHOW_SENTENCES == 0:
            self._show(self._counts.tally())

    def _manifest(self, files: PartFiles) -> Manifest:
        """Sums up the closed files."""
        counts = self._counts
        part, rejects = files.digests()
        return Manifest(
            part_id=self._part.part_id,
            part=part,
            rejects=rejects,
            n_documents=counts.n_read,
            n_tagged=counts.n_tagged,
            n_rejected=counts.n_rejected,
            n_sentences=counts.n_sentences,
            n_tokens=counts.n_tokens,
            n_source_bytes=self._part.n_bytes,
            rejects_by_reason=dict(sorted(counts.reasons.items())),
            tokens_by_language=dict(sorted(counts.languages.items())),
            tokens_by_upos=dict(sorted(counts.upos.items())),
            pages_by_outcome=counts.pages_by_outcome(),
            sources=self._part.sources,
        )


def _read(
    part: PlannedPart, options: ReadOptions, pages: Counter[str]
) -> Iterator[Document | Reject]:
    """The records of the part's work item, at most `part.limit` of them; counts pages."""
    try:
        yield from islice(read_item(part.item, options, pages=pages), part.limit)
    except (MtagError, MemoryError) as error:
        raise _ReadFailedError from error
    except Exception as error:
        # Readers reject what they cannot read; one that raises has a bug, which must not stop a
        # run over a whole corpus. What is left of the item is one reject.
        span = part.item.spans[0]
        detail = f"reader failed: {type(error).__name__}: {error}".splitlines()[0]
        yield Reject(span.file.path, span.start, None, "unreadable", detail)


def _writable(document: Document) -> Document:
    """The document with an id that UTF-8 can write: names of files may be any bytes."""
    if document.doc_id.isascii():
        return document
    doc_id = document.doc_id.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return replace(document, doc_id=doc_id)


def _guarded(
    stream: Iterator[tuple[_Key, SentenceResult]],
) -> Iterator[tuple[_Key, SentenceResult]]:
    """Tells errors of segmenting and tagging from those of reading and of memory."""
    try:
        yield from stream
    except (_ReadFailedError, MemoryError):
        raise
    except Exception as error:
        raise _DocumentFailedError from error


def _failed(document: Document, error: Exception) -> Reject:
    """The reject of a document that cannot be segmented or tagged."""
    data = document.text.encode("utf-8", "surrogatepass")
    return Reject(
        source=document.source,
        offset=document.offset,
        doc_id=document.doc_id,
        reason=TAGGING_FAILED,
        detail=f"{type(error).__name__}: {error}".splitlines()[0],
        input=data,
        n_input_bytes=len(data),
    )
