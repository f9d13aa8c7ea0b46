import pytest

from mtag_core.langid import LanguageIdentifier
from mtag_core.segmentation.script_cuts import cut_at_scripts
from mtag_core.tagging.bundle import DEFAULT_BUNDLE


@pytest.fixture(scope="module")
def langid():
    return LanguageIdentifier.load(DEFAULT_BUNDLE / "langid.ftz")


def _parts(text, language, langid):
    parts = list(cut_at_scripts(text, 0, len(text), language, langid=langid))
    assert [start for start, _, _ in parts] == [0, *(end for _, end, _ in parts[:-1])]
    assert parts[-1][1] == len(text)
    return [(text[start:end], part_language) for start, end, part_language in parts]


def test_sentences_in_two_scripts_are_cut_apart(langid):
    text = "Der Hund schläft unter dem alten Tisch. Το σπίτι είναι πολύ μεγάλο. Gute Nacht!"
    assert _parts(text, "de", langid) == [
        ("Der Hund schläft unter dem alten Tisch. ", "de"),
        ("Το σπίτι είναι πολύ μεγάλο. ", "el"),
        ("Gute Nacht!", "de"),
    ]


def test_words_of_another_script_inside_a_sentence_stay_in_it(langid):
    text = "Вчера я читал The New York Times в метро. И это было интересно."
    assert _parts(text, "ru", langid) == [(text, "ru")]


def test_quoted_sentence_stays_with_what_quotes_it(langid):
    text = "Она сказала: «Stop it!» и вышла из комнаты."
    assert _parts(text, "ru", langid) == [(text, "ru")]


def test_signs_without_letters_join_what_stands_before_them(langid):
    text = "*** Καλημέρα σας. 12:30. *** Good morning to all of you. 5."
    assert [language for _, language in _parts(text, "el", langid)] == ["el", "en"]


def test_very_long_line_without_sentence_ends_is_one_part(langid):
    text = "слово " * 10_000
    assert _parts(text, "ru", langid) == [(text, "ru")]
