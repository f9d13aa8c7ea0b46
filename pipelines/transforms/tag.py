"""The step that runs the tagger, in batches across documents."""

from collections.abc import Iterator, Sequence

import apache_beam as beam

from mtag_core.tagging.block_tagger import BatchTagger
from mtag_core.tagging.tagged import TaggedSentence
from mtag_core.tagging.windows import EncodedSentence
from pipelines.transforms.batch_step import BatchDoFn
from pipelines.transforms.steps import KeyedRecord, SharedModel


class Tag(beam.PTransform):
    """PCollection of (K, Block[EncodedSentence]) -> PCollection of (K, Block[TaggedSentence]).

    Other records pass; see `BatchDoFn`.
    """

    def __init__(self, model: SharedModel[BatchTagger]) -> None:
        super().__init__()
        self._do_fn = BatchDoFn("tag", model, _tag)

    def expand(self, blocks: "beam.PCollection[KeyedRecord]") -> "beam.PCollection[KeyedRecord]":
        """Adds the step."""
        return blocks | "Tag" >> beam.ParDo(self._do_fn).with_output_types(KeyedRecord)


def _tag(tagger: BatchTagger, sentences: Sequence[EncodedSentence]) -> Iterator[TaggedSentence]:
    return tagger.tag_encoded(sentences)
