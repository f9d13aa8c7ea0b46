"""The steps that tag: `Segment`, `Wordpiece` and `Tag`, and all three as `TagDocuments`.

    tagged, rejected = documents | TagDocuments()

tags documents in anybody's pipeline, bounded or unbounded; see docs/beam.md.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import apache_beam as beam
from apache_beam import typehints
from apache_beam.metrics import Metrics

from mtag_core.errors import UsageError
from mtag_core.records import Block, Document, Reject, Sentence
from mtag_core.segmentation.document_blocks import DocumentSegmenter, TextSegmenter
from mtag_core.tagging.arguments import TaggerOptions
from mtag_core.tagging.blocks import BatchTagger, BlockEncoder, BlockTagger, DocumentCollector
from mtag_core.tagging.tagged import BatchReport, SentenceResult, TaggedDocument, TaggedSentence
from mtag_core.tagging.windows import EncodedSentence
from mtag_core.time_limit import MAX_DOCUMENT_SECONDS
from pipelines.transforms.steps import (
    METRICS_NAMESPACE,
    BufferDoFn,
    KeyedRecord,
    LockedModel,
    RecordBuffer,
    SentenceEncoder,
    SharedModel,
    StepDoFn,
    bundle_model,
)


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


class BatchModel(Protocol):
    """What the buffer needs of a model: the pieces of a batch, and who hears of each batch."""

    piece_budget: int
    on_batch: Callable[[BatchReport], None] | None


@beam.typehints.with_output_types(KeyedRecord)
class BatchDoFn(BufferDoFn[BatchModel]):
    """(K, Block[EncodedSentence]) -> (K, Block) of what a model makes of the sentences."""

    def __init__(
        self,
        name: str,
        shared: SharedModel[BatchModel],
        call: Callable[[Any, Sequence[EncodedSentence]], Iterator[SentenceResult]],
    ) -> None:
        super().__init__(name, shared, holds=Block)
        self._call = call

    def open_buffer(self, model: BatchModel) -> RecordBuffer:
        """Makes a buffer."""
        model.on_batch = _count_batch
        call = functools.partial(self._call, model)
        return BlockTagger(call, piece_budget=model.piece_budget, step=self.name)


# Made once: that takes ten times as long as an update.
_FILL = Metrics.distribution(METRICS_NAMESPACE, "batch_fill_percent")
_DURATION = Metrics.distribution(METRICS_NAMESPACE, "batch_milli_secs")


def _count_batch(report: BatchReport) -> None:
    _FILL.update(round(100 * report.n_pieces / report.piece_budget))
    _DURATION.update(round(1000 * report.duration_s))


class Tag(BatchDoFn):
    """(K, Block[EncodedSentence]) -> (K, Block[TaggedSentence]). Other records pass."""

    def __init__(self, shared: SharedModel[BatchTagger]) -> None:
        super().__init__("tag", shared, _tag)


def _tag(tagger: BatchTagger, sentences: Sequence[EncodedSentence]) -> Iterator[TaggedSentence]:
    return tagger.tag_encoded(sentences)


_REJECTED = "rejected"


class TaggedDocuments(NamedTuple):
    """The outputs of `TagDocuments`: of TaggedDocument, and of Reject, where a step failed.

    They come with their keys where documents have some.
    """

    tagged: "beam.PCollection[Any]"
    rejected: "beam.PCollection[Any]"


@typehints.with_input_types(Document | tuple[Any, Document])
class TagDocuments(beam.PTransform):
    """PCollection of Document, or of (K, Document) -> `TaggedDocuments`.

    Each document comes out once, in one of the two outputs, with its key, timestamp, windows and
    pane. Documents of one bundle are tagged in batches; their tags do not depend on that.

    Args:
        bundle: Path or URL of a model bundle, readable here and for workers; None for the one
            in mtag.
        treebank_style: As in `mtag_core.Tagger.load`.
        language: As there.
        languages: As there.
        model: In place of a bundle: a model with the methods of `mtag_core.Tagger`. Transforms
            that are given the same one share it.

    Raises:
        BundleError: The bundle is missing, damaged or of another version.
        UsageError: The bundle does not know a treebank or a language, or `model` is not alone.
    """

    def __init__(
        self,
        bundle: str | None = None,
        *,
        treebank_style: Sequence[str] = (),
        language: str | None = None,
        languages: Sequence[str] = (),
        model: SharedModel[Any] | None = None,
    ) -> None:
        super().__init__()
        options = TaggerOptions(
            treebank_style=tuple(treebank_style), language=language, languages=tuple(languages)
        )
        if model is None:
            model = SharedModel(bundle_model(bundle, None, options).load)
        elif bundle is not None or options != TaggerOptions():
            raise UsageError("TagDocuments: model excludes bundle and options; give it alone")
        self._model = model

    # Beam can read no types of several outputs off annotations and would warn of it.
    @typehints.decorators.no_annotations  # type: ignore[untyped-decorator]
    def expand(self, documents: "beam.PCollection[Any]") -> TaggedDocuments:
        """Adds the steps."""
        outputs = (
            documents
            | "AddKeys" >> beam.Map(_keyed)
            | "Segment" >> beam.ParDo(Segment(self._model))
            | "Wordpiece" >> beam.ParDo(Wordpiece(self._model))
            | "Tag" >> beam.ParDo(Tag(self._model))
            | "Collect" >> beam.ParDo(_CollectDoFn()).with_outputs(_REJECTED, main="tagged")
        )
        tagged, rejected = outputs.tagged, outputs[_REJECTED]
        # A key's coder follows from its type: steps behind may group by it.
        tagged.element_type = _like(documents.element_type, TaggedDocument)
        rejected.element_type = _like(documents.element_type, Reject)
        return TaggedDocuments(tagged, rejected)


class _NoKey:
    """The key of a document that came without one."""


def _like(element_type: Any, value_type: type) -> Any:  # noqa: ANN401
    if element_type is Document:
        return value_type
    types: Any = getattr(element_type, "tuple_types", ())
    return typehints.Tuple[types[0], value_type] if len(types) == 2 else typehints.Any


def _keyed(element: Any) -> KeyedRecord:  # noqa: ANN401
    keyed = (_NoKey(), element) if isinstance(element, Document) else element
    if not (isinstance(keyed, tuple) and len(keyed) == 2 and isinstance(keyed[1], Document)):
        raise TypeError(
            f"TagDocuments got {type(element).__name__} {element!r:.80}, expected a Document or a "
            "tuple of a key and a Document"
        )
    return keyed


class _CollectDoFn(beam.DoFn):
    def __init__(self) -> None:
        super().__init__()
        self._documents = DocumentCollector()

    def start_bundle(self) -> None:
        # A bundle that failed may have stopped in the middle of a document.
        self._documents = DocumentCollector()

    def process(self, keyed: KeyedRecord) -> Iterator[Any]:
        key, record = keyed
        document = self._documents.add(record)
        if document is None:
            return
        Metrics.counter(METRICS_NAMESPACE, "documents").inc()
        element = document if isinstance(key, _NoKey) else (key, document)
        if isinstance(document, Reject):
            Metrics.counter(METRICS_NAMESPACE, "rejects").inc()
            yield beam.pvalue.TaggedOutput(_REJECTED, element)
        else:
            yield element

    def finish_bundle(self) -> None:
        self._documents.check_empty()
