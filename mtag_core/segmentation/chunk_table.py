"""Remembers chunks: how each falls into tokens, and what its neighbours need to know of it.

Nine of ten chunks of running text have occurred before, so a chunk's own gaps are scored once.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import GrowingArray, Integers, spread, text_codes
from mtag_core.segmentation.abbreviations import Abbreviations
from mtag_core.segmentation.boundary_features import (
    LAST_END,
    N_CHUNK_COLUMNS,
    chunk_columns,
    chunk_shapes,
    gap_features,
    gap_rows,
    stop_gaps,
)
from mtag_core.segmentation.boundary_layers import BoundaryScorer
from mtag_core.segmentation.chunk_cuts import ChunkCutter, CutChunks, is_word
from mtag_core.segmentation.chunk_flags import ChunkFlag, mark_flags, stop_flags
from mtag_core.segmentation.chunk_rules import (
    DECIMAL,
    ORDINAL,
    Apostrophes,
    gap_bonuses,
    inner_parts,
    is_apart,
    keep_dots_whole,
    keep_joined,
    stop_forms,
)
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.word_units import (
    TERMINAL,
    UnitClass,
    styleless,
)

SHORT_FORM_COST = 48
TITLE_COST = 1_000_000
"""A name follows a title: no sentence ends there."""

_MOST_CHUNKS, _MOST_CHARACTERS = 50_000, 2_000_000
# Languages whose tables of weights are held, half a megabyte each.
_MOST_SUMS = 16
# Of all languages; about 50 MB.
_MOST_CHUNKS_TOGETHER = 100_000

_TERMINALS = frozenset(TERMINAL)


class ChunkMemory:
    """Bounds what the tables of several languages remember together.

    Where that is too much, the tables that were used least recently forget all.

    Args:
        most_chunks: Of all tables.

    Attributes:
        unit_numbers: Of all languages: see `ChunkCutter`.
    """

    def __init__(self, most_chunks: int = _MOST_CHUNKS_TOGETHER) -> None:
        self._most_chunks = most_chunks
        self.unit_numbers: dict[str, int] = {}
        # The one used last stands last.
        self._tables: dict[ChunkTable, None] = {}

    def use(self, table: "ChunkTable") -> None:
        """Notes that a table is about to be read, and makes room for what it adds."""
        self._tables.pop(table, None)
        self._tables[table] = None
        for other in [*self._tables][-_MOST_SUMS - 1 : -_MOST_SUMS]:
            other.scorer.forget_sums()
        while len(self._tables) > 1 and sum(map(len, self._tables)) > self._most_chunks:
            oldest = next(iter(self._tables))
            del self._tables[oldest]
            oldest.clear()
            oldest.scorer.forget_sums()


class ChunkTable:
    """What is known of chunks, a column each; every chunk has two variants of its tokens.

    The second variant differs where a last full stop may be a token: there it is one.

    Attributes:
        scorer: Scores gaps and ends.
        ids: Chunk to its row.
        parts: Row to the rows of the parts that a chunk falls into where a sentence may end in it.
        columns: `chunk_columns` of each row. Row 0 is no chunk.
        flags: What is special about each row: bits of `ChunkFlag`. Shape (n_rows,).
        stop_scores: Score of a stop gap without its neighbours. Shape (n_rows,).
        end_costs: What speaks against an end behind an abbreviation, in eighths of a nat. Shape
            (n_rows,).
        n_characters: Length of each row's chunk.
        n_tokens: Tokens of row i as variants 2 * i and 2 * i + 1.
        first_token: Where a variant's tokens begin in `forms` and `ends`.
        forms: Of tokens.
        ends: Offsets after tokens in their chunk.
    """

    def __init__(
        self,
        scorer: BoundaryScorer,
        clitics: Iterable[str],
        abbreviations: Abbreviations,
        *,
        apostrophes: Apostrophes = Apostrophes.EITHER,
        parts_dots: bool = False,
        has_hyphen_clitics: bool = True,
        memory: ChunkMemory | None = None,
    ) -> None:
        self._memory = memory or ChunkMemory()
        self.scorer = scorer
        self._apostrophes = apostrophes
        self._parts_dots = parts_dots
        self._joiners = (ord("&"),) if has_hyphen_clitics else (ord("&"), ord("-"))
        self._abbreviations = abbreviations
        self._short_forms = dict.fromkeys(abbreviations.others, SHORT_FORM_COST)
        self._short_forms |= dict.fromkeys(abbreviations.titles, TITLE_COST)
        self.cutter = ChunkCutter(clitics, self._memory.unit_numbers)
        self.clear()

    def __len__(self) -> int:
        """Chunks that are remembered."""
        return len(self.ids)

    def clear(self) -> None:
        """Forgets all chunks."""
        self.ids: dict[str, int] = {}
        self.parts: dict[int, tuple[int, ...]] = {}
        self._columns = GrowingArray(np.uint64, N_CHUNK_COLUMNS)
        self._numbers = GrowingArray(np.int32, 4)
        self._variants = GrowingArray(np.int32, 2)
        self._ends = GrowingArray(np.int32)
        self.forms: list[str] = []
        self._n_remembered = 0
        self._add_empty("", 0)
        self._publish()

    def rows(self, chunks: Sequence[str]) -> list[int]:
        """The rows of chunks, after adding those that are new.

        A chunk with a row in `parts` stands for several. The rows hold until the next call.
        """
        self._memory.use(self)
        if len(self.ids) > _MOST_CHUNKS or self._n_remembered > _MOST_CHARACTERS:
            self.clear()
        ids = self.ids
        new = [chunk for chunk in dict.fromkeys(chunks) if chunk not in ids]
        if new:
            self._add(new)
            self._publish()
        return list(map(ids.__getitem__, chunks))

    def _add(self, chunks: Iterable[str]) -> None:
        whole: dict[str, None] = {}
        chunk_to_parts: dict[str, list[str]] = {}
        for chunk in chunks:
            has_end = not (chunk.isalpha() or _TERMINALS.isdisjoint(chunk[:-1]))
            parts = self._parts(chunk) if has_end else []
            if len(parts) > 1:
                chunk_to_parts[chunk] = parts
            else:
                whole[chunk] = None
        for parts in chunk_to_parts.values():
            whole |= dict.fromkeys(part for part in parts if part not in self.ids)
        if whole:
            self._add_whole(list(whole))
        for chunk, parts in chunk_to_parts.items():
            self.parts[len(self._columns)] = tuple(self.ids[part] for part in parts)
            self._add_empty(chunk, ChunkFlag.PARTED)

    def _add_whole(self, chunks: Sequence[str]) -> None:
        cut = self.cutter.cut(chunks)
        shapes = chunk_shapes(cut)
        columns = chunk_columns(cut, shapes)
        for index in cut.changed:
            # Weights were learnt from the last letters of such a word alone.
            if cut.n_units[index] == 1 and is_word(chunks[index]):
                columns[index, LAST_END] = text_codes([styleless(chunks[index][-3:])])[0]
        is_end, scores = self._decide(chunks, cut)
        gaps = stop_gaps(cut, shapes)
        stops = (gaps >= 0).nonzero()[0]
        gaps = gaps[stops]
        numbers = np.zeros((len(chunks), 4), np.int32)
        numbers[:, 0] = mark_flags(chunks, columns)
        numbers[stops, 0] |= ChunkFlag.STOP_GAP
        numbers[stops, 1] = scores[gaps]
        for index in stops.tolist():
            if DECIMAL.match(chunks[index]):
                numbers[index, 0] |= ChunkFlag.DECIMAL
                numbers[index, 1] = _CERTAIN_STOP
        numbers[:, 2] = cut.sizes
        for index, chunk in enumerate(chunks):
            if chunk[-1] in ".)],;:":
                forms = stop_forms(chunk)
                numbers[index, 0] |= stop_flags(chunk, forms, self._abbreviations)
                numbers[index, 3] = self._cost(forms)
        is_end[gaps] = False
        attached = is_end.nonzero()[0]
        is_end[gaps] = True
        apart = spread(cut.n_units[stops], cut.first_units[stops])
        of_quotes = self._append_tokens(chunks, cut, (attached, apart[is_end[apart]]), stops)
        numbers[of_quotes, 0] |= ChunkFlag.FINAL_QUOTE
        first = len(self._columns)
        self.ids.update(zip(chunks, range(first, first + len(chunks)), strict=True))
        self._n_remembered += len(cut.text)
        self._columns.extend(columns)
        self._numbers.extend(numbers)

    def _decide(
        self, chunks: Sequence[str], cut: CutChunks
    ) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
        """Whether a token ends behind each unit, and the score of that."""
        is_end = np.ones(len(cut.ends), np.bool_)
        scores = np.zeros(len(cut.ends), np.int32)
        is_asked = np.ones(len(chunks), np.bool_)
        for index in (cut.n_units == 2).nonzero()[0].tolist():
            if chunks[index][-1] in _MARKS_APART and is_word(chunks[index][:-1]):
                is_asked[index] = False
        gaps, of_chunk = cut.gaps()
        asked = is_asked[of_chunk]
        gaps, of_chunk = gaps[asked], of_chunk[asked]
        if len(gaps):
            found = self.scorer.token_scores(gap_features(gap_rows(cut, gaps, of_chunk)))
            left, right = cut.classes[gaps], cut.classes[gaps + 1]
            found += _CERTAIN_STOP * _ARE_APART[left.astype(np.int64), right.astype(np.int64)]
            scores[gaps] = found
            is_inside = found + gap_bonuses(cut.text, cut.ends[gaps], self._apostrophes) <= 0
            inside, of_chunk = gaps[is_inside], of_chunk[is_inside]
            ends = zip(cut.ends[inside].tolist(), of_chunk.tolist(), strict=True)
            is_end[inside] = [is_apart(cut.text, end, chunks[index]) for end, index in ends]
            keep_dots_whole(cut.text, cut.ends, is_end, may_part=self._parts_dots)
            keep_joined(cut, is_end, scores, self._joiners)
        return is_end, scores

    def _append_tokens(
        self,
        texts: Sequence[str],
        cut: CutChunks,
        units: tuple[Integers, Integers],
        stops: Integers,
    ) -> Integers:
        """Appends the last units of tokens, of all chunks and of those with a second variant.

        Returns:
            The chunks with a token that ends in a single quotation mark.
        """
        n_chunks = len(cut.starts)
        of_chunk = np.arange(n_chunks).repeat(cut.n_units)
        chunks = np.concatenate([of_chunk[units[0]], of_chunk[units[1]]])
        n_tokens = np.bincount(chunks[: len(units[0])], minlength=n_chunks)
        counts = np.concatenate([n_tokens, n_tokens[stops] + 1])
        firsts = counts.cumsum() - counts
        ends = cut.ends[np.concatenate(units)]
        starts = np.empty_like(ends)
        starts[1:] = ends[:-1]
        starts[firsts] = cut.starts[chunks[firsts]]
        spans = zip(starts.tolist(), ends.tolist(), strict=True)
        forms = [cut.text[start:end] for start, end in spans]
        # Most chunks are one token: those are held once.
        (alone,) = (n_tokens == 1).nonzero()
        for index, first in zip(alone.tolist(), firsts[alone].tolist(), strict=True):
            forms[first] = texts[index]
        variants = np.empty((n_chunks, 2, 2), np.int32)
        rows = np.array([counts, firsts + len(self.forms)]).T
        variants[:] = rows[:n_chunks, None]
        variants[stops, 1] = rows[n_chunks:]
        self._variants.extend(variants.reshape(-1, 2))
        self._ends.extend(ends - cut.starts[chunks])
        self.forms += forms
        if _FINAL_QUOTES.isdisjoint(cut.text):
            return chunks[:0]
        return chunks[
            [
                index
                for index, form in enumerate(forms)
                if form[-1] in _FINAL_QUOTES and len(form) > 1 and form[-2] != form[-1]
            ]
        ]

    def _add_empty(self, chunk: str, flags: int) -> None:
        self.ids[chunk] = len(self._columns)
        self._n_remembered += len(chunk)
        self._columns.extend(np.zeros((1, N_CHUNK_COLUMNS)))
        self._numbers.extend([(flags, 0, 0, 0)])
        self._variants.extend(np.zeros((2, 2)))

    def _publish(self) -> None:
        self.columns: Codes = self._columns.values
        self.flags, self.stop_scores, self.n_characters, self.end_costs = self._numbers.values.T
        self.n_tokens, self.first_token = self._variants.values.T
        self.ends = self._ends.values

    def _cost(self, forms: Iterable[str]) -> int:
        return max([self._short_forms.get(form, 0) for form in forms], default=0)

    def _parts(self, chunk: str) -> list[str]:
        """The parts of a chunk between forgotten spaces; an abbreviation stays with its name."""
        joined: list[str] = []
        for part in inner_parts(chunk):
            if joined and (self._cost(stop_forms(joined[-1])) or self._is_ordinal(joined[-1])):
                joined[-1] += part
            else:
                joined.append(part)
        return joined

    def _is_ordinal(self, part: str) -> bool:
        return bool(self._abbreviations.ordinal_words) and ORDINAL.match(part) is not None


_CERTAIN_STOP = 1 << 20


def _apart_pairs() -> NDArray[np.bool_]:
    """Classes of units between which a token ends whatever the weights say: shape (32, 32)."""
    whole = [UnitClass.ADDRESS, UnitClass.HANDLE, UnitClass.EMOTICON]
    numbers = [UnitClass.NUMBER, UnitClass.OTHER_SIGN]
    quotes = [UnitClass.DOUBLE_QUOTE, UnitClass.EXCLAMATION]
    are_apart = np.zeros((32, 32), np.bool_)
    whole_before = [*whole, UnitClass.OTHER_SIGN]
    are_apart[np.ix_(whole_before, [UnitClass.STOP, UnitClass.COMMA, UnitClass.COLON])] = True
    are_apart[np.ix_([*whole, *numbers], [UnitClass.OPENING, UnitClass.CLOSING, *quotes])] = True
    are_apart[np.ix_([UnitClass.OPENING, UnitClass.DOUBLE_QUOTE], [*whole, *numbers])] = True
    return are_apart


_ARE_APART = _apart_pairs()
# These are tokens behind a word whatever the weights say.
_MARKS_APART = frozenset(",;!?")
_FINAL_QUOTES = frozenset("'\u2018\u2019\u201b\u203a")
