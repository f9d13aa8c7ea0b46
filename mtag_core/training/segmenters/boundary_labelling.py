"""Labels text with boundary teachers, for `train-segmenters --labelled`."""

import itertools
import logging
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from mtag_core.errors import InputNotFoundError
from mtag_core.segmentation.units import UnitTable, find_units
from mtag_core.storage import create_text, open_text
from mtag_core.training.data.packing import DeviceSentences
from mtag_core.training.options import LabelBoundariesOptions
from mtag_core.training.segmenters.boundary_chunks import Chunks, UnitEncoder
from mtag_core.training.segmenters.boundary_marks import marked_line, without_marks
from mtag_core.training.segmenters.boundary_teacher import (
    BoundaryTeacher,
    mean_probabilities,
    train_members,
)
from mtag_core.training.segmenters.training import MORE_TEXT, SPACED_INSIDE
from mtag_core.training.segmenters.treebank_text import text_language

_LOGGER = logging.getLogger(__name__)
_GROUP_LINES = 20_000
_MOST_LINES_JOINED = 4


def label_boundaries(config: LabelBoundariesOptions) -> list[Path]:
    """Trains boundary teachers and labels all text in their languages.

    Args:
        config: What to do.

    Returns:
        The labelled files.

    Raises:
        CheckpointError: The teacher's directory does not fit.
        InputNotFoundError: There is no treebank, or no text.
    """
    more = (MORE_TEXT.get(language, ()) for language in config.languages)
    wanted = {*config.languages, *itertools.chain.from_iterable(more)}
    paths = [path for path in sorted(config.text.glob("*.txt.xz")) if text_language(path) in wanted]
    if not paths:
        raise InputNotFoundError(f"{config.text}: no .txt.xz file of {', '.join(sorted(wanted))}")
    labeller = _Labeller(config)
    return [labeller.label(path) for path in paths]


class _Labeller:
    """Trained members and what they need to label text."""

    def __init__(self, config: LabelBoundariesOptions) -> None:
        self._config = config
        self._encoder = UnitEncoder(config.teacher_model / "tokenizer.json")
        self._members: list[BoundaryTeacher] = train_members(config, self._encoder)

    def label(self, path: Path) -> Path:
        """Labels one file; the output appears when it is whole."""
        name = path.name.removesuffix(".txt.xz")
        output = self._config.output / f"{name}.segmented.txt.xz"
        start_s, n_units = time.monotonic(), 0
        with create_text(output) as sink:
            for lines in _line_groups(path):
                tables = [
                    find_units(line, has_spaces=text_language(path) in SPACED_INSIDE)
                    for line in lines
                ]
                sink.writelines(self._labelled(lines, tables, path))
                n_units += sum(len(units.starts) for units in tables)
                spent_s = time.monotonic() - start_s
                _LOGGER.info("%s: %d units labelled, %.1f s", name, n_units, spent_s)
        return output

    def _labelled(
        self, lines: Sequence[str], tables: Sequence[UnitTable], path: Path
    ) -> Iterator[str]:
        # Some lines are read together, as sentences of running text are.
        generator = random.Random(self._config.seed)
        chunks = Chunks(self._config.max_pieces, self._encoder.pieces)
        n_to_join = 0
        for line, units in zip(lines, tables, strict=True):
            units.is_after_space[0] = text_language(path) in SPACED_INSIDE
            chunks.add(self._encoder.encode(line, units), starts_anew=n_to_join == 0)
            n_to_join = (n_to_join or generator.randint(1, _MOST_LINES_JOINED)) - 1
        device = torch.device(self._config.device)
        pad = self._encoder.pieces.pad
        sentences = DeviceSentences(chunks.packed(), pad=pad, device=device)
        probs = mean_probabilities(self._members, sentences)
        start = 0
        for line, units in zip(lines, tables, strict=True):
            some = probs[start : start + len(units.ends)]
            start += len(units.ends)
            yield marked_line(line, units.ends, 1 - some[:, 0], some[:, 2] > 0.5)


def _line_groups(path: Path) -> Iterator[list[str]]:
    """Yields the lines of a file that are not empty, some thousands together."""
    group: list[str] = []
    with open_text(path, newline="\n") as lines:
        for line in lines:
            text = without_marks(line).strip()
            if text:
                group.append(text)
            if len(group) == _GROUP_LINES:
                yield group
                group = []
    if group:
        yield group
