"""Blocks of tagged sentences to tagged documents."""

from mtag_core.errors import CountMismatchError
from mtag_core.records import Block, Reject
from mtag_core.tagging.tagged import TaggedDocument, TaggedSentence


class DocumentCollector:
    """Puts blocks together; they come in order, one document after the other."""

    def __init__(self) -> None:
        self._block: Block[TaggedSentence] | None = None
        self._sentences: list[TaggedSentence] = []

    def add(self, record: Block[TaggedSentence] | Reject) -> TaggedDocument | Reject | None:
        """Takes the next record.

        Args:
            record: A block, or a reject in place of what is left of its document.

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
