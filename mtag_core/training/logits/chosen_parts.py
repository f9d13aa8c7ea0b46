"""From a plan of work items to one of chosen sentences.

A part's id covers its choice: when a new input changes which of equal sentences is the first, the
parts that it concerns are made again and the others stand.

    survey/part-<id>.npz       what a work item's sentences are, while a run is on
    selection/part-<id>.npz    which of them a part holds, while a run is on
"""

import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtag_core import storage
from mtag_core.corpus import ReadOptions, read_item
from mtag_core.errors import ShardError
from mtag_core.parts.plan import PlannedPart
from mtag_core.records import Document, Reject, Sentence
from mtag_core.segmentation import Segmenter, document_blocks
from mtag_core.training.logits.sentence_choice import (
    ChoiceOptions,
    SentenceSelector,
    Survey,
    UsefulSelector,
    choose,
    survey_documents,
)

SURVEY, SELECTION = "survey", "selection"
_OWN_NAME = re.compile(r"part-[0-9a-f]{16}\.npz")


@dataclass(frozen=True, slots=True)
class Selection:
    """Makes the selectors of a part's attempts. Pickles; reads its file, if any, when called.

    Attributes:
        base: The output directory.
        choice: The filters.
    """

    base: str
    choice: ChoiceOptions

    def of(self, part_id: str) -> SentenceSelector | UsefulSelector:
        """The selector of one attempt at a part."""
        if not self.choice.needs_survey:
            return UsefulSelector(self.choice)
        arrays = _read_arrays(_path(self.base, SELECTION, part_id))
        return SentenceSelector(arrays["n_in_document"], arrays["stays"], self.choice)


def documents_of(part: PlannedPart, options: ReadOptions) -> Iterator[Document]:
    """The documents of a part, rejects left out, in the order that annotation reads them."""
    records = islice(read_item(part.item, options), part.limit)
    return (record for record in records if not isinstance(record, Reject))


def sentences_of(document: Document, segmenter: Segmenter) -> Iterable[Sentence]:
    """A document's sentences, as the step `Segment` finds them."""
    return document_blocks.sentences_of(document, segmenter.segment, segmenter.identify)


def survey_part(
    part: PlannedPart,
    *,
    segmenter: Segmenter,
    options: ReadOptions,
    choice: ChoiceOptions,
    base: str,
) -> None:
    """Surveys a part's sentences and writes the survey.

    Args:
        part: What to read.
        segmenter: Splits documents.
        options: How to read.
        choice: The filters.
        base: The output directory.
    """
    survey = survey_documents(
        documents_of(part, options), lambda document: sentences_of(document, segmenter), choice
    )
    _write_arrays(
        _path(base, SURVEY, part.part_id),
        n_in_document=survey.n_in_document,
        hashes=survey.hashes,
        languages=survey.languages,
    )


def choose_parts(
    parts: Iterable[PlannedPart], choice: ChoiceOptions, *, base: str
) -> list[PlannedPart]:
    """Chooses the sentences of surveyed parts and writes the selections.

    Args:
        parts: In the order of the plan.
        choice: The limits.
        base: The output directory.

    Returns:
        The parts under ids that cover their choice.
    """
    planned = list(parts)
    surveys = [_read_survey(_path(base, SURVEY, part.part_id)) for part in planned]
    chosen = []
    for part, survey, stays in zip(planned, surveys, choose(surveys, choice), strict=True):
        digest = hashlib.sha256(part.part_id.encode() + np.packbits(stays).tobytes())
        part_id = digest.hexdigest()[:16]
        _write_arrays(
            _path(base, SELECTION, part_id), n_in_document=survey.n_in_document, stays=stays
        )
        chosen.append(replace(part, part_id=part_id))
    return chosen


def remove_choice(base: str) -> None:
    """Removes surveys and selections, and nothing else."""
    for folder in (SURVEY, SELECTION):
        for info in storage.list_dir(storage.join(base, folder)):
            if _OWN_NAME.fullmatch(info.path.rsplit("/", 1)[-1]):
                storage.delete(info.path)


def _path(base: str, folder: str, part_id: str) -> str:
    return storage.join(base, folder, f"part-{part_id}.npz")


def _read_survey(path: str) -> Survey:
    arrays = _read_arrays(path)
    return Survey(arrays["n_in_document"], arrays["hashes"], arrays["languages"])


def _write_arrays(path: str, **arrays: NDArray[Any]) -> None:
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    with storage.atomic_writer(path) as sink:
        sink.write(stream.getvalue())


def _read_arrays(path: str) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(storage.read_bytes(path)), allow_pickle=False) as arrays:
            return dict(arrays)
    except ValueError as error:
        raise ShardError(f"{path}: damaged: {error}") from error
