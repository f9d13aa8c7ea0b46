"""The step that keeps the chosen sentences of each part."""

from collections.abc import Callable, Iterator
from typing import Protocol

import apache_beam as beam

from mtag_core.parts.part_records import RecordKey
from mtag_core.records import Block, Reject, Sentence
from pipelines.transforms.steps import KeyedRecord, StepDoFn


class BlockSelector(Protocol):
    """Chooses among the sentences of the documents of a part, which come in order."""

    def select(self, block: Block[Sentence]) -> Block[Sentence]:
        """The sentences of the next block that stay."""

    def skip_rest(self) -> None:
        """Ends a document that was rejected."""


class SelectSentences(beam.PTransform):
    """PCollection of (RecordKey, Block[Sentence]) -> the same with chosen sentences only.

    Other records pass.
    """

    def __init__(self, selector_of: Callable[[str], BlockSelector]) -> None:
        super().__init__()
        self._do_fn = _SelectSentencesDoFn(selector_of)

    def expand(self, blocks: "beam.PCollection[KeyedRecord]") -> "beam.PCollection[KeyedRecord]":
        """Adds the step."""
        return blocks | "Select" >> beam.ParDo(self._do_fn)


class _SelectSentencesDoFn(StepDoFn):
    def __init__(self, selector_of: Callable[[str], BlockSelector]) -> None:
        super().__init__("select")
        self._selector_of = selector_of
        self._part_id: str | None = None
        self._selector: BlockSelector | None = None

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

    def _of(self, part_id: str) -> BlockSelector:
        if self._selector is None or self._part_id != part_id:
            self._selector = self._selector_of(part_id)
            self._part_id = part_id
        return self._selector
