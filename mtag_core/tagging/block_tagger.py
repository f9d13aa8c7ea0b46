"""Runs a model over blocks of sentences in batches across documents; keeps their order."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from mtag_core.errors import CountMismatchError
from mtag_core.records import Block, Reject
from mtag_core.tagging.batching import BufferSize
from mtag_core.tagging.midway_reject import MidwayReject
from mtag_core.tagging.tagged import BatchReport, SentenceResult, TaggedSentence
from mtag_core.tagging.windows import EncodedSentence

K = TypeVar("K")


class BatchTagger(Protocol):
    """What tagging needs of `mtag_core.tagging.tagger.Tagger`."""

    piece_budget: int
    on_batch: Callable[[BatchReport], None] | None

    def tag_encoded(self, sentences: Sequence[EncodedSentence]) -> Iterator[TaggedSentence]:
        """Tags sentences together; raises before it returns, or not at all."""


class BlockTagger(Generic[K]):
    """Holds blocks until a batch of them is worth while, then gives all of them tagged.

    Records that are no blocks keep their place among them. Where tagging raises, the blocks are
    tagged one by one, so that only the document at fault is rejected; tags do not depend on
    neighbours, so the others come out the same.

    Args:
        tag: Runs the model over sentences together, such as `BatchTagger.tag_encoded`.
        piece_budget: Wordpieces in one batch of the model.
        step: Named in rejects.
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

    def add(self, key: K, record: object) -> Iterator[tuple[K, Any]]:
        """Takes a record.

        Args:
            key: Comes back with the record.
            record: A `Block[EncodedSentence]`, or a reject, which takes its document's place.

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
        """Empties the buffer.

        Returns:
            As `add`.

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
