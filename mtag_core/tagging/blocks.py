"""Steps over blocks of sentences: wordpieces, tags in batches across documents, documents.

The blocks of a document come in order, each document after the one before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar, cast

from mtag_core.errors import CountMismatchError
from mtag_core.records import Block, Document, Reject, Sentence, failed_document
from mtag_core.tagging.tagged import (
    BatchReport,
    SentenceResult,
    TaggedDocument,
    TaggedSentence,
)
from mtag_core.tagging.windows import BufferSize, EncodedSentence

K = TypeVar("K")


class MidwayReject:
    """Remembers the document that a step has rejected before its last block came.

    Each document ends once: with its last block, or with a reject in place of what is left.
    """

    def __init__(self, step: str) -> None:
        self._step = step
        self._document: Document | None = None

    def reject(self, block: Block[Any], error: Exception) -> Reject:
        """The reject of a block's document; blocks of it that follow are to be dropped."""
        self._document = None if block.is_last else block.document
        return failed_document(block.document, error, step=self._step)

    def is_rest(self, record: object) -> bool:
        """Whether the next record belongs to a document that was rejected already."""
        document = self._document
        if document is None:
            return False
        if not isinstance(record, Block):
            # A step before this one rejected the rest of the same document.
            self._document = None
            return isinstance(record, Reject)
        # Equality, since a runner may have copied each block. A document that comes twice in a row
        # is told from its rest by the index.
        is_rest = record.index > 0 and record.document == document
        if not is_rest or record.is_last:
            self._document = None
        return is_rest


class BlockEncoder:
    """Splits the tokens of blocks into wordpieces; the blocks of a document come in order."""

    def __init__(self, encode: Callable[[Sentence], EncodedSentence]) -> None:
        self._encode = encode
        self._rejected = MidwayReject("wordpiece")

    def encode(self, record: object) -> object | None:
        """Takes a `Block[Sentence]`, or a reject, which takes its document's place.

        Returns:
            A `Block[EncodedSentence]`, a reject where `encode` raised, or any other record as it
            came; None for what is left of a document that was rejected.
        """
        if self._rejected.is_rest(record):
            return None
        return self._encoded(record) if isinstance(record, Block) else record

    def _encoded(self, block: Block[Sentence]) -> Block[EncodedSentence] | Reject:
        try:
            encoded = tuple(map(self._encode, block.sentences))
        except MemoryError:
            raise
        except Exception as error:
            return self._rejected.reject(block, error)
        return cast(Block[EncodedSentence], replace(cast(Block[object], block), sentences=encoded))


class BatchTagger(Protocol):
    """What tagging needs of `mtag_core.tagging.tagger.Tagger`."""

    piece_budget: int
    on_batch: Callable[[BatchReport], None] | None

    def tag_encoded(self, sentences: Sequence[EncodedSentence]) -> Iterator[TaggedSentence]:
        """Tags sentences together; raises before it returns, or not at all."""


class BlockTagger(Generic[K]):
    """Holds blocks until a batch of them is worth while, then gives all of them tagged.

    Records that are no blocks keep their place among them. Where `tag`, such as
    `BatchTagger.tag_encoded`, raises, the blocks are tagged one by one, so that only the document
    at fault is rejected; tags do not depend on neighbours, so the others come out the same.
    """

    def __init__(
        self,
        tag: Callable[[Sequence[EncodedSentence]], Iterator[SentenceResult]],
        *,
        piece_budget: int,
        step: str = "tag",
    ) -> None:
        self._tag = tag
        self._size = BufferSize(piece_budget=piece_budget)
        self._records: list[tuple[K, Any]] = []
        self._rejected = MidwayReject(step)

    def __len__(self) -> int:
        """Records that are held."""
        return len(self._records)

    def add(self, key: K, record: object) -> Iterator[tuple[K, Any]]:
        """Takes a `Block[EncodedSentence]`, or a reject, which takes its document's place.

        Returns:
            Records that are ready, in order: blocks of what `tag` gives and rejects. To be read
            before the next call. The record itself is never among them.
        """
        ready = self.flush() if self._size.is_full else iter(())
        self._records.append((key, record))
        if isinstance(record, Block):
            for sentence in record.sentences:
                self._size.add(sentence)
        return ready

    def flush(self) -> Iterator[tuple[K, Any]]:
        """Empties the buffer, as `add` does.

        Raises:
            CountMismatchError: The tagger lost, doubled or swapped sentences.
        """
        # The rest of a document whose first blocks were in the buffer before this one.
        records = [each for each in self._records if not self._rejected.is_rest(each[1])]
        self._records = []
        self._size.clear()
        blocks = (record for _, record in records if isinstance(record, Block))
        sentences = [sentence for block in blocks for sentence in block.sentences]
        try:
            return _in_place(records, self._tag(sentences))
        except MemoryError:
            raise
        except Exception:
            return self._one_by_one(records)

    def _one_by_one(self, records: Sequence[tuple[K, Any]]) -> Iterator[tuple[K, Any]]:
        for key, record in records:
            if self._rejected.is_rest(record):
                continue
            if not isinstance(record, Block):
                yield key, record
                continue
            try:
                tagged = self._tag(record.sentences)
            except MemoryError:
                raise
            except Exception as error:
                yield key, self._rejected.reject(record, error)
                continue
            yield from _in_place([(key, record)], tagged)


def _in_place(
    records: Sequence[tuple[K, Any]], tagged: Iterator[SentenceResult]
) -> Iterator[tuple[K, Block[SentenceResult] | Reject]]:
    for key, record in records:
        if isinstance(record, Block):
            yield key, _with_tags(record, tuple(islice(tagged, len(record.sentences))))
        else:
            yield key, record
    if next(tagged, None) is not None:
        raise CountMismatchError("the tagger returned more sentences than it was given")


def _with_tags(
    block: Block[EncodedSentence], tagged: tuple[SentenceResult, ...]
) -> Block[SentenceResult]:
    given = [each.sentence for each in block.sentences]
    # Identity, not equality: a sentence that comes twice in a text is equal to itself.
    if len(tagged) != len(given) or any(
        after.sentence is not before for before, after in zip(given, tagged, strict=True)
    ):
        raise CountMismatchError(
            f"document {block.document.doc_id}: the tagger lost, doubled or swapped some of the "
            f"{len(given)} sentences from number {block.index} on"
        )
    return Block(block.document, block.index, tagged, block.is_last)


class DocumentCollector:
    """Puts blocks together; they come in order, one document after the other."""

    def __init__(self) -> None:
        self._block: Block[TaggedSentence] | None = None
        self._sentences: list[TaggedSentence] = []

    def add(self, record: Block[TaggedSentence] | Reject) -> TaggedDocument | Reject | None:
        """Takes a block, or a reject in place of what is left of its document.

        Returns:
            What became of a document that is complete now; None for a block in its middle.

        Raises:
            CountMismatchError: Blocks were lost, doubled or swapped.
        """
        if isinstance(record, Reject):
            self._clear()
            return record
        self._check(record)
        self._block = record
        self._sentences += record.sentences
        if not record.is_last:
            return None
        document = TaggedDocument(record.document, tuple(self._sentences))
        self._clear()
        return document

    def check_empty(self) -> None:
        """Makes sure that no document is incomplete.

        Raises:
            CountMismatchError: The last blocks of one were lost.
        """
        if self._block is not None:
            raise CountMismatchError(
                f"document {self._block.document.doc_id}: ends after {len(self._sentences)} "
                "sentences without its last block; the runner lost or swapped records"
            )

    def _check(self, block: Block[TaggedSentence]) -> None:
        before = self._block
        is_same = before is None or block.document == before.document
        if block.index != len(self._sentences) or not is_same:
            raise CountMismatchError(
                f"document {block.document.doc_id}: sentence {block.index} came after "
                f"{len(self._sentences)} sentences of "
                f"{'no document' if before is None else before.document.doc_id}; the runner lost, "
                "doubled or swapped records"
            )

    def _clear(self) -> None:
        self._block, self._sentences = None, []
