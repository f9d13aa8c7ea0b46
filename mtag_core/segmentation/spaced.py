"""Splits text of languages that put spaces between words, a block of lines at a time.

Text is cut at spaces into chunks, chunks by one regular expression into units. Linear models decide
which neighbouring units are one token and behind which chunks a sentence ends; all of a block's
decisions are made together. No text of one line changes what is decided in another.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import regex
from numpy.typing import NDArray

from mtag_core.arrays import Integers, spread
from mtag_core.languages import UNKNOWN
from mtag_core.segmentation.abbreviations import abbreviations_of
from mtag_core.segmentation.boundary_layers import BoundaryLayer, BoundaryScorer
from mtag_core.segmentation.chunk_ends import (
    UNMARKED,
    EndColumn,
    are_closed_before,
    end_features,
    is_after_stop,
    is_before_capital,
    place_rows,
    stop_features,
    styles,
)
from mtag_core.segmentation.chunk_flags import ChunkFlag
from mtag_core.segmentation.chunk_rules import Apostrophes
from mtag_core.segmentation.chunk_table import ChunkMemory, ChunkTable
from mtag_core.segmentation.end_rules import EndRules, are_before_dashes, are_inside, line_costs
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.stop_rules import StopRules
from mtag_core.segmentation.token_block import TokenBlock
from mtag_core.segmentation.word_units import UnitClass

_IS_SPACE = np.array([chr(point).isspace() for point in range(0x3001)] + [False])

# Where an apostrophe between letters ends no word, as d' does, in names, in c'h, or at all.
_LANGUAGE_TO_APOSTROPHES = (
    dict.fromkeys("af da de en es eu id is nl no ro sv".split(), Apostrophes.IN_NAMES)
    | dict.fromkeys(
        "az be bg cs et fi hr hu kk lt lv mk pl ru sk sl sr tr uk uz".split(), Apostrophes.LETTER
    )
    | {"br": Apostrophes.IN_C_H}
)

# Whose treebank ends sentences without a mark before any capital.
_ENDING_IN_TITLES = frozenset({"sk"})

# Whose treebanks end sentences at colons and semicolons before small letters, too.
_ENDING_AT_COLONS = frozenset({"it", "la"})

# In whose treebanks each dot of an ellipsis is a token.
_PARTING_DOTS = frozenset({"af", "ar", "cs", "pl", "sk", "sl"})

# Where a hyphen may be the beginning or the end of a token, as in French -t-il.
_HYPHEN_CLITICS = frozenset({"ca", "fr", "hu", "ro", "pt"})

_CAPITAL_NOUNS = frozenset({"de", "lb"})

# In whose treebanks the full stop of an abbreviation is a token.
_PARTING_SHORT_FORMS = frozenset({"ar", "cs", "id", "pl", "sk", "uk"})

# Whose treebanks end them at colons before quotations.
_ENDING_BEFORE_SPEECH = frozenset({"cs", "it", "la", "no", "pt", "sv"})

# And at colons behind the first word.
_ENDING_BEHIND_LABELS = frozenset({"no", "sv"})

_AT_ENDS = (
    ChunkFlag.FOOTNOTED
    | ChunkFlag.NOTE_BEGUN
    | ChunkFlag.FULL_STOP
    | ChunkFlag.CLOSING
    | ChunkFlag.OPENING
    | ChunkFlag.TERMINAL
)
# Notes are hardly longer.
_NOTE_CHUNKS = 5
_SINGLE_QUOTES = frozenset("'\u2018\u2019\u201a\u201b\u2039\u203a")
_ASCII_DIGITS = frozenset("0123456789")
_DIGITS = regex.compile(r"[0-9]{1,3}")
_THREE_DIGITS = regex.compile(r"[0-9]{3}(?:[.,][0-9]+)?")


@dataclass(frozen=True, slots=True)
class ChunkStream:
    """The chunks of a block.

    Attributes:
        rows: Of each chunk in a `ChunkTable`. Shape (n_chunks,).
        flags: Bits of `ChunkFlag`. Shape (n_chunks,).
        starts: Offsets in the document. Shape (n_chunks,).
        ends: Likewise.
        is_line_end: A sentence ends there whatever the models say. Shape (n_chunks,).
    """

    rows: Integers
    flags: Integers
    starts: Integers
    ends: Integers
    is_line_end: NDArray[np.bool_]


class SpacedTokenizer:
    """Finds the tokens and sentences of a language, of a treebank or of any language.

    Args:
        layers: In any order.
        language: Whose abbreviations and months are known.
        memory: Shared with tokenizers of other languages; one of its own by default.
    """

    def __init__(
        self,
        layers: Sequence[BoundaryLayer],
        language: str = UNKNOWN,
        memory: ChunkMemory | None = None,
    ) -> None:
        self.scorer = BoundaryScorer(layers)
        clitics = {clitic for layer in layers for clitic in layer.clitics}
        abbreviations = abbreviations_of(language)
        self.table = ChunkTable(
            self.scorer,
            clitics,
            abbreviations,
            apostrophes=_LANGUAGE_TO_APOSTROPHES.get(language, Apostrophes.EITHER),
            parts_dots=language in _PARTING_DOTS,
            has_hyphen_clitics=language in _HYPHEN_CLITICS,
            memory=memory,
        )
        self._stops = StopRules(
            abbreviations,
            parts_short_forms=language in _PARTING_SHORT_FORMS,
            has_capital_nouns=language in _CAPITAL_NOUNS,
        )
        self._rules = EndRules(
            self._stops,
            ends_in_titles=language in _ENDING_IN_TITLES,
            ends_before_speech=language in _ENDING_BEFORE_SPEECH,
            ends_behind_labels=language in _ENDING_BEHIND_LABELS,
        )
        self._ends_at_colons = language in _ENDING_AT_COLONS
        self._phrases = {pair for layer in layers for pair in layer.phrases}
        self._phrase_seconds = frozenset(right for _, right in self._phrases)
        self._has_spaced_numbers = any(layer.has_spaced_numbers for layer in layers)
        self._has_unmarked_ends = any(layer.has_unmarked_ends for layer in layers)

    def tokenize(self, text: str, lines: Sequence[tuple[int, int]]) -> TokenBlock:
        """Finds the tokens and sentences of lines.

        Args:
            text: Cleaned text.
            lines: Start and end of each line, in order, with nothing but spaces between them. A
                line may hold line breaks; sentences end at its end.
        """
        if not text[lines[0][0] : lines[-1][1]].strip():
            return TokenBlock.empty()
        stream, places = self.chunks(text, lines)
        is_apart = self.apart_stops(stream, places)
        if np.count_nonzero(stream.flags & ChunkFlag.UNCASED_SHORT_FORM):
            is_before_word = places[:, EndColumn.NEXT_CLASS] == UnitClass.UNCASED
            is_apart &= ~(is_before_word & (stream.flags & ChunkFlag.UNCASED_SHORT_FORM != 0))
        ends = self.sentence_ends(stream, places, is_apart)
        block, counts = self._tokens(stream, self._with_short_forms(is_apart, stream, places, ends))
        is_inside = are_inside(places[ends])
        if self._ends_at_colons:
            # But not in brackets.
            is_inside &= places[ends, EndColumn.DEPTH] != 0
        ends = ends[stream.is_line_end[ends] | ~is_inside]
        block.sentence_ends = counts[ends].tolist()
        if np.count_nonzero(stream.flags & ChunkFlag.FINAL_QUOTE):
            block = block.parted(_closing_quotes(block))
        return self._joined(text, block)

    def chunks(self, text: str, lines: Sequence[tuple[int, int]]) -> tuple[ChunkStream, Codes]:
        """Cuts lines into chunks, and describes the end of each (`place_rows`)."""
        first, last = lines[0][0], lines[-1][1]
        block = text[first:last]
        starts, ends = _chunk_spans(block)
        rows = np.array(self.table.rows(block.split()), np.int64)
        if first:
            starts, ends = starts + first, ends + first
        is_glued = np.zeros(len(rows), np.bool_)
        parted = (self.table.flags[rows] & ChunkFlag.PARTED).nonzero()[0]
        if len(parted):
            rows, starts, ends = self._with_parts(parted, rows, starts, ends)
            is_glued = np.append(ends[:-1] == starts[1:], False)
        is_line_end = np.zeros(len(rows), np.bool_)
        is_line_end[-1:] = True
        if len(lines) > 1:
            lasts = np.searchsorted(ends, [end for _, end in lines], side="right") - 1
            is_line_end[lasts[lasts >= 0]] = True
        stream = ChunkStream(rows, self.table.flags[rows], starts, ends, is_line_end)
        is_short_form = stream.flags & ChunkFlag.SHORT_FORM != 0
        columns = self.table.columns[rows]
        return stream, place_rows(columns, is_line_end, is_glued, is_short_form)

    def candidates(self, stream: ChunkStream, places: Codes) -> NDArray[np.bool_]:
        """Says behind which chunks the models are asked for an end of a sentence."""
        if self._has_unmarked_ends:
            return ~stream.is_line_end
        is_mark = (stream.flags & ChunkFlag.MARK != 0) | (styles(places) == UNMARKED)
        asked: NDArray[np.bool_] = is_mark & ~stream.is_line_end
        return asked

    def sentence_ends(
        self, stream: ChunkStream, places: Codes, is_apart: NDArray[np.bool_]
    ) -> Integers:
        """The chunks that end a sentence."""
        is_end = stream.is_line_end.copy()
        asked = self.candidates(stream, places).nonzero()[0]
        if len(asked):
            scores = self.scorer.end_scores(end_features(places[asked], is_apart[asked]))
            is_first = np.append(True, stream.is_line_end[:-1])[asked]
            costs = self.table.end_costs[stream.rows[asked]]
            costs = costs + self._rules.costs(
                places[asked],
                stream.flags[asked],
                # Of a line's first chunk nobody asks for them.
                before_flags=stream.flags[asked - 1],
                is_first=is_first,
            )
            lines, columns = stream.is_line_end, self.table.columns
            costs += line_costs(places, lines, columns, stream.rows)[asked]
            is_end[asked] = scores - costs > 0
            is_end |= are_before_dashes(places, lines, columns, stream.rows)
            if self.table.parts:
                is_end |= _are_forgotten_spaces(places)
        if np.count_nonzero(stream.flags & _AT_ENDS):
            _mend(is_end, stream, places)
        return is_end.nonzero()[0]

    def apart_stops(self, stream: ChunkStream, places: Codes) -> NDArray[np.bool_]:
        """Says of which chunks a last full stop is a token of its own."""
        is_apart = np.zeros(len(stream.rows), np.bool_)
        asked = (stream.flags & ChunkFlag.STOP_GAP).nonzero()[0]
        if len(asked):
            scores = self.scorer.token_scores(stop_features(places[asked]))
            is_apart[asked] = scores + self.table.stop_scores[stream.rows[asked]] > 0
        return is_apart

    def _with_short_forms(
        self, is_apart: NDArray[np.bool_], stream: ChunkStream, places: Codes, ends: Integers
    ) -> NDArray[np.bool_]:
        is_asked = stream.flags & ChunkFlag.STOP_GAP != 0
        last = ends[is_asked[ends]]
        is_apart[last] |= self._stops.are_counted(places[last], stream.flags[last - 1])
        is_asked[ends] = False
        asked = is_asked.nonzero()[0]
        if len(asked):
            found = asked[self._stops.are_short_forms(places[asked], stream.flags[asked])]
            is_apart[found] = self._stops.parts_short_forms
        return is_apart

    def _tokens(
        self, stream: ChunkStream, is_apart: NDArray[np.bool_]
    ) -> tuple[TokenBlock, Integers]:
        variants = 2 * stream.rows + is_apart
        counts = self.table.n_tokens[variants]
        sums = counts.cumsum()
        tokens = spread(counts, self.table.first_token[variants])
        ends = self.table.ends[tokens] + stream.starts.repeat(counts)
        starts = np.empty_like(ends)
        starts[1:] = ends[:-1]
        starts[sums - counts] = stream.starts
        forms = list(map(self.table.forms.__getitem__, tokens.tolist()))
        return TokenBlock(forms, starts, ends, []), sums

    def _with_parts(
        self, parted: Integers, rows: Integers, starts: Integers, ends: Integers
    ) -> tuple[Integers, Integers, Integers]:
        parts = [self.table.parts[row] for row in rows[parted].tolist()]
        counts = np.ones(len(rows), np.int64)
        counts[parted] = list(map(len, parts))
        places = np.cumsum(counts) - counts
        new_rows = np.repeat(rows, counts)
        new_rows[spread(counts[parted], places[parted])] = [*chain.from_iterable(parts)]
        sizes = self.table.n_characters[new_rows]
        before = np.cumsum(sizes) - sizes
        new_starts = before - np.repeat(before[places] - starts, counts)
        return new_rows, new_starts, new_starts + sizes

    def _joined(self, text: str, block: TokenBlock) -> TokenBlock:
        if not (self._has_spaced_numbers or self._phrases):
            return block
        return block.joined(text, self._spaced_pairs(text, block))

    def _spaced_pairs(self, text: str, block: TokenBlock) -> list[int]:
        pairs: list[int] = []
        forms = block.forms
        seconds = self._phrase_seconds
        # Behind one character, a space, and in the same sentence.
        is_behind = np.append(False, block.starts[1:] - block.ends[:-1] == 1)
        is_behind[block.sentence_ends[:-1]] = False
        for index in is_behind.nonzero()[0].tolist():
            if not (forms[index] in seconds or forms[index][0] in _ASCII_DIGITS):
                continue
            left = forms[index - 1]
            if (left, forms[index]) in self._phrases:
                pairs.append(index)
            elif self._has_spaced_numbers and left[-1] in _ASCII_DIGITS:
                is_first = not (pairs and pairs[-1] == index - 1)
                pattern = _DIGITS if is_first else _THREE_DIGITS
                if pattern.fullmatch(left) and _THREE_DIGITS.fullmatch(forms[index]):
                    pairs.append(index)
        return pairs


def _mend(is_end: NDArray[np.bool_], stream: ChunkStream, places: Codes) -> None:
    """Puts footnotes and closing marks to the sentence before, opening marks to the one behind."""
    is_end |= (stream.flags & ChunkFlag.FOOTNOTED != 0) & is_before_capital(places)
    is_end |= (stream.flags & ChunkFlag.FULL_STOP != 0) & is_before_capital(places)
    for begun in (stream.flags & ChunkFlag.NOTE_BEGUN).nonzero()[0].tolist():
        ended = (stream.flags[begun : begun + _NOTE_CHUNKS] & ChunkFlag.NOTE_ENDED).nonzero()[0]
        if len(ended) and not stream.is_line_end[begun : begun + int(ended[0])].any():
            last = begun + int(ended[0])
            is_end[begun:last] = False
            is_end[last] |= is_before_capital(places[last : last + 1])[0]
    is_closing = stream.flags & ChunkFlag.CLOSING != 0
    is_end[is_closing & are_closed_before(places)] = True
    is_end[:-1] &= ~is_closing[1:] | stream.is_line_end[:-1]
    is_terminal = stream.flags & ChunkFlag.TERMINAL != 0
    is_end[:-1] &= ~is_terminal[1:] | is_after_stop(places[:-1]) | stream.is_line_end[:-1]
    is_opening = stream.flags & ChunkFlag.OPENING != 0
    if is_opening.any():
        # What opens a sentence is none by itself.
        is_first = np.append(True, is_end[:-1] | is_opening[:-1])
        # "[ ]" of a task.
        is_opening[1:] |= is_closing[1:] & is_opening[:-1]
        is_end &= ~(is_opening & is_first) | stream.is_line_end


def _are_forgotten_spaces(places: Codes) -> NDArray[np.bool_]:
    """Ends of parts that `inner_parts` cut before a capital."""
    found: NDArray[np.bool_] = places[:, EndColumn.GLUED] != 0
    return found & is_after_stop(places) & is_before_capital(places)


def _closing_quotes(block: TokenBlock) -> list[int]:
    """Tokens at whose end a single quotation mark closes what one opened in the same sentence.

    Without the other mark it may be an apostrophe.
    """
    found = []
    is_open, last_sentence = False, -1
    for index in [i for i, form in enumerate(block.forms) if form[-1] in _SINGLE_QUOTES]:
        form, sentence = block.forms[index], bisect_right(block.sentence_ends, index)
        is_open, last_sentence = is_open and sentence == last_sentence, sentence
        if len(form) == 1:
            is_last = index + 1 == block.sentence_ends[sentence]
            is_open = not is_last and block.starts[index + 1] == block.ends[index]
        elif is_open and form[:-1].isalnum():
            found.append(index)
            is_open = False
    return found


def _chunk_spans(block: str) -> tuple[Integers, Integers]:
    points = np.frombuffer(block.encode("utf-32-le", "surrogatepass"), np.uint32)
    is_space = np.ones(len(points) + 2, np.bool_)
    is_space[1:-1] = _IS_SPACE[np.minimum(points, 0x3001)]
    is_change = is_space[1:] != is_space[:-1]
    changes = is_change.nonzero()[0]
    return changes[::2], changes[1::2]
