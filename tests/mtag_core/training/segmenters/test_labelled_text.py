import lzma

import numpy as np
import pytest

from mtag_core.training.segmenters.labelled_text import (
    MARKS,
    SEGMENTED,
    SPLITS,
    marked_line,
    read_marked,
    read_splits,
    split_line,
    without_marks,
)
from mtag_core.training.segmenters.treebanks import Surface


def _written(tmp_path, lines):
    with lzma.open(tmp_path / f"zh{SEGMENTED}", "wt", encoding="utf-8") as sink:
        sink.write(lines)
    return list(read_marked(tmp_path, "zh"))


def test_marks_say_how_sure_a_token_end_is(tmp_path):
    probs = np.array([0.02, 0.2, 0.6, 0.97], np.float32)
    lines = marked_line("abcd", [1, 2, 3, 4], probs, np.zeros(4, np.bool_))
    ((text, offsets),) = _written(tmp_path, lines)
    assert text == "abcd"
    assert offsets == pytest.approx({2: 0.3, 3: 0.7, 4: 0.99})


def test_sentence_ends_break_the_line(tmp_path):
    ends = np.array([False, True, False])
    lines = marked_line("ab c", [1, 2, 4], np.full(3, 0.99, np.float32), ends)
    assert [text for text, _ in _written(tmp_path, lines)] == ["ab", "c"]


def test_text_cannot_hold_marks():
    assert without_marks(f"a{MARKS[1]}b{MARKS[2]}c{MARKS[3]}") == "abc"


def test_split_sentences_are_read_as_they_were_written(tmp_path):
    rows = [("habait", ("ha", "bait")), ("1 000", ("1 000",)), ("shelo", ())]
    sentences = [[Surface(*row, True) for row in rows], [Surface('"', ('"',), True)]]
    for name in ("he", "he_web", "heb"):
        with lzma.open(tmp_path / f"{name}{SPLITS}", "wt", encoding="utf-8") as sink:
            sink.writelines(map(split_line, sentences))
    assert list(read_splits(tmp_path, "he")) == sentences * 2
    assert list(read_splits(tmp_path, "fr")) == []
