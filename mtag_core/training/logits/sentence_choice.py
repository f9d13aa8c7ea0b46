"""Which sentences of a corpus a teacher is asked about.

Filters look at one sentence alone. Where the choice depends on other sentences, each work item is
surveyed first: its sentences are filtered and hashed. Then the surveys together
decide: of equal sentences only the first stays, and of a language with too many those with the
smallest hashes, which is a sample that does not depend on how the corpus is split. The choice is a
pure function of inputs and options, so that a part that is made again is the same.

A part's id covers its choice: when a new input changes which of equal sentences is the first, the
parts that it concerns are made again and the others stand.

    survey/part-<id>.npz       hashes and languages of a work item's sentences, while a run is on
    selection/part-<id>.npz    hashes of those that a part holds, while a run is on
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtag_core import storage
from mtag_core.corpus.items import ReadOptions
from mtag_core.corpus.registry import read_item
from mtag_core.languages import normalise_language
from mtag_core.options import option, positive
from mtag_core.parts.plan import PlannedPart
from mtag_core.records import Block, Document, Reject, Sentence
from mtag_core.segmentation import Segmenter, document_blocks
from mtag_core.training.logits.soft_targets import pack, unpack

# At least this share of a sentence's tokens must hold a letter: lists of numbers teach nothing.
_MIN_WORD_SHARE = 0.5
_MAX_FORM_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class ChoiceOptions:
    """What decides the choice."""

    languages: tuple[str, ...] = option(
        "keep only these, such as fr or French",
        (),
        metavar="CODE",
        split=lambda languages: tuple(sorted(set(map(normalise_language, languages)))),
    )
    max_sentences_per_language: int | None = option(
        "keep a sample of so many sentences where a language has more", None, parse=positive
    )
    min_tokens: int = option("shorter sentences are left out", 4, parse=positive)
    max_tokens: int = option("longer sentences are left out", 128, parse=positive)
    deduplicate: bool = option("keep the first of equal sentences in the run", True)

    @property
    def needs_survey(self) -> bool:
        """Whether a sentence's choice depends on other sentences of the run."""
        return self.deduplicate or self.max_sentences_per_language is not None


@dataclass(frozen=True, slots=True)
class Survey:
    """Hashes, uint64, and languages of a work item's useful sentences. Shape (n_sentences,)."""

    hashes: NDArray[np.uint64]
    languages: NDArray[np.str_]


def is_useful(sentence: Sentence, options: ChoiceOptions) -> bool:
    """Whether a sentence passes the filters: language, length, enough words, no monstrous form."""
    forms = sentence.forms
    return (
        options.min_tokens <= len(forms) <= options.max_tokens
        and (not options.languages or sentence.language in options.languages)
        and max(map(len, forms)) <= _MAX_FORM_CHARACTERS
        and sum(any(map(str.isalpha, form)) for form in forms) >= _MIN_WORD_SHARE * len(forms)
    )


def sentence_hash(sentence: Sentence) -> int:
    """64 bits of a sentence's forms; equal for sentences that differ in spaces only."""
    forms = unicodedata.normalize("NFC", "\x1f".join(sentence.forms))
    return int.from_bytes(hashlib.blake2b(forms.encode("utf-8", "replace"), digest_size=8).digest())


def survey_documents(
    documents: Iterable[Document],
    segment: Callable[[Document], Iterable[Sentence]],
    options: ChoiceOptions,
) -> Survey:
    """Filters and hashes the sentences of documents; one that cannot be segmented has none."""
    found: list[tuple[int, str]] = []
    for document in documents:
        try:
            useful = [each for each in segment(document) if is_useful(each, options)]
        except MemoryError:
            raise
        except Exception:
            # It is rejected later.
            continue
        found += [(sentence_hash(each), each.language) for each in useful]
    hashes, languages = ([each[column] for each in found] for column in (0, 1))
    return Survey(np.array(hashes, np.uint64), np.array(languages, np.str_))


def choose(surveys: Sequence[Survey], options: ChoiceOptions) -> list[NDArray[np.bool_]]:
    """Decides which sentences of the surveys, in the order of the plan, stay.

    All surveys are held in memory, some 20 bytes a sentence.
    """
    if not surveys:
        return []
    hashes = np.concatenate([survey.hashes for survey in surveys])
    languages = np.concatenate([survey.languages for survey in surveys])
    stays = np.ones(len(hashes), np.bool_)
    if options.deduplicate:
        stays[:] = False
        stays[np.unique(hashes, return_index=True)[1]] = True
    if options.max_sentences_per_language is not None:
        for language in np.unique(languages):
            candidates = np.flatnonzero(stays & (languages == language))
            order = np.argsort(hashes[candidates], kind="stable")
            stays[candidates[order[options.max_sentences_per_language :]]] = False
    ends = np.cumsum([len(survey.hashes) for survey in surveys])
    return list(np.split(stays, ends[:-1]))


class SentenceSelector:
    """Applies a choice to the documents of one work item, which come in order, block by block.

    `hashes` are of the sentences that stay, each as often as it does, shape (n_sentences,), uint64;
    None where all useful ones do.
    """

    def __init__(self, options: ChoiceOptions, hashes: NDArray[np.uint64] | None = None) -> None:
        self._options = options
        self._left = None if hashes is None else Counter[int](hashes.tolist())
        self._n_chosen = 0

    def select(self, block: Block[Sentence]) -> Block[Sentence]:
        """The sentences of the next block that stay, numbered among those of their document."""
        if block.index == 0:
            self._n_chosen = 0
        useful = (each for each in block.sentences if is_useful(each, self._options))
        chosen = tuple(filter(self._stays, useful))
        selected = Block(block.document, self._n_chosen, chosen, block.is_last)
        self._n_chosen += len(chosen)
        return selected

    def _stays(self, sentence: Sentence) -> bool:
        if self._left is None:
            return True
        value = sentence_hash(sentence)
        self._left[value] -= 1
        return self._left[value] >= 0


SURVEY, SELECTION = "survey", "selection"
_OWN_NAME = re.compile(r"part-[0-9a-f]{16}\.npz")


def part_selector(part_id: str, *, choice: ChoiceOptions, base: str) -> SentenceSelector:
    """The selector of one attempt at a part of an output directory."""
    if not choice.needs_survey:
        return SentenceSelector(choice)
    path = _path(base, SELECTION, part_id)
    return unpack(partial(SentenceSelector, choice), storage.read_bytes(path), source=path)


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
    """Surveys a part's sentences and writes the survey below the output directory `base`."""
    survey = survey_documents(
        documents_of(part, options), lambda document: sentences_of(document, segmenter), choice
    )
    _write_arrays(_path(base, SURVEY, part.part_id), **asdict(survey))


def choose_parts(
    parts: Iterable[PlannedPart], choice: ChoiceOptions, *, base: str
) -> list[PlannedPart]:
    """Chooses the sentences of surveyed parts, writes the selections, and gives the parts ids.

    Ids cover the choice; parts are in the order of the plan.
    """
    planned = list(parts)
    paths = (_path(base, SURVEY, part.part_id) for part in planned)
    surveys = [unpack(Survey, storage.read_bytes(path), source=path) for path in paths]
    chosen = []
    for part, survey, stays in zip(planned, surveys, choose(surveys, choice), strict=True):
        digest = hashlib.sha256(part.part_id.encode() + np.packbits(stays).tobytes())
        part_id = digest.hexdigest()[:16]
        _write_arrays(_path(base, SELECTION, part_id), hashes=survey.hashes[stays])
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


def _write_arrays(path: str, **arrays: NDArray[Any]) -> None:
    with storage.atomic_writer(path) as sink:
        sink.write(pack(arrays))
