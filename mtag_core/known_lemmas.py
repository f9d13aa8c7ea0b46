"""The lemmas that treebanks have, by language: a table in a bundle.

A student may choose a rule whose lemma no treebank has, where a rule that it holds nearly as likely
gives one that a treebank has; that one is right far more often.
"""

import json
import zipfile
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import DAMAGE, codes_of_steps, packed_steps, text_code, write_arrays
from mtag_core.errors import BundleError
from mtag_core.folding import fold

KNOWN_LEMMAS = "lemmas.known.npz"
"""The file's name in a bundle."""

# Of a lemma's code. One in 60 to 8,000 of the lemmas that no treebank has counts as known.
_N_BITS = 21


def lemma_code(lemma: str) -> int:
    """A number for a lemma, the same for capital and small letters."""
    return text_code((fold(lemma) or lemma).lower()) >> (32 - _N_BITS)


class KnownLemmas:
    """Tells known lemmas from others.

    Args:
        language_to_codes: As `lemma_code` gives them, ascending, by language.
    """

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
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                languages = json.loads(arrays["languages"].tobytes())
                codes, ends = codes_of_steps(arrays["steps"]), np.cumsum(arrays["sizes"])
            if ends[-1:].tolist() != [len(codes)]:
                raise ValueError(f"{len(codes)} lemmas for {len(languages)} languages")
            return cls(dict(zip(languages, np.split(codes, ends)[:-1], strict=True)))
        except (*DAMAGE, AttributeError) as error:
            raise BundleError(f"{path}: expected known lemmas: {error}") from error

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
