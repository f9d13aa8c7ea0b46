import lzma

import numpy as np
import pytest

from mtag_core.errors import InputNotFoundError, UsageError
from mtag_core.segmentation.units import find_units
from mtag_core.training.segmenters.boundary_marks import read_marked
from mtag_core.training.segmenters.dictionary_labelling import label_by_dictionary, word_rows
from mtag_core.training.segmenters.dictionary_words import Dictionary, Word, load_dictionary

# Each capital letter begins a word of this toy dictionary.
_SENTENCES = (("Ab", "C", "De"), ("Fg", "Ab", "H"), ("C", "De", "C"))


def _words(text):
    starts = [index for index, letter in enumerate(text) if letter.isupper()]
    ends = [*starts[1:], len(text)]
    return [Word(end, "X", end - start) for start, end in zip(starts, ends, strict=True)]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "ud").mkdir()
    rows = (
        "".join(
            f"{number}\t{form}" + "\t_" * 7 + "\tSpaceAfter=No\n"
            for number, form in enumerate(forms, start=1)
        )
        for forms in _SENTENCES * 4
    )
    (tmp_path / "ud" / "zh_own-ud-train.conllu").write_text("\n".join(rows) + "\n")
    with lzma.open(tmp_path / "zh.txt.xz", "wt") as sink:
        sink.write("CAbDe\n\nAb Fg-\n")
    return tmp_path


def _label(folder, output="out", **changes):
    dictionaries = {"zh": Dictionary(_words, lambda text: text.replace("-", "+"))}
    arguments = {"languages": ["zh"], "dictionaries": dictionaries} | changes
    return label_by_dictionary(folder / "ud", folder, folder / output, **arguments)


def _ends(path):
    return [
        (text, sorted(end for end, prob in ends.items() if prob > 0.5))
        for text, ends in read_marked(path)
    ]


def test_words_of_the_dictionary_show_token_ends(folder):
    own, _ = _label(folder)
    assert _ends(own)[0] == ("CAbDe", [1, 3, 5])


def test_lines_in_another_script_are_written_in_both(folder):
    own, converted = _label(folder)
    assert _ends(own)[1][0] == "Ab Fg-"
    assert [text for text, _ in _ends(converted)] == ["Ab Fg+"]


def test_labelling_repeats_exactly(folder):
    one, two = (_label(folder, output)[0] for output in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_language_without_text_is_an_error(folder):
    with pytest.raises(InputNotFoundError, match="ja: no train file"):
        _label(folder, languages=["ja"])


def test_language_without_dictionary_is_an_error():
    with pytest.raises(UsageError, match="fr: no dictionary; there are ja, zh"):
        load_dictionary("fr")


def test_words_around_a_gap_change_its_features():
    units = find_units("abcd", has_spaces=False)
    one, two = (word_rows(units, ends, n_rows=1 << 20) for ends in ({2: 8, 4: 8}, {3: 8, 4: 8}))
    assert one.shape == two.shape == (3, 12)
    assert not np.array_equal(one[1], two[1])
