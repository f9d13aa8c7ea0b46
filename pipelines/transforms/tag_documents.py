"""Tags documents in anybody's pipeline, bounded or unbounded.

    tagged, rejected = documents | TagDocuments()

See docs/beam.md.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam

from mtag_core.errors import CountMismatchError
from mtag_core.records import Block, Document
from mtag_core.tagging.tagged import TaggedDocument, TaggedSentence
from pipelines.models import load_tagger
from pipelines.transforms.segment import Segment
from pipelines.transforms.steps import KeyedRecord, SharedModel
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


class TagDocuments(beam.PTransform):
    """PCollection of Document, or of (K, Document) -> `TaggedDocuments`.

    Each document comes out once, in one of the two outputs, with its key, timestamp and window.
    Documents of one bundle are tagged in batches; their tags do not depend on that.
    """

    def __init__(
        self,
        bundle: str | None = None,
        *,
        conventions: Sequence[str] = (),
        model: SharedModel[Any] | None = None,
    ) -> None:
        """Takes what the workers load.

        Args:
            bundle: Path or URL of a model bundle that workers can read; None for the one in mtag.
            conventions: As in `mtag_core.Tagger.load`.
            model: In place of a bundle: a model with the methods of `mtag_core.Tagger`.
        """
        super().__init__()
        load = functools.partial(load_tagger, bundle, None, tuple(conventions))
        self._model = model or SharedModel(load)

    def expand(self, documents: "beam.PCollection[Any]") -> TaggedDocuments:
        """Adds the steps."""
        outputs = (
            documents
            | "AddKeys" >> beam.Map(_keyed)
            | "Segment" >> Segment(self._model)
            | "Wordpiece" >> Wordpiece(self._model)
            | "Tag" >> Tag(self._model)
            | "Collect" >> beam.ParDo(_CollectDoFn()).with_outputs(_REJECTED, main="tagged")
        )
        return TaggedDocuments(outputs.tagged, outputs[_REJECTED])


class _NoKey:
    """The key of a document that came without one."""


def _keyed(element: Any) -> KeyedRecord:  # noqa: ANN401
    keyed = (_NoKey(), element) if isinstance(element, Document) else element
    if not (isinstance(keyed, tuple) and len(keyed) == 2 and isinstance(keyed[1], Document)):
        raise TypeError(
            f"TagDocuments got {type(element).__name__} {element!r:.80}, expected a Document or a "
            "tuple of a key and a Document"
        )
    return keyed


class _CollectDoFn(beam.DoFn):
    """Puts the blocks of a document together, which come one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._sentences: list[TaggedSentence] = []

    def start_bundle(self) -> None:
        self._sentences = []

    def process(self, keyed: KeyedRecord) -> Iterator[Any]:
        key, record = keyed
        is_block = isinstance(record, Block)
        if is_block:
            if record.index != len(self._sentences):
                raise CountMismatchError(
                    f"document {record.document.doc_id}: sentence {record.index} came where "
                    f"{len(self._sentences)} was due; the runner lost, doubled or swapped records"
                )
            self._sentences += record.sentences
            if not record.is_last:
                return
            record = TaggedDocument(record.document, tuple(self._sentences))
        self._sentences = []
        element = record if isinstance(key, _NoKey) else (key, record)
        yield element if is_block else beam.pvalue.TaggedOutput(_REJECTED, element)

    def finish_bundle(self) -> None:
        if self._sentences:
            raise CountMismatchError(
                f"a bundle ends after {len(self._sentences)} sentences of a document that is not "
                "complete; the runner lost or swapped records"
            )
