from itertools import accumulate

import pytest

from mtag_core.segmentation.gap_network import find_units
from mtag_core.training.segmenters import dictionaries
from mtag_core.training.segmenters.dictionaries import unit_tags


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("ja", "これは本です。 1999年", "これ は 本 です 。 1999 年"),
        ("zh", "鳳山縣 知縣。", "鳳山縣 知縣 。"),
    ],
)
def test_units_have_the_tags_of_words_that_end_with_them(language, text, words):
    for package in {"ja": ("fugashi", "unidic_lite"), "zh": ("opencc", "rjieba")}[language]:
        pytest.importorskip(package, reason="install mtag[dictionaries]")
    table = find_units(text, has_spaces=False)
    tags = unit_tags(dictionaries.ANALYSERS[language]()(text), table.ends)
    ends = [end for end, tag in zip(table.ends, tags, strict=True) if tag != "-"]
    n_letters = [len(text[:end].replace(" ", "")) for end in ends]
    assert n_letters == list(accumulate(map(len, words.split())))


def test_chinese_is_learnt_in_both_scripts():
    pytest.importorskip("opencc", reason="install mtag[dictionaries]")
    simplified = [("鳳山县", {2: 0.3}), ("国", {})]
    traditional = [("鳳山縣", {2: 0.3}), ("國", {})]
    assert list(dictionaries.in_both_scripts(simplified)) == simplified + traditional


def test_a_word_that_ends_inside_a_unit_has_no_tag():
    ends = find_units("か\u3099く", has_spaces=False).ends
    assert unit_tags([("か", "x"), ("\u3099く", "y")], ends) == ["-", "y"]
