"""The step that splits documents into sentences of tokens."""

from typing import Any

import apache_beam as beam

from mtag_core.records import Block, Document
from mtag_core.segmentation.document_blocks import DocumentSegmenter, TextSegmenter
from mtag_core.time_limit import MAX_DOCUMENT_SECONDS
from pipelines.transforms.steps import BufferDoFn, KeyedRecord, SharedModel


@beam.typehints.with_output_types(KeyedRecord)
class Segment(BufferDoFn[TextSegmenter]):
    """(K, Document) -> (K, Block[Sentence] | Reject). Records that are no documents pass."""

    def __init__(
        self,
        shared: SharedModel[TextSegmenter],
        *,
        max_document_seconds: float = MAX_DOCUMENT_SECONDS,
    ) -> None:
        super().__init__("segment", shared, holds=Document)
        self._limit_s = max_document_seconds

    def open_buffer(self, model: TextSegmenter) -> DocumentSegmenter[Any]:
        """Makes a buffer."""
        return DocumentSegmenter(model, limit_s=self._limit_s)

    def count_block(self, block: Block[Any]) -> None:
        """Counts sentences and tokens."""
        super().count_block(block)
        self.count("tokens", sum(len(each.forms) for each in block.sentences))
