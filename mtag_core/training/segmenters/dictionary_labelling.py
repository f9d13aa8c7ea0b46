"""Labels text with linear models that see the words of a dictionary, for `train-segmenters`.

Such a model knows more words than a treebank shows, but is too slow and too large to ship; the
boundary model of the bundle learns from the text that it labels.
"""

import logging
import zlib
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import InputNotFoundError
from mtag_core.segmentation.hashing import Codes, hash_columns, table_rows
from mtag_core.segmentation.units import UnitTable, find_units
from mtag_core.storage import create_text
from mtag_core.training.options import LabelBoundariesOptions
from mtag_core.training.segmenters.boundary_fitting import Examples, fit_at_once
from mtag_core.training.segmenters.boundary_marks import marked_line, without_marks
from mtag_core.training.segmenters.dictionary_words import Dictionary, load_dictionary
from mtag_core.training.segmenters.gap_features import Counts, count_text, feature_rows
from mtag_core.training.segmenters.gap_stream import asked_gaps
from mtag_core.training.segmenters.training import listed, text_lines
from mtag_core.training.segmenters.treebank_text import read_surface_sentences, training_files

_LOGGER = logging.getLogger(__name__)
_N_ROWS = 1 << 20
_L2 = 0.3
_GROUP_LINES = 4000

# Units on either side of a gap whose words are looked at.
_N_CONTEXT = 3


def run(options: LabelBoundariesOptions) -> str:
    """Runs `label boundaries`, with a teacher or dictionaries."""
    if options.teacher is None:
        folders = (options.treebanks, options.text, options.output)
        return listed(label_by_dictionary(*folders, languages=options.languages))
    # Needs torch, which dictionaries do not.
    from mtag_core.training.segmenters.boundary_labelling import label_boundaries

    return listed(label_boundaries(options))


def label_by_dictionary(
    treebanks: Path,
    text: Path,
    output: Path,
    *,
    languages: Sequence[str],
    dictionaries: Mapping[str, Dictionary] | None = None,
) -> list[Path]:
    """Labels the text of some languages.

    Args:
        treebanks: Directory of CoNLL-U files.
        text: Directory of `<language>.txt.xz` files.
        output: Gets `<language>.segmented.txt.xz`, and `<language>_converted.segmented.txt.xz` with
            the lines that are otherwise written in the treebank's script.
        languages: Written without spaces.
        dictionaries: Of the languages; those of `load_dictionary` if None.

    Returns:
        The labelled files.

    Raises:
        InputNotFoundError: A language has no treebank or no text.
        UsageError: A language's dictionary is missing.
    """
    files = training_files(treebanks)
    output.mkdir(parents=True, exist_ok=True)
    labelled = []
    for language in languages:
        source = text / f"{language}.txt.xz"
        if language not in files or not source.exists():
            raise InputNotFoundError(f"{language}: no train file in {treebanks} or no {source}")
        dictionary = dictionaries[language] if dictionaries else load_dictionary(language)
        labeller = _Labeller(dictionary, files[language], source)
        labelled += labeller.label(source, output, language)
    return labelled


def word_rows(units: UnitTable, ends: Mapping[int, int], *, n_rows: int) -> NDArray[np.int64]:
    """Hashes what the words around each gap say.

    Args:
        units: At least one.
        ends: A code of each word by the offset after it.
        n_rows: Size of the table of features, a power of 2.

    Returns:
        Shape (n_units - 1, n_features).
    """
    is_end = [end in ends for end in units.ends]
    codes = [0] * len(units.ends)
    code = 0
    for index in reversed(range(len(units.ends))):
        code = ends.get(units.ends[index], code)
        codes[index] = code
    n_gaps = len(units.ends) - 1

    def around(values: Sequence[int] | Sequence[bool], offset: int) -> Codes:
        start = _N_CONTEXT + 1 + offset
        return np.pad(np.array(values, np.uint64), _N_CONTEXT)[start : start + n_gaps]

    end_at = {offset: around(is_end, offset) for offset in range(-3, 3)}
    here, near = end_at[-1], [end_at[-2], end_at[-1], end_at[0]]
    before, after = around(codes, -1), around(codes, 0)
    unit_before, unit_after = around(units.codes, -1), around(units.codes, 0)
    groups = (
        *([here], near, list(end_at.values()), [here, before], [here, after]),
        *([here, before, after], [here, unit_before], [here, unit_after]),
        *([here, unit_before, unit_after], [*near, before, after]),
        *([here, before, after, unit_before], [here, before, after, unit_after]),
    )
    hashed = [hash_columns(group, 900 + seed) for seed, group in enumerate(groups)]
    return table_rows(np.stack(hashed, axis=1), n_rows)


class _Labeller:
    """A trained model of one language."""

    def __init__(self, dictionary: Dictionary, treebanks: Sequence[Path], text: Path) -> None:
        self._dictionary = dictionary
        self._counts: Counts = count_text(text_lines(text), has_spaces=False)
        forms = [[form for form, _ in sentence] for sentence in read_surface_sentences(treebanks)]
        token_ends: set[int] = set()
        offset = 0
        for form in (form for sentence in forms for form in sentence):
            offset += len(form)
            token_ends.add(offset)
        units, rows = self._features(["".join(sentence) for sentence in forms], "")
        targets = np.array([end in token_ends for end in units.ends[:-1]], np.float32)
        self._weights = fit_at_once(Examples(rows, targets), n_rows=_N_ROWS, l2=_L2)

    def label(self, source: Path, output: Path, language: str) -> list[Path]:
        """Labels a file; the outputs appear when they are whole."""
        paths = [
            output / f"{name}.segmented.txt.xz" for name in (language, f"{language}_converted")
        ]
        with create_text(paths[0]) as own, create_text(paths[1]) as converted:
            lines = filter(None, (without_marks(line).strip() for line in text_lines(source)))
            n_lines = 0
            while group := list(islice(lines, _GROUP_LINES)):
                self._write(group, own, converted)
                n_lines += len(group)
                _LOGGER.info("%s: %d lines labelled", language, n_lines)
        return paths

    def _write(self, lines: Sequence[str], own: TextIO, converted: TextIO) -> None:
        in_script = [self._dictionary.in_treebank_script(line) for line in lines]
        units, rows = self._features(in_script, "\n")
        probs = np.append(1 / (1 + np.exp(-self._weights[rows].sum(axis=1))), 1.0)
        probs[:-1][~asked_gaps(units, has_spaces=False)] = 1.0
        unit_ends = np.array(units.ends)
        offset = first = 0
        for line, changed in zip(lines, in_script, strict=True):
            last = int(np.searchsorted(unit_ends, offset + len(line), side="right"))
            ends = [end - offset for end in units.ends[first:last]]
            is_last = np.arange(first, last) == last - 1
            some = np.where(is_last, 1.0, probs[first:last]).astype(np.float32)
            own.write(marked_line(line, ends, some, is_last))
            if changed != line:
                converted.write(marked_line(changed, ends, some, is_last))
            first, offset = last, offset + len(line) + 1

    def _features(
        self, texts: Sequence[str], separator: str
    ) -> tuple[UnitTable, NDArray[np.int64]]:
        """The units of texts one after the other, and the features of the gaps between them."""
        ends: dict[int, int] = {}
        offset = 0
        for text in texts:
            for word in self._dictionary.words(text):
                code = zlib.crc32(word.tag.encode())
                ends[offset + word.end] = 8 * code + min(word.length, 7)
            offset += len(text) + len(separator)
        units = find_units(separator.join(texts), has_spaces=False)
        rows = feature_rows(units, self._counts, n_rows=_N_ROWS)
        return units, np.concatenate([rows, word_rows(units, ends, n_rows=_N_ROWS)], axis=1)
