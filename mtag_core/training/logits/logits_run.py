"""What a run that makes shards of a teacher's logits loads and records.

All shards of an output share the basis of the tail's sketch: it is fitted once, on a sample of the
inputs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core import storage
from mtag_core.corpus.items import ReadOptions
from mtag_core.errors import BundleError, OutputError, UsageError
from mtag_core.langid import LanguageIdentifier
from mtag_core.output.layout import OutputLayout
from mtag_core.parts.completed_parts import completed_parts
from mtag_core.parts.plan import PlannedPart
from mtag_core.parts.run import RunConfig
from mtag_core.records import Sentence
from mtag_core.segmentation import Segmenter
from mtag_core.tagging.bundle import MANIFEST, Bundle
from mtag_core.training.logits.logit_teachers import N_WAITING, BundleTeacher, Teacher
from mtag_core.training.logits.sentence_choice import (
    ChoiceOptions,
    documents_of,
    is_useful,
    sentences_of,
)
from mtag_core.training.logits.soft_targets import SummaryOptions, TailBasis, fit_tail_basis, unpack

_TORCH_PACKAGES = ("safetensors", "torch", "transformers")
# The basis is fitted on this many tokens, from documents spread over the plan.
_TOKENS = 2000
_ITEMS = 16
_SENTENCES = 400
_DOCUMENT_SENTENCES = 8


@dataclass(frozen=True)
class LogitsConfig(RunConfig):
    """A run's configuration with what only teacher logits have, such as a bundle's digest."""

    segmenters: str = ""
    choice: ChoiceOptions = field(default_factory=ChoiceOptions)
    summary: SummaryOptions = field(default_factory=SummaryOptions)


def load_segmenter(bundle: str | Path | None = None) -> Segmenter:
    """Loads what segments out of a model bundle, by path or URL; None for the one inside mtag.

    Raises:
        BundleError: The bundle is missing or damaged.
    """
    directory = Bundle.open(bundle).directory
    langid = LanguageIdentifier.load(directory / "langid.ftz")
    return Segmenter.load(directory / "segmenters", langid)


def load_teacher(directory: Path | None, *, bundle: str | None = None, device: str) -> Teacher:
    """Loads a teacher on a device: of `train teacher` or Hugging Face's, or a bundle's network.

    Without a directory it is that of `bundle`, as `Bundle.open` takes it.

    Raises:
        BundleError: The directory is none of these, or damaged.
        UsageError: The teacher needs torch, which is not installed.
    """
    if directory is None or (directory / MANIFEST).exists():
        return BundleTeacher(directory or bundle)
    if not (directory / "config.json").exists():
        raise BundleError(
            f"{directory}: neither a bundle's {MANIFEST} nor a model of `mtag train teacher` nor "
            "config.json of a Hugging Face model"
        )
    try:
        from mtag_core.training.logits.trained_teacher import HuggingFaceTeacher, TrainedTeacher

        kind = TrainedTeacher if (directory / "feats.json").exists() else HuggingFaceTeacher
        return kind(directory, device=device)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _TORCH_PACKAGES:
            raise
        raise UsageError(
            f"{directory}: this teacher needs {error.name}: python -m pip install '.[train]'"
        ) from error


def basis_path(base: str) -> str:
    """Path of an output's basis."""
    return storage.join(base, "tail_basis.npz")


def read_basis(base: str) -> TailBasis | None:
    """Reads an output's basis, None where there is none.

    Raises:
        ShardError: The file is no basis.
    """
    path = basis_path(base)
    if not storage.exists(path):
        return None
    return unpack(TailBasis, storage.read_bytes(path), source=path)


def make_basis(
    layout: OutputLayout, teacher: Teacher, sample: Iterable[Sentence]
) -> TailBasis | None:
    """An output's basis, None for a rank of 0; the first run fits it on the sample and writes it.

    Raises:
        OutputError: It is gone, but there are parts that were made with it.
    """
    if not teacher.summary.tail_rank:
        return None
    if (basis := read_basis(layout.base)) is not None:
        return basis
    path = basis_path(layout.base)
    if completed_parts(layout):
        raise OutputError(f"{path} is gone, but parts need it; pass --overwrite")
    basis = fit_basis(teacher, sample, n_tokens=_TOKENS)
    if basis is not None:
        with storage.atomic_writer(path) as sink:
            sink.write(basis.to_bytes())
    return basis


def sample_sentences(
    parts: Sequence[PlannedPart], segmenter: Segmenter, *, read: ReadOptions, choice: ChoiceOptions
) -> Iterator[Sentence]:
    """Sentences from the first documents of work items spread over the plan."""
    sampled = parts[:: max(1, len(parts) // _ITEMS)]
    n_sentences = -(-_SENTENCES // max(1, len(sampled)))
    for part in sampled:
        useful = (
            sentence
            for document in documents_of(part, read)
            for sentence in islice(sentences_of(document, segmenter), _DOCUMENT_SENTENCES)
            if is_useful(sentence, choice)
        )
        yield from islice(useful, n_sentences)


def fit_basis(
    teacher: Teacher, sentences: Iterable[Sentence], *, n_tokens: int
) -> TailBasis | None:
    """Fits a basis on the first tokens of sentences; None for no sentences."""
    parts: list[NDArray[np.float32]] = []
    n_seen = 0
    iterator = iter(sentences)
    while n_seen < n_tokens and (buffer := list(islice(iterator, N_WAITING))):
        for logits in teacher.logits([teacher.encode(sentence) for sentence in buffer]):
            parts.append(logits.feats)
            n_seen += len(logits.feats)
    return fit_tail_basis(np.concatenate(parts)[:n_tokens], teacher.summary) if parts else None
