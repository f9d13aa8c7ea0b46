import lzma

import numpy as np
import pytest

from mtag_core.training.segmenters.boundary_marks import (
    MARKS,
    marked_line,
    read_marked,
    without_marks,
)


def _written(tmp_path, lines):
    path = tmp_path / "zh.segmented.txt.xz"
    with lzma.open(path, "wt", encoding="utf-8") as sink:
        sink.write(lines)
    return list(read_marked(path))


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
