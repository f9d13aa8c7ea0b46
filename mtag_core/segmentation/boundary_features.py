"""What is known of a chunk: of itself for its neighbours, and of the gaps between its units.

A token may end in a gap. Each gap is a row of numbers, and a feature a hash of some of them.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import Integers, text_codes
from mtag_core.segmentation.chunk_cuts import CutChunks
from mtag_core.segmentation.hashing import MIX, Codes, feature_slots, hash_features
from mtag_core.segmentation.word_units import WORDS, UnitClass

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

_GAP_SLOTS = feature_slots(_GAP_FEATURES, _EMPTY)
_GAP_SEED = 1

# Columns of what the classes of a chunk's units say of it; -1 is no unit.
(
    _TERMINAL,
    _CLOSED_BY,
    _OPENED_BY,
    _FIRST,
    _SIZE,
    _QUOTES,
    _OPEN_BRACKETS,
    _OPENING_UNIT,
    _WORD,
    _IS_SHORT_FORM,
    _STOP_GAP,
) = range(11)


# Where stretches of characters begin and end, from a gap: those of the side columns.
_FROM_END = np.array([[-_SIDE_CHARACTERS], [0], [-1 << 62], [-2]])
_TO_END = np.array([[0], [_SIDE_CHARACTERS], [0], [0]])


def gap_rows(cut: CutChunks, gaps: Integers, chunks: Integers) -> Codes:
    """Describes gaps between the units of chunks.

    Args:
        cut: The chunks.
        gaps: The units before the gaps. Shape (n_gaps,).
        chunks: Their chunks. Shape (n_gaps,).

    Returns:
        Shape (n_gaps, 14).
    """
    rows = np.zeros((len(gaps), _GAP_COLUMNS), np.uint64)
    # A chunk's units have one empty unit before them and two after.
    padded = np.zeros((2, len(cut.ends) + 3 * len(cut.starts)), np.uint64)
    places = np.arange(len(cut.ends)) + np.arange(1, 3 * len(cut.starts), 3).repeat(cut.n_units)
    padded[0, places] = cut.codes
    padded[1, places] = cut.classes
    windows = places[gaps][:, None] + _WINDOW
    rows[:, _T0 : _T3 + 1] = padded[0, windows]
    rows[:, _C0 : _C3 + 1] = padded[1, windows]
    starts, ends = cut.starts[chunks], cut.ends[gaps]
    lasts = starts + cut.sizes[chunks]
    firsts = np.maximum(ends + _FROM_END, starts)
    beyond = ends + _TO_END
    beyond[_WHOLE - _LEFT] = starts + _WHOLE_CHARACTERS
    codes = _stretch_codes(cut.plain, firsts, np.minimum(beyond, lasts))
    rows[:, _LEFT : _LEFT_END + 1] = codes.T
    numbers = gaps - cut.first_units[chunks]
    n_after = cut.n_units[chunks] - numbers
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


_WINDOW = np.arange(-1, 3)


def gap_features(rows: Codes) -> Codes:
    """Hashes the features of gaps: shape (n_gaps, n_features)."""
    return hash_features(rows, _GAP_SLOTS, _GAP_SEED)


def chunk_shapes(cut: CutChunks) -> Integers:
    """What the classes of their units say of chunks, for `chunk_columns` and `stop_gaps`."""
    classes = cut.classes.astype(np.uint8).tobytes()
    lasts = cut.first_units + cut.n_units
    spans = zip(cut.first_units.tolist(), lasts.tolist(), strict=True)
    keys = [classes[first:last] for first, last in spans]
    # Most chunks are one word, or one with a mark.
    distinct = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    shapes = np.array(list(map(_shape, distinct)), np.int64)
    found: Integers = shapes[list(map(distinct.__getitem__, keys))]
    return found


def stop_gaps(cut: CutChunks, shapes: Integers) -> Integers:
    """The unit before each chunk's last full stop, if neighbours decide on that; else -1."""
    gaps = shapes[:, _STOP_GAP]
    return np.where(gaps < 0, -1, cut.first_units + gaps)


def chunk_columns(cut: CutChunks, shapes: Integers) -> Codes:
    """Describes chunks to their neighbours: shape (n_chunks, N_CHUNK_COLUMNS)."""
    columns = np.empty((len(shapes), N_CHUNK_COLUMNS), np.uint64)
    columns[:, END_MARK : FIRST_CLASS + 1] = shapes[:, _TERMINAL : _FIRST + 1]
    columns[:, N_UNITS : BALANCE + 1] = shapes[:, _SIZE : _OPEN_BRACKETS + 1]
    columns[:, FIRST_WORD] = cut.codes[cut.first_units + shapes[:, _OPENING_UNIT]]
    word = shapes[:, _WORD]
    units = cut.first_units + np.maximum(word, 0)
    columns[:, LAST_WORD] = np.where(word < 0, 0, cut.codes[units])
    columns[:, LAST_CLASS] = np.where(word < 0, UnitClass.NONE, cut.classes[units])
    ends = np.where(word < 0, cut.starts, cut.ends[units])
    starts = np.where(word > 0, cut.ends[units - 1], cut.starts)
    # An abbreviation of several units is a word: "z.B", "e.g".
    short_forms = shapes[:, _IS_SHORT_FORM].nonzero()[0]
    if len(short_forms):
        starts[short_forms] = np.maximum(cut.starts, ends - _SIDE_CHARACTERS)[short_forms]
        columns[short_forms, LAST_WORD] = _codes(cut.plain, starts[short_forms], ends[short_forms])
    columns[:, LAST_END] = _codes(cut.plain, np.maximum(starts, ends - 3), ends)
    columns[:, LAST_SIZE] = np.minimum(ends - starts, _MAX_SIZE)
    return columns


def _codes(text: str, starts: Integers, ends: Integers) -> list[int]:
    spans = zip(starts.tolist(), ends.tolist(), strict=True)
    return text_codes([text[start:end] for start, end in spans])


@lru_cache(maxsize=16_384)
def _shape(classes: bytes) -> tuple[int, ...]:
    first, opened = 0, 0
    while first < len(classes) - 1 and classes[first] in _OPENING:
        opened |= 1 << (classes[first] - UnitClass.DOUBLE_QUOTE)
        first += 1
    last, closed = len(classes) - 1, 0
    while last > 0 and classes[last] in _CLOSING:
        closed |= 1 << (classes[last] - UnitClass.DOUBLE_QUOTE)
        last -= 1
    if last > 0 and (closed or classes[last] == UnitClass.DIGITS):
        last, closed = _before_footnote(classes, last, closed)
    terminal, word = _terminal(classes, last)
    balance = classes.count(UnitClass.OPENING) - classes.count(UnitClass.CLOSING)
    return (
        *(terminal, closed, opened, classes[first]),
        *(min(len(classes), 4), classes.count(UnitClass.DOUBLE_QUOTE), balance & 0xFF),
        *(first, word, word > 0 and classes[word - 1] in _INSIDE_SHORT_FORMS),
        _stop_gap(classes),
    )


def _terminal(classes: bytes, last: int) -> tuple[int, int]:
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


def _before_footnote(classes: bytes, last: int, closed: int) -> tuple[int, int]:
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


def _stop_gap(classes: bytes) -> int:
    """The gap before the last full stop, if what follows the chunk helps to decide on it."""
    number = classes.rfind(UnitClass.STOP) - 1
    if number < 0 or classes[number] not in _BEFORE_STOP:
        return -1
    rest = set(classes[number + 2 :])
    # Digits in brackets are a footnote's.
    is_decided = rest & WORDS or (UnitClass.DIGITS in rest and UnitClass.OPENING not in rest)
    return -1 if is_decided else number


_BEFORE_STOP = WORDS | {UnitClass.DIGITS, UnitClass.NUMBER, UnitClass.CLOSING, UnitClass.OTHER_MARK}
