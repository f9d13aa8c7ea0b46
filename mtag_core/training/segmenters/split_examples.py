"""Lays out the surface tokens that a split model has to decide on."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.split_features import (
    NOTHING,
    Counts,
    context_codes,
    context_rows,
    neighbour_codes,
    script_codes,
    script_rows,
)
from mtag_core.segmentation.split_scripts import Candidates
from mtag_core.segmentation.splits import scripts_of
from mtag_core.training.segmenters.split_learning import SurfaceToken

Rows = NDArray[np.int32]

# Features of a neighbourhood are told apart by rows of so large a table.
_N_TOLD_APART = 1 << 41

# A neighbour seen with a script less often tells more about the text than about the script.
_MIN_SEEN = 4


class SplitExamples(NamedTuple):
    """Tokens with more than one script, the scripts of one after those of another.

    Attributes:
        rows: Features of each script; n_rows for a rare one that does not count. Shape (n_scripts,
            n_features).
        is_right: Whether it makes the token's tokens. Shape (n_scripts,).
        sizes: Scripts of each token. Shape (n_tokens,).
        weights: How much each token counts. Shape (n_tokens,).
    """

    rows: Rows
    is_right: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    weights: NDArray[np.float32]


_NOTHING = SplitExamples(
    np.zeros((0, 1), np.int32),
    np.zeros(0, bool),
    np.zeros(0, np.int64),
    np.zeros(0, np.float32),
)


class _Form(NamedTuple):
    """What the tokens of a form share; the first column of the codes is the scripts' own."""

    seen: tuple[int, ...]
    tokens: list[tuple[str, ...]]
    codes: Codes


def lay_out(
    sentences: Sequence[Sequence[SurfaceToken]],
    candidates: Candidates,
    counts: Counts,
    *,
    n_rows: int,
    weights: Sequence[float] | None = None,
) -> SplitExamples:
    """Lays out the tokens of sentences.

    Args:
        sentences: Tokens that no script makes right are seen by their neighbours alone.
        candidates: The scripts to choose from.
        counts: As in `SplitModel`.
        n_rows: Size of the table of features.
        weights: How much the tokens of each sentence count; 1 if None.
    """
    forms: dict[str, _Form] = {}
    rows: list[NDArray[np.int64]] = []
    neighbours: list[NDArray[np.int64]] = []
    is_right: list[bool] = []
    sizes: list[int] = []
    token_weights: list[float] = []
    for sentence, weight in zip(sentences, weights or [1.0] * len(sentences), strict=True):
        for form, _ in sentence:
            if form not in forms:
                forms[form] = _form(form, candidates, counts)
        seen = [forms[form].seen for form, _ in sentence]
        padded = np.array([NOTHING, NOTHING, *seen, NOTHING, NOTHING], np.uint64)
        contexts = context_codes(padded[np.arange(len(seen))[:, None] + np.arange(5)])
        for (form, parts), context in zip(sentence, contexts, strict=True):
            known = forms[form]
            right = [tokens == parts for tokens in known.tokens]
            if len(right) > 1 and any(right):
                rows.append(script_rows(known.codes, n_rows=n_rows))
                neighbours.append(
                    context_rows(known.codes[:, 0], context[None], n_rows=_N_TOLD_APART)
                )
                is_right += right
                sizes.append(len(right))
                token_weights.append(weight)
    if not rows:
        return _NOTHING
    right_scripts = np.array(is_right)
    weights_of_scripts = np.repeat(token_weights, sizes)
    around = _without_rare(
        np.concatenate(neighbours), right_scripts * weights_of_scripts, n_rows=n_rows
    )
    return SplitExamples(
        np.concatenate([np.concatenate(rows), around], axis=1).astype(np.int32),
        right_scripts,
        np.array(sizes, np.int64),
        np.array(token_weights, np.float32),
    )


def _without_rare(
    features: NDArray[np.int64], rightness: NDArray[np.float64], *, n_rows: int
) -> NDArray[np.int64]:
    """Finds the rows of features that were told apart, n_rows for those of rarely right scripts.

    Args:
        features: Of each script. Shape (n_scripts, n_features).
        rightness: How much each counts as right. Shape (n_scripts,).
        n_rows: Size of the table of features.
    """
    is_right = rightness > 0
    seen, place = np.unique(features[is_right], return_inverse=True)
    counts = np.bincount(place.ravel(), np.repeat(rightness[is_right], features.shape[1]))
    is_rare = ~np.isin(features, seen[counts >= _MIN_SEEN])
    half = n_rows // 2
    rows = (features - _N_TOLD_APART // 2) // (_N_TOLD_APART // n_rows) + half
    return np.where(is_rare, n_rows, rows)


def _form(form: str, candidates: Candidates, counts: Counts) -> _Form:
    scripts = scripts_of(form, candidates)
    return _Form(
        seen=neighbour_codes(form, counts),
        tokens=[script.apply(form) for script in scripts],
        codes=np.array(script_codes(form, scripts, counts), np.uint64),
    )
