"""The step that keeps the chosen sentences of each part."""

from collections.abc import Callable, Iterator

import apache_beam as beam

from mtag_core.parts.part_records import RecordKey
from mtag_core.records import Block, Reject
from mtag_core.training.logits.sentence_choice import SentenceSelector
from pipelines.transforms.steps import KeyedRecord, StepDoFn


class SelectSentences(beam.PTransform):
    """PCollection of (RecordKey, Block[Sentence]) -> the same with chosen sentences only.

    Other records pass.
    """

    def __init__(self, selector_of: Callable[[str], SentenceSelector]) -> None:
        """Takes what makes the selector of a part from its id. Must pickle."""
        super().__init__()
        self._do_fn = _SelectSentencesDoFn(selector_of)

    def expand(self, blocks: "beam.PCollection[KeyedRecord]") -> "beam.PCollection[KeyedRecord]":
        """Adds the step."""
        return blocks | "Select" >> beam.ParDo(self._do_fn)


class _SelectSentencesDoFn(StepDoFn):
    def __init__(self, selector_of: Callable[[str], SentenceSelector]) -> None:
        super().__init__("select")
        self._selector_of = selector_of
        self._part_id: str | None = None
        self._selector: SentenceSelector | None = None

    def start_bundle(self) -> None:
        self._part_id = None

    def process(self, keyed: tuple[RecordKey, object]) -> Iterator[KeyedRecord]:
        key, record = keyed
        if isinstance(record, Block):
            yield key, self._of(key.part_id).select(record)
            return
        if isinstance(record, Reject) and record.step == "segment":
            # Documents that the reader rejects are in no survey.
            self._of(key.part_id).skip_rest()
        yield keyed

    def _of(self, part_id: str) -> SentenceSelector:
        if self._selector is None or self._part_id != part_id:
            self._selector = self._selector_of(part_id)
            self._part_id = part_id
        return self._selector
