"""Linear models that say where tokens and sentences end, one on top of another.

The generic layer knows what languages have in common, a language's own layer what it does
otherwise, a treebank's what that treebank does otherwise. Scores add up, in whole numbers.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import read_arrays, write_arrays
from mtag_core.segmentation.hashing import Codes, table_rows

LEVELS_PER_NAT = 8
"""What one nat of a weight is in whole numbers."""


@dataclass(frozen=True, slots=True)
class BoundaryLayer:
    """Weights and lists of a language, a treebank or of all.

    Attributes:
        token_weights: For gaps inside chunks. int8, a power of 2 of rows.
        end_weights: For ends of sentences. Likewise.
        clitics: What may be a token of its own at the end of a run of letters, such as "n't".
        phrases: Two chunks that are one token, such as Swedish "t ex".
        has_spaced_numbers: Groups of three digits after a space belong to a number.
        has_unmarked_ends: Sentences may end without a mark.
    """

    token_weights: NDArray[np.int8]
    end_weights: NDArray[np.int8]
    clitics: frozenset[str] = frozenset()
    phrases: frozenset[tuple[str, str]] = frozenset()
    has_spaced_numbers: bool = False
    has_unmarked_ends: bool = False

    @classmethod
    def load(cls, path: Path) -> "BoundaryLayer":
        """Opens an `.npz` file that `save` wrote.

        Raises:
            BundleError: The file is missing or holds something else.
        """
        with read_arrays(path, what="a layer of boundary weights") as arrays:
            facts = json.loads(arrays["facts"].tobytes())
            return cls(
                token_weights=_table(arrays["token_weights"]),
                end_weights=_table(arrays["end_weights"]),
                clitics=frozenset(facts["clitics"]),
                phrases=frozenset((left, right) for left, right in facts["phrases"]),
                has_spaced_numbers=bool(facts["has_spaced_numbers"]),
                has_unmarked_ends=bool(facts["has_unmarked_ends"]),
            )

    def save(self, path: Path) -> None:
        """Writes the layer for `load`."""
        facts = {
            "clitics": sorted(self.clitics),
            "phrases": sorted(self.phrases),
            "has_spaced_numbers": self.has_spaced_numbers,
            "has_unmarked_ends": self.has_unmarked_ends,
        }
        write_arrays(
            path,
            {
                "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8),
                "token_weights": self.token_weights,
                "end_weights": self.end_weights,
            },
        )


class BoundaryScorer:
    """Adds up the scores of layers, in eighths of a nat; above 0 is a boundary."""

    def __init__(self, layers: Iterable[BoundaryLayer]) -> None:
        layers = tuple(layers)
        self._token_sums = _sums([layer.token_weights for layer in layers])
        self._end_sums = _sums([layer.end_weights for layer in layers])

    def token_scores(self, features: Codes) -> NDArray[np.int32]:
        """Scores gaps: shape (n, n_features) to (n,)."""
        return _scores(self._token_sums, features)

    def end_scores(self, features: Codes) -> NDArray[np.int32]:
        """Scores ends of chunks: shape (n, n_features) to (n,)."""
        return _scores(self._end_sums, features)

    def forget_sums(self) -> None:
        """Frees most memory; the next call takes a fifth of a millisecond more."""
        for each in (*self._token_sums, *self._end_sums):
            each.forget()


class _Sum:
    """Tables of one length as one. Of all but the first, few weights are not 0."""

    def __init__(self, tables: Sequence[NDArray[np.int8]]) -> None:
        self._first = tables[0]
        rows = [table.nonzero()[0].astype(np.int32) for table in tables[1:]]
        self._others = [(own, table[own]) for own, table in zip(rows, tables[1:], strict=True)]
        self._weights: NDArray[np.signedinteger[Any]] | None = None

    def weights(self) -> NDArray[np.signedinteger[Any]]:
        """The table, of bytes where its weights are small enough."""
        if self._weights is None:
            self._weights = self._summed() if self._others else self._first
        return self._weights

    def forget(self) -> None:
        self._weights = None

    def _summed(self) -> NDArray[np.signedinteger[Any]]:
        weights = self._first.astype(np.int16)
        for rows, own in self._others:
            weights[rows] += own
        return weights.astype(np.int8) if np.abs(weights).max() < 128 else weights


def _sums(tables: Iterable[NDArray[np.int8]]) -> list[_Sum]:
    by_length: dict[int, list[NDArray[np.int8]]] = {}
    for table in tables:
        by_length.setdefault(len(table), []).append(table)
    return [*map(_Sum, by_length.values())]


def _scores(sums: Iterable[_Sum], features: Codes) -> NDArray[np.int32]:
    scores = np.zeros(len(features), np.int32)
    for each in sums:
        weights = each.weights()
        scores += weights[table_rows(features, len(weights))].sum(axis=1, dtype=np.int32)
    return scores


def _table(weights: NDArray[np.generic]) -> NDArray[np.int8]:
    n_rows = len(weights) if weights.ndim == 1 else 0
    if weights.dtype != np.int8 or n_rows < 2 or n_rows & (n_rows - 1):
        raise ValueError(f"{weights.dtype} of shape {weights.shape}, expected int8, 2^n rows")
    return weights.astype(np.int8)
