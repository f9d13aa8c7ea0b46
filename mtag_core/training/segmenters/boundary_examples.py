"""Treebanks as chunks of units with a label each, for a boundary teacher."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.units import find_units
from mtag_core.training.data.packing import PackedSentences
from mtag_core.training.data.treebanks import treebank_files
from mtag_core.training.segmenters.boundary_chunks import Chunks, UnitEncoder, end_labels
from mtag_core.training.segmenters.marked_text import mark_text
from mtag_core.training.segmenters.training import SPACED_INSIDE
from mtag_core.training.segmenters.treebank_text import read_surface_sentences

# Share of sentences that open a chunk in training; otherwise where a chunk ends would say where a
# sentence does.
_OPENING_SHARE = 0.15


@dataclass(frozen=True)
class BoundaryExamples:
    """Chunks of units.

    Attributes:
        packed: The chunks; their tokens are units.
        labels: As in `end_labels`. Shape (n_units,), int64.
        languages: Of each chunk.
    """

    packed: PackedSentences
    labels: NDArray[np.int64]
    languages: tuple[str, ...]


def read_examples(
    treebanks: Path,
    part: str,
    encoder: UnitEncoder,
    *,
    languages: Sequence[str],
    max_pieces: int,
    cut_seed: str = "",
) -> BoundaryExamples:
    """Cuts treebanks into chunks.

    Args:
        treebanks: Directory of CoNLL-U files.
        part: `train` or `dev`.
        encoder: Gives the wordpieces.
        languages: Whose treebanks to take.
        max_pieces: Wordpieces a chunk, at most.
        cut_seed: Another one cuts elsewhere; an empty one fills each chunk.
    """
    generator = random.Random(cut_seed)
    chunks = Chunks(max_pieces, encoder.pieces)
    labels: list[NDArray[np.int64]] = []
    chunk_languages: list[str] = []
    for path in treebank_files(treebanks, part):
        language = path.name.split("_")[0]
        if language not in languages:
            continue
        is_new = True
        for sentence in read_surface_sentences([path]):
            text, token_ends = mark_text(sentence)
            units = find_units(text, has_spaces=language in SPACED_INSIDE)
            if units.starts:
                # Where spaces part syllables, there is one between sentences too.
                units.is_after_space[0] = language in SPACED_INSIDE
                chunks.add(encoder.encode(text, units), starts_anew=is_new)
                labels.append(end_labels(units.ends, token_ends, frozenset({len(text)})))
                is_new = bool(cut_seed) and generator.random() < _OPENING_SHARE
        chunk_languages += [language] * (len(chunks.rows) - len(chunk_languages))
    joined = np.concatenate(labels) if labels else np.zeros(0, np.int64)
    return BoundaryExamples(chunks.packed(), joined, tuple(chunk_languages))


def boundary_scores(guesses: NDArray[np.int64], examples: BoundaryExamples) -> dict[str, float]:
    """F1 of tokens and of sentences by language, in percent.

    Args:
        guesses: A label for each unit. Shape (n_units,).
        examples: With the right labels; where a chunk ends is told.
    """
    of_unit = np.repeat(np.array(examples.languages), examples.packed.n_tokens)
    scores = {}
    for language in sorted(set(examples.languages)):
        guessed, gold = (labels[of_unit == language] for labels in (guesses, examples.labels))
        scores[f"{language}_tokens"] = span_f1(guessed > 0, gold > 0)
        scores[f"{language}_sentences"] = span_f1(guessed > 1, gold > 1)
    return scores


def span_f1(guessed: NDArray[np.bool_], gold: NDArray[np.bool_]) -> float:
    """F1 of the spans between ends, in percent; one is right if both of its ends are.

    Example: ends [F, T, T] guessed, [T, T, T] gold: one span of two and three is right: 40.0.
    """
    is_same = guessed & gold
    # A span that ends at a shared end is right if no end stands alone since the last shared one.
    n_shared: NDArray[np.int64] = np.cumsum(is_same) - is_same
    n_alone = np.bincount(n_shared[guessed ^ gold], minlength=len(gold) + 1)
    n_right = int((n_alone[n_shared[is_same]] == 0).sum())
    return 200.0 * n_right / max(1, int(guessed.sum()) + int(gold.sum()))
