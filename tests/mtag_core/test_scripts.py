import pytest

from mtag_core.scripts import is_latin, script_shares, scripts_of_language


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Grüße aus Łódź – 12 €", "Latin"),
        ("Привет, мир", "Cyrillic"),
        ("שלום", "Hebrew"),
        ("हिन्दी", "Devanagari"),
        ("寿司とラーメン", "Han"),
        ("한국어", "Hangul"),
        ("ქართული", "Georgian"),
    ],
)
def test_text_in_one_script_is_all_of_that_script(text, script):
    assert script_shares(text) == {script: 1.0}


def test_shares_count_letters_and_not_digits_and_marks():
    assert script_shares("аб, 123 c! д") == {"Latin": 0.25, "Cyrillic": 0.75}


@pytest.mark.parametrize("text", ["", "12:30 …", "\ud800", "ᚠᚢᚦ"])
def test_text_without_known_letters_has_no_script(text):
    assert script_shares(text) == {}


def test_serbian_has_two_scripts_and_an_unknown_language_is_latin():
    assert scripts_of_language("sr") == {"Cyrillic", "Latin"}
    assert scripts_of_language("xx") == {"Latin"}


def test_latin_is_told_of_a_stretch():
    assert is_latin("abc где", 0, 4)
    assert not is_latin("abc где", 0, 5)
