"""Tables of lemmas in a bundle: those that treebanks have, and rules of forms that differ.

A student may choose a rule whose lemma no treebank has, where a rule that it holds nearly as likely
gives one that a treebank has; that one is right far more often. An exception, a rule in the place
of the student's, holds for all forms that are the same when folded and in small letters, for one
part of speech and in the style of one treebank: treebanks of a language contradict each other.
"""

import json
import zipfile
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import codes_of_steps, packed_steps, read_arrays, text_code, write_arrays
from mtag_core.folding import fold

KNOWN_LEMMAS, EXCEPTIONS = "lemmas.known.npz", "lemmas.npz"
"""The files' names in a bundle."""

Numbers = NDArray[np.uint32]

# Of a lemma's code. One in 60 to 8,000 of the lemmas that no treebank has counts as known.
_N_BITS = 21


def lemma_code(lemma: str) -> int:
    """A number for a lemma, the same for capital and small letters."""
    return text_code((fold(lemma) or lemma).lower()) >> (32 - _N_BITS)


class KnownLemmas:
    """Tells known lemmas from others, by their codes, ascending in each language."""

    def __init__(self, language_to_codes: Mapping[str, NDArray[np.uint32]]) -> None:
        # A memoryview gives integers of Python, which compare faster than those of numpy.
        self.language_to_codes = {
            language: codes.data for language, codes in language_to_codes.items()
        }

    @classmethod
    def of(cls, language_to_codes: Mapping[str, Iterable[int]]) -> "KnownLemmas":
        """Makes the table of codes in any order."""
        return cls(
            {
                language: np.array(sorted(set(codes)), np.uint32)
                for language, codes in sorted(language_to_codes.items())
            }
        )

    @classmethod
    def load(cls, path: Path) -> "KnownLemmas":
        """Opens a file that `save` wrote.

        Raises:
            BundleError: The file holds something else.
        """
        with read_arrays(path, what="known lemmas") as arrays:
            languages = json.loads(arrays["languages"].tobytes())
            codes, ends = codes_of_steps(arrays["steps"]), np.cumsum(arrays["sizes"])
            if ends[-1:].tolist() != [len(codes)]:
                raise ValueError(f"{len(codes)} lemmas for {len(languages)} languages")
            return cls(dict(zip(languages, np.split(codes, ends)[:-1], strict=True)))

    def save(self, path: Path) -> None:
        """Writes the table for `load`; the same lemmas give the same bytes."""
        codes = [np.asarray(each) for each in self.language_to_codes.values()]
        arrays = {
            "languages": np.frombuffer(json.dumps([*self.language_to_codes]).encode(), np.uint8),
            "sizes": np.array([*map(len, codes)]),
            "steps": packed_steps(np.concatenate(codes)),
        }
        # LZMA would take several times as long to load.
        write_arrays(path, arrays, compression=zipfile.ZIP_DEFLATED)

    def __len__(self) -> int:
        """Number of lemmas of all languages."""
        return sum(map(len, self.language_to_codes.values()))


def has_lemma(codes: Sequence[int], lemma: str) -> bool:
    """Whether a lemma is among codes, which are ascending."""
    code = lemma_code(lemma)
    place = bisect_left(codes, code)
    return place < len(codes) and codes[place] == code


NO_KNOWN_LEMMAS = KnownLemmas({})


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
        """Makes the table of the exceptions of each treebank that the bundle knows, in order."""
        rules = sorted({rule for each in code_to_rule for rule in each.values()})
        number_of = {rule: number for number, rule in enumerate(rules)}
        pairs = [(code, number_of[each[code]]) for each in code_to_rule for code in sorted(each)]
        codes, numbers = np.array(pairs, np.uint32).reshape(-1, 2).T.copy()
        return cls(list(map(len, code_to_rule)), codes, numbers, rules)

    @classmethod
    def load(cls, path: Path, *, n_treebanks: int) -> "LemmaExceptions":
        """Opens a file that `save` wrote for as many treebanks.

        Raises:
            BundleError: The file holds something else.
        """
        with read_arrays(path, what="exceptions of lemmas") as arrays:
            sizes, numbers = arrays["sizes"].tolist(), arrays["numbers"]
            codes = codes_of_steps(arrays["steps"])
            rules = json.loads(arrays["rules"].tobytes())
            if len(sizes) != n_treebanks or not sum(sizes) == len(codes) == len(numbers):
                raise ValueError(f"{len(codes)} exceptions of {len(sizes)} treebanks")
            if len(numbers) and numbers.max() >= len(rules):
                raise ValueError(f"rule {numbers.max()} of {len(rules)}")
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
        """The rule of a form and its UPOS in the style of a treebank, or None; 0 is no treebank."""
        if not self._codes:
            return None
        first, end = self._ends[treebank : treebank + 2]
        code = exception_code(form, upos)
        place = bisect_left(self._codes, code, first, end)
        is_there = place < end and self._codes[place] == code
        return self._rules[self._numbers[place]] if is_there else None


NO_EXCEPTIONS = LemmaExceptions.of(())
