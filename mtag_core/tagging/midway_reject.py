"""What is left of a document that a step rejects midway: it is dropped."""

from typing import Any

from mtag_core.records import Block, Document, Reject, failed_document


class MidwayReject:
    """Remembers the document that a step has rejected before its last block came.

    Each document ends once: with its last block, or with a reject in place of what is left.

    Args:
        step: As in `Reject.step`.
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
