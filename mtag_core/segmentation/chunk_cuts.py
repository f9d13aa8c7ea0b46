"""Cuts many chunks, what stands between two spaces, into units at once.

Most chunks are letters and common marks: a table of pairs of characters cuts those as the patterns
of `word_units` would, which are asked about the rest.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import regex
from numpy.typing import NDArray

from mtag_core.arrays import Integers
from mtag_core.folding import fold_forms
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.word_units import (
    CLASS_BITS,
    UNSPACED,
    in_one_style,
    unit_numbers,
    unit_spans,
)

# Kinds of characters. Any other may be anything.
_N_KINDS = 9
_OTHER, _BREAK, _LETTER, _NAME_LETTER, _EXTEND, _MARK, _APOSTROPHE, _HYPHEN, _LAST_MARK = range(
    _N_KINDS
)
_KIND_TO_CHARACTERS = {
    _BREAK: "\n",
    _NAME_LETTER: "O",
    _EXTEND: "\u200c\u200d",
    _MARK: '!"%&(),?\u00ab\u00bb\u2018\u201a\u201c\u201d\u201e\u2013\u2014\u2026\u0964',
    _APOSTROPHE: "'\u2019",
    _HYPHEN: "-",
    _LAST_MARK: ".:;",
}
# Between two characters.
_JOINED, _APART, _UNSURE = range(3)
_END_OF_TABLE = 0x3000
_HANGUL = slice(0xAC00, 0xD7A4)
_UNSPACED_LETTERS = regex.compile(f"[{UNSPACED}]")

_HAS_SPACES = regex.compile(
    r"[\p{Latin}\p{Cyrillic}\p{Greek}\p{Arabic}\p{Hebrew}\p{Hangul}\p{Armenian}]+"
)
_RUN = regex.compile(r"[\p{L}\p{M}]+(?:['\u2019][\p{L}\p{M}]+)*")

# Units whose numbers are remembered; 2 MB.
_MOST_UNITS = 16_384


@dataclass(frozen=True, slots=True)
class CutChunks:
    """Chunks that are cut into units, one chunk after another.

    Attributes:
        text: The chunks, a line each.
        plain: Each as `styleless` has it if that keeps its length; else as it is.
        changed: Chunks whose length that would not keep.
        starts: Offset of each chunk in both. Shape (n_chunks,).
        sizes: Characters of each chunk. Shape (n_chunks,).
        first_units: Of each chunk. Shape (n_chunks,).
        n_units: Likewise.
        ends: Offset after each unit. Shape (n_units,).
        codes: Of units; see `unit_numbers`. Shape (n_units,).
        classes: Of units. Shape (n_units,).
    """

    text: str
    plain: str
    changed: Sequence[int]
    starts: Integers
    sizes: Integers
    first_units: Integers
    n_units: Integers
    ends: Integers
    codes: Codes
    classes: Codes

    def gaps(self) -> tuple[Integers, Integers]:
        """The units that another one of the same chunk follows, and their chunks."""
        chunks = np.arange(len(self.n_units)).repeat(self.n_units)
        gaps = (chunks[1:] == chunks[:-1]).nonzero()[0]
        return gaps, chunks[gaps]


class ChunkCutter:
    """Cuts chunks into units, also where a clitic begins.

    Args:
        clitics: Without styles; what may be a token at the end of a run of letters.
        unit_numbers: Of units that have occurred, which do not depend on the language; grows, and
            is emptied where it is too large.
    """

    def __init__(self, clitics: Iterable[str], unit_numbers: dict[str, int]) -> None:
        self._clitics = frozenset(clitics)
        self._sizes = sorted(set(map(len, self._clitics)))
        self._form_to_number = unit_numbers

    def cut(self, chunks: Sequence[str]) -> CutChunks:
        """Cuts chunks, one or more."""
        text = "\n".join([*chunks, ""])
        sizes = np.array(list(map(len, chunks)), np.int64)
        lasts = sizes.cumsum() + np.arange(len(chunks))
        starts = lasts - sizes
        plain, changed = _plain(text, chunks)
        between = _between(text)
        unsure = lasts.searchsorted((between == _UNSURE).nonzero()[0] - 1, side="right")
        for index in set(unsure.tolist()):
            start = int(starts[index])
            between[start : int(lasts[index]) + 1] = _JOINED
            between[[start + end for _, end in unit_spans(chunks[index])]] = _APART
        between[self._clitic_starts(plain, between)] = _APART
        ends = (between == _APART).nonzero()[0]
        n_before = ends.searchsorted(starts, side="right")
        n_units = ends.searchsorted(lasts, side="right") - n_before
        unit_starts = np.zeros_like(ends)
        unit_starts[1:] = ends[:-1]
        unit_starts[n_before] = starts
        spans = zip(unit_starts.tolist(), ends.tolist(), strict=True)
        numbers = self._numbers([text[start:end] for start, end in spans])
        codes, classes = numbers >> np.uint64(CLASS_BITS), numbers & _CLASS
        return CutChunks(
            *(text, plain, changed, starts, sizes, n_before, n_units, ends, codes, classes)
        )

    def _numbers(self, forms: Sequence[str]) -> Codes:
        known = self._form_to_number
        if len(known) > _MOST_UNITS:
            known.clear()
        new = [form for form in dict.fromkeys(forms) if form not in known]
        if new:
            known.update(zip(new, unit_numbers(new), strict=True))
        return np.array(list(map(known.__getitem__, forms)), np.uint64)

    def _clitic_starts(self, plain: str, between: NDArray[np.uint8]) -> list[int]:
        if not any(map(plain.__contains__, self._clitics)):
            return []
        # Names, tags and addresses are units of more than letters.
        return [
            match.end() - size
            for match in _RUN.finditer(plain)
            if between[match.end()] == _APART
            and (
                between[match.start()] == _APART or plain[match.start() - 1 : match.start()] in "\n"
            )
            for size in self._sizes
            if size < match.end() - match.start()
            and plain[match.end() - size : match.end()] in self._clitics
        ]


def is_word(chunk: str) -> bool:
    """Whether a chunk is nothing but letters of a script that puts spaces between words."""
    return chunk.isalpha() and (chunk.isascii() or _HAS_SPACES.fullmatch(chunk) is not None)


def _plain(text: str, chunks: Sequence[str]) -> tuple[str, list[int]]:
    """Lines as features read them, and which lines stay as they are to keep their length."""
    folded = fold_forms(chunks)
    plain = in_one_style(text if folded is chunks else "\n".join([*folded, ""]))
    # Small letters are never fewer.
    if folded is chunks and len(plain) == len(text):
        return plain, []
    lines = plain.split("\n")
    changed = [index for index, chunk in enumerate(chunks) if len(lines[index]) != len(chunk)]
    for index in changed:
        lines[index] = chunks[index]
    return "\n".join(lines), changed


def _between(text: str) -> NDArray[np.uint8]:
    """What is between each character of lines and the one before it."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = np.empty(len(points) + 1, np.uint8)
    kinds[0] = _BREAK
    character_kinds, pairs = _tables()
    kinds[1:] = character_kinds[points]
    found: NDArray[np.uint8] = pairs[kinds[:-1] * np.uint8(_N_KINDS) + kinds[1:]]
    return found


@cache
def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    kinds = np.zeros(0x110000, np.uint8)
    every = "".join(map(chr, range(_END_OF_TABLE)))
    kinds[:_END_OF_TABLE] = [
        _LETTER if char.isalpha() else _EXTEND if unicodedata.category(char)[0] == "M" else _OTHER
        for char in every
    ]
    kinds[_HANGUL] = _LETTER
    for kind, characters in _KIND_TO_CHARACTERS.items():
        kinds[[ord(character) for character in characters]] = kind
    kinds[[match.start() for match in _UNSPACED_LETTERS.finditer(every)]] = _OTHER
    kinds[ord("\u02bc")] = _OTHER
    pairs = np.full((_N_KINDS, _N_KINDS), _APART, np.uint8)
    in_word = [_LETTER, _NAME_LETTER, _EXTEND]
    pairs[np.ix_(in_word, in_word)] = _JOINED
    pairs[_BREAK] = _JOINED
    # Marks on anything but letters, ends of addresses and numbers, lines of dashes, Irish names.
    pairs[_LAST_MARK] = _UNSURE
    pairs[_LAST_MARK, _BREAK] = _APART
    pairs[[_BREAK, _MARK, _APOSTROPHE, _HYPHEN], _EXTEND] = _UNSURE
    pairs[_HYPHEN, _HYPHEN] = pairs[_NAME_LETTER, _APOSTROPHE] = _UNSURE
    pairs[_OTHER] = pairs[:, _OTHER] = _UNSURE
    return kinds, pairs.ravel()


_CLASS = np.uint64((1 << CLASS_BITS) - 1)
