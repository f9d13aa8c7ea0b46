"""What is known of a chunk: of itself for its neighbours, and of the gaps between its units.

A token may end in a gap. Each gap is a row of numbers, and a feature a hash of some of them.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.hashing import MIX, Codes, feature_slots, hash_features
from mtag_core.segmentation.word_units import (
    WORDS,
    Unit,
    UnitClass,
    describe,
    styleless,
    text_code,
)

N_CHUNK_COLUMNS = 12
"""Numbers that describe a chunk to its neighbours."""

# Neighbours read some of them together: those stand side by side.
(
    LAST_WORD,
    LAST_CLASS,
    LAST_END,
    LAST_SIZE,
    END_MARK,
    CLOSED,
    OPENED,
    FIRST_CLASS,
    FIRST_WORD,
    N_UNITS,
    N_QUOTES,
    BALANCE,
) = range(N_CHUNK_COLUMNS)

_SIDE_CHARACTERS = 12
_WHOLE_CHARACTERS = 40
_MAX_SIZE = 6

# Columns of a gap's row: units before and after it, their classes, the chunk's two sides, nothing.
_GAP_COLUMNS = 14
_T0, _T1, _T2, _T3, _C0, _C1, _C2, _C3, _LEFT, _RIGHT, _WHOLE, _LEFT_END, _PLACE, _EMPTY = range(
    _GAP_COLUMNS
)
_GAP_FEATURES: tuple[tuple[int, ...], ...] = (
    (),
    (_C1, _C2),
    (_C0, _C1, _C2, _C3),
    (_T1, _C2),
    (_C1, _T2),
    (_T1, _T2),
    (_T2, _C3),
    (_C0, _T1),
    (_T1, _C2, _C3),
    (_C0, _C1, _T2),
    (_C1, _T2, _C3),
    (_T0, _T1, _T2),
    (_T1, _T2, _T3),
    (_C1, _T2, _T3),
    (_T0, _T1, _C2),
    (_LEFT, _C2),
    (_C1, _RIGHT),
    (_LEFT_END, _RIGHT),
    (_WHOLE, _PLACE),
    (_C1, _C2, _PLACE),
    (_LEFT_END, _C2, _C3),
)

_CLOSING = frozenset(
    {UnitClass.DOUBLE_QUOTE, UnitClass.SINGLE_QUOTE, UnitClass.CLOSING, UnitClass.OTHER_SIGN}
)
_OPENING = frozenset(
    {
        *(UnitClass.DOUBLE_QUOTE, UnitClass.SINGLE_QUOTE, UnitClass.OPENING),
        *(UnitClass.LONG_DASH, UnitClass.HYPHEN),
    }
)
TERMINAL_CLASSES = frozenset({UnitClass.STOP, UnitClass.ELLIPSIS, UnitClass.EXCLAMATION})
"""Units that end a sentence."""

_ENDING = frozenset({UnitClass.COLON, UnitClass.EMOTICON, UnitClass.LONG_DASH, UnitClass.ADDRESS})

_INSIDE_SHORT_FORMS = frozenset({UnitClass.STOP, UnitClass.HYPHEN, UnitClass.SLASH})
_FOOTNOTES = frozenset({UnitClass.DIGITS, UnitClass.OPENING, UnitClass.CLOSING, UnitClass.INITIAL})

# What is beyond a line.
_NO_UNIT = Unit(0, UnitClass.NONE)

_GAP_SLOTS = feature_slots(_GAP_FEATURES, _EMPTY)
_GAP_SEED = 1


class ChunkUnits(NamedTuple):
    """A chunk cut into units.

    Attributes:
        ends: Offset after each unit in the chunk.
        units: What is known of each.
    """

    ends: tuple[int, ...]
    units: tuple[Unit, ...]


def gap_rows(plains: Sequence[str], cuts: Sequence[ChunkUnits]) -> Codes:
    """Describes the gaps between the units of chunks.

    Args:
        plains: Each chunk as `styleless` writes it, if that keeps its length; else as it is.
        cuts: Where they are cut.

    Returns:
        A row a gap, those of one chunk after those of another: shape (n_gaps, 14).
    """
    n_gaps = np.array([len(cut.ends) - 1 for cut in cuts], np.int64)
    chunks = np.arange(len(cuts)).repeat(n_gaps)
    first_gaps = n_gaps.cumsum() - n_gaps
    places = np.arange(len(chunks))
    numbers = places - first_gaps[chunks]
    rows = np.zeros((len(chunks), _GAP_COLUMNS), np.uint64)
    # A chunk's units have one empty unit before them and two after.
    units = [unit for _, inside in cuts for unit in (_NO_UNIT, *inside, _NO_UNIT, _NO_UNIT)]
    # Before a gap are the gaps and four more units of each chunk before it.
    windows = (places + 4 * chunks)[:, None] + _WINDOW
    numbers_of_units = np.fromiter(chain.from_iterable(units), np.uint64, count=2 * len(units))
    described = numbers_of_units.reshape(-1, 2)[windows]
    rows[:, _T0 : _T3 + 1] = described[:, :, 0]
    rows[:, _C0 : _C3 + 1] = described[:, :, 1]
    sizes = np.array(list(map(len, plains)), np.int64)
    lasts = sizes.cumsum()
    starts, lasts = (lasts - sizes)[chunks], lasts[chunks]
    ends = starts + np.array([end for cut in cuts for end in cut.ends[:-1]], np.int64)
    firsts = np.stack([ends - _SIDE_CHARACTERS, ends, starts, ends - 2])
    beyond = np.stack([ends, ends + _SIDE_CHARACTERS, starts + _WHOLE_CHARACTERS, ends])
    codes = _stretch_codes("".join(plains), np.maximum(firsts, starts), np.minimum(beyond, lasts))
    rows[:, _LEFT : _LEFT_END + 1] = codes.T
    n_after = n_gaps[chunks] + 1 - numbers
    rows[:, _PLACE] = np.minimum(numbers, 5) << 4 | np.minimum(n_after, 6)
    return rows


def _stretch_codes(text: str, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Codes:
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    factors, inverses = _powers(max(12, len(points).bit_length()))
    sums = np.zeros(len(points) + 1, np.uint64)
    np.cumsum(points * factors[: len(points)], out=sums[1:])
    codes: Codes = (sums[ends] - sums[starts]) * inverses[starts]
    return codes


@lru_cache(maxsize=8)
def _powers(n_bits: int) -> tuple[Codes, Codes]:
    inverse = pow(int(MIX), -1, 1 << 64)
    bases = np.full((2, 1 << n_bits), [[int(MIX)], [inverse]], np.uint64)
    bases[:, 0] = 1
    factors, inverses = np.cumprod(bases, axis=1, dtype=np.uint64)
    return factors, inverses


_WINDOW = np.arange(4)


def gap_features(rows: Codes) -> Codes:
    """Hashes the features of gaps: shape (n_gaps, n_features)."""
    return hash_features(rows, _GAP_SLOTS, _GAP_SEED)


def word_columns(word: str, unit: Unit) -> tuple[int, ...]:
    """What `chunk_columns` gives for a chunk of one unit of letters."""
    end, size = text_code(styleless(word[-3:])), min(len(word), _MAX_SIZE)
    return (unit.code, unit.unit_class, end, size, 0, 0, 0, unit.unit_class, unit.code, 1, 0, 0)


def chunk_columns(plain: str, cut: ChunkUnits) -> tuple[int, ...]:
    """Describes a chunk, as `gap_rows` reads it, to its neighbours; `N_CHUNK_COLUMNS` numbers."""
    ends, units = cut
    classes = [unit_class for _, unit_class in units]
    first, opened = 0, 0
    while first < len(units) - 1 and classes[first] in _OPENING:
        opened |= 1 << (classes[first] - UnitClass.DOUBLE_QUOTE)
        first += 1
    last, closed = len(units) - 1, 0
    while last > 0 and classes[last] in _CLOSING:
        closed |= 1 << (classes[last] - UnitClass.DOUBLE_QUOTE)
        last -= 1
    if last > 0 and (closed or classes[last] == UnitClass.DIGITS):
        last, closed = _before_footnote(classes, last, closed)
    terminal, word = _terminal(classes, last)
    code, unit_class = units[word] if word >= 0 else _NO_UNIT
    start = ends[word - 1] if word > 0 else 0
    end = ends[word] if word >= 0 else 0
    # An abbreviation of several units is a word: "z.B", "e.g".
    if word > 0 and classes[word - 1] in _INSIDE_SHORT_FORMS:
        start = max(0, end - _SIDE_CHARACTERS)
        code = text_code(plain[start:end])
    n_quotes = classes.count(UnitClass.DOUBLE_QUOTE)
    balance = classes.count(UnitClass.OPENING) - classes.count(UnitClass.CLOSING)
    return (
        *(code, unit_class, text_code(plain[max(start, end - 3) : end])),
        *(min(end - start, _MAX_SIZE), terminal, closed),
        *(opened, classes[first], units[first].code),
        *(min(len(units), 4), n_quotes, balance & 0xFF),
    )


def _terminal(classes: Sequence[int], last: int) -> tuple[int, int]:
    word = last
    while word >= 0 and classes[word] in TERMINAL_CLASSES:
        word -= 1
    n_marks = last - word
    if n_marks:
        if UnitClass.EXCLAMATION in classes[word + 1 : last + 1]:
            return UnitClass.EXCLAMATION, word
        return UnitClass.ELLIPSIS if n_marks > 1 else classes[last], word
    if classes[last] in _ENDING:
        return classes[last], last - 1
    return 0, last


def _before_footnote(classes: Sequence[int], last: int, closed: int) -> tuple[int, int]:
    """Steps over footnote marks behind a full stop: ".[1]", ".¹"."""
    index = last
    if closed and index > 1 and classes[index] in (UnitClass.DIGITS, UnitClass.INITIAL):
        while index > 1 and classes[index] not in TERMINAL_CLASSES:
            if classes[index] not in _FOOTNOTES:
                return last, closed
            index -= 1
    elif classes[index] == UnitClass.DIGITS:
        index -= 1
    if index != last and classes[index] in TERMINAL_CLASSES:
        return index, 0
    return last, closed


def is_stop_gap(units: Sequence[Unit], number: int) -> bool:
    """Whether what follows the chunk helps to decide: the gap before a last full stop."""
    if (
        units[number + 1].unit_class != UnitClass.STOP
        or units[number].unit_class not in _BEFORE_STOP
    ):
        return False
    rest = {unit.unit_class for unit in units[number + 2 :]}
    # Digits in brackets are a footnote's.
    return not rest & WORDS and (UnitClass.DIGITS not in rest or UnitClass.OPENING in rest)


_BEFORE_STOP = WORDS | {UnitClass.DIGITS, UnitClass.NUMBER, UnitClass.CLOSING, UnitClass.OTHER_MARK}


def cut_chunk(chunk: str, ends: Sequence[int]) -> ChunkUnits:
    """A chunk that is cut at offsets, the last of which is its length."""
    starts = (0, *ends[:-1])
    units = tuple([describe(chunk[a:b]) for a, b in zip(starts, ends, strict=True)])
    return ChunkUnits(tuple(ends), units)
