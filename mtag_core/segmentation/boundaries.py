"""A model that says between which units of a text tokens and sentences end.

Units are characters (Chinese, Japanese) or syllables (Vietnamese). A small network scores each gap
between two units from the units around it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mtag_core.arrays import DAMAGE, write_arrays
from mtag_core.errors import BundleError
from mtag_core.segmentation.gap_network import GapNetwork
from mtag_core.segmentation.token_block import TokenBlock
from mtag_core.segmentation.units import SPACED_LETTERS, find_units

_CLOSING = frozenset("\u300d\u300f\u3011\u300b\u3009\u201d\u2019\uff09)\u00bb")


class BoundaryModel:
    """Cuts text at the gaps where a network's scores are above 0.

    Args:
        network: Scores gaps.
        has_spaces: Units are syllables and a token may hold spaces, as in Vietnamese.
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
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                has_spaces = bool(arrays["has_spaces"])
                return cls(GapNetwork.from_arrays(arrays), has_spaces=has_spaces)
        except DAMAGE as error:
            raise BundleError(f"{path}: expected a boundary model: {error}") from error

    def save(self, path: Path) -> None:
        """Writes the model for `load`."""
        write_arrays(path, {"has_spaces": np.array(self._has_spaces), **self._network.arrays()})

    def tokenize(self, text: str, lines: Sequence[tuple[int, int]]) -> TokenBlock:
        """Finds the tokens and sentences of lines, each by itself.

        Args:
            text: The cleaned document.
            lines: Start and end of each line, in order.
        """
        block = TokenBlock([], [], [], [])
        for start, end in lines:
            self._tokenize(text, start, end, block)
        return block

    def _tokenize(self, text: str, start: int, end: int, block: TokenBlock) -> None:
        units = find_units(text[start:end], has_spaces=self._has_spaces)
        if not units.ends:
            return
        is_token_end, is_sentence_end = (self._network.scores(units) > 0).T
        is_token_end = is_token_end | is_sentence_end
        if not self._has_spaces:
            is_space = np.array(units.is_after_space[1:], np.bool_)
            # A foreign word in a line of this language stays whole: its script marks its ends.
            is_letter = np.isin(units.kinds, SPACED_LETTERS)
            is_inside = is_letter[:-1] & is_letter[1:] & ~is_space
            is_sentence_end = is_sentence_end & ~is_inside
            is_token_end = (is_token_end & ~is_inside) | is_space
        last_unit = len(units.ends) - 1
        # A closing mark belongs to the sentence that it ends.
        for gap in np.flatnonzero(is_sentence_end[:-1]).tolist():
            if text[start + units.starts[gap + 1]] in _CLOSING:
                is_sentence_end[gap], is_sentence_end[gap + 1] = False, True
        is_token_end = is_token_end | is_sentence_end
        lasts = [*np.flatnonzero(is_token_end).tolist(), last_unit]
        firsts = [0, *(last + 1 for last in lasts[:-1])]
        starts = [start + units.starts[first] for first in firsts]
        ends = [start + units.ends[last] for last in lasts]
        block.forms += [text[a:b] for a, b in zip(starts, ends, strict=True)]
        n_before = len(block.starts)
        block.starts += starts
        block.ends += ends
        block.sentence_ends += [
            n_before + number + 1
            for number, last in enumerate(lasts)
            if last == last_unit or is_sentence_end[last]
        ]
