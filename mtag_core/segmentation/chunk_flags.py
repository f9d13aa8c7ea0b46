"""What is special about a chunk: where sentences end otherwise than elsewhere."""

from collections.abc import Sequence, Set

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.abbreviations import (
    AND_SO_ON,
    FIRST_SPELT,
    SPELT_INITIALS,
    Abbreviations,
)
from mtag_core.segmentation.boundary_features import CLOSED, END_MARK, FIRST_CLASS
from mtag_core.segmentation.chunk_rules import (
    CLOSING_MARKS,
    ENUMERATOR,
    FIRST_FULL_STOP,
    FOOTNOTE_ENDS,
    FOOTNOTED,
    FULL_STOPS,
    INITIALS,
    NOTE_BEGUN,
    OMISSION,
    OPENING_MARKS,
    ROMAN,
    VOWELLESS,
    stop_forms,
)
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.word_units import (
    CLOSING,
    LONG_DASHES,
    OPENING,
    TERMINAL,
    UnitClass,
    unit_class_flags,
)


class ChunkFlag:
    """What is special about a chunk: bits."""

    STOP_GAP = 1
    """What follows helps to decide whether a last full stop is a token."""
    MARK = 2
    """A sentence may end behind it."""
    FOOTNOTED = 4
    """Footnote marks follow its full stop."""
    CLOSING = 8
    """It is nothing but closing marks."""
    OPENING = 32
    """It is nothing but dashes, bullets or opening marks: no sentence."""
    FINAL_QUOTE = 16
    """A token of it ends in a single quotation mark."""
    PARTED = 64
    """It stands for several chunks: its row is in `parts`."""
    BEFORE_SMALL = 128
    """An abbreviation behind which no sentence ends before a small letter or a number."""
    BEFORE_NUMBER = 256
    """One behind which none ends before a number."""
    INITIALS = 512
    """Two or three letters with full stops."""
    ROMAN = 1024
    """A Roman number with a full stop."""
    ENUMERATOR = 2048
    """The number or letter of an item of a list."""
    UNCASED_SHORT_FORM = 4096
    """Initials or a title in letters without case: its full stop is no token before a word."""
    VOWELLESS = 8192
    """A word of consonants alone with a full stop."""
    FULL_STOP = 16384
    """It ends in a mark that stands for nothing else, closing marks aside."""
    OMISSION = 32768
    """Dots in brackets."""
    NOTE_BEGUN = 65536
    """A note in brackets of which there is more begins behind its full stop."""
    NOTE_ENDED = 131072
    """A bracket is closed that was opened in another chunk."""
    SHORT_FORM = 262144
    """An abbreviation is the last of it but for marks that follow."""
    DECIMAL = 524288
    """A number that is no ordinal, with a full stop."""
    TERMINAL = 1048576
    """It is nothing but full stops, exclamation or question marks."""
    AND_SO_ON = 2097152
    """An abbreviation that ends an enumeration."""
    CLITIC = 4194304
    """A letter behind an apostrophe, with a full stop."""


def stop_flags(chunk: str, forms: Set[str], abbreviations: Abbreviations) -> int:
    """Bits of `ChunkFlag` for what a last full stop may stand for.

    Args:
        chunk: Ends in a full stop or a closing bracket.
        forms: `stop_forms` of it.
        abbreviations: Of the language.
    """
    bare = chunk.rstrip(_BEHIND_SHORT_FORMS)
    flags = _listed_flags(forms or stop_forms(bare), abbreviations)
    if bare[-3:-2] in _APOSTROPHES:
        flags |= ChunkFlag.CLITIC
    if chunk[-1] != ".":
        flags &= ChunkFlag.SHORT_FORM | ChunkFlag.CLITIC
    elif not flags & ChunkFlag.BEFORE_SMALL and len(chunk) <= _LONGEST_VOWELLESS:
        if VOWELLESS.match(chunk.lstrip(OPENING_MARKS)):
            flags |= ChunkFlag.VOWELLESS
    # Nearly all are words.
    is_word = len(chunk) > _LONGEST_NUMBER and chunk[:-1].isalpha()
    for pattern, flag in () if is_word else _NUMBERS:
        if pattern.match(chunk):
            flags |= flag
    if chunk[-2:-1] >= FIRST_SPELT and (
        SPELT_INITIALS.match(chunk.lstrip(OPENING_MARKS))
        or not abbreviations.titles.isdisjoint(forms)
    ):
        flags |= ChunkFlag.UNCASED_SHORT_FORM
    return flags


def _listed_flags(forms: Set[str], abbreviations: Abbreviations) -> int:
    if abbreviations.every.isdisjoint(forms):
        return 0
    listed = (
        (abbreviations.titles, ChunkFlag.SHORT_FORM),
        (abbreviations.others, ChunkFlag.SHORT_FORM),
        (abbreviations.before_small, ChunkFlag.SHORT_FORM | ChunkFlag.BEFORE_SMALL),
        (abbreviations.before_numbers, ChunkFlag.BEFORE_NUMBER),
        (AND_SO_ON, ChunkFlag.AND_SO_ON),
    )
    flags = 0
    for of_list, flag in listed:
        if not of_list.isdisjoint(forms):
            flags |= flag
    return flags


def mark_flags(chunks: Sequence[str], columns: Codes) -> NDArray[np.int32]:
    """Bits of `ChunkFlag` for the marks of chunks.

    Args:
        chunks: Some.
        columns: `chunk_columns` of them. Shape (n_chunks, N_CHUNK_COLUMNS).

    Returns:
        Shape (n_chunks,).
    """
    is_mark = (columns[:, END_MARK] | columns[:, CLOSED]) != 0
    is_mark |= _ENDS_ALONE[columns[:, FIRST_CLASS].astype(np.int64)]
    flags: NDArray[np.int32] = is_mark * np.int32(ChunkFlag.MARK)
    for index, chunk in enumerate(chunks):
        if chunk[0] in _ALONE_AT_ENDS:
            if _OPENERS_ALONE.issuperset(chunk) or chunk in _BOXES:
                flags[index] |= ChunkFlag.OPENING
            if _CLOSERS_ALONE.issuperset(chunk):
                flags[index] |= ChunkFlag.CLOSING
        if chunk[0] in _TERMINALS and _TERMINALS.issuperset(chunk):
            flags[index] |= ChunkFlag.TERMINAL
        if chunk[-1] >= FIRST_FULL_STOP or chunk[-1] in CLOSING_MARKS:
            if chunk.rstrip(CLOSING_MARKS)[-1:] in FULL_STOPS:
                flags[index] |= ChunkFlag.FULL_STOP
        if "[" in chunk and NOTE_BEGUN.search(chunk):
            flags[index] |= ChunkFlag.NOTE_BEGUN
        elif chunk[-1] == "]" and "[" not in chunk:
            flags[index] |= ChunkFlag.NOTE_ENDED
        if chunk[-1] in FOOTNOTE_ENDS and FOOTNOTED.search(chunk):
            flags[index] |= ChunkFlag.FOOTNOTED
    return flags


# A chunk that begins with such a unit may be nothing else, and end a sentence.
_ENDS_ALONE = unit_class_flags(
    {
        *(UnitClass.DOUBLE_QUOTE, UnitClass.SINGLE_QUOTE, UnitClass.CLOSING),
        *(UnitClass.OTHER_SIGN, UnitClass.EMOTICON, UnitClass.HANDLE, UnitClass.ADDRESS),
        *(UnitClass.OTHER_MARK, UnitClass.LONG_DASH, UnitClass.HYPHEN, UnitClass.OPENING),
    }
)
_NUMBERS = (
    (ENUMERATOR, ChunkFlag.ENUMERATOR),
    (INITIALS, ChunkFlag.INITIALS),
    (OMISSION, ChunkFlag.OMISSION),
    (ROMAN, ChunkFlag.ROMAN),
)
_APOSTROPHES = frozenset("'\u2019\u02bc")
_BEHIND_SHORT_FORMS = ",;:)]"
# Characters of the longest of letters alone.
_LONGEST_VOWELLESS = 7
_LONGEST_NUMBER = 7
_OPENERS_ALONE = frozenset(OPENING + LONG_DASHES + "-•*>«„“")
# Of tasks, done.
_BOXES = frozenset(("[x]", "[X]"))
_CLOSERS_ALONE = frozenset(CLOSING + "\u00bb\u201d\u203a\u2019")
_TERMINALS = frozenset(TERMINAL) - {"…", "‥"}
_ALONE_AT_ENDS = _OPENERS_ALONE | _CLOSERS_ALONE
