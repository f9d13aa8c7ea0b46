"""Remembers chunks: how each falls into tokens, and what its neighbours need to know of it.

Nine of ten chunks of running text have occurred before, so a chunk's own gaps are scored once.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import regex
from numpy.typing import ArrayLike, DTypeLike, NDArray

from mtag_core.segmentation.boundary_features import (
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
    OPENING,
    TERMINAL,
    UNSPACED_LETTER,
    UnitClass,
    describe,
    styleless,
    unit_spans,
)

Integers = NDArray[np.int64]

SHORT_FORM_COST = 48
TITLE_COST = 1_000_000
"""A name follows a title: no sentence ends there."""

_MOST_CHUNKS = 50_000
_MOST_CHARACTERS = 2_000_000

_CLOSERS = regex.escape(CLOSING + DOUBLE_QUOTES + "'’‘")
_OPENERS = regex.escape(OPENING + DOUBLE_QUOTES + "'’‘")
_UNSPACED_TERMINAL = "。！？｡।॥።။։༎។"
# Where a sentence may end inside a chunk: a space was forgotten, or is not used.
_INNER_END = regex.compile(
    rf"(?:(?<=[\p{{Ll}}\p{{Lo}}\p{{M}}\d]{{2}}[{regex.escape(TERMINAL)}]+(?:\[\d+\]|[{_CLOSERS}])*)"
    rf"(?=[{_OPENERS}]*\p{{Lu}}[\p{{Ll}}'’])"
    rf"|(?<=[{_UNSPACED_TERMINAL}]+[{_CLOSERS}]*)(?=[^{_CLOSERS}{regex.escape(TERMINAL)}\p{{M}}]))",
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


class GrowingArray:
    """An array that rows are appended to; room doubles, so that appending stays cheap."""

    def __init__(self, dtype: DTypeLike, *shape: int) -> None:
        """Makes an empty one of rows of a shape."""
        self._room = np.zeros((1024, *shape), dtype)
        self._n_rows = 0

    def __len__(self) -> int:
        """Rows so far."""
        return self._n_rows

    @property
    def values(self) -> NDArray[Any]:
        """The rows so far, until the next call of `extend`."""
        return self._room[: self._n_rows]

    def extend(self, rows: ArrayLike) -> None:
        """Appends rows."""
        more = np.array(rows, self._room.dtype)
        end = self._n_rows + len(more)
        if end > len(self._room):
            room = np.zeros(
                (max(end, 2 * len(self._room)), *self._room.shape[1:]), self._room.dtype
            )
            room[: self._n_rows] = self.values
            self._room = room
        if len(more):
            self._room[self._n_rows : end] = more
        self._n_rows = end


class ChunkTable:
    """What is known of chunks, a column each; every chunk has two variants of its tokens.

    The second variant differs where a last full stop may be a token: there it is one.

    Attributes:
        ids: Chunk to its row.
        parts: Row to the rows of the parts that a chunk falls into where a sentence may end in it.
        columns: `chunk_columns` of each row. Row 0 is no chunk.
        stop_scores: Score of a stop gap without its neighbours. Shape (n_rows,).
        has_stop_gap: Whether a row has one.
        forms: Tokens of row i as variants 2 * i and 2 * i + 1.
        first_end: Where the ends of a variant's tokens begin in `ends`.
        n_tokens: Tokens of a variant.
        ends: Offsets after tokens in their chunk.
        is_closing: Whether a chunk is nothing but closing marks. Shape (n_rows,).
        is_footnoted: Whether footnote marks follow its full stop. Shape (n_rows,).
        end_costs: What speaks against an end behind an abbreviation, in eighths of a nat. Shape
            (n_rows,).
        has_final_quote: Whether a token of a variant ends in a single quotation mark.
        n_characters: Length of each row's chunk.
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
        self._stop_scores = GrowingArray(np.int32)
        self._has_stop_gap = GrowingArray(np.bool_)
        self._n_characters = GrowingArray(np.int64)
        self._end_costs = GrowingArray(np.int32)
        self._is_closing = GrowingArray(np.bool_)
        self._is_footnoted = GrowingArray(np.bool_)
        self._n_tokens = GrowingArray(np.int64)
        self._first_end = GrowingArray(np.int64)
        self._ends = GrowingArray(np.int64)
        self._has_final_quote = GrowingArray(np.bool_)
        self.forms: list[tuple[str, ...]] = []
        self._n_remembered = 0
        self._append([""], [(0,) * N_CHUNK_COLUMNS], [False], [0], [((), ())] * 2)

    def rows(self, chunks: Sequence[str]) -> list[int]:
        """The rows of chunks, after adding those that are new.

        A chunk with a row in `parts` stands for several. The rows hold until the next call.
        """
        if len(self.ids) > _MOST_CHUNKS or self._n_remembered > _MOST_CHARACTERS:
            self._clear()
        ids = self.ids
        new = [chunk for chunk in dict.fromkeys(chunks) if chunk not in ids]
        if new:
            self._add(new)
        return [ids[chunk] for chunk in chunks]

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
            self._append([chunk], [(0,) * N_CHUNK_COLUMNS], [False], [0], [((), ())] * 2)

    def _add_whole(self, chunks: Sequence[str]) -> None:
        words = [chunk for chunk in chunks if self._is_word(chunk)]
        columns = [word_columns(word, describe(word)) for word in words]
        variants = [pair for word in words for pair in (((word,), (len(word),)),) * 2]
        n_words = len(words)
        self._append(words, columns, [False] * n_words, [0] * n_words, variants)
        known = set(words)
        self._add_cut([chunk for chunk in chunks if chunk not in known])

    def _is_word(self, chunk: str) -> bool:
        if not chunk.isalpha() or not (chunk.isascii() or _HAS_SPACES.fullmatch(chunk)):
            return False
        return not self._clitic_sizes or not self._clitic_starts(plain_text(chunk))

    def _add_cut(self, chunks: Sequence[str]) -> None:
        if not chunks:
            return
        plains = list(map(plain_text, chunks))
        cuts = [self.cut(*pair) for pair in zip(chunks, plains, strict=True)]
        rows = gap_rows(plains, cuts)
        scores = self._scorer.token_scores(gap_features(rows)).tolist()
        columns, has_stop_gap, stop_scores, variants = [], [], [], []
        position = 0
        for chunk, plain, cut in zip(chunks, plains, cuts, strict=True):
            gap_scores = scores[position : position + len(cut.units) - 1]
            position += len(gap_scores)
            stop_gap = self.stop_gap(cut)
            columns.append(chunk_columns(plain, cut))
            has_stop_gap.append(stop_gap is not None)
            stop_scores.append(0 if stop_gap is None else gap_scores[stop_gap])
            variants += _variants(chunk, cut, gap_scores, stop_gap)
        self._append(chunks, columns, has_stop_gap, stop_scores, variants)

    def _append(
        self,
        chunks: Sequence[str],
        columns: Sequence[tuple[int, ...]],
        has_stop_gap: Sequence[bool],
        stop_scores: Sequence[int],
        variants: Sequence[tuple[tuple[str, ...], tuple[int, ...]]],
    ) -> None:
        if not chunks:
            return
        first = len(self._columns)
        self.ids.update(zip(chunks, range(first, first + len(chunks)), strict=True))
        sizes = [len(chunk) for chunk in chunks]
        self._n_remembered += sum(sizes)
        self._columns.extend(columns)
        self._has_stop_gap.extend(has_stop_gap)
        self._stop_scores.extend(stop_scores)
        self._n_characters.extend(sizes)
        self._is_closing.extend(
            [chunk[:1] in _CLOSERS_ALONE and _is_closing(chunk) for chunk in chunks]
        )
        self._is_footnoted.extend(
            ["]" in chunk and _FOOTNOTED.search(chunk) is not None for chunk in chunks]
        )
        self._end_costs.extend(list(map(self._end_cost, chunks)))
        counts = np.array([len(forms) for forms, _ in variants], np.int64)
        self._first_end.extend(len(self._ends) + np.cumsum(counts) - counts)
        self._n_tokens.extend(counts)
        self._ends.extend([end for _, ends in variants for end in ends])
        has_quote = [not _FINAL_QUOTES.isdisjoint(chunk) for chunk in chunks]
        self._has_final_quote.extend(
            [
                has_quote[number // 2] and _has_final_quote(forms)
                for number, (forms, _) in enumerate(variants)
            ]
        )
        self.forms += [forms for forms, _ in variants]
        self._publish()

    def _publish(self) -> None:
        self.columns: Codes = self._columns.values
        self.stop_scores = self._stop_scores.values
        self.has_stop_gap = self._has_stop_gap.values
        self.n_characters = self._n_characters.values
        self.n_tokens = self._n_tokens.values
        self.end_costs = self._end_costs.values
        self.is_closing = self._is_closing.values
        self.is_footnoted = self._is_footnoted.values
        self.first_end = self._first_end.values
        self.ends = self._ends.values
        self.has_final_quote = self._has_final_quote.values

    def cut(self, chunk: str, plain: str) -> ChunkUnits:
        """Cuts a chunk, which `plain_text` makes plain, into units, also where a clitic begins."""
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


def _is_closing(chunk: str) -> bool:
    return set(chunk) <= _CLOSERS_ALONE


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
) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    """The tokens of a chunk with its last full stop attached, and with it apart."""
    bounds = [
        end
        for number, (end, score) in enumerate(zip(cut.ends, scores, strict=False))
        if number != stop_gap and (score > 0 or _is_forced(chunk, end))
    ]
    attached = _tokens(chunk, [*bounds, len(chunk)])
    if stop_gap is None:
        return [attached, attached]
    return [attached, _tokens(chunk, [*sorted([*bounds, cut.ends[stop_gap]]), len(chunk)])]


def _has_final_quote(forms: Sequence[str]) -> bool:
    """Whether a token may have a quotation mark at its end that closes an earlier one."""
    return any(
        form[-1] in _FINAL_QUOTES and len(form) > 1 and form[-2] != form[-1]
        for form in forms
        if form
    )


def _is_forced(chunk: str, end: int) -> bool:
    """Whether a mark or a character that is always alone stands on one side of a gap."""
    before, after = chunk[end - 1], chunk[end]
    if (before in _ALONE or after in _ALONE) and before != after:
        return True
    if (before in "[]" or after in "[]") and _FOOTNOTE.search(chunk):
        return True
    return after >= _FIRST_UNSPACED and UNSPACED_LETTER.match(after) is not None


def _tokens(chunk: str, ends: Sequence[int]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    starts = (0, *ends[:-1])
    return tuple(chunk[a:b] for a, b in zip(starts, ends, strict=True)), tuple(ends)


_FIRST_UNSPACED = "\u0e00"
_OPENING_MARKS = OPENING + DOUBLE_QUOTES + "'\u2018"
_CLOSERS_ALONE = frozenset(CLOSING + "\u00bb\u201d\u203a\u2019")
_FINAL_QUOTES = frozenset("'\u2018\u2019\u201b\u203a")


def spread(counts: Integers, firsts: Integers) -> Integers:
    """Indices from `firsts[i]` on, `counts[i]` of them, for each i, one row after another."""
    offsets = np.cumsum(counts) - counts
    return np.arange(int(counts.sum())) - np.repeat(offsets - firsts, counts)
