"""The step that splits tokens into wordpieces."""

from collections.abc import Iterator

from mtag_core.records import Block, Reject, Sentence
from mtag_core.tagging.blocks import BlockEncoder
from pipelines.models import SentenceEncoder
from pipelines.transforms.steps import KeyedRecord, LockedModel, SharedModel, StepDoFn


class Wordpiece(StepDoFn):
    """(K, Block[Sentence]) -> (K, Block[EncodedSentence] | Reject). Other records pass."""

    def __init__(self, shared: SharedModel[SentenceEncoder]) -> None:
        super().__init__("wordpiece")
        self._shared = shared
        self._model: LockedModel[SentenceEncoder] | None = None
        self._blocks: BlockEncoder | None = None

    def start_bundle(self) -> None:
        """Forgets a document in work."""
        # A bundle that failed may have stopped in the middle of a document.
        self._blocks = None

    def process(self, keyed: KeyedRecord) -> Iterator[KeyedRecord]:
        """Splits the tokens of a block."""
        key, record = keyed
        # Before the first block there is nothing that a reject could be the rest of.
        if isinstance(record, Block) or (self._blocks is not None and isinstance(record, Reject)):
            for encoded in self.timed(self._encoded(record)):
                yield key, encoded
        else:
            yield keyed

    def _encoded(self, record: Block[Sentence] | Reject) -> Iterator[object]:
        if self._model is None:
            self._model = self._shared.acquire()
        if self._blocks is None:
            self._blocks = BlockEncoder(self._model.model.encode)
        with self._model.lock:
            encoded = self._blocks.encode(record)
        if isinstance(encoded, Block):
            self.count("pieces", sum(each.n_pieces for each in encoded.sentences))
        elif isinstance(encoded, Reject) and encoded is not record:
            self.count("rejects")
        if encoded is not None:
            yield encoded
