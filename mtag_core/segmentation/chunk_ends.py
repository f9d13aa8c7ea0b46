"""Features of the ends of chunks, where sentences end and last full stops may be tokens.

What a chunk and its neighbours are, and what has come in the line so far, is a row of numbers for
each end; a feature is a hash of some of them.
"""

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import Integers
from mtag_core.segmentation.boundary_features import (
    BALANCE,
    CLOSED,
    END_MARK,
    FIRST_CLASS,
    LAST_CLASS,
    LAST_WORD,
    N_QUOTES,
    N_UNITS,
    OPENED,
    TERMINAL_CLASSES,
)
from mtag_core.segmentation.hashing import Codes, feature_slots, hash_features, table_rows
from mtag_core.segmentation.word_units import UnitClass, unit_class_flags


class EndColumn:
    """Columns of the end of a chunk.

    Its last word and its marks; the next chunk, and the one behind it; the one before; what has
    come in the line so far; nothing.
    """

    WORD, WORD_CLASS, WORD_END, WORD_SIZE, MARK, CLOSED = range(6)
    NEXT_OPENED, NEXT_CLASS, NEXT_WORD, NEXT_N_UNITS = range(6, 10)
    NEXT_MARK, NEXT_CLOSED, SECOND_CLASS = range(10, 13)
    BEFORE_WORD, BEFORE_CLASS, BEFORE_MARK = range(13, 16)
    SINCE, QUOTE, DEPTH, ATTACHED, GLUED, STYLE, EMPTY = range(16, 23)


_N_END_COLUMNS = 23
_END_FEATURES: tuple[tuple[int, ...], ...] = (
    (),
    (EndColumn.MARK, EndColumn.CLOSED, EndColumn.NEXT_OPENED, EndColumn.NEXT_CLASS),
    (EndColumn.MARK, EndColumn.WORD_CLASS, EndColumn.NEXT_OPENED, EndColumn.NEXT_CLASS),
    (EndColumn.WORD, EndColumn.MARK),
    (EndColumn.WORD, EndColumn.NEXT_CLASS),
    (EndColumn.WORD, EndColumn.NEXT_WORD),
    (EndColumn.NEXT_WORD, EndColumn.MARK),
    (EndColumn.NEXT_WORD, EndColumn.WORD_CLASS),
    (EndColumn.NEXT_WORD, EndColumn.ATTACHED),
    (EndColumn.WORD_END, EndColumn.MARK, EndColumn.NEXT_CLASS),
    (EndColumn.WORD_SIZE, EndColumn.WORD_CLASS, EndColumn.MARK, EndColumn.NEXT_CLASS),
    (EndColumn.ATTACHED, EndColumn.MARK, EndColumn.NEXT_CLASS),
    (EndColumn.WORD, EndColumn.ATTACHED, EndColumn.NEXT_CLASS),
    (EndColumn.BEFORE_WORD, EndColumn.WORD),
    (EndColumn.BEFORE_WORD, EndColumn.WORD, EndColumn.NEXT_CLASS),
    (EndColumn.BEFORE_MARK, EndColumn.CLOSED, EndColumn.MARK, EndColumn.NEXT_CLASS),
    (EndColumn.MARK, EndColumn.NEXT_CLASS, EndColumn.NEXT_N_UNITS, EndColumn.NEXT_MARK),
    (EndColumn.MARK, EndColumn.NEXT_CLASS, EndColumn.SECOND_CLASS),
    (EndColumn.SINCE, EndColumn.MARK, EndColumn.NEXT_CLASS),
    (EndColumn.SINCE, EndColumn.WORD_SIZE, EndColumn.WORD_CLASS, EndColumn.MARK),
    (
        EndColumn.QUOTE,
        EndColumn.CLOSED,
        EndColumn.MARK,
        EndColumn.NEXT_OPENED,
        EndColumn.NEXT_CLASS,
    ),
    (EndColumn.DEPTH, EndColumn.CLOSED, EndColumn.MARK, EndColumn.NEXT_CLASS),
    (EndColumn.GLUED, EndColumn.MARK, EndColumn.NEXT_CLASS, EndColumn.WORD_CLASS),
    (EndColumn.BEFORE_CLASS, EndColumn.WORD_CLASS, EndColumn.MARK, EndColumn.NEXT_CLASS),
    (EndColumn.NEXT_CLOSED, EndColumn.NEXT_CLASS, EndColumn.MARK),
    (EndColumn.STYLE, EndColumn.MARK, EndColumn.NEXT_CLASS),
    (EndColumn.STYLE, EndColumn.WORD, EndColumn.MARK),
    (EndColumn.STYLE, EndColumn.NEXT_WORD),
)
_STOP_FEATURES: tuple[tuple[int, ...], ...] = (
    (EndColumn.NEXT_OPENED, EndColumn.NEXT_CLASS),
    (EndColumn.WORD, EndColumn.NEXT_OPENED, EndColumn.NEXT_CLASS),
    (EndColumn.WORD_CLASS, EndColumn.WORD_SIZE, EndColumn.NEXT_CLASS),
    (EndColumn.WORD, EndColumn.NEXT_WORD),
    (EndColumn.NEXT_WORD,),
    (EndColumn.BEFORE_WORD, EndColumn.WORD),
    (EndColumn.WORD_CLASS, EndColumn.WORD_SIZE, EndColumn.BEFORE_CLASS, EndColumn.NEXT_CLASS),
    (EndColumn.CLOSED, EndColumn.NEXT_CLASS),
)
_END_SLOTS = feature_slots(_END_FEATURES, EndColumn.EMPTY)
_STOP_SLOTS = feature_slots(_STOP_FEATURES, EndColumn.EMPTY)
_STOP_SEED, _END_SEED = 101, 201

UNMARKED, SMALL_LETTERS = 1, 6
"""Styles of text: long stretches without any mark, and lines whose sentences begin with small
letters."""

_FEW_STOPS = 3

LONGEST_UNMARKED = 60
"""More chunks than this without any mark that ends a sentence are hardly one sentence."""

_SIZE_BUCKETS = np.array([0, 1, 2, 3, 4, 4, 5, 5, 5, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 8])


_IS_STOP = unit_class_flags(TERMINAL_CLASSES)
_IS_CAPITAL = unit_class_flags(
    {UnitClass.TITLE, UnitClass.UPPER, UnitClass.INITIAL, UnitClass.UNCASED}
)


def place_rows(
    columns: Codes,
    is_line_end: NDArray[np.bool_],
    is_glued: NDArray[np.bool_],
    is_short_form: NDArray[np.bool_],
) -> Codes:
    """Describes the end of each chunk from the chunk and its neighbours.

    Args:
        columns: `chunk_columns` of each. Shape (n_chunks, N_CHUNK_COLUMNS).
        is_line_end: Nothing that belongs to it follows; so at the last. Shape (n_chunks,).
        is_glued: No space follows. Shape (n_chunks,).
        is_short_form: It ends in an abbreviation. Shape (n_chunks,).

    Returns:
        Shape (n_chunks, 23), whether a last stop is attached not yet filled in.
    """
    rows = np.zeros((len(columns), _N_END_COLUMNS), np.uint64)
    rows[:, EndColumn.WORD : EndColumn.CLOSED + 1] = columns[:, LAST_WORD : CLOSED + 1]
    rows[:-1, EndColumn.NEXT_OPENED : EndColumn.NEXT_N_UNITS + 1] = columns[
        1:, OPENED : N_UNITS + 1
    ]
    rows[:-1, EndColumn.NEXT_MARK : EndColumn.NEXT_CLOSED + 1] = columns[1:, END_MARK : CLOSED + 1]
    rows[:-2, EndColumn.SECOND_CLASS] = columns[2:, FIRST_CLASS]
    rows[1:, EndColumn.BEFORE_WORD : EndColumn.BEFORE_CLASS + 1] = columns[
        :-1, LAST_WORD : LAST_CLASS + 1
    ]
    rows[1:, EndColumn.BEFORE_MARK] = columns[:-1, END_MARK]
    rows[:, EndColumn.GLUED] = is_glued
    line_ends = is_line_end.nonzero()[0]
    if len(line_ends) > 1:
        inner = line_ends[:-1]
        rows[inner, EndColumn.NEXT_OPENED : EndColumn.SECOND_CLASS + 1] = 0
        rows[np.maximum(inner - 1, 0), EndColumn.SECOND_CLASS] = 0
        rows[inner + 1, EndColumn.BEFORE_WORD : EndColumn.BEFORE_MARK + 1] = 0
    _fill_counts(rows, columns, line_ends, is_short_form)
    return rows


def _fill_counts(
    rows: Codes, columns: Codes, line_ends: Integers, is_short_form: NDArray[np.bool_]
) -> None:
    line_sizes = _sizes(line_ends)
    quotes = columns[:, N_QUOTES]
    if np.count_nonzero(quotes):
        rows[:, EndColumn.QUOTE] = _sums(quotes.astype(np.int64), line_ends, line_sizes) & 1
    balance = columns[:, BALANCE]
    if np.count_nonzero(balance):
        depth = _sums(balance.astype(np.int8), line_ends, line_sizes)
        rows[:, EndColumn.DEPTH] = np.minimum(np.maximum(depth, 0), 2)
    is_mark = (columns[:, END_MARK] != 0) & ~is_short_form
    is_mark[line_ends] = True
    marks = is_mark.nonzero()[0]
    sizes = _sizes(marks)
    since = np.arange(1, len(rows) + 1) - (marks + 1 - sizes).repeat(sizes)
    rows[:, EndColumn.SINCE] = _SIZE_BUCKETS[np.minimum(since, len(_SIZE_BUCKETS) - 1)]
    _fill_styles(rows, line_ends, line_sizes, marks)
    if np.count_nonzero(sizes > LONGEST_UNMARKED):
        is_unmarked = (sizes > LONGEST_UNMARKED).repeat(sizes)
        is_unmarked[marks] = False
        rows[is_unmarked, EndColumn.STYLE] = UNMARKED


def _sizes(lasts: Integers) -> Integers:
    sizes = lasts + 1
    sizes[1:] -= sizes[:-1].copy()
    return sizes


def _sums(numbers: Integers, line_ends: Integers, line_sizes: Integers) -> Integers:
    sums = numbers.cumsum(dtype=np.int64)
    if len(line_ends) > 1:
        sums[line_sizes[0] :] -= sums[line_ends[:-1]].repeat(line_sizes[1:])
    return sums


def _fill_styles(rows: Codes, line_ends: Integers, line_sizes: Integers, marks: Integers) -> None:
    """Gives lines of several stops a number from 2 to `SMALL_LETTERS`.

    The more stops of the line are before small letters, the larger.
    """
    if len(marks) < _FEW_STOPS:
        return
    after = rows[marks, EndColumn.NEXT_CLASS].astype(np.int64)
    is_stop = is_after_stop(rows[marks])
    n_lines = len(line_ends)
    if n_lines == 1 and int(is_stop.sum()) < _FEW_STOPS:
        return
    lines = line_ends.searchsorted(marks)
    n_small = np.bincount(lines[is_stop & (after == UnitClass.LOWER)], minlength=n_lines)
    n_all = n_small + np.bincount(lines[is_stop & _IS_CAPITAL[after]], minlength=n_lines)
    has_style = n_all >= _FEW_STOPS
    if np.count_nonzero(has_style):
        share = (SMALL_LETTERS - 2) * n_small // np.maximum(n_all, 1)
        rows[:, EndColumn.STYLE] = np.where(has_style, 2 + share, 0).repeat(line_sizes)


def styles(rows: Codes) -> Codes:
    """The style of the text around each place: `UNMARKED`, `SMALL_LETTERS` or another."""
    return rows[:, EndColumn.STYLE]


def is_after_stop(rows: Codes) -> NDArray[np.bool_]:
    """Which places follow a full stop, an ellipsis or the like: shape (n,)."""
    is_stop: NDArray[np.bool_] = _IS_STOP[
        (rows[:, EndColumn.MARK] & np.uint64(31)).astype(np.int64)
    ]
    return is_stop


def are_closed_before(rows: Codes) -> NDArray[np.bool_]:
    """Which places follow a full stop of the chunk before and are followed by a capital.

    A quotation mark may stand before the capital.
    """
    after_stop = _IS_STOP[(rows[:, EndColumn.BEFORE_MARK] & np.uint64(31)).astype(np.int64)]
    is_quoted = rows[:, EndColumn.NEXT_CLASS] == UnitClass.DOUBLE_QUOTE
    is_quoted &= _IS_CAPITAL[rows[:, EndColumn.SECOND_CLASS].astype(np.int64)]
    closed: NDArray[np.bool_] = after_stop & (is_before_capital(rows) | is_quoted)
    return closed


def is_before_capital(rows: Codes) -> NDArray[np.bool_]:
    """Which places are followed by a capital, or by a letter without cases: shape (n,)."""
    is_before: NDArray[np.bool_] = _IS_CAPITAL[rows[:, EndColumn.NEXT_CLASS].astype(np.int64)]
    return is_before


def stop_features(rows: Codes) -> Codes:
    """Hashes the features of gaps before last full stops: shape (n, n_features)."""
    return hash_features(rows, _STOP_SLOTS, _STOP_SEED)


def end_features(rows: Codes, is_attached: NDArray[np.bool_]) -> Codes:
    """Hashes the features of ends of chunks.

    Args:
        rows: `place_rows` of some chunks. Shape (n, 23).
        is_attached: Their last full stop is part of a token. Shape (n,).
    """
    rows = rows.copy()
    rows[:, EndColumn.ATTACHED] = is_attached
    # Text without marks has weights of its own.
    return hash_features(
        rows, _END_SLOTS, _END_SEED + 100 * (rows[:, EndColumn.STYLE, None] == UNMARKED)
    )


def bias_row(n_rows: int, style: int) -> int:
    """The row of the feature that all ends of chunks in text of a style have."""
    row = np.zeros((1, _N_END_COLUMNS), np.uint64)
    row[0, EndColumn.STYLE] = style
    features = end_features(row, np.zeros(1, np.bool_))
    return int(table_rows(features, n_rows)[0, 0])
