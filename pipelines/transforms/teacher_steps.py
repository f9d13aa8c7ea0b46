"""The steps of `pipelines.teacher_logits` alone: sentences are listed, chosen and scored."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

import apache_beam as beam
from apache_beam.utils.shared import Shared

from mtag_core import storage
from mtag_core.corpus.items import ReadOptions
from mtag_core.parts.part_records import RecordKey
from mtag_core.parts.plan import PlannedPart
from mtag_core.records import Block
from mtag_core.segmentation import Segmenter
from mtag_core.tagging.windows import EncodedSentence
from mtag_core.training.logits.logit_shards import ScoredSentence
from mtag_core.training.logits.sentence_choice import ChoiceOptions, SentenceSelector, survey_part
from pipelines.transforms.steps import KeyedRecord, SharedModel, StepDoFn
from pipelines.transforms.tag_documents import BatchDoFn, BatchModel


class SurveyParts(beam.DoFn):
    """PlannedPart -> the id of the part, whose survey is written to the output directory `base`."""

    def __init__(
        self,
        load_segmenter: Callable[[], Segmenter],
        read: ReadOptions,
        choice: ChoiceOptions,
        base: str,
    ) -> None:
        super().__init__()
        self._load_segmenter = load_segmenter
        self._survey = partial(survey_part, options=read, choice=choice, base=base)
        self._access = storage.http_access()
        self._shared_segmenter = Shared()

    def setup(self) -> None:
        """Makes the worker know what URLs need."""
        storage.use_http_access(self._access)

    def process(self, part: PlannedPart) -> Iterator[str]:
        """Writes one survey."""
        segmenter = self._shared_segmenter.acquire(self._load_segmenter)
        self._survey(part, segmenter=segmenter)
        yield part.part_id


class SelectSentences(StepDoFn):
    """(RecordKey, Block[Sentence]) -> the same with chosen sentences only. Other records pass."""

    def __init__(self, selector_of: Callable[[str], SentenceSelector]) -> None:
        super().__init__("select")
        self._selector_of = selector_of
        self._part_id: str | None = None
        self._selector: SentenceSelector | None = None

    def start_bundle(self) -> None:
        """Begins anew."""
        self._part_id = None

    def process(self, keyed: tuple[RecordKey, object]) -> Iterator[KeyedRecord]:
        """Chooses among the sentences of a block."""
        key, record = keyed
        if not isinstance(record, Block):
            yield keyed
            return
        if self._selector is None or self._part_id != key.part_id:
            self._selector, self._part_id = self._selector_of(key.part_id), key.part_id
        yield key, self._selector.select(record)


class SentenceScorer(BatchModel, Protocol):
    """What the step needs of `mtag_core.training.logits.logit_teachers.Teacher`."""

    def score(self, sentences: Sequence[EncodedSentence]) -> Iterator[ScoredSentence]:
        """Scores sentences together; raises before it returns, or not at all."""


class Score(BatchDoFn):
    """(K, Block[EncodedSentence]) -> (K, Block[ScoredSentence]), in the teacher's wordpieces."""

    def __init__(self, shared: SharedModel[SentenceScorer]) -> None:
        super().__init__("score", shared, _score)


def _score(
    scorer: SentenceScorer, sentences: Sequence[EncodedSentence]
) -> Iterator[ScoredSentence]:
    return scorer.score(sentences)
