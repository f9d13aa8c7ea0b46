"""What a full stop is behind a number, a letter or a word: the end of a sentence, or not.

Abbreviations, ordinals, dates and measures, whatever the weights of the models say.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import Integers, are_among, text_codes
from mtag_core.segmentation.abbreviations import Abbreviations
from mtag_core.segmentation.boundary_features import TERMINAL_CLASSES
from mtag_core.segmentation.chunk_ends import EndColumn
from mtag_core.segmentation.chunk_flags import ChunkFlag
from mtag_core.segmentation.chunk_table import SHORT_FORM_COST, TITLE_COST
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.word_units import WORDS, UnitClass, unit_class_flags

UNSURE, LIKELY, SURE, CERTAIN = 8, 16, 32, 96
"""What is said for or against an end, in eighths of a nat."""

_INITIALS_COST, _ROMAN_COST, _VOWELLESS_COST, _LETTER_COST = 24, 16, 48, 24
_PAIR_COSTS = (CERTAIN, TITLE_COST)
# Many of them are words.
_VOWELS = np.array(
    sorted(text_codes("aeiouyàáâäåæèéêëìíîïòóôöøùúûüýıаеиоуыэюяёіїєүұәѓαεηιουωάέήίόύώ")), np.uint64
)
# Symbols, not abbreviations: a full stop behind them ends a sentence.
_MEASURES = np.array(
    sorted(text_codes("l m g h f ff km cm mm kg mg ml dl cl kw л м ч км см мм кг мг мл λ".split())),
    np.uint64,
)
# German ones, with which an ordinal begins.
_ARTICLES = np.array(
    sorted(
        text_codes("der die das dem den des im am zum zur vom beim jeder jede jedes jeden".split())
    ),
    np.uint64,
)
_YEAR = text_codes(["0000"])[0]
# Characters of a word that is hardly an abbreviation, if it is not known as one.
_LEAST_SIZES = np.full(32, 99)
_LEAST_SIZES[[UnitClass.LOWER, UnitClass.TITLE]] = 3, 5
# A letter, its full stop, and a mark.
_N_WITH_MARK = 3

CLASS_BITS, _HALF = np.uint64(31), np.uint64(32)
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

# Behind such a chunk a number counts nothing: "fig. 3.".
_COUNTING = ChunkFlag.SHORT_FORM | ChunkFlag.BEFORE_NUMBER

NUMBERS = (UnitClass.DIGITS, UnitClass.NUMBER)
_SMALL_OR_NUMBER = (UnitClass.LOWER, UnitClass.MIXED, UnitClass.CURRENCY, *NUMBERS)
CAPITALS = (UnitClass.TITLE, UnitClass.UPPER, UnitClass.INITIAL)
_DIGITS = UnitClass.DIGITS


IS_TERMINAL = unit_class_flags(TERMINAL_CLASSES)
IS_CAPITAL = unit_class_flags(CAPITALS)
IS_TITLE_START = unit_class_flags({UnitClass.TITLE, UnitClass.INITIAL})
IS_NUMBER = unit_class_flags(NUMBERS)
_IS_WORD = unit_class_flags(WORDS)
_IS_SMALL_OR_NUMBER = unit_class_flags(_SMALL_OR_NUMBER)


class StopRules:
    """What speaks against and for an end of a sentence at a full stop, in a language.

    Args:
        abbreviations: Of the language.
        parts_short_forms: The full stop of an abbreviation is a token.
        has_capital_nouns: Inside sentences nouns begin with capitals.
    """

    def __init__(
        self, abbreviations: Abbreviations, *, parts_short_forms: bool, has_capital_nouns: bool
    ) -> None:
        self._has_capital_nouns = has_capital_nouns
        self.parts_short_forms = parts_short_forms
        self._ordinal_words = np.array(sorted(abbreviations.ordinal_words), np.uint64)
        self._pairs = np.array(sorted(abbreviations.pairs), np.uint64)

    def costs(
        self,
        places: Codes,
        flags: Integers,
        *,
        before_flags: Integers,
        is_first: NDArray[np.bool_],
        classes: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """What is subtracted from the scores of ends, in eighths of a nat.

        Args:
            places: Rows of ends that are asked about. Shape (n, 23).
            flags: Bits of `ChunkFlag` of their chunks. Shape (n,).
            before_flags: Of the chunks before these. Shape (n,).
            is_first: They are the first of their lines. Shape (n,).
            classes: Of the mark, of the word before it and of what follows. Shape (n, 3).
        """
        mark, word, after = classes.T
        costs = np.zeros(len(places), np.int64)
        if np.count_nonzero(flags & _RULED):
            costs += _flag_costs(places, flags, after, is_first, has_ordinals=self.has_ordinals)
        is_stop = mark == UnitClass.STOP
        if self.has_ordinals:
            costs += self._ordinal_costs(places, flags, is_stop, word, after)
        is_date = _are_dates(
            places, is_stop & (word == _DIGITS), after, has_ordinals=self.has_ordinals
        )
        costs += CERTAIN * is_date
        costs += _letter_costs(places, is_stop & (flags & ChunkFlag.CLITIC == 0), word, after)
        for is_known, cost in zip(self._are_in_pairs(places, is_stop), _PAIR_COSTS, strict=True):
            costs += cost * is_known
        costs -= _word_gains(places, flags, classes)
        is_item = is_stop & (word == _DIGITS) & (places[:, EndColumn.WORD_SIZE] <= 2)
        # In "20. 4. Potom" a date ends.
        is_item &= _IS_WORD[after] & _IS_WORD[places[:, EndColumn.BEFORE_CLASS].astype(np.int64)]
        is_item &= IS_TERMINAL[places[:, EndColumn.BEFORE_MARK].astype(np.int64)]
        is_item &= before_flags & _COUNTING == 0
        costs += SURE * is_item
        is_number = is_stop & (after == UnitClass.TITLE) & ~is_first & ~is_item
        if np.count_nonzero(is_number):
            costs -= self._number_gains(places, flags, before_flags, word) * is_number
        return costs

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
        found |= (flags & ChunkFlag.BEFORE_NUMBER != 0) & _is_numbered(places, after)
        for is_known in self._are_in_pairs(places, is_stop):
            found |= is_known
        if self.has_ordinals and not self.parts_short_forms:
            is_ordinal = is_stop & (places[:, EndColumn.WORD_CLASS] == UnitClass.DIGITS)
            is_ordinal &= flags & ChunkFlag.DECIMAL == 0
            is_ordinal &= places[:, EndColumn.BEFORE_CLASS] != 0
            is_ordinal |= flags & ChunkFlag.ROMAN != 0
            found |= is_ordinal & _IS_WORD[after]
            found |= is_stop & are_among(places[:, EndColumn.WORD], self._ordinal_words)
        return found

    def are_counted(self, places: Codes, before_flags: Integers) -> NDArray[np.bool_]:
        """Which numbers at ends of sentences are no ordinals: "p. 5.".

        Args:
            places: Rows of ends of chunks. Shape (n, 23).
            before_flags: Bits of `ChunkFlag` of the chunks before. Shape (n,).

        Returns:
            Shape (n,).
        """
        is_counted: NDArray[np.bool_] = places[:, EndColumn.MARK] == UnitClass.STOP
        is_counted &= places[:, EndColumn.WORD_CLASS] == _DIGITS
        is_counted &= places[:, EndColumn.BEFORE_CLASS] != 0
        is_counted &= before_flags & _COUNTING != 0
        return is_counted

    @property
    def has_ordinals(self) -> bool:
        """A full stop behind a number makes it an ordinal."""
        return len(self._ordinal_words) > 0

    def _ordinal_costs(
        self,
        places: Codes,
        flags: Integers,
        is_stop: NDArray[np.bool_],
        word: NDArray[np.int64],
        after: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        is_number = is_stop & (word == _DIGITS)
        is_ordinal = is_number | (flags & ChunkFlag.ROMAN != 0)
        costs: NDArray[np.int64] = SHORT_FORM_COST * self._are_ordinals(places, is_ordinal)
        is_month = is_stop & IS_NUMBER[after]
        is_month &= are_among(places[:, EndColumn.WORD], self._ordinal_words)
        costs += SHORT_FORM_COST * is_month
        # "Goals: 12. Novak, 78. Kral".
        is_listed = is_number & (places[:, EndColumn.WORD_SIZE] <= 2) & (after == UnitClass.TITLE)
        before = places[:, EndColumn.BEFORE_CLASS].astype(np.int64)
        is_behind_colon = (places[:, EndColumn.BEFORE_MARK] == UnitClass.COLON) & _IS_WORD[before]
        is_listed &= is_behind_colon | (before == UnitClass.COMMA) | (before == UnitClass.LONG_DASH)
        costs += SURE * is_listed
        return costs

    def _number_gains(
        self, places: Codes, flags: Integers, before_flags: Integers, word: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        is_number = IS_NUMBER[word]
        before = (places[:, EndColumn.BEFORE_CLASS] & CLASS_BITS).astype(np.int64)
        is_sure = before_flags & _COUNTING != 0
        gains: NDArray[np.int64] = 2 * SURE * (is_number & is_sure)
        is_decimal = flags & ChunkFlag.DECIMAL != 0
        gains += SURE * is_decimal
        is_sure |= is_decimal
        if self.has_ordinals:
            # An ordinal follows no name: "Java 17. Gut".
            is_number &= before == UnitClass.TITLE
        gains += LIKELY * (is_number & ~is_sure)
        is_year = (word == _DIGITS) & (places[:, EndColumn.WORD] == _YEAR) & IS_NUMBER[before]
        gains += SURE * (is_year & (places[:, EndColumn.BEFORE_MARK] == UnitClass.STOP))
        if not self._has_capital_nouns:
            # One letter may stand for a year, behind which a sentence goes on.
            is_unit = (word == UnitClass.LOWER) & (flags & ChunkFlag.BEFORE_SMALL != 0)
            is_unit &= places[:, EndColumn.WORD_SIZE] > 1
            gains += 2 * SURE * (is_unit & IS_NUMBER[before])
        measures = np.flatnonzero(places[:, EndColumn.WORD_SIZE] <= 2)
        if len(measures):
            is_measure = are_among(places[measures, EndColumn.WORD], _MEASURES)
            is_measure &= IS_NUMBER[before[measures]]
            gains[measures] += (SURE + TITLE_COST) * is_measure
        return gains

    def _are_ordinals(self, places: Codes, is_number: NDArray[np.bool_]) -> NDArray[np.bool_]:
        are_ordinals: NDArray[np.bool_] = is_number & (places[:, EndColumn.WORD_SIZE] <= 3)
        if np.count_nonzero(are_ordinals):
            is_known = are_among(places[:, EndColumn.NEXT_WORD], self._ordinal_words)
            is_known &= places[:, EndColumn.WORD_SIZE] <= 2
            if self._has_capital_nouns:
                is_known |= are_among(places[:, EndColumn.BEFORE_WORD], _ARTICLES)
            are_ordinals &= is_known
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


def _are_dates(
    places: Codes, is_number: NDArray[np.bool_], after: NDArray[np.int64], *, has_ordinals: bool
) -> NDArray[np.bool_]:
    # "24. 12. 2020".
    is_asked: NDArray[np.bool_] = is_number & ((after == _DIGITS) | (after == UnitClass.UNCASED))
    if not np.count_nonzero(is_asked):
        return is_asked
    before = (places[:, EndColumn.BEFORE_CLASS] & CLASS_BITS).astype(np.int64)
    is_short = places[:, EndColumn.WORD_SIZE] <= 2
    is_next_stop = places[:, EndColumn.NEXT_MARK] == UnitClass.STOP
    is_second = IS_NUMBER[before] & (places[:, EndColumn.BEFORE_MARK] == UnitClass.STOP)
    is_first = is_next_stop & _are_behind_words(places)
    is_last = is_second & (places[:, EndColumn.NEXT_WORD] == _YEAR)
    # "2020. 12. 24.", as Koreans write it, whose letters have no case.
    is_year = (places[:, EndColumn.WORD] == _YEAR) & is_next_stop
    is_year &= places[:, EndColumn.SECOND_CLASS] == _DIGITS
    is_month = is_second & (places[:, EndColumn.BEFORE_WORD] == _YEAR) & is_next_stop
    is_numbered = is_short & (has_ordinals & (is_first | is_last) | is_month) | is_year
    is_day = is_short & is_second & (after == UnitClass.UNCASED)
    is_asked &= np.where(after == _DIGITS, is_numbered, is_day)
    return is_asked


def _word_gains(places: Codes, flags: Integers, classes: NDArray[np.int64]) -> NDArray[np.int64]:
    mark, word, after = classes.T
    is_asked = (mark == UnitClass.STOP) & IS_TITLE_START[after]
    is_asked &= flags & ChunkFlag.SHORT_FORM == 0
    is_long = (places[:, EndColumn.WORD_SIZE] >= _LEAST_SIZES[word]) & (after == UnitClass.TITLE)
    is_answer = (word == UnitClass.TITLE) & ~_are_behind_words(places)
    gains: NDArray[np.int64] = is_asked * np.where(is_answer, SURE, LIKELY * is_long)
    return gains


def _letter_costs(
    places: Codes, is_stop: NDArray[np.bool_], word: NDArray[np.int64], after: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Initials of a name, and other letters that stand for a word."""
    costs = np.zeros(len(places), np.int64)
    is_letter = is_stop & (places[:, EndColumn.WORD_SIZE] == 1)
    if np.count_nonzero(is_letter):
        before = (places[:, EndColumn.BEFORE_CLASS] & CLASS_BITS).astype(np.int64)
        is_initial = is_letter & (word == UnitClass.INITIAL)
        is_second = (before == UnitClass.INITIAL) & (
            places[:, EndColumn.BEFORE_MARK] == UnitClass.STOP
        )
        is_first = places[:, EndColumn.NEXT_MARK] == UnitClass.STOP
        is_named = is_second & (after == UnitClass.TITLE) | is_first & (after == UnitClass.INITIAL)
        costs += SHORT_FORM_COST * (is_initial & is_named)
        is_short_form = is_letter & (word == UnitClass.LOWER) & ~IS_NUMBER[before]
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
    is_inside |= (flags & ChunkFlag.BEFORE_NUMBER != 0) & _is_numbered(places, after)
    costs += CERTAIN * is_inside
    is_initial = flags & ChunkFlag.INITIALS != 0
    costs += _INITIALS_COST * (is_initial & is_title)
    costs += SHORT_FORM_COST * (is_initial & (after == UnitClass.LOWER))
    if has_ordinals:
        is_word = is_title | (after == UnitClass.LOWER)
        costs += _ROMAN_COST * ((flags & ChunkFlag.ROMAN != 0) & is_word)
    costs += TITLE_COST * ((flags & ChunkFlag.ENUMERATOR != 0) & is_first)
    is_initial = (flags & ChunkFlag.UNCASED_SHORT_FORM != 0) & (after == UnitClass.UNCASED)
    costs += SHORT_FORM_COST * is_initial
    costs += CERTAIN * ((flags & ChunkFlag.OMISSION != 0) & ~IS_CAPITAL[after])
    is_opened = places[:, EndColumn.NEXT_OPENED] != 0
    costs -= CERTAIN * ((flags & ChunkFlag.AND_SO_ON != 0) & is_title & ~is_opened)
    costs += _VOWELLESS_COST * (flags & ChunkFlag.VOWELLESS != 0)
    return costs


def _is_numbered(places: Codes, after: NDArray[np.int64]) -> NDArray[np.bool_]:
    # "No. I" may be an answer.
    is_letter = (after == UnitClass.INITIAL) & _are_behind_words(places)
    is_numbered: NDArray[np.bool_] = IS_NUMBER[after] | is_letter
    return is_numbered


def _are_behind_words(places: Codes) -> NDArray[np.bool_]:
    before = (places[:, EndColumn.BEFORE_MARK] & CLASS_BITS).astype(np.int64)
    is_behind: NDArray[np.bool_] = (places[:, EndColumn.BEFORE_CLASS] != 0) & ~IS_TERMINAL[before]
    return is_behind
