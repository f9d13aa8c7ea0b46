import lzma

import numpy as np
import pytest

from mtag_core.training.data.treebanks import Surface, joined_letters, read_sentences
from mtag_core.training.segmenters.treebanks import (
    MARKS,
    SEGMENTED,
    SPLITS,
    Treebanks,
    marked_line,
    read_marked,
    read_splits,
    split_line,
    text_lines,
)

_BLANK = "\t_" * 8


@pytest.fixture
def french(tmp_path):
    """Ten sentences of French news, a thousand of a larger treebank, and ten of speech."""
    for name, form, n in (("gsd", "un", 10), ("sequoia", "deux", 1000), ("spoken", "euh", 10)):
        sentence = f"1\t{form}{_BLANK}\n2\tmot{_BLANK}\n\n"
        (tmp_path / f"fr_{name}-ud-train.conllu").write_text(sentence * n)
        (tmp_path / f"fr_{name}-ud-test.conllu").write_text("not read")
    return Treebanks(tmp_path)


def _n_sentences(sentences):
    """The number of sentences by their first words."""
    found = {}
    for sentence in sentences:
        found[sentence[0].form] = found.get(sentence[0].form, 0) + 1
    return found


def _written(tmp_path, *sentences):
    path = tmp_path / "en_own-ud-train.conllu"
    path.write_text("\n".join("".join(f"{row}\n" for row in rows) for rows in sentences))
    return path


def test_what_a_small_file_lacks_the_others_give(french):
    found = _n_sentences(french.of_language("fr", 90, is_edited=True))
    assert found["un"] == 10
    assert found["deux"] >= 25


def test_speech_is_not_edited(french):
    assert set(_n_sentences(french.of_language("fr", 90, is_edited=False))) == {"euh"}
    assert "euh" not in _n_sentences(french.of_language("fr", 9_000, is_edited=True))


def test_a_small_treebank_comes_before_others_of_its_language(french):
    assert list(_n_sentences(french.of_treebank("fr_spoken", 100))) == ["euh", "un", "deux"]


def test_a_treebank_gives_no_more_than_asked(french):
    assert _n_sentences(french.of_treebank("fr_gsd", 6))["un"] == 3


def test_surface_tokens_keep_splits_and_spaces(tmp_path):
    blank = "\t_" * 7
    rows = [f"1-2\tau{blank}\t_", f"1\tà{blank}\t_", f"2\tle{blank}\t_"]
    rows += [f"2.1\tx{blank}\t_", f"3\tlac{blank}\tSpaceAfter=No"]
    (sentence,) = read_sentences(_written(tmp_path, rows))
    assert sentence == [Surface("au", ("à", "le"), True), Surface("lac", ("lac",), False)]


def test_every_second_sentence_of_a_spaced_treebank_is_tightened(tmp_path):
    rows = [f"1-2\tcannot{_BLANK}", f"1\tcan{_BLANK}", f"2\tnot{_BLANK}", f"3\t!{_BLANK}"]
    spaces = [s[0].has_space for s in read_sentences(_written(tmp_path, *[rows] * 4))]
    assert spaces == [True, False, True, False]


def test_a_treebank_that_says_where_spaces_are_is_left_alone(tmp_path):
    blank = "\t_" * 7
    tight = [f"1\tgo{blank}\tSpaceAfter=No", f"2\t.{_BLANK}"]
    spaced = [f"1\tgo{_BLANK}", f"2\t.{_BLANK}"]
    spaces = [s[0].has_space for s in read_sentences(_written(tmp_path, *[tight] * 3, spaced))]
    assert spaces == [False, False, False, True]


def test_a_cut_between_letters_is_a_split():
    sentence = [Surface("był", ("był",), False), Surface("em", ("em",), False)]
    sentence += [Surface(".", (".",), True)]
    assert joined_letters(sentence) == [Surface("byłem", ("był", "em"), False), sentence[2]]


def _read(tmp_path, lines):
    with lzma.open(tmp_path / f"zh{SEGMENTED}", "wt", encoding="utf-8") as sink:
        sink.write(lines)
    return list(read_marked(tmp_path, "zh"))


def test_marks_say_how_sure_a_token_end_is(tmp_path):
    is_end = np.array([0.02, 0.2, 0.6, 0.97], np.float32)
    probs = np.stack([1 - is_end, is_end, np.zeros(4, np.float32)], axis=1)
    lines = marked_line([*"abcd"], probs)
    ((text, offsets),) = _read(tmp_path, lines)
    assert text == "abcd"
    assert offsets == pytest.approx({2: 0.3, 3: 0.7, 4: 0.99})


def test_sentence_ends_break_the_line(tmp_path):
    probs = np.array([[0.01, 0.9, 0.09], [0.01, 0.3, 0.69], [0.01, 0.9, 0.09]], np.float32)
    lines = marked_line(["a", "b", " c"], probs)
    assert [text for text, _ in _read(tmp_path, lines)] == ["ab", "c"]


def test_lines_of_text_hold_no_marks(tmp_path):
    path = tmp_path / "zh.txt"
    path.write_text(f" a{MARKS[1]}b{MARKS[2]}c{MARKS[3]} \n\n{MARKS[1]}\nd\n")
    assert list(text_lines(path)) == ["abc", "d"]


def test_split_sentences_are_read_as_they_were_written(tmp_path):
    rows = [("habait", ("ha", "bait")), ("1 000", ("1 000",)), ("shelo", ())]
    sentences = [[Surface(*row, True) for row in rows], [Surface('"', ('"',), True)]]
    for name in ("he", "he_web", "heb"):
        with lzma.open(tmp_path / f"{name}{SPLITS}", "wt", encoding="utf-8") as sink:
            sink.writelines(map(split_line, sentences))
    assert list(read_splits(tmp_path, "he")) == sentences * 2
    assert list(read_splits(tmp_path, "fr")) == []
