"""What speaks against and for an end of a sentence beside the weights of the models.

Kinds of places that treebanks show in few languages, or not at all.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import Integers, are_among, text_codes
from mtag_core.segmentation.abbreviations import Abbreviations
from mtag_core.segmentation.boundary_features import FIRST_CLASS, TERMINAL_CLASSES
from mtag_core.segmentation.chunk_ends import SMALL_LETTERS, UNMARKED, EndColumn, styles
from mtag_core.segmentation.chunk_flags import ChunkFlag
from mtag_core.segmentation.chunk_table import SHORT_FORM_COST, TITLE_COST
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.word_units import WORDS, UnitClass, unit_class_flags

# In eighths of a nat.
_UNSURE, _LIKELY, _SURE, _CERTAIN = 8, 16, 32, 96
_INITIALS_COST, _ROMAN_COST, _VOWELLESS_COST, _LETTER_COST = 24, 16, 48, 24
_PAIR_COSTS = (_CERTAIN, TITLE_COST)
# Many of them are words.
_VOWELS = np.array(
    sorted(text_codes("aeiouyàáâäåæèéêëìíîïòóôöøùúûüýıаеиоуыэюяёіїєүұәѓαεηιουωάέήίόύώ")), np.uint64
)
# Symbols, not abbreviations: a full stop behind them ends a sentence.
_MEASURES = np.array(
    sorted(text_codes("km cm mm kg mg ml dl cl kw км см мм кг мг мл".split())), np.uint64
)
# Characters of a word that is hardly an abbreviation, if it is not known as one.
_LEAST_SIZES = np.full(32, 99)
_LEAST_SIZES[[UnitClass.LOWER, UnitClass.TITLE]] = 3, 5
# A letter, its full stop, and a mark.
_N_WITH_MARK = 3

_CLASS_COLUMNS = np.array([EndColumn.MARK, EndColumn.WORD_CLASS, EndColumn.NEXT_CLASS])
_CLASS_STEPS = np.array([1 << 10, 1 << 5, 1])
_CLASS_BITS, _HALF = np.uint64(31), np.uint64(32)
# Among opening and closing marks.
_DOUBLE_QUOTE, _SINGLE_QUOTE = np.uint64(1), np.uint64(2)
_RULED = (
    ChunkFlag.BEFORE_SMALL
    | ChunkFlag.BEFORE_NUMBER
    | ChunkFlag.INITIALS
    | ChunkFlag.ROMAN
    | ChunkFlag.ENUMERATOR
    | ChunkFlag.UNCASED_SHORT_FORM
    | ChunkFlag.VOWELLESS
    | ChunkFlag.OMISSION
    | ChunkFlag.AND_SO_ON
)

_NUMBERS = (UnitClass.DIGITS, UnitClass.NUMBER)
_SMALL_OR_NUMBER = (UnitClass.LOWER, UnitClass.MIXED, UnitClass.CURRENCY, *_NUMBERS)
_CAPITALS = (UnitClass.TITLE, UnitClass.UPPER, UnitClass.INITIAL)
_DIGITS = UnitClass.DIGITS


_IS_TERMINAL = unit_class_flags(TERMINAL_CLASSES)
_IS_CAPITAL = unit_class_flags(_CAPITALS)
_IS_TITLE_START = unit_class_flags({UnitClass.TITLE, UnitClass.INITIAL})
_IS_NUMBER = unit_class_flags(_NUMBERS)
_IS_WORD = unit_class_flags(WORDS)
_IS_SMALL_OR_NUMBER = unit_class_flags(_SMALL_OR_NUMBER)


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
    small = np.where(is_closed & (mark != 0), _LIKELY, 0) + np.zeros(shape, np.int64)
    small[np.broadcast_to(~is_closed & is_stop & np.isin(word, [*WORDS]), small.shape)] = _UNSURE
    is_number = np.isin(word, (UnitClass.UPPER, *_NUMBERS))
    small[np.broadcast_to(~is_closed & is_stop & is_number, small.shape)] = _LIKELY
    small[:, UnitClass.ELLIPSIS] = _LIKELY
    small[:, [UnitClass.EMOTICON, UnitClass.ADDRESS]] = _CERTAIN
    is_small = (after == UnitClass.LOWER) | (is_address & (after == UnitClass.UNCASED))
    is_inside = is_small & (is_plain | is_address) & (bits & _SMALL_LETTERS == 0)
    costs: NDArray[np.int64] = small * is_inside
    costs += _SURE * (mark == UnitClass.LONG_DASH) + _CERTAIN * (after == UnitClass.EMOTICON)
    is_unended = (mark == 0) & (bits & _UNMARKED == 0)
    is_exclamation = (mark == UnitClass.EXCLAMATION) & (after == UnitClass.TITLE)
    costs += _SURE * (is_unended & (word == UnitClass.OTHER_SIGN) & (after == UnitClass.OTHER_SIGN))
    costs -= _LIKELY * (is_exclamation & is_plain & ~is_closed)
    is_before_address = after == UnitClass.ADDRESS
    costs += _SURE * (is_unended & ((word == UnitClass.COMMA) | is_before_address))
    costs += _CERTAIN * ((mark == UnitClass.COLON) & is_before_address)
    is_before_tag = after == UnitClass.HANDLE
    costs += _LIKELY * (is_emoticon & is_before_tag)
    costs += _SURE * (is_emoticon & ~np.isin(after, (*_CAPITALS, UnitClass.HANDLE, *_NUMBERS)))
    is_after_at = is_unended & (word == UnitClass.OTHER_MARK)
    costs += _SURE * (is_after_at & ((after == UnitClass.CURRENCY) | (after == UnitClass.NUMBER)))
    costs += _LIKELY * (is_unended & is_closed & (after == UnitClass.OTHER_MARK))
    return costs.reshape(_N_BITS, -1)


_CLASS_COSTS = _class_costs()
_STYLE_BITS = np.zeros(SMALL_LETTERS + 1, np.int64)
_STYLE_BITS[[SMALL_LETTERS, UNMARKED]] = _SMALL_LETTERS, _UNMARKED
_CLOSING_GAINS = np.zeros(32, np.int64)
_CLOSING_GAINS[[UnitClass.STOP, UnitClass.ELLIPSIS]] = _SURE
_CLOSING_GAINS[UnitClass.EXCLAMATION] = _LIKELY


class EndRules:
    """Costs of ends of sentences in a language.

    They may end without a mark inside capitalised text, and at a colon before a quotation.
    The full stop of an abbreviation may be a token.
    """

    def __init__(
        self,
        abbreviations: Abbreviations,
        *,
        ends_in_titles: bool,
        ends_before_speech: bool,
        parts_short_forms: bool,
    ) -> None:
        self.parts_short_forms = parts_short_forms
        self._ordinal_words = np.array(sorted(abbreviations.ordinal_words), np.uint64)
        self._pairs = np.array(sorted(abbreviations.pairs), np.uint64)
        self._ends_in_titles = ends_in_titles
        self._ends_before_speech = ends_before_speech

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
        classes = (places[:, _CLASS_COLUMNS] & _CLASS_BITS).astype(np.int64)
        mark, word, after = classes.T
        is_closed = places[:, EndColumn.CLOSED] != 0
        is_opened = places[:, EndColumn.NEXT_OPENED] != 0
        bits = is_closed * _CLOSED + is_opened * _OPENED
        bits += _STYLE_BITS[styles(places).astype(np.int64)]
        costs: NDArray[np.int64] = _CLASS_COSTS[bits, classes @ _CLASS_STEPS]
        if np.count_nonzero(flags & _RULED):
            costs += _flag_costs(places, flags, after, is_first, has_ordinals=self.has_ordinals)
        is_stop = mark == UnitClass.STOP
        if self.has_ordinals:
            is_number = is_stop & (word == _DIGITS) | (flags & ChunkFlag.ROMAN != 0)
            costs += SHORT_FORM_COST * self._are_ordinals(places, is_number)
            is_month = is_stop & _IS_NUMBER[after]
            is_month &= are_among(places[:, EndColumn.WORD], self._ordinal_words)
            costs += SHORT_FORM_COST * is_month
        costs += _letter_costs(places, is_stop, word, after)
        for is_known, cost in zip(self._are_in_pairs(places, is_stop), _PAIR_COSTS, strict=True):
            costs += cost * is_known
        if np.count_nonzero(is_opened):
            is_quoted = is_stop & (places[:, EndColumn.NEXT_OPENED] & _DOUBLE_QUOTE != 0)
            is_quoted &= (after == UnitClass.TITLE) & (places[:, EndColumn.QUOTE] == 0)
            costs -= _UNSURE * is_quoted
        costs -= _LIKELY * _are_full_words(places, flags, classes)
        if not self._ends_before_speech:
            costs += _SURE * ((mark == UnitClass.COLON) & (is_opened | _IS_NUMBER[after]))
        is_number = is_stop & (after == UnitClass.TITLE) & ~is_first
        if np.count_nonzero(is_number):
            costs -= self._number_gains(places, flags, before_flags, word) * is_number
        if not self._ends_in_titles:
            costs += _LIKELY * _are_in_titles(places, mark, word, after)
        if np.count_nonzero(is_closed):
            is_apostrophe = (mark == 0) & (places[:, EndColumn.CLOSED] == _SINGLE_QUOTE)
            costs += _SURE * is_apostrophe
            costs -= _closing_gains(places, mark, after, ~is_opened)
        return costs

    def _number_gains(
        self, places: Codes, flags: Integers, before_flags: Integers, word: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        is_number = _IS_NUMBER[word]
        # "fig. 3." counts nothing.
        is_sure = before_flags & (ChunkFlag.SHORT_FORM | ChunkFlag.BEFORE_NUMBER) != 0
        is_sure |= flags & ChunkFlag.DECIMAL != 0
        gains: NDArray[np.int64] = _SURE * (is_number & is_sure)
        if not self.has_ordinals:
            gains += _LIKELY * (is_number & ~is_sure)
        measures = np.flatnonzero(places[:, EndColumn.WORD_SIZE] == 2)
        if len(measures):
            before = (places[measures, EndColumn.BEFORE_CLASS] & _CLASS_BITS).astype(np.int64)
            is_measure = are_among(places[measures, EndColumn.WORD], _MEASURES) & _IS_NUMBER[before]
            gains[measures] += _SURE * is_measure
        return gains

    @property
    def has_ordinals(self) -> bool:
        """A full stop behind a number makes it an ordinal."""
        return len(self._ordinal_words) > 0

    def are_short_forms(self, places: Codes, flags: Integers) -> NDArray[np.bool_]:
        """Which full stops belong to an abbreviation or ordinal if no sentence ends there.

        Args:
            places: Rows of ends of chunks. Shape (n, 23).
            flags: Bits of `ChunkFlag` of the chunks. Shape (n,).

        Returns:
            Shape (n,).
        """
        after = places[:, EndColumn.NEXT_CLASS].astype(np.int64)
        is_stop = places[:, EndColumn.MARK] == UnitClass.STOP
        found: NDArray[np.bool_] = flags & ChunkFlag.SHORT_FORM != 0
        found |= (flags & ChunkFlag.BEFORE_NUMBER != 0) & _IS_NUMBER[after]
        for is_known in self._are_in_pairs(places, is_stop):
            found |= is_known
        if self.has_ordinals and not self.parts_short_forms:
            is_ordinal = is_stop & (places[:, EndColumn.WORD_CLASS] == UnitClass.DIGITS)
            is_ordinal &= flags & ChunkFlag.DECIMAL == 0
            is_ordinal |= flags & ChunkFlag.ROMAN != 0
            found |= is_ordinal & _IS_WORD[after] & (places[:, EndColumn.BEFORE_CLASS] != 0)
            found |= is_stop & are_among(places[:, EndColumn.WORD], self._ordinal_words)
        return found

    def _are_ordinals(self, places: Codes, is_number: NDArray[np.bool_]) -> NDArray[np.bool_]:
        are_ordinals: NDArray[np.bool_] = is_number & (places[:, EndColumn.WORD_SIZE] <= 2)
        if np.count_nonzero(are_ordinals):
            are_ordinals &= are_among(places[:, EndColumn.NEXT_WORD], self._ordinal_words)
        return are_ordinals

    def _are_in_pairs(
        self, places: Codes, is_stop: NDArray[np.bool_]
    ) -> Iterator[NDArray[np.bool_]]:
        """Seconds, then firsts of abbreviations of two words with a space inside: "z. B."."""
        for before, after, other_mark in (
            (EndColumn.BEFORE_WORD, EndColumn.WORD, EndColumn.BEFORE_MARK),
            (EndColumn.WORD, EndColumn.NEXT_WORD, EndColumn.NEXT_MARK),
        ):
            is_asked = places[:, other_mark] == UnitClass.STOP
            if other_mark == EndColumn.NEXT_MARK:
                # A comma or bracket follows its full stop.
                is_asked |= places[:, EndColumn.NEXT_N_UNITS] == _N_WITH_MARK
            asked = np.flatnonzero(is_stop & is_asked)
            found = np.zeros(len(places), np.bool_)
            if len(asked):
                codes = places[asked, before] << _HALF | places[asked, after]
                found[asked] = are_among(codes, self._pairs)
            yield found


def _are_full_words(
    places: Codes, flags: Integers, classes: NDArray[np.int64]
) -> NDArray[np.bool_]:
    mark, word, after = classes.T
    found: NDArray[np.bool_] = (mark == UnitClass.STOP) & (after == UnitClass.TITLE)
    found &= flags & ChunkFlag.SHORT_FORM == 0
    found &= places[:, EndColumn.WORD_SIZE] >= _LEAST_SIZES[word]
    return found


def _letter_costs(
    places: Codes, is_stop: NDArray[np.bool_], word: NDArray[np.int64], after: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Initials of a name, and other letters that stand for a word."""
    costs = np.zeros(len(places), np.int64)
    is_letter = is_stop & (places[:, EndColumn.WORD_SIZE] == 1)
    if np.count_nonzero(is_letter):
        before = (places[:, EndColumn.BEFORE_CLASS] & _CLASS_BITS).astype(np.int64)
        is_initial = is_letter & (word == UnitClass.INITIAL)
        is_second = (before == UnitClass.INITIAL) & (
            places[:, EndColumn.BEFORE_MARK] == UnitClass.STOP
        )
        is_first = places[:, EndColumn.NEXT_MARK] == UnitClass.STOP
        is_named = is_second & (after == UnitClass.TITLE) | is_first & (after == UnitClass.INITIAL)
        costs += SHORT_FORM_COST * (is_initial & is_named)
        is_short_form = is_letter & (word == UnitClass.LOWER) & ~_IS_NUMBER[before]
        is_short_form &= ~are_among(places[:, EndColumn.WORD], _VOWELS)
        costs += _LETTER_COST * is_short_form
    return costs


def _flag_costs(
    places: Codes,
    flags: Integers,
    after: NDArray[np.int64],
    is_first: NDArray[np.bool_],
    *,
    has_ordinals: bool,
) -> NDArray[np.int64]:
    costs = np.zeros(len(flags), np.int64)
    is_title = after == UnitClass.TITLE
    is_inside = (flags & ChunkFlag.BEFORE_SMALL != 0) & _IS_SMALL_OR_NUMBER[after]
    # "No. I" may be an answer.
    is_numbered = _IS_NUMBER[after] | (after == UnitClass.INITIAL) & _are_behind_words(places)
    is_inside |= (flags & ChunkFlag.BEFORE_NUMBER != 0) & is_numbered
    costs += _CERTAIN * is_inside
    costs += _INITIALS_COST * ((flags & ChunkFlag.INITIALS != 0) & is_title)
    if has_ordinals:
        is_word = is_title | (after == UnitClass.LOWER)
        costs += _ROMAN_COST * ((flags & ChunkFlag.ROMAN != 0) & is_word)
    costs += TITLE_COST * ((flags & ChunkFlag.ENUMERATOR != 0) & is_first)
    is_initial = (flags & ChunkFlag.UNCASED_SHORT_FORM != 0) & (after == UnitClass.UNCASED)
    costs += SHORT_FORM_COST * is_initial
    costs += _CERTAIN * ((flags & ChunkFlag.OMISSION != 0) & ~_IS_CAPITAL[after])
    is_opened = places[:, EndColumn.NEXT_OPENED] != 0
    costs -= _SURE * ((flags & ChunkFlag.AND_SO_ON != 0) & is_title & ~is_opened)
    costs += _VOWELLESS_COST * (flags & ChunkFlag.VOWELLESS != 0)
    return costs


def _are_behind_words(places: Codes) -> NDArray[np.bool_]:
    before = (places[:, EndColumn.BEFORE_MARK] & _CLASS_BITS).astype(np.int64)
    is_behind: NDArray[np.bool_] = (places[:, EndColumn.BEFORE_CLASS] != 0) & ~_IS_TERMINAL[before]
    return is_behind


def _are_in_titles(
    places: Codes, mark: NDArray[np.int64], word: NDArray[np.int64], after: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Places without a mark among three capitalised words."""
    are_inside: NDArray[np.bool_] = (mark == 0) & (word == UnitClass.TITLE) & _IS_TITLE_START[after]
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
    is_quote &= (places[:, EndColumn.QUOTE] == 0) & is_plain & _IS_CAPITAL[after]
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
        mark = (places[:, EndColumn.MARK] & _CLASS_BITS).astype(np.int64)
        found &= _IS_TERMINAL[mark]
        found &= _IS_CAPITAL[(places[:, EndColumn.SECOND_CLASS] & _CLASS_BITS).astype(np.int64)]
        lasts = np.flatnonzero(is_line_end)
        first_classes = columns[rows[np.append(0, lasts[:-1] + 1)], FIRST_CLASS]
        is_speech = first_classes == UnitClass.LONG_DASH
        sizes = np.diff(lasts, prepend=-1)
        found &= (mark == UnitClass.EXCLAMATION) | np.repeat(is_speech, sizes)
    return found


def are_inside(places: Codes) -> NDArray[np.bool_]:
    """Which places follow a colon or semicolon and precede a small letter, where others do not."""
    inside: NDArray[np.bool_] = places[:, EndColumn.MARK] == UnitClass.COLON
    inside &= places[:, EndColumn.NEXT_CLASS] == UnitClass.LOWER
    inside &= places[:, EndColumn.STYLE] != SMALL_LETTERS
    return inside
