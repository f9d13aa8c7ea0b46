"""Remembers chunks: how each falls into tokens, and what its neighbours need to know of it.

Nine of ten chunks of running text have occurred before, so a chunk's own gaps are scored once.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import regex

from mtag_core.arrays import GrowingArray
from mtag_core.segmentation.boundary_features import (
    CLOSED,
    END_MARK,
    FIRST_CLASS,
    N_CHUNK_COLUMNS,
    ChunkUnits,
    chunk_columns,
    cut_chunk,
    gap_features,
    gap_rows,
    is_stop_gap,
    word_columns,
)
from mtag_core.segmentation.boundary_layers import BoundaryScorer
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.word_units import (
    CLOSING,
    DOUBLE_QUOTES,
    LONG_DASHES,
    OPENING,
    TERMINAL,
    UNSPACED_LETTER,
    UnitClass,
    describe,
    styleless,
    unit_spans,
)

SHORT_FORM_COST = 48
TITLE_COST = 1_000_000
"""A name follows a title: no sentence ends there."""

_MOST_CHUNKS, _MOST_CHARACTERS = 50_000, 2_000_000

_CLOSERS = regex.escape(CLOSING + DOUBLE_QUOTES + "'’‘")
_OPENERS = regex.escape(OPENING + DOUBLE_QUOTES + "'’‘")
_UNSPACED_TERMINAL = "。！？｡।॥።။։༎។"
# Where a sentence may end inside a chunk: a space was forgotten, or is not used. Lines of dots are
# looked back on so far only.
_INNER_END = regex.compile(
    rf"(?:(?<=[\p{{Ll}}\p{{Lo}}\p{{M}}\d]{{2}}[{regex.escape(TERMINAL)}]{{1,30}}(?:\[\d{{1,4}}\]|[{_CLOSERS}]){{0,30}})"
    rf"(?=[{_OPENERS}]*\p{{Lu}}[\p{{Ll}}'’])"
    rf"|(?<=[{_UNSPACED_TERMINAL}]{{1,30}}[{_CLOSERS}]{{0,30}})(?=[^{_CLOSERS}{regex.escape(TERMINAL)}\p{{M}}]))",
    regex.VERSION1,
)
_HAS_INNER_END = regex.compile(rf"[{regex.escape(TERMINAL)}].")
_FOOTNOTE = regex.compile(r"\[\d+\]")
_FOOTNOTED = regex.compile(rf"[{regex.escape(TERMINAL)}][{_CLOSERS}]*(?:\[\d+\])+$")
_HAS_SPACES = regex.compile(
    r"[\p{Latin}\p{Cyrillic}\p{Greek}\p{Arabic}\p{Hebrew}\p{Hangul}\p{Armenian}]+"
)
_LETTERS = regex.compile(r"[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*")

# Marks that are tokens whatever the weights say. Treebanks show some of them too rarely.
_ALONE = frozenset("“”„‟«»〝〞〟❝❞‹›‚—―⸺⸻¿¡_")


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


_Tokens = tuple[tuple[str, ...], tuple[int, ...]]
"""Forms, and the offset after each."""


class _Facts(NamedTuple):
    """Numbers are flags, the score of the stop gap, the length and the cost of an end."""

    columns: tuple[int, ...]
    numbers: tuple[int, int, int, int]
    attached: _Tokens
    apart: _Tokens


class ChunkTable:
    """What is known of chunks, a column each; every chunk has two variants of its tokens.

    The second variant differs where a last full stop may be a token: there it is one.

    Attributes:
        ids: Chunk to its row.
        parts: Row to the rows of the parts that a chunk falls into where a sentence may end in it.
        columns: `chunk_columns` of each row. Row 0 is no chunk.
        flags: What is special about each row: bits of `ChunkFlag`. Shape (n_rows,).
        stop_scores: Score of a stop gap without its neighbours. Shape (n_rows,).
        end_costs: What speaks against an end behind an abbreviation, in eighths of a nat. Shape
            (n_rows,).
        n_characters: Length of each row's chunk.
        forms: Tokens of row i as variants 2 * i and 2 * i + 1.
        first_end: Where the ends of a variant's tokens begin in `ends`.
        n_tokens: Tokens of a variant.
        ends: Offsets after tokens in their chunk.
    """

    def __init__(
        self,
        scorer: BoundaryScorer,
        short_forms: frozenset[str] = frozenset(),
        titles: frozenset[str] = frozenset(),
    ) -> None:
        self._scorer = scorer
        self._short_forms = dict.fromkeys(short_forms, SHORT_FORM_COST)
        self._short_forms |= dict.fromkeys(titles, TITLE_COST)
        clitics = {clitic for layer in scorer.layers for clitic in layer.clitics}
        self._clitics = frozenset(clitics)
        self._clitic_sizes = sorted({len(clitic) for clitic in clitics})
        self._clear()

    def _clear(self) -> None:
        self.ids: dict[str, int] = {}
        self.parts: dict[int, tuple[int, ...]] = {}
        self._columns = GrowingArray(np.uint64, N_CHUNK_COLUMNS)
        self._numbers = GrowingArray(np.int32, 4)
        self._variants = GrowingArray(np.int32, 2)
        self._ends = GrowingArray(np.int32)
        self.forms: list[tuple[str, ...]] = []
        self._n_remembered = 0
        self._append([""], [_NOTHING])

    def rows(self, chunks: Sequence[str]) -> list[int]:
        """The rows of chunks, after adding those that are new.

        A chunk with a row in `parts` stands for several. The rows hold until the next call.
        """
        if len(self.ids) > _MOST_CHUNKS or self._n_remembered > _MOST_CHARACTERS:
            self._clear()
        ids = self.ids
        new = set(chunks).difference(ids)
        if new:
            self._add(sorted(new))
        return list(map(ids.__getitem__, chunks))

    def _add(self, chunks: Iterable[str]) -> None:
        whole: list[str] = []
        chunk_to_parts: dict[str, list[str]] = {}
        for chunk in chunks:
            has_end = not chunk.isalpha() and _HAS_INNER_END.search(chunk)
            parts = self._parts(chunk) if has_end else []
            if len(parts) > 1:
                chunk_to_parts[chunk] = parts
            else:
                whole.append(chunk)
        known = set(whole)
        for parts in chunk_to_parts.values():
            for part in parts:
                if part not in known and part not in self.ids:
                    known.add(part)
                    whole.append(part)
        self._add_whole(whole)
        for chunk, parts in chunk_to_parts.items():
            row = len(self.columns)
            self.parts[row] = tuple(self.ids[part] for part in parts)
            self._append([chunk], [_NOTHING])

    def _add_whole(self, chunks: Sequence[str]) -> None:
        words: list[str] = []
        pointed: list[str] = []
        others: list[str] = []
        for chunk in chunks:
            if self._is_word(chunk):
                words.append(chunk)
            elif chunk[-1] in _MARKS_APART and self._is_word(chunk[:-1]):
                pointed.append(chunk)
            else:
                others.append(chunk)
        facts = [*map(_word_facts, words), *map(_pointed_facts, pointed), *self._cut_facts(others)]
        self._append([*words, *pointed, *others], facts)

    def _is_word(self, chunk: str) -> bool:
        if not chunk.isalpha() or not (chunk.isascii() or _HAS_SPACES.fullmatch(chunk)):
            return False
        return not self._clitic_sizes or not self._clitic_starts(plain_text(chunk))

    def _cut_facts(self, chunks: Sequence[str]) -> Iterator["_Facts"]:
        if not chunks:
            return
        plains = list(map(plain_text, chunks))
        cuts = [self.cut(*pair) for pair in zip(chunks, plains, strict=True)]
        scores = self._scorer.token_scores(gap_features(gap_rows(plains, cuts))).tolist()
        position = 0
        for chunk, plain, cut in zip(chunks, plains, cuts, strict=True):
            gap_scores = scores[position : position + len(cut.units) - 1]
            position += len(gap_scores)
            stop_gap = self.stop_gap(cut)
            columns = chunk_columns(plain, cut)
            attached, apart = _variants(chunk, cut, gap_scores, stop_gap)
            stop_score = 0 if stop_gap is None else gap_scores[stop_gap]
            flags = _flags(chunk, columns, (attached, apart), has_stop_gap=stop_gap is not None)
            numbers = (flags, stop_score, len(chunk), self._end_cost(chunk))
            yield _Facts(columns, numbers, attached, apart)

    def _append(self, chunks: Sequence[str], all_facts: Sequence["_Facts"]) -> None:
        if not chunks:
            return
        first = len(self._columns)
        self.ids.update(zip(chunks, range(first, first + len(chunks)), strict=True))
        self._n_remembered += sum(map(len, chunks))
        self._columns.extend([facts.columns for facts in all_facts])
        self._numbers.extend([facts.numbers for facts in all_facts])
        first_end = len(self._ends)
        variants: list[tuple[int, int]] = []
        ends: list[int] = []
        for facts in all_facts:
            for tokens in (facts.attached, facts.apart):
                if tokens is not facts.attached or len(variants) % 2 == 0:
                    variant = (len(tokens[0]), first_end + len(ends))
                    ends += tokens[1]
                variants.append(variant)
                self.forms.append(tokens[0])
        self._variants.extend(variants)
        self._ends.extend(ends)
        self._publish()

    def _publish(self) -> None:
        self.columns: Codes = self._columns.values
        self.flags, self.stop_scores, self.n_characters, self.end_costs = self._numbers.values.T
        self.n_tokens, self.first_end = self._variants.values.T
        self.ends = self._ends.values

    def cut(self, chunk: str, plain: str) -> ChunkUnits:
        """Cuts a chunk, which `plain_text` makes plain, into units, also where a clitic begins."""
        word = chunk[:-1]
        # Sentences end with these.
        if chunk[-1:] == "." and self._is_word(word):
            return ChunkUnits((len(word), len(chunk)), (describe(word), describe(".")))
        ends = [end for _, end in unit_spans(chunk)]
        if self._clitic_sizes:
            starts = [start for start in self._clitic_starts(plain) if start not in ends]
            ends = sorted([*ends, *starts]) if starts else ends
        return cut_chunk(chunk, ends)

    def _clitic_starts(self, plain: str) -> list[int]:
        if not any(map(plain.__contains__, self._clitics)):
            return []
        return [
            match.end() - size
            for match in _LETTERS.finditer(plain)
            for size in self._clitic_sizes
            if size < match.end() - match.start()
            and plain[match.end() - size : match.end()] in self._clitics
        ]

    def _end_cost(self, chunk: str) -> int:
        if chunk[-1:] != ".":
            return 0
        form = chunk[:-1].lstrip(_OPENING_MARKS)
        written = form.title() if form.isupper() and len(form) > 1 else form
        costs = (self._short_forms.get(each, 0) for each in (form, written, form.lower()))
        return max(costs)

    def _parts(self, chunk: str) -> list[str]:
        """The parts of a chunk between forgotten spaces; an abbreviation stays with its name."""
        joined: list[str] = []
        for part in inner_parts(chunk):
            if joined and self._end_cost(joined[-1]):
                joined[-1] += part
            else:
                joined.append(part)
        return joined

    @staticmethod
    def stop_gap(cut: ChunkUnits) -> int | None:
        """The number of the gap before a chunk's last full stop, if neighbours decide on it."""
        for number in range(len(cut.units) - 2, -1, -1):
            if cut.units[number + 1].unit_class == UnitClass.STOP:
                return number if is_stop_gap(cut.units, number) else None
        return None


def plain_text(chunk: str) -> str:
    """A chunk as features read it: `styleless` where that keeps the length."""
    plain = styleless(chunk)
    return plain if len(plain) == len(chunk) else chunk


def _word_facts(word: str) -> _Facts:
    tokens = ((word,), (len(word),))
    return _Facts(word_columns(word, describe(word)), (0, 0, len(word), 0), tokens, tokens)


def _pointed_facts(chunk: str) -> _Facts:
    n_letters = len(chunk) - 1
    word, mark = chunk[:-1], chunk[-1]
    units = ChunkUnits((n_letters, len(chunk)), (describe(word), describe(mark)))
    columns = chunk_columns(plain_text(chunk), units)
    flags = ChunkFlag.MARK if columns[END_MARK] else 0
    tokens = ((word, mark), units.ends)
    return _Facts(columns, (flags, 0, len(chunk), 0), tokens, tokens)


def _flags(
    chunk: str, columns: Sequence[int], variants: Iterable[_Tokens], *, has_stop_gap: bool
) -> int:
    flags = ChunkFlag.STOP_GAP if has_stop_gap else 0
    if columns[END_MARK] or columns[CLOSED] or columns[FIRST_CLASS] in _ENDS_ALONE:
        flags |= ChunkFlag.MARK
    if chunk[0] in _OPENERS_ALONE and set(chunk) <= _OPENERS_ALONE:
        flags |= ChunkFlag.OPENING
    if "]" in chunk and _FOOTNOTED.search(chunk):
        flags |= ChunkFlag.FOOTNOTED
    if chunk[0] in _CLOSERS_ALONE and set(chunk) <= _CLOSERS_ALONE:
        flags |= ChunkFlag.CLOSING
    if not _FINAL_QUOTES.isdisjoint(chunk) and any(
        _has_final_quote(forms) for forms, _ in variants
    ):
        flags |= ChunkFlag.FINAL_QUOTE
    return flags


def inner_parts(chunk: str) -> list[str]:
    """Parts a chunk where a sentence may end in it; addresses stay whole."""
    cuts = [match.start() for match in _INNER_END.finditer(chunk)]
    if not cuts:
        return [chunk]
    inside = {offset for start, end in unit_spans(chunk) for offset in range(start + 1, end)}
    bounds = [0, *(cut for cut in cuts if cut not in inside and 0 < cut < len(chunk)), len(chunk)]
    return [chunk[start:end] for start, end in pairwise(bounds)]


def _variants(
    chunk: str, cut: ChunkUnits, scores: Sequence[int], stop_gap: int | None
) -> tuple[_Tokens, _Tokens]:
    bounds = [
        end
        for number, (end, score) in enumerate(zip(cut.ends, scores, strict=False))
        if number != stop_gap and (score > 0 or _is_forced(chunk, end))
    ]
    attached = _tokens(chunk, [*bounds, len(chunk)])
    if stop_gap is None:
        return attached, attached
    return attached, _tokens(chunk, [*sorted([*bounds, cut.ends[stop_gap]]), len(chunk)])


def _has_final_quote(forms: Sequence[str]) -> bool:
    return any(
        form[-1] in _FINAL_QUOTES and len(form) > 1 and form[-2] != form[-1]
        for form in forms
        if form
    )


def _is_forced(chunk: str, end: int) -> bool:
    before, after = chunk[end - 1], chunk[end]
    if (before in _ALONE or after in _ALONE) and before != after:
        return True
    if (before in "[]" or after in "[]") and _FOOTNOTE.search(chunk):
        return True
    return after >= _FIRST_UNSPACED and UNSPACED_LETTER.match(after) is not None


def _tokens(chunk: str, ends: Sequence[int]) -> _Tokens:
    if len(ends) == 1:
        return (chunk,), (ends[0],)
    return tuple([chunk[a:b] for a, b in zip((0, *ends[:-1]), ends, strict=True)]), tuple(ends)


# A chunk that begins with such a unit may be nothing else, and end a sentence.
_ENDS_ALONE = frozenset(
    {
        *(UnitClass.DOUBLE_QUOTE, UnitClass.SINGLE_QUOTE, UnitClass.CLOSING),
        *(UnitClass.OTHER_SIGN, UnitClass.EMOTICON, UnitClass.HANDLE, UnitClass.ADDRESS),
        *(UnitClass.OTHER_MARK, UnitClass.LONG_DASH, UnitClass.HYPHEN, UnitClass.OPENING),
    }
)
# These are tokens behind a word whatever the weights say.
_MARKS_APART = frozenset(",;!?")
_FIRST_UNSPACED = "\u0e00"
_OPENING_MARKS = OPENING + DOUBLE_QUOTES + "'\u2018"
_OPENERS_ALONE = frozenset(OPENING + LONG_DASHES + "-•*>«„“")
_CLOSERS_ALONE = frozenset(CLOSING + "\u00bb\u201d\u203a\u2019")
_FINAL_QUOTES = frozenset("'\u2018\u2019\u201b\u203a")


_NOTHING = _Facts((0,) * N_CHUNK_COLUMNS, (0, 0, 0, 0), ((), ()), ((), ()))
