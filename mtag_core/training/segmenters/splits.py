"""Trains the model that splits surface tokens (see `mtag_core.segmentation.splits`)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mtag_core.segmentation.split_features import Counts, count_row
from mtag_core.segmentation.split_scripts import Candidates
from mtag_core.segmentation.splits import SplitModel
from mtag_core.training.segmenters.split_examples import lay_out
from mtag_core.training.segmenters.split_fitting import fit_splits, quantise_splits
from mtag_core.training.segmenters.split_learning import SurfaceToken, learn_scripts

# A labeller errs more often than a treebank.
_LABELLED_WEIGHT = 0.3


@dataclass(frozen=True, slots=True)
class SplitShape:
    """What a split model is made of.

    Attributes:
        are_closed: As in `learn_scripts`.
        n_rows: Size of the table of weights, a power of 2.
        n_counts: Size of the table of counts, a power of 2.
        n_levels: Of the weights, at most 127.
        min_count: Forms that are rarer in running text are not counted.
    """

    are_closed: bool
    n_rows: int
    n_counts: int
    n_levels: int
    min_count: int


OPEN = SplitShape(are_closed=False, n_rows=1 << 19, n_counts=1 << 18, n_levels=31, min_count=2)
"""Prefixes and pronouns are written into any word."""

CLITICS = SplitShape(are_closed=False, n_rows=1 << 17, n_counts=1 << 14, n_levels=31, min_count=5)
"""Some words end in others, such as particles and copulas."""

CLOSED = SplitShape(are_closed=True, n_rows=1 << 15, n_counts=1 << 12, n_levels=31, min_count=20)
"""Some words stand for two, such as a preposition and an article: what is around tells which."""


def train_split_model(
    sentences: Sequence[Sequence[SurfaceToken]],
    lines: Iterable[str],
    shape: SplitShape,
    *,
    labelled: Sequence[Sequence[SurfaceToken]] = (),
) -> SplitModel:
    """Trains a model.

    Args:
        sentences: Surface forms with their tokens, one each for those that are no multiword token.
        lines: Running text, where forms are counted.
        shape: How large the model is.
        labelled: Sentences that a labeller split, whose tokens count less; those it was not sure of
            have no tokens.
    """
    tokens = (token for sentence in sentences for token in sentence)
    scripts = learn_scripts(tokens, are_closed=shape.are_closed)
    counts = log_counts(lines, shape)
    examples = lay_out(
        [*sentences, *labelled],
        Candidates(scripts),
        counts,
        n_rows=shape.n_rows,
        weights=[1.0] * len(sentences) + [_LABELLED_WEIGHT] * len(labelled),
    )
    weights = fit_splits(examples, n_rows=shape.n_rows)
    return SplitModel(scripts, quantise_splits(weights, n_levels=shape.n_levels), counts)


def log_counts(lines: Iterable[str], shape: SplitShape) -> Counts:
    """Counts the forms of running text, as powers of 2: the counts of a `SplitModel`."""
    counts = np.zeros(shape.n_counts, np.int64)
    form_to_count = Counter(
        form.strip(".,;:!?\"'()[]«»،؛؟-") for line in lines for form in line.split()
    )
    for form, count in form_to_count.items():
        if count >= shape.min_count:
            counts[count_row(form, n_counts=shape.n_counts)] += count
    return np.ceil(np.log2(counts + 1)).astype(np.uint8)
