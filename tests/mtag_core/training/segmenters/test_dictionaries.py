from itertools import accumulate

import pytest

from mtag_core.__main__ import main
from mtag_core.errors import FormatError, InputNotFoundError
from mtag_core.segmentation.gap_network import find_units
from mtag_core.storage import open_text
from mtag_core.training.segmenters import dictionaries
from mtag_core.training.segmenters.dictionaries import tagged_texts, unit_tags


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
    tags = unit_tags(table, dictionaries.ANALYSERS[language]()(text))
    ends = [table.ends[index] for index, tag in enumerate(tags) if tag != "-"]
    n_letters = [len(text[:end].replace(" ", "")) for end in ends]
    assert n_letters == list(accumulate(map(len, words.split())))


def test_chinese_is_learnt_in_both_scripts():
    pytest.importorskip("opencc", reason="install mtag[dictionaries]")
    simplified = [("鳳山县", {2: 0.3}), ("国", {})]
    traditional = [("鳳山縣", {2: 0.3}), ("國", {})]
    assert list(dictionaries.in_both_scripts(simplified)) == simplified + traditional


def test_a_word_that_ends_inside_a_unit_has_no_tag():
    table = find_units("か\u3099く", has_spaces=False)
    assert unit_tags(table, [("か", "x"), ("\u3099く", "y")]) == ["-", "y"]


_BLANK = "\t_" * 8


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A treebank of one sentence, a line of text, and a dictionary of single letters."""
    monkeypatch.setitem(dictionaries.ANALYSERS, "zh", lambda: lambda text: [(c, c) for c in text])
    for part in ("train", "dev"):
        rows = f"1\tab{_BLANK}\n2\tc{_BLANK}\n\n"
        (tmp_path / f"zh_own-ud-{part}.conllu").write_text(rows)
    (tmp_path / "zh.txt").write_text("\nb a\n")
    assert main(["label", "dictionary", *_flags(tmp_path), "--languages=zh"]) == 0
    return tmp_path


def _flags(folder):
    return [f"--{name}={folder}" for name in ("treebanks", "text")] + [f"--output={folder / 'out'}"]


def test_treebanks_and_text_are_looked_up(folder):
    written = {}
    for path in (folder / "out").iterdir():
        with open_text(path) as lines:
            written[path.name] = list(lines)
    assert written == {
        "zh_own-ud-train.tags.txt.xz": ["a b c\n"],
        "zh_own-ud-dev.tags.txt.xz": ["a b c\n"],
        "zh.tags.txt.xz": ["b a\n"],
    }


def test_tags_are_read_with_their_units(folder):
    (tagged,) = tagged_texts(folder / "zh.txt", folder / "out")
    assert tagged == ("b a", ["b", "a"], [1, 3], ["b", "a"], [0, 0])


def test_units_of_treebanks_are_labelled(folder):
    (tagged,) = tagged_texts(folder / "zh_own-ud-dev.conllu", folder / "out")
    assert (tagged.units, tagged.labels) == (["a", "b", "c"], [0, 1, 2])


@pytest.mark.parametrize(
    ("text", "message"),
    [("b a c", ":1: 2 tags; expected 3"), ("b a\nb", ":2: 0 tags; expected 1")],
)
def test_tags_of_another_text_are_an_error(folder, text, message):
    (folder / "zh.txt").write_text(text)
    with pytest.raises(FormatError, match=message):
        list(tagged_texts(folder / "zh.txt", folder / "out"))


def test_missing_tags_are_an_error(folder):
    (folder / "zh_hant.txt").write_text("b")
    with pytest.raises(InputNotFoundError, match="zh_hant"):
        list(tagged_texts(folder / "zh_hant.txt", folder / "out"))


def test_without_a_dictionary_units_have_no_tags(folder):
    (folder / "vi.txt").write_text("b a")
    for path, directory in (("zh.txt", None), ("vi.txt", folder / "out")):
        (text,) = tagged_texts(folder / path, directory)
        assert (text.units, text.tags) == (["b", "a"], ["", ""])


def test_a_language_without_dictionary_is_refused(folder, capsys):
    assert main(["label", "dictionary", *_flags(folder), "--languages=vi"]) == 2
    assert "vi" in capsys.readouterr().err
