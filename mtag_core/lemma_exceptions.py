"""Lemma rules of forms for which a student may choose others: a table in its bundle.

An exception holds for all forms that are the same when folded and in small letters, for one part of
speech and in the style of one treebank: treebanks of a language contradict each other.
"""

import json
import zipfile
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import DAMAGE, codes_of_steps, packed_steps, text_code, write_arrays
from mtag_core.errors import BundleError
from mtag_core.folding import fold

EXCEPTIONS = "lemmas.npz"
"""The file's name in a bundle."""

Numbers = NDArray[np.uint32]


def exception_code(form: str, upos: str) -> int:
    """32 bits of a form and its part of speech. `Went` and `went` have the same."""
    return text_code(f"{(fold(form) or form).lower()} {upos}")


class LemmaExceptions:
    """Looks up the rules of exceptions.

    Args:
        sizes: Exceptions of each treebank that the bundle knows, in order.
        codes: As `exception_code` gives them, ascending in each treebank.
        numbers: Of the rule of each code.
        rules: As `mtag_core.lemmas` writes them.
    """

    def __init__(
        self, sizes: Sequence[int], codes: Numbers, numbers: Numbers, rules: Sequence[str]
    ) -> None:
        # Sentences of treebank 0 follow none.
        self._ends = [0, 0, *np.cumsum(sizes).tolist()]
        # A memoryview gives integers of Python, which compare faster than those of numpy.
        self._codes, self._numbers = codes.data, numbers.data
        self._rules = rules

    @classmethod
    def of(cls, code_to_rule: Sequence[Mapping[int, str]]) -> "LemmaExceptions":
        """Makes the table.

        Args:
            code_to_rule: The exceptions of each treebank that the bundle knows, in order.
        """
        rules = sorted({rule for each in code_to_rule for rule in each.values()})
        number_of = {rule: number for number, rule in enumerate(rules)}
        pairs = [(code, number_of[each[code]]) for each in code_to_rule for code in sorted(each)]
        codes, numbers = np.array(pairs, np.uint32).reshape(-1, 2).T.copy()
        return cls(list(map(len, code_to_rule)), codes, numbers, rules)

    @classmethod
    def load(cls, path: Path, *, n_treebanks: int) -> "LemmaExceptions":
        """Opens a file that `save` wrote.

        Args:
            path: The file.
            n_treebanks: That the bundle knows.

        Raises:
            BundleError: The file holds something else.
        """
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                sizes, numbers = arrays["sizes"].tolist(), arrays["numbers"]
                codes = codes_of_steps(arrays["steps"])
                rules = json.loads(arrays["rules"].tobytes())
            if len(sizes) != n_treebanks or not sum(sizes) == len(codes) == len(numbers):
                raise ValueError(f"{len(codes)} exceptions of {len(sizes)} treebanks")
            if len(numbers) and numbers.max() >= len(rules):
                raise ValueError(f"rule {numbers.max()} of {len(rules)}")
        except (*DAMAGE, AttributeError) as error:
            raise BundleError(f"{path}: expected exceptions of lemmas: {error}") from error
        return cls(sizes, codes, numbers, rules)

    def save(self, path: Path) -> None:
        """Writes the table for `load`; the same exceptions give the same bytes."""
        arrays = {
            "sizes": np.diff(self._ends[1:]),
            "steps": packed_steps(np.asarray(self._codes)),
            "numbers": np.asarray(self._numbers, np.min_scalar_type(len(self._rules))),
            "rules": np.frombuffer(json.dumps(self._rules, ensure_ascii=False).encode(), np.uint8),
        }
        # LZMA would take several times as long to load.
        write_arrays(path, arrays, compression=zipfile.ZIP_DEFLATED)

    def __len__(self) -> int:
        """Number of exceptions of all treebanks."""
        return len(self._codes)

    @property
    def code_to_rule(self) -> list[dict[int, str]]:
        """As `of` takes them."""
        found = [
            (code, self._rules[number])
            for code, number in zip(self._codes, self._numbers, strict=True)
        ]
        return [dict(found[start:end]) for start, end in pairwise(self._ends[1:])]

    def find(self, treebank: int, form: str, upos: str) -> str | None:
        """The rule of a form; None where it is no exception.

        Args:
            treebank: Number of the one whose style the sentence has, 0 for none.
            form: Any text.
            upos: That it is tagged with.
        """
        if not self._codes:
            return None
        first, end = self._ends[treebank : treebank + 2]
        code = exception_code(form, upos)
        place = bisect_left(self._codes, code, first, end)
        is_there = place < end and self._codes[place] == code
        return self._rules[self._numbers[place]] if is_there else None


NO_EXCEPTIONS = LemmaExceptions.of(())
