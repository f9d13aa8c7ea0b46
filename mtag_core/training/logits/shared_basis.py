"""The tail basis that all shards of an output share: fitted once, on a sample of the inputs."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from mtag_core import storage
from mtag_core.corpus.items import ReadOptions
from mtag_core.errors import OutputError
from mtag_core.output.layout import OutputLayout
from mtag_core.parts.completed_parts import completed_parts
from mtag_core.parts.plan import PlannedPart
from mtag_core.records import Sentence
from mtag_core.segmentation import Segmenter
from mtag_core.training.logits.logit_teachers import N_WAITING, Teacher
from mtag_core.training.logits.sentence_choice import (
    ChoiceOptions,
    documents_of,
    is_useful,
    sentences_of,
)
from mtag_core.training.logits.soft_targets import SummaryOptions, TailBasis, fit_tail_basis

# The basis is fitted on this many tokens, from documents spread over the plan.
_TOKENS = 2000
_ITEMS = 16
_SENTENCES = 400
_DOCUMENT_SENTENCES = 8


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
    return TailBasis.from_bytes(storage.read_bytes(path), source=path)


def make_basis(
    layout: OutputLayout, teacher: Teacher, sample: Iterable[Sentence], options: SummaryOptions
) -> TailBasis | None:
    """An output's basis; the first run fits it and writes it.

    Args:
        layout: The output directory.
        teacher: Gives the logits.
        sample: Read only where there is no basis yet.
        options: Of the summary; a rank of 0 gives no basis.

    Raises:
        OutputError: It is gone, but there are parts that were made with it.
    """
    if not options.tail_rank:
        return None
    basis = read_basis(layout.base)
    if basis is not None:
        return basis
    path = basis_path(layout.base)
    if completed_parts(layout):
        raise OutputError(f"{path} is gone, but parts need it; pass --overwrite")
    basis = fit_basis(teacher, sample, options, n_tokens=_TOKENS)
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
    teacher: Teacher, sentences: Iterable[Sentence], options: SummaryOptions, *, n_tokens: int
) -> TailBasis | None:
    """Finds a basis for the tail's sketch on the first tokens of a corpus.

    Args:
        teacher: Gives the logits.
        sentences: Read until there are enough tokens.
        options: Of the summary; a rank of 0 gives no basis.
        n_tokens: How many tokens to look at; 4 bytes times the number of labels each.
    """
    if not options.tail_rank:
        return None
    parts: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = []
    n_seen = 0
    iterator = iter(sentences)
    while n_seen < n_tokens and (buffer := list(islice(iterator, N_WAITING))):
        for logits in teacher.logits([teacher.encode(sentence) for sentence in buffer]):
            parts.append(logits.feats)
            n_seen += len(logits.feats)
    if not parts:
        return None
    return fit_tail_basis(
        np.concatenate(parts)[:n_tokens],
        rank=options.tail_rank,
        top_k=options.top_k,
        temperatures=options.temperatures,
    )
