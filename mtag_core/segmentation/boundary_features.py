"""Features of the places where tokens and sentences may end.

Three kinds of places: gaps between two units of a chunk, where a token may end; the gap before a
chunk's last full stop, which what follows the chunk helps to decide; the end of a chunk, where a
sentence may end. Each is a row of numbers, and a feature a hash of some of them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.hashing import MIX, SPREAD, Codes, table_rows
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

(
    OPENED,
    FIRST_CLASS,
    FIRST_WORD,
    LAST_CLASS,
    LAST_WORD,
    LAST_END,
    LAST_SIZE,
    TERMINAL,
    CLOSED,
    N_QUOTES,
    BALANCE,
    N_UNITS,
) = range(N_CHUNK_COLUMNS)

_SIDE_CHARACTERS = 12
_WHOLE_CHARACTERS = 40
_MAX_SIZE = 6

# Columns of a gap's row: units before and after it, their classes, and the chunk's two sides.
_GAP_COLUMNS = 13
_T0, _T1, _T2, _T3, _C0, _C1, _C2, _C3, _LEFT, _RIGHT, _WHOLE, _PLACE, _LEFT_END = range(
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
_TERMINAL = frozenset({UnitClass.STOP, UnitClass.ELLIPSIS, UnitClass.EXCLAMATION})
_ENDING = frozenset({UnitClass.COLON, UnitClass.EMOTICON, UnitClass.LONG_DASH, UnitClass.ADDRESS})

# What is beyond a line.
_NO_UNIT = Unit(0, UnitClass.NONE)

# Columns of the end of a chunk: its last word, its marks, the next chunk, the one before, what has
# come in the line so far.
_W, _WC, _WE, _WS, _TERM, _CLO, _NO, _NC, _NW, _NLC, _NT, _N2C = range(12)
_P, _PT, _PC, _SINCE, _QUOTE, _DEPTH, _ATTACHED, _GLUED, _NE = range(12, 21)
_STYLE = 21
_N_END_COLUMNS = 22
_END_FEATURES: tuple[tuple[int, ...], ...] = (
    (),
    (_TERM, _CLO, _NO, _NC),
    (_TERM, _WC, _NO, _NC),
    (_W, _TERM),
    (_W, _NC),
    (_W, _NW),
    (_NW, _TERM),
    (_NW, _WC),
    (_NW, _ATTACHED),
    (_WE, _TERM, _NC),
    (_WS, _WC, _TERM, _NC),
    (_ATTACHED, _TERM, _NC),
    (_W, _ATTACHED, _NC),
    (_P, _W),
    (_P, _W, _NC),
    (_PT, _CLO, _TERM, _NC),
    (_TERM, _NC, _NLC, _NT),
    (_TERM, _NC, _N2C),
    (_SINCE, _TERM, _NC),
    (_SINCE, _WS, _WC, _TERM),
    (_QUOTE, _CLO, _TERM, _NO, _NC),
    (_DEPTH, _CLO, _TERM, _NC),
    (_GLUED, _TERM, _NC, _WC),
    (_PC, _WC, _TERM, _NC),
    (_NE, _NC, _TERM),
    (_STYLE, _TERM, _NC),
    (_STYLE, _W, _TERM),
    (_STYLE, _NW),
)
_STOP_FEATURES: tuple[tuple[int, ...], ...] = (
    (_NO, _NC),
    (_W, _NO, _NC),
    (_WC, _WS, _NC),
    (_W, _NW),
    (_NW,),
    (_P, _W),
    (_WC, _WS, _PC, _NC),
    (_CLO, _NC),
)


def _slots(features: Sequence[tuple[int, ...]], empty: int) -> NDArray[np.int64]:
    width = max(map(len, features))
    return np.array([(*columns, *(empty,) * (width - len(columns))) for columns in features]).T


_GAP_SLOTS = _slots(_GAP_FEATURES, _GAP_COLUMNS)
_END_SLOTS = _slots(_END_FEATURES, _N_END_COLUMNS)
_STOP_SLOTS = _slots(_STOP_FEATURES, 21)
_GAP_SEED, _STOP_SEED, _END_SEED = 1, 101, 201


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
        A row a gap, those of one chunk after those of another: shape (n_gaps, 13).
    """
    n_gaps = np.array([len(cut.ends) - 1 for cut in cuts], np.int64)
    numbers = np.arange(int(n_gaps.sum())) - np.repeat(np.cumsum(n_gaps) - n_gaps, n_gaps)
    rows = np.empty((len(numbers), _GAP_COLUMNS), np.uint64)
    # A chunk's units have one empty unit before them and two after.
    units = [unit for cut in cuts for unit in (_NO_UNIT, *cut.units, _NO_UNIT, _NO_UNIT)]
    first_units = np.cumsum(n_gaps + 4) - (n_gaps + 4)
    windows = (np.repeat(first_units, n_gaps) + numbers)[:, None] + np.arange(4)
    rows[:, _T0 : _T3 + 1] = np.array([unit.code for unit in units], np.uint64)[windows]
    rows[:, _C0 : _C3 + 1] = np.array([unit.unit_class for unit in units])[windows]
    sizes = np.array(list(map(len, plains)), np.int64)
    lasts = np.cumsum(sizes)
    starts, lasts = np.repeat(lasts - sizes, n_gaps), np.repeat(lasts, n_gaps)
    ends = starts + np.array([end for cut in cuts for end in cut.ends[:-1]], np.int64)
    codes = _StretchCodes("".join(plains))
    rows[:, _LEFT] = codes(np.maximum(starts, ends - _SIDE_CHARACTERS), ends)
    rows[:, _RIGHT] = codes(ends, np.minimum(ends + _SIDE_CHARACTERS, lasts))
    rows[:, _WHOLE] = codes(starts, np.minimum(starts + _WHOLE_CHARACTERS, lasts))
    rows[:, _LEFT_END] = codes(np.maximum(starts, ends - 2), ends)
    n_after = np.repeat(n_gaps, n_gaps) + 1 - numbers
    rows[:, _PLACE] = np.minimum(numbers, 5) << 4 | np.minimum(n_after, 6)
    return rows


class _StretchCodes:
    """Codes of stretches of a text: equal where their characters are, wherever they stand."""

    def __init__(self, text: str) -> None:
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        factors = np.full(len(points) + 1, MIX)
        factors[0] = 1
        factors = np.cumprod(factors, dtype=np.uint64)
        self._sums = np.zeros(len(points) + 1, np.uint64)
        np.cumsum(points * factors[:-1], out=self._sums[1:])
        inverses = np.full(len(points) + 1, _MIX_INVERSE)
        inverses[0] = 1
        self._inverses = np.cumprod(inverses, dtype=np.uint64)

    def __call__(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Codes:
        sums: Codes = self._sums[ends] - self._sums[starts]
        return sums * self._inverses[starts]


_MIX_INVERSE = np.uint64(pow(int(MIX), -1, 1 << 64))


def gap_features(rows: Codes) -> Codes:
    """Hashes the features of gaps: shape (n_gaps, n_features)."""
    return _hash(rows, _GAP_SLOTS, _GAP_SEED)


def word_columns(word: str, unit: Unit) -> tuple[int, ...]:
    """What `chunk_columns` gives for a chunk of one unit of letters."""
    end, size = text_code(styleless(word[-3:])), min(len(word), _MAX_SIZE)
    pair = (unit.unit_class, unit.code)
    return (0, *pair, *pair, end, size, 0, 0, 0, 0, 1)


def chunk_columns(plain: str, cut: ChunkUnits) -> tuple[int, ...]:
    """Describes a chunk, as `gap_rows` reads it, to its neighbours; `N_CHUNK_COLUMNS` numbers."""
    units = cut.units
    first, opened = 0, 0
    while first < len(units) - 1 and units[first].unit_class in _OPENING:
        opened |= 1 << (units[first].unit_class - UnitClass.DOUBLE_QUOTE)
        first += 1
    last, closed = len(units) - 1, 0
    while last > 0 and units[last].unit_class in _CLOSING:
        closed |= 1 << (units[last].unit_class - UnitClass.DOUBLE_QUOTE)
        last -= 1
    last, closed = _before_footnote(units, last, closed)
    terminal, word = _terminal(units, last)
    unit = units[word] if word >= 0 else _NO_UNIT
    start = cut.ends[word - 1] if word > 0 else 0
    end = cut.ends[word] if word >= 0 else 0
    # An abbreviation of several units is a word: "z.B", "e.g".
    if word > 0 and units[word - 1].unit_class in (
        UnitClass.STOP,
        UnitClass.HYPHEN,
        UnitClass.SLASH,
    ):
        start = max(0, end - _SIDE_CHARACTERS)
        unit = Unit(text_code(plain[start:end]), unit.unit_class)
    classes = [unit.unit_class for unit in units]
    n_quotes = classes.count(UnitClass.DOUBLE_QUOTE)
    balance = classes.count(UnitClass.OPENING) - classes.count(UnitClass.CLOSING)
    return (
        *(opened, units[first].unit_class, units[first].code, unit.unit_class, unit.code),
        text_code(plain[max(start, end - 3) : end]),
        min(end - start, _MAX_SIZE),
        *(terminal, closed, n_quotes, balance & 0xFF, min(len(units), 4)),
    )


def _terminal(units: Sequence[Unit], last: int) -> tuple[int, int]:
    """What kind of mark ends a chunk, and the index of the unit before it, -1 for none."""
    word = last
    while word >= 0 and units[word].unit_class in _TERMINAL:
        word -= 1
    n_marks = last - word
    if n_marks:
        classes = {unit.unit_class for unit in units[word + 1 : last + 1]}
        if UnitClass.EXCLAMATION in classes:
            return UnitClass.EXCLAMATION, word
        return UnitClass.ELLIPSIS if n_marks > 1 else units[last].unit_class, word
    if units[last].unit_class in _ENDING:
        return units[last].unit_class, last - 1
    return 0, last


def _before_footnote(units: Sequence[Unit], last: int, closed: int) -> tuple[int, int]:
    """Steps over footnote marks behind a full stop: ".[1]", ".¹"."""
    index = last
    if closed and index > 1 and units[index].unit_class in (UnitClass.DIGITS, UnitClass.INITIAL):
        while index > 1 and units[index].unit_class not in _TERMINAL:
            if units[index].unit_class not in (
                *(UnitClass.DIGITS, UnitClass.OPENING, UnitClass.CLOSING, UnitClass.INITIAL),
            ):
                return last, closed
            index -= 1
    elif units[index].unit_class == UnitClass.DIGITS and index > 0:
        index -= 1
    if index != last and units[index].unit_class in _TERMINAL:
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


def place_rows(
    columns: Codes, is_line_end: NDArray[np.bool_], is_glued: NDArray[np.bool_]
) -> Codes:
    """Describes the end of each chunk from the chunk and its neighbours.

    Args:
        columns: `chunk_columns` of each. Shape (n_chunks, N_CHUNK_COLUMNS).
        is_line_end: Nothing that belongs to it follows. Shape (n_chunks,).
        is_glued: No space follows. Shape (n_chunks,).

    Returns:
        Shape (n_chunks, 22), whether a last stop is attached not yet filled in.
    """
    n_chunks = len(columns)
    rows = np.zeros((n_chunks, _N_END_COLUMNS), np.uint64)
    rows[:, [_W, _WC, _WE, _WS, _TERM, _CLO]] = columns[
        :, [LAST_WORD, LAST_CLASS, LAST_END, LAST_SIZE, TERMINAL, CLOSED]
    ]
    is_inside = ~is_line_end[:-1]
    after = columns[1:] * is_inside[:, None]
    rows[:-1, [_NO, _NC, _NW, _NLC, _NT, _NE]] = after[
        :, [OPENED, FIRST_CLASS, FIRST_WORD, N_UNITS, TERMINAL, CLOSED]
    ]
    rows[:-2, _N2C] = after[1:, FIRST_CLASS] * is_inside[:-1]
    before = columns[:-1] * is_inside[:, None]
    rows[1:, [_P, _PT, _PC]] = before[:, [LAST_WORD, TERMINAL, LAST_CLASS]]
    rows[:, _GLUED] = is_glued
    _fill_counts(rows, columns, is_line_end)
    return rows


def _fill_counts(rows: Codes, columns: Codes, is_line_end: NDArray[np.bool_]) -> None:
    """Fills in what has come in the line so far: quotation marks, brackets, words since an end."""
    n_chunks = len(columns)
    starts = np.concatenate([[True], is_line_end[:-1]])
    line = np.cumsum(starts) - 1
    firsts = np.flatnonzero(starts)
    quotes = np.cumsum(columns[:, N_QUOTES].astype(np.int64))
    before = np.concatenate([[0], quotes])[firsts]
    rows[:, _QUOTE] = (quotes - before[line]) & 1
    depth = np.cumsum(columns[:, BALANCE].astype(np.uint8).view(np.int8).astype(np.int64))
    before = np.concatenate([[0], depth])[firsts]
    rows[:, _DEPTH] = np.clip(depth - before[line], 0, 2)
    places = np.arange(n_chunks)
    is_mark = (columns[:, TERMINAL] != 0) | is_line_end
    last_mark = np.concatenate([[-1], np.maximum.accumulate(np.where(is_mark, places, -1))[:-1]])
    rows[:, _SINCE] = _SIZE_BUCKETS[np.minimum(places - last_mark, len(_SIZE_BUCKETS) - 1)]
    marks = np.append(np.flatnonzero(is_mark), n_chunks)
    next_mark = marks[np.searchsorted(marks, places)]
    rows[:, _STYLE] = (next_mark - last_mark > LONGEST_UNMARKED) & ~is_mark
    is_styled = rows[:, _STYLE] == 0
    rows[is_styled, _STYLE] = _letter_styles(rows, len(firsts), line)[is_styled]


def _letter_styles(rows: Codes, n_lines: int, line: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 in lines of few stops; else a number from 2 to `SMALL_LETTERS`.

    The more stops of the line are before small letters, the larger.
    """
    is_stop = is_after_stop(rows)
    n_small = np.bincount(line[is_stop & (rows[:, _NC] == UnitClass.LOWER)], minlength=n_lines)
    n_all = n_small + np.bincount(line[is_stop & is_before_capital(rows)], minlength=n_lines)
    share = (SMALL_LETTERS - 2) * n_small // np.maximum(n_all, 1)
    styles: NDArray[np.int64] = np.where(n_all >= _FEW_STOPS, 2 + share, 0)[line]
    return styles


UNMARKED, SMALL_LETTERS = 1, 6
"""Styles of text: long stretches without any mark, and lines whose sentences begin with small
letters."""

_FEW_STOPS = 3

LONGEST_UNMARKED = 60
"""More chunks than this without any mark that ends a sentence are hardly one sentence."""


_SIZE_BUCKETS = np.array([0, 1, 2, 3, 4, 4, 5, 5, 5, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 8])


def styles(rows: Codes) -> Codes:
    """The style of the text around each place: `UNMARKED`, `SMALL_LETTERS` or another."""
    return rows[:, _STYLE]


def is_after_stop(rows: Codes) -> NDArray[np.bool_]:
    """Which places follow a full stop, an ellipsis or the like: shape (n,)."""
    terminal = rows[:, _TERM] & np.uint64(31)
    is_stop: NDArray[np.bool_] = np.isin(terminal, list(_TERMINAL))
    return is_stop


def is_before_month(rows: Codes, months: Codes) -> NDArray[np.bool_]:
    """Which places are between an ordinal of one or two digits and a month: shape (n,)."""
    is_ordinal = (rows[:, _WC] == UnitClass.DIGITS) & (rows[:, _WS] <= 2)
    is_before: NDArray[np.bool_] = is_ordinal & np.isin(rows[:, _NW], months)
    is_before &= rows[:, _TERM] == UnitClass.STOP
    return is_before


def are_inside(rows: Codes) -> NDArray[np.bool_]:
    """Which places follow a colon or semicolon and precede a small letter, where others do not."""
    inside: NDArray[np.bool_] = rows[:, _TERM] == UnitClass.COLON
    inside &= (rows[:, _NC] == UnitClass.LOWER) & (rows[:, _STYLE] != SMALL_LETTERS)
    return inside


def are_closed_before(rows: Codes) -> NDArray[np.bool_]:
    """Which places follow a full stop of the chunk before and are followed by a capital."""
    after_stop = np.isin(rows[:, _PT] & np.uint64(31), list(_TERMINAL))
    closed: NDArray[np.bool_] = after_stop & is_before_capital(rows)
    return closed


def is_before_capital(rows: Codes) -> NDArray[np.bool_]:
    """Which places are followed by a capital, or by a letter without cases: shape (n,)."""
    capitals = (UnitClass.TITLE, UnitClass.UPPER, UnitClass.INITIAL, UnitClass.UNCASED)
    is_before: NDArray[np.bool_] = np.isin(rows[:, _NC], capitals)
    return is_before


def stop_features(rows: Codes) -> Codes:
    """Hashes the features of gaps before last full stops: shape (n, n_features)."""
    return _hash(rows[:, :21], _STOP_SLOTS, _STOP_SEED)


def end_features(rows: Codes, is_attached: NDArray[np.bool_]) -> Codes:
    """Hashes the features of ends of chunks.

    Args:
        rows: `place_rows` of some chunks. Shape (n, 22).
        is_attached: Their last full stop is part of a token. Shape (n,).
    """
    rows = rows.copy()
    rows[:, _ATTACHED] = is_attached
    # Text without marks has weights of its own.
    return _hash(rows, _END_SLOTS, _END_SEED + 100 * (rows[:, _STYLE, None] == UNMARKED))


def bias_row(n_rows: int, style: int) -> int:
    """The row of the feature that all ends of chunks in text of a style have."""
    row = np.zeros((1, _N_END_COLUMNS), np.uint64)
    row[0, _STYLE] = style
    features = end_features(row, np.zeros(1, np.bool_))
    return int(table_rows(features, n_rows)[0, 0])


def _hash(codes: Codes, slots: NDArray[np.int64], first_seed: int | Codes) -> Codes:
    """Hashes the columns of each feature: shape (n, n_features)."""
    codes = np.concatenate([codes, np.zeros((len(codes), 1), np.uint64)], axis=1)
    seeds = np.arange(slots.shape[1], dtype=np.uint64) + np.asarray(first_seed, np.uint64)
    values = np.broadcast_to(seeds * SPREAD, (len(codes), slots.shape[1]))
    for columns in slots:
        values = (values ^ codes[:, columns]) * MIX
        values ^= values >> np.uint64(29)
    return values * SPREAD


def cut_chunk(chunk: str, ends: Sequence[int]) -> ChunkUnits:
    """A chunk that is cut at offsets, the last of which is its length."""
    starts = (0, *ends[:-1])
    return ChunkUnits(
        tuple(ends), tuple(describe(chunk[a:b]) for a, b in zip(starts, ends, strict=True))
    )
