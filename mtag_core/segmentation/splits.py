"""Splits surface tokens into the tokens of a treebank: prefixes, pronouns, contractions.

A linear model chooses among the scripts that fit a form, from hashed features of the form, of what
the script leaves of it and of the forms around it. How often the rest stands alone in running text
tells a prefix from a first letter; those counts are part of the model.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import BundleError
from mtag_core.segmentation.arrays import DAMAGE, write_arrays
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.raw import RawSentence, Split
from mtag_core.segmentation.split_features import (
    Counts,
    context_codes,
    context_rows,
    neighbour_codes,
    script_codes,
    script_rows,
)
from mtag_core.segmentation.split_scripts import WHOLE, Candidates, Script

_MAX_CACHED = 100_000
_MAX_CHARACTERS = 40


class _Form(NamedTuple):
    """What is known of a form wherever it stands.

    Attributes:
        seen: Its `neighbour_codes`.
        tokens: The tokens that each script makes of it; those of one script are certain.
        scripts: Codes of the scripts. Shape (n_scripts,).
        scores: The scripts' scores before the neighbours are looked at. Shape (n_scripts,).
    """

    seen: tuple[int, ...]
    tokens: list[tuple[str, ...]]
    scripts: Codes
    scores: NDArray[np.int32]


class SplitModel:
    """Chooses a script for each surface form of a sentence."""

    def __init__(
        self, scripts: Sequence[Script], weights: NDArray[np.int8], counts: Counts
    ) -> None:
        """Wraps scripts, weights and log counts; the lengths of both tables are powers of 2."""
        self._candidates = Candidates(scripts)
        self._weights = weights
        self._counts = counts
        self._forms: dict[str, _Form] = {}

    @classmethod
    def load(cls, path: Path) -> "SplitModel":
        """Opens an `.npz` file with `scripts` (JSON), `weights` and `counts`.

        Raises:
            BundleError: The file is missing or holds something else.
        """
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                rows = json.loads(arrays["scripts"].tobytes())
                scripts = [
                    Script(prefix, suffix, tuple(before), pre, post, tuple(after), is_exact)
                    for prefix, suffix, before, pre, post, after, is_exact in rows
                ]
                weights, counts = arrays["weights"], arrays["counts"]
            _check_table(weights, np.int8)
            _check_table(counts, np.uint8)
        except DAMAGE as error:
            raise BundleError(f"{path}: expected a split model: {error}") from error
        return cls(scripts, weights, counts)

    def save(self, path: Path) -> None:
        """Writes the model for `load`."""
        rows = json.dumps(
            [
                (s.prefix, s.suffix, s.before, s.pre, s.post, s.after, s.is_exact)
                for s in self._candidates.scripts
            ]
        )
        scripts = np.frombuffer(rows.encode(), np.uint8)
        write_arrays(path, {"scripts": scripts, "weights": self._weights, "counts": self._counts})

    def split(self, forms: Sequence[str]) -> list[tuple[str, ...]]:
        """Returns the tokens of each surface form of a sentence; most are one token."""
        if len(self._forms) >= _MAX_CACHED:
            self._forms.clear()
        self._learn({form for form in forms if form not in self._forms})
        known = [self._forms[form] for form in forms]
        unsure = [index for index, form in enumerate(known) if len(form.tokens) > 1]
        chosen = [0] * len(known)
        if unsure:
            for index, choice in zip(unsure, self._choose(known, unsure), strict=True):
                chosen[index] = choice
        return [form.tokens[choice] for form, choice in zip(known, chosen, strict=True)]

    def resplit(self, raw: RawSentence, text: str) -> RawSentence:
        """Splits the surface tokens of a sentence anew.

        Args:
            raw: A tokenizer's sentence; its own splits are dropped.
            text: What its offsets point into.
        """
        result = RawSentence([], [], [], [])
        ranges = raw.surface_ranges()
        all_tokens = self.split([text[start:end] for start, end in ranges])
        for (start, end), tokens in zip(ranges, all_tokens, strict=True):
            if len(tokens) == 1:
                result.forms.append(None)
            else:
                first = len(result.forms)
                result.splits.append(Split(first, first + len(tokens) - 1))
                result.forms += tokens
            result.starts += [start] * len(tokens)
            result.ends += [end] * len(tokens)
        return result

    def _learn(self, forms: set[str]) -> None:
        """Notes what is known of forms that were not seen before."""
        if not forms:
            return
        all_scripts = [scripts_of(form, self._candidates) for form in forms]
        codes = np.array(
            [
                codes
                for form, scripts in zip(forms, all_scripts, strict=True)
                for codes in script_codes(form, scripts, self._counts)
            ],
            np.uint64,
        )
        rows = script_rows(codes, n_rows=len(self._weights))
        scores = self._weights[rows].sum(axis=1, dtype=np.int32)
        end = 0
        for form, scripts in zip(forms, all_scripts, strict=True):
            start, end = end, end + len(scripts)
            self._forms[form] = _Form(
                seen=neighbour_codes(form, self._counts),
                tokens=[script.apply(form) for script in scripts],
                scripts=codes[start:end, 0],
                scores=scores[start:end],
            )

    def _choose(self, known: Sequence[_Form], unsure: Sequence[int]) -> list[int]:
        """Scores the scripts of some tokens of a sentence: the index of the best of each."""
        sizes = [len(known[index].tokens) for index in unsure]
        contexts = context_codes([form.seen for form in known], unsure)
        rows = context_rows(
            np.concatenate([known[index].scripts for index in unsure]),
            np.repeat(contexts, sizes, axis=0),
            n_rows=len(self._weights),
        )
        scores = np.concatenate([known[index].scores for index in unsure])
        scores += self._weights[rows].sum(axis=1, dtype=np.int32)
        ends = np.cumsum(sizes).tolist()
        return [
            int(scores[end - size : end].argmax()) for end, size in zip(ends, sizes, strict=True)
        ]


def scripts_of(form: str, candidates: Candidates) -> list[Script]:
    """The scripts that a model chooses from; only `WHOLE` for what is no word."""
    if len(form) > _MAX_CHARACTERS or not any(map(str.isalpha, form)):
        return [WHOLE]
    return list(candidates.of(form))


def _check_table(table: NDArray[np.generic], dtype: type[np.generic]) -> None:
    """Raises a ValueError for what is not a table of a power of 2 of rows."""
    if table.dtype != dtype or table.ndim != 1 or len(table) < 2 or len(table) & (len(table) - 1):
        raise ValueError(f"no table of a power of 2 of {dtype.__name__} rows")
