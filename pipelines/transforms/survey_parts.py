"""Planned parts to surveys of their sentences, one step a work item."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.utils.shared import Shared

from mtag_core.corpus import ReadOptions
from mtag_core.parts.plan import PlannedPart
from mtag_core.segmentation import Segmenter
from mtag_core.training.logits.chosen_parts import survey_part
from mtag_core.training.logits.sentence_choice import ChoiceOptions


@dataclass(frozen=True)
class SurveySettings:
    """What a worker has to know.

    Attributes:
        load_segmenter: Called once a process. Must pickle.
        read: How inputs are read.
        choice: The filters.
        base: The output directory.
    """

    load_segmenter: Callable[[], Segmenter]
    read: ReadOptions
    choice: ChoiceOptions
    base: str


class SurveyParts(beam.PTransform):
    """PCollection of PlannedPart -> PCollection of the ids of surveyed parts."""

    def __init__(self, settings: SurveySettings) -> None:
        super().__init__()
        self._settings = settings

    def expand(self, parts: "beam.PCollection[PlannedPart]") -> "beam.PCollection[str]":
        """Surveys the parts."""
        return parts | "SurveyPart" >> beam.ParDo(_SurveyPartDoFn(self._settings))


class _SurveyPartDoFn(beam.DoFn):
    """Calls `survey_part`."""

    def __init__(self, settings: SurveySettings) -> None:
        super().__init__()
        self._settings = settings
        self._shared_segmenter = Shared()

    def process(self, part: PlannedPart) -> Iterator[str]:
        """Writes one survey."""
        settings = self._settings
        segmenter = self._shared_segmenter.acquire(settings.load_segmenter)
        survey_part(
            part,
            segmenter=segmenter,
            options=settings.read,
            choice=settings.choice,
            base=settings.base,
        )
        yield part.part_id
