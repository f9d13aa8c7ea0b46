"""What speaks against and for an end of a sentence beside the weights of the models.

Kinds of places that treebanks show in few languages, or not at all.
"""

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import Integers, text_codes
from mtag_core.segmentation.boundary_features import FIRST_CLASS
from mtag_core.segmentation.chunk_ends import SMALL_LETTERS, UNMARKED, EndColumn, styles
from mtag_core.segmentation.chunk_flags import ChunkFlag
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.stop_rules import (
    CAPITALS,
    CERTAIN,
    CLASS_BITS,
    IS_CAPITAL,
    IS_NUMBER,
    IS_TERMINAL,
    IS_TITLE_START,
    LIKELY,
    NUMBERS,
    SURE,
    UNSURE,
    StopRules,
)
from mtag_core.segmentation.word_units import WORDS, UnitClass, unit_class_flags

_CLASS_COLUMNS = np.array([EndColumn.MARK, EndColumn.WORD_CLASS, EndColumn.NEXT_CLASS])
_CLASS_STEPS = np.array([1 << 10, 1 << 5, 1])
_SECTION = text_codes(["§"])[0]
# Among opening and closing marks.
_DOUBLE_QUOTE, _SINGLE_QUOTE = np.uint64(1), np.uint64(2)
# What is known of a place beside the classes of its mark, its word and the next unit: bits.
_CLOSED, _OPENED, _SMALL_LETTERS, _UNMARKED = 1, 2, 4, 8
_N_BITS = 16


def _class_costs() -> NDArray[np.int64]:
    """Costs by bits and classes: shape (16, 32 * 32 * 32)."""
    shape = (_N_BITS, 32, 32, 32)
    bits, mark, word, after = np.indices(shape, sparse=True)
    is_closed, is_plain = bits & _CLOSED != 0, bits & _OPENED == 0
    is_stop, is_address = mark == UnitClass.STOP, mark == UnitClass.ADDRESS
    is_emoticon = mark == UnitClass.EMOTICON
    small = np.where(is_closed & (mark != 0), LIKELY, 0) + np.zeros(shape, np.int64)
    small[np.broadcast_to(~is_closed & is_stop & np.isin(word, [*WORDS]), small.shape)] = UNSURE
    is_number = np.isin(word, (UnitClass.UPPER, *NUMBERS))
    small[np.broadcast_to(~is_closed & is_stop & is_number, small.shape)] = LIKELY
    small[:, UnitClass.ELLIPSIS] = LIKELY
    small[:, [UnitClass.EMOTICON, UnitClass.ADDRESS]] = CERTAIN
    is_small = (after == UnitClass.LOWER) | (is_address & (after == UnitClass.UNCASED))
    is_inside = is_small & (is_plain | is_address) & (bits & _SMALL_LETTERS == 0)
    costs: NDArray[np.int64] = small * is_inside
    costs += SURE * (mark == UnitClass.LONG_DASH) + CERTAIN * (after == UnitClass.EMOTICON)
    is_unended = (mark == 0) & (bits & _UNMARKED == 0)
    is_exclamation = (mark == UnitClass.EXCLAMATION) & (after == UnitClass.TITLE)
    costs += SURE * ((is_unended & is_closed | is_address) & np.isin(after, NUMBERS))
    costs += SURE * (is_unended & (word == UnitClass.OTHER_SIGN) & (after == UnitClass.OTHER_SIGN))
    costs -= LIKELY * (is_exclamation & is_plain & ~is_closed)
    # "p < 0.05".
    costs += SURE * (is_unended & (word == UnitClass.OTHER_SIGN) & np.isin(after, NUMBERS))
    is_before_address = after == UnitClass.ADDRESS
    costs += SURE * (is_unended & ((word == UnitClass.COMMA) | is_before_address))
    costs += CERTAIN * ((mark == UnitClass.COLON) & is_before_address)
    is_speech = (bits & _OPENED != 0) & (after == UnitClass.LOWER) & (bits & _SMALL_LETTERS == 0)
    costs += SURE * (is_speech & np.isin(mark, (UnitClass.EXCLAMATION, UnitClass.ELLIPSIS)))
    is_before_tag = after == UnitClass.HANDLE
    costs += LIKELY * (is_emoticon & is_before_tag)
    costs += SURE * (is_emoticon & ~np.isin(after, (*CAPITALS, UnitClass.HANDLE, *NUMBERS)))
    is_after_at = is_unended & (word == UnitClass.OTHER_MARK)
    costs += SURE * (is_after_at & ((after == UnitClass.CURRENCY) | (after == UnitClass.NUMBER)))
    costs += LIKELY * (is_unended & is_closed & (after == UnitClass.OTHER_MARK))
    return costs.reshape(_N_BITS, -1)


_CLASS_COSTS = _class_costs()
_IS_NAME = unit_class_flags({*CAPITALS, UnitClass.UNCASED, UnitClass.STOP})
_STYLE_BITS = np.zeros(SMALL_LETTERS + 1, np.int64)
_STYLE_BITS[[SMALL_LETTERS, UNMARKED]] = _SMALL_LETTERS, _UNMARKED
_CLOSING_GAINS = np.zeros(32, np.int64)
_CLOSING_GAINS[[UnitClass.STOP, UnitClass.ELLIPSIS]] = SURE
_CLOSING_GAINS[UnitClass.EXCLAMATION] = LIKELY


class EndRules:
    """Costs of ends of sentences in a language.

    They may end without a mark inside capitalised text, at a colon before a quotation, and at one
    behind the first word.
    """

    def __init__(
        self,
        stops: StopRules,
        *,
        ends_in_titles: bool,
        ends_before_speech: bool,
        ends_behind_labels: bool,
    ) -> None:
        self._stops = stops
        self._ends_in_titles = ends_in_titles
        self._ends_before_speech = ends_before_speech
        self._ends_behind_labels = ends_behind_labels

    def costs(
        self,
        places: Codes,
        flags: Integers,
        *,
        before_flags: Integers,
        is_first: NDArray[np.bool_],
    ) -> NDArray[np.int64]:
        """What is subtracted from the scores of ends, in eighths of a nat.

        Args:
            places: Rows of ends that are asked about. Shape (n, 23).
            flags: Bits of `ChunkFlag` of their chunks. Shape (n,).
            before_flags: Of the chunks before these. Shape (n,).
            is_first: They are the first of their lines. Shape (n,).
        """
        classes = (places[:, _CLASS_COLUMNS] & CLASS_BITS).astype(np.int64)
        mark, word, after = classes.T
        is_closed = places[:, EndColumn.CLOSED] != 0
        is_opened = places[:, EndColumn.NEXT_OPENED] != 0
        bits = is_closed * _CLOSED + is_opened * _OPENED
        bits += _STYLE_BITS[styles(places).astype(np.int64)]
        costs: NDArray[np.int64] = _CLASS_COSTS[bits, classes @ _CLASS_STEPS]
        # A dash, and the words that say who spoke.
        is_before_dash = after == UnitClass.LONG_DASH
        is_said = (mark == UnitClass.EXCLAMATION) & (is_before_dash | (after == UnitClass.HYPHEN))
        is_said |= IS_TERMINAL[mark] & is_closed & is_before_dash
        is_said &= places[:, EndColumn.SECOND_CLASS] == UnitClass.LOWER
        costs += CERTAIN * is_said
        is_stop = mark == UnitClass.STOP
        costs += self._stops.costs(
            places, flags, before_flags=before_flags, is_first=is_first, classes=classes
        )
        costs += SURE * ((mark == 0) & (places[:, EndColumn.NEXT_WORD] == _SECTION))
        costs += self._colon_costs(places, flags, classes, is_opened)
        is_repeated = (mark == UnitClass.ELLIPSIS) & (
            places[:, EndColumn.WORD] == places[:, EndColumn.NEXT_WORD]
        )
        costs += CERTAIN * is_repeated
        if np.count_nonzero(is_opened):
            is_quoted = is_stop & (places[:, EndColumn.NEXT_OPENED] & _DOUBLE_QUOTE != 0)
            is_quoted &= places[:, EndColumn.QUOTE] == 0
            costs -= UNSURE * (is_quoted & (after == UnitClass.TITLE))
            costs -= SURE * (is_quoted & (after == UnitClass.UNCASED))
        if not self._ends_in_titles:
            costs += LIKELY * _are_in_titles(places, mark, word, after)
        if np.count_nonzero(is_closed):
            is_apostrophe = (mark == 0) & (places[:, EndColumn.CLOSED] == _SINGLE_QUOTE)
            costs += SURE * is_apostrophe
            costs -= _closing_gains(places, mark, after, ~is_opened)
        return costs

    def _colon_costs(
        self,
        places: Codes,
        flags: Integers,
        classes: NDArray[np.int64],
        is_opened: NDArray[np.bool_],
    ) -> NDArray[np.int64]:
        mark, word, after = classes.T
        is_colon = mark == UnitClass.COLON
        costs = np.zeros(len(places), np.int64)
        if not np.count_nonzero(is_colon):
            return costs
        # "Meyer (ed.): Short Stories".
        is_led = IS_NUMBER[after] | (word == UnitClass.CLOSING)
        is_led &= flags & ChunkFlag.SHORT_FORM != 0
        if not self._ends_before_speech:
            is_led |= is_opened | IS_NUMBER[after]
        costs += SURE * (is_colon & is_led)
        if not self._ends_behind_labels:
            # Who speaks: "Host: Yes.".
            is_speaker = is_colon & (places[:, EndColumn.SINCE] == 1) & _IS_NAME[word]
            costs += SURE * (is_speaker & ~is_opened)
        return costs


def _are_in_titles(
    places: Codes, mark: NDArray[np.int64], word: NDArray[np.int64], after: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Places without a mark among three capitalised words."""
    are_inside: NDArray[np.bool_] = (mark == 0) & (word == UnitClass.TITLE) & IS_TITLE_START[after]
    if np.count_nonzero(are_inside):
        are_inside &= places[:, EndColumn.STYLE] != UNMARKED
        is_long = (places[:, EndColumn.BEFORE_CLASS] == UnitClass.TITLE) & (
            after == UnitClass.TITLE
        )
        are_inside &= is_long | (places[:, EndColumn.SECOND_CLASS] == UnitClass.TITLE)
    return are_inside


def _closing_gains(
    places: Codes, mark: NDArray[np.int64], after: NDArray[np.int64], is_plain: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """A quotation that ends with its sentence ends it."""
    is_quote = places[:, EndColumn.CLOSED] & _DOUBLE_QUOTE != 0
    is_quote &= (places[:, EndColumn.QUOTE] == 0) & is_plain & IS_CAPITAL[after]
    # In letters without case nothing else shows that a sentence in brackets is one.
    is_uncased = (mark == UnitClass.STOP) & (after == UnitClass.UNCASED) & is_plain
    is_uncased &= (places[:, EndColumn.CLOSED] != 0) & (places[:, EndColumn.DEPTH] == 0)
    is_quote |= is_uncased & (places[:, EndColumn.QUOTE] == 0)
    gains: NDArray[np.int64] = np.where(is_quote, _CLOSING_GAINS[mark], 0)
    return gains


def are_before_dashes(
    places: Codes, is_line_end: NDArray[np.bool_], columns: Codes, rows: Integers
) -> NDArray[np.bool_]:
    """Which places are before a dash with which the next speaker begins: shape (n,).

    Behind an exclamation or a question any; behind a full stop where the line begins with a dash.

    Args:
        places: Rows of all ends of chunks.
        is_line_end: Of each.
        columns: `chunk_columns` of a table.
        rows: Of each chunk in it.
    """
    found: NDArray[np.bool_] = places[:, EndColumn.NEXT_CLASS] == UnitClass.LONG_DASH
    if np.count_nonzero(found):
        mark = (places[:, EndColumn.MARK] & CLASS_BITS).astype(np.int64)
        found &= IS_TERMINAL[mark]
        found &= IS_CAPITAL[(places[:, EndColumn.SECOND_CLASS] & CLASS_BITS).astype(np.int64)]
        first_classes = columns[rows[_line_starts(is_line_end)], FIRST_CLASS]
        is_speech = first_classes == UnitClass.LONG_DASH
        found &= (mark == UnitClass.EXCLAMATION) | is_speech
    return found


def line_costs(
    places: Codes, is_line_end: NDArray[np.bool_], columns: Codes, rows: Integers
) -> NDArray[np.int64]:
    """What is subtracted from scores of questions and exclamations before small letters.

    Behind a dash that begins the line who says it follows; in chat without any capital a sentence
    does. In eighths of a nat, shape (n,).

    Args:
        places: Rows of all ends of chunks.
        is_line_end: Of each.
        columns: `chunk_columns` of a table.
        rows: Of each chunk in it.
    """
    costs = np.zeros(len(places), np.int64)
    asked = np.flatnonzero(
        (places[:, EndColumn.MARK] == UnitClass.EXCLAMATION)
        & (places[:, EndColumn.NEXT_OPENED] == 0)
        & (places[:, EndColumn.NEXT_CLASS] == UnitClass.LOWER)
    )
    if not len(asked):
        return costs
    starts = _line_starts(is_line_end)
    classes = (columns[rows, FIRST_CLASS] & CLASS_BITS).astype(np.int64)
    first = classes[starts[asked]]
    costs[asked] += SURE * (first == UnitClass.LONG_DASH)
    n_capitals = np.append(0, np.cumsum(IS_CAPITAL[classes]))
    has_capital = n_capitals[asked + 1] != n_capitals[starts[asked]]
    costs[asked] -= LIKELY * ((first == UnitClass.LOWER) & ~has_capital)
    return costs


def _line_starts(is_line_end: NDArray[np.bool_]) -> Integers:
    lasts = np.flatnonzero(is_line_end)
    return np.repeat(np.append(0, lasts[:-1] + 1), np.diff(lasts, prepend=-1))


def are_inside(places: Codes) -> NDArray[np.bool_]:
    """Which places follow a colon or semicolon and precede a small letter, where others do not."""
    inside: NDArray[np.bool_] = places[:, EndColumn.MARK] == UnitClass.COLON
    inside &= places[:, EndColumn.NEXT_CLASS] == UnitClass.LOWER
    inside &= places[:, EndColumn.STYLE] != SMALL_LETTERS
    return inside
