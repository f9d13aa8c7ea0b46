"""Tags documents in anybody's pipeline, bounded or unbounded.

    tagged, rejected = documents | TagDocuments()

See docs/beam.md.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam import typehints
from apache_beam.metrics import Metrics

from mtag_core.errors import UsageError
from mtag_core.records import Document, Reject
from mtag_core.tagging.blocks import DocumentCollector
from mtag_core.tagging.tagged import TaggedDocument
from mtag_core.tagging.tagger_options import TaggerOptions
from pipelines.models import bundle_model
from pipelines.transforms.segment import Segment
from pipelines.transforms.steps import METRICS_NAMESPACE, KeyedRecord, SharedModel
from pipelines.transforms.tag import Tag
from pipelines.transforms.wordpiece import Wordpiece

_REJECTED = "rejected"


class TaggedDocuments(NamedTuple):
    """The outputs of `TagDocuments`.

    Attributes:
        tagged: PCollection of TaggedDocument, or of (K, TaggedDocument).
        rejected: PCollection of Reject, or of (K, Reject): documents for which a step failed.
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
