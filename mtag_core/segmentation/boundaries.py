"""A model that says between which units of a text tokens and sentences end.

Units are characters (Chinese, Japanese) or syllables (Vietnamese). A small network scores each gap
between two units from the units around it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import read_arrays, write_arrays
from mtag_core.segmentation.gap_network import SPACED_LETTERS, GapNetwork, UnitTable, find_units
from mtag_core.segmentation.gap_rules import keep_whole, sure_ends
from mtag_core.segmentation.token_block import TokenBlock

_CLOSING = frozenset("\u300d\u300f\u3011\u300b\u3009\u201d\u2019\uff09)\u00bb")


class BoundaryModel:
    """Cuts text at the gaps where a network's scores are above 0.

    With spaces, units are syllables and a token may hold spaces, as in Vietnamese.
    """

    def __init__(self, network: GapNetwork, *, has_spaces: bool) -> None:
        self._network = network
        self._has_spaces = has_spaces

    @classmethod
    def load(cls, path: Path) -> "BoundaryModel":
        """Opens an `.npz` file that `save` wrote.

        Raises:
            BundleError: The file is missing or holds something else.
        """
        with read_arrays(path, what="a boundary model") as arrays:
            has_spaces = bool(arrays["has_spaces"])
            return cls(GapNetwork.from_arrays(arrays), has_spaces=has_spaces)

    def save(self, path: Path) -> None:
        """Writes the model for `load`."""
        write_arrays(path, {"has_spaces": np.array(self._has_spaces), **self._network.arrays()})

    def tokenize(self, text: str, lines: Sequence[tuple[int, int]]) -> TokenBlock:
        """Finds the tokens and sentences of lines of cleaned text, each by itself, in order."""
        first = lines[0][0]
        units = find_units(text[first : lines[-1][1]], has_spaces=self._has_spaces)
        if not units.ends:
            return TokenBlock.empty()
        starts, ends = np.array(units.starts) + first, np.array(units.ends) + first
        line_numbers = np.searchsorted([start for start, _ in lines], starts, side="right")
        line_firsts = np.flatnonzero(np.diff(line_numbers, prepend=-1))
        for line_first in line_firsts.tolist():
            units.is_after_space[line_first] = False
        is_token_end, is_sentence_end = self._ends(units, line_firsts)
        # A closing mark belongs to the sentence that it ends.
        is_line_end = np.zeros(len(starts), np.bool_)
        is_line_end[[*(line_firsts[1:] - 1), -1]] = True
        block = text[first : lines[-1][1]]
        keep_whole(block, starts - first, ends - first, is_token_end, is_sentence_end)
        for sure in sure_ends(text, lines, has_spaces=self._has_spaces):
            marks = slice(*ends.searchsorted([sure.start, sure.end], side="right"))
            if marks.start < marks.stop:
                is_sentence_end[marks] = False
                is_sentence_end[marks.stop - 1] = sure.is_end
                is_token_end[marks.stop - 1] |= sure.is_end
        for unit in np.flatnonzero(is_sentence_end & ~is_line_end).tolist():
            last = unit
            while not is_line_end[last] and text[starts[last + 1]] in _CLOSING:
                last += 1
            is_sentence_end[unit], is_sentence_end[last] = False, True
        is_sentence_end |= is_line_end
        lasts = np.flatnonzero(is_token_end | is_sentence_end)
        token_starts, token_ends = starts[np.append(0, lasts[:-1] + 1)], ends[lasts]
        spans = zip(token_starts.tolist(), token_ends.tolist(), strict=True)
        return TokenBlock(
            [text[start:end] for start, end in spans],
            token_starts,
            token_ends,
            (np.flatnonzero(is_sentence_end[lasts]) + 1).tolist(),
        )

    def _ends(
        self, units: UnitTable, line_firsts: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        is_token_end, is_sentence_end = np.zeros((2, len(units.ends)), np.bool_)
        scores = self._network.scores(units, line_firsts=line_firsts.tolist())
        is_token_end[:-1], is_sentence_end[:-1] = scores.T > 0
        is_token_end |= is_sentence_end
        if not self._has_spaces:
            is_space = np.append(np.array(units.is_after_space[1:], np.bool_), False)
            # A foreign word in a line of this language stays whole: its script marks its ends.
            is_letter = np.append(np.isin(units.kinds, SPACED_LETTERS), False)
            is_inside = is_letter[:-1] & is_letter[1:] & ~is_space
            is_sentence_end &= ~is_inside
            is_token_end = (is_token_end & ~is_inside) | is_space
        return is_token_end, is_sentence_end
