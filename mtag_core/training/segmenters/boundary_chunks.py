"""Cuts units of text into chunks of wordpieces that a boundary teacher reads.

Each unit is encoded by itself, so that every gap between units can be asked about; a unit that
stands after no space gets no piece that says so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from mtag_core.segmentation.units import UnitTable
from mtag_core.training.data.encoding import SpecialPieces
from mtag_core.training.data.packing import PackedSentences

# What SentencePiece vocabularies write for a space.
_SPACE_PIECE = "\u2581"


class UnitEncoder:
    """Gives the wordpieces of units."""

    def __init__(self, tokenizer_path: Path) -> None:
        """Loads a `tokenizer.json`."""
        self._tokenizer = Tokenizer.from_file(str(tokenizer_path))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.pieces = SpecialPieces.of(self._tokenizer, tokenizer_path)
        self._known: dict[tuple[str, bool], tuple[int, ...]] = {}

    def encode(self, text: str, units: UnitTable) -> list[tuple[int, ...]]:
        """Gives each unit's piece ids, at least one."""
        return [
            self._encode(text[start:end], is_after_space)
            for start, end, is_after_space in zip(
                units.starts, units.ends, units.is_after_space, strict=True
            )
        ]

    def _encode(self, unit: str, is_after_space: bool) -> tuple[int, ...]:
        """Encodes one unit, once."""
        key = (unit, is_after_space)
        if key not in self._known:
            encoding = self._tokenizer.encode(
                [unit], is_pretokenized=True, add_special_tokens=False
            )
            ids = encoding.ids[:16]
            if not is_after_space and len(ids) > 1 and encoding.tokens[0] == _SPACE_PIECE:
                ids = ids[1:]
            self._known[key] = tuple(ids) or (self.pieces.mask,)
        return self._known[key]


@dataclass
class Chunks:
    """Chunks of units; the tokens of `packed` are units.

    Attributes:
        max_pieces: Pieces a chunk holds at most, the two of its ends included.
        pieces: Names the special pieces.
        rows: Piece ids of the units of each chunk.
        n_pieces: Pieces in the last chunk.
    """

    max_pieces: int
    pieces: SpecialPieces
    rows: list[list[tuple[int, ...]]] = field(default_factory=list)
    n_pieces: int = 0

    def add(self, units: Sequence[tuple[int, ...]], *, starts_anew: bool) -> None:
        """Adds a sentence or a line, to the last chunk if it fits there.

        Args:
            units: Piece ids of each unit; more than a chunk holds are cut.
            starts_anew: The last chunk is closed first.
        """
        n_new = sum(map(len, units))
        if starts_anew or not self.rows or self.n_pieces + n_new > self.max_pieces - 2:
            self.rows.append([])
            self.n_pieces = 0
        for unit in units:
            if self.n_pieces + len(unit) > self.max_pieces - 2:
                self.rows.append([])
                self.n_pieces = 0
            self.rows[-1].append(unit)
            self.n_pieces += len(unit)

    def packed(self) -> PackedSentences:
        """The chunks as arrays."""
        rows = [row for row in self.rows if row]
        lengths = np.array([len(unit) for row in rows for unit in row], np.int64)
        n_units = np.array([len(row) for row in rows], np.int64)
        ends = np.cumsum(lengths)
        starts_of_rows = np.cumsum(n_units) - n_units
        # Position in its own chunk: one more than the pieces before it, for the opening piece.
        before = np.concatenate([[0], ends])[starts_of_rows]
        first = ends - lengths - np.repeat(before, n_units) + 1
        ids = [
            np.array([self.pieces.start, *_flat(row), self.pieces.end], np.int32) for row in rows
        ]
        return PackedSentences(
            np.concatenate(ids) if ids else np.zeros(0, np.int32),
            first.astype(np.int16),
            (first + lengths - 1).astype(np.int16),
            np.array([len(row) for row in ids], np.int32),
            n_units.astype(np.int32),
        )


def _flat(row: Iterable[tuple[int, ...]]) -> list[int]:
    return [piece for unit in row for piece in unit]


def end_labels(
    ends: Sequence[int], token_ends: frozenset[int], sentence_ends: frozenset[int]
) -> NDArray[np.int64]:
    """The label of each unit: 0 inside a token, 1 at a token's end, 2 at a sentence's too."""
    return np.array([(end in token_ends) + (end in sentence_ends) for end in ends], np.int64)
