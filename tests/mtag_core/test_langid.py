import shutil

import pytest

from mtag_core.errors import BundleError
from mtag_core.langid import LanguageIdentifier, normalise
from mtag_core.scripts import script_shares, scripts_of_language
from mtag_core.tagging.bundle import DEFAULT_BUNDLE


def test_normalised_text_is_one_lower_case_line_without_digits_and_addresses():
    text = "Der  PREIS:\n12 Euro\t(https://example.org/a?b) an a@example.org"
    assert normalise(text) == "der preis: euro ( an"


def test_normalised_text_is_bounded():
    assert len(normalise("a" * 1_000_000)) == 400


def test_missing_model_is_an_error(tmp_path):
    with pytest.raises(BundleError, match="found no file"):
        LanguageIdentifier.load(tmp_path / "langid.ftz")


def test_missing_words_of_languages_are_an_error(tmp_path):
    shutil.copy(DEFAULT_BUNDLE / "langid.ftz", tmp_path)
    with pytest.raises(BundleError, match=r"langid\.words\.npz: expected common words"):
        LanguageIdentifier.load(tmp_path / "langid.ftz")


def test_damaged_model_is_an_error(tmp_path):
    path = tmp_path / "langid.ftz"
    path.write_bytes(b"not a model at all")
    with pytest.raises(BundleError, match="not a supervised fastText model"):
        LanguageIdentifier.load(path)


@pytest.mark.parametrize(
    ("text", "language"), [("ඔබට කොහොමද?", "si"), ("გამარჯობა", "ka"), ("สวัสดี", "th")]
)
def test_script_that_one_language_is_written_in_names_it(default_langid, text, language):
    assert default_langid.predict([text])[0][0] == language


def test_most_sentences_of_two_or_three_words_are_in_their_language(default_langid):
    code_to_texts = {
        "fr": ["Le chat dort.", "Il pleut.", "La lune brille.", "Le pain est bon."],
        "es": ["El sol brilla.", "El perro corre."],
        "de": ["Der Hund bellt.", "Die Sonne scheint."],
        "it": ["Il sole splende.", "La bambina ride."],
        "pt": ["O gato dorme.", "A menina canta."],
        "nl": ["De zon schijnt.", "Het regent."],
        "pl": ["Ptak śpiewa.", "Pada deszcz."],
        "ru": ["Кот спит.", "Идёт дождь."],
        "tr": ["Kedi uyuyor.", "Yağmur yağıyor."],
        "uk": ["Кіт спить.", "Іде дощ."],
        "id": ["Kucing tidur.", "Anak itu pergi."],
    }
    pairs = [(code, text) for code, texts in code_to_texts.items() for text in texts]
    found = default_langid.predict([text for _, text in pairs])
    right = [code == pair[0] for (code, _), pair in zip(pairs, found, strict=True)]
    assert right[0]
    assert sum(right) >= 0.9 * len(right)


@pytest.mark.parametrize("text", ["Bonjour", "Привет", "Hej", "Γεια"])
def test_language_of_another_script_is_never_named(default_langid, text):
    ((language, _),) = default_langid.predict([text])
    assert script_shares(text).keys() & scripts_of_language(language)


@pytest.mark.parametrize("text", ["", "  ", "123 456", "...", "ᚠᚢᚦᚨᚱᚲ"])
def test_text_without_letters_that_a_language_is_written_in_is_unknown(default_langid, text):
    assert default_langid.predict([text]) == [("und", 0.0)]
    assert default_langid.predict_top([text], n_best=3) == [[]]


def test_probabilities_are_ranked_and_add_up_to_one_at_most(default_langid):
    (guess,) = default_langid.predict_top(["Собака спит, a dog sleeps too"], n_best=5)
    probs = [prob for _, prob in guess]
    assert probs == sorted(probs, reverse=True)
    assert 0 < sum(probs) <= 1.0 + 1e-6
