"""The step that splits documents into sentences of tokens."""

from collections.abc import Iterator, Sequence

from mtag_core.records import Block, Document, Reject, Sentence
from mtag_core.segmentation.document_blocks import segment_document
from mtag_core.time_limit import MAX_DOCUMENT_SECONDS
from pipelines.models import TextSegmenter
from pipelines.transforms.steps import KeyedRecord, LockedModel, SharedModel, StepDoFn


class Segment(StepDoFn):
    """(K, Document) -> (K, Block[Sentence] | Reject). Records that are no documents pass."""

    def __init__(
        self,
        shared: SharedModel[TextSegmenter],
        *,
        max_document_seconds: float = MAX_DOCUMENT_SECONDS,
    ) -> None:
        super().__init__("segment")
        self._limit_s = max_document_seconds
        self._shared = shared
        self._model: LockedModel[TextSegmenter] | None = None

    def process(self, keyed: KeyedRecord) -> Iterator[KeyedRecord]:
        """Splits a document."""
        key, record = keyed
        if not isinstance(record, Document):
            yield keyed
            return
        for block in self.timed(self._blocks(record)):
            if isinstance(block, Reject):
                self.count("rejects")
            else:
                self.count("sentences", len(block.sentences))
                self.count("tokens", sum(len(each.forms) for each in block.sentences))
            yield key, block

    def _blocks(self, document: Document) -> Iterator[Block[Sentence] | Reject]:
        if self._model is None:
            # Here, not while a document is split: where no model can be loaded, it is not the
            # document that fails.
            self._model = self._shared.acquire()
        model = self._model

        def segment(text: str, *stated: str, **likely: str) -> Iterator[Sentence]:
            return model.iterate(lambda segmenter: iter(segmenter.segment(text, *stated, **likely)))

        def identify(sentences: Sequence[Sentence]) -> Sequence[Sentence]:
            with model.lock:
                return model.model.identify(sentences)

        yield from segment_document(document, segment, identify, limit_s=self._limit_s)
