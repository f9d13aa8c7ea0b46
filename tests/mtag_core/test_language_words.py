import math

import numpy as np
import pytest

from mtag_core.errors import BundleError
from mtag_core.language_words import LanguageWords, ngram_rows, word_codes

_ROWS = 1 << 10


def _odds():
    odds = np.zeros(_ROWS)
    odds[ngram_rows("vlak", n_rows=_ROWS)] = 1.0
    odds[ngram_rows("voz", n_rows=_ROWS)] = -1.0
    return odds


@pytest.fixture
def words():
    shared = {"i": math.log(0.05)}
    return LanguageWords.of(
        {
            "en": {"the": math.log(0.06), "of": math.log(0.03)},
            "de": {"der": math.log(0.05), "und": math.log(0.04), "of": math.log(0.001)},
            "pl": shared,
            "cs": shared,
        },
        _odds(),
    )


def test_words_are_read_as_they_were_written(words, tmp_path):
    words.save(tmp_path / "words.npz")
    again = LanguageWords.load(tmp_path / "words.npz")
    text = "The cat of the house, i der"
    codes = word_codes([text])
    np.testing.assert_allclose(again.gains(*codes), words.gains(*codes))
    guess = [("hr", 0.5), ("sr", 0.5)]
    assert again.part_croatian("vlak", guess) == words.part_croatian("vlak", guess)


def test_common_words_weigh_what_a_model_answers(words):
    probs = words.reweigh(["the house of"], ("de", "en", "fr"), np.array([[0.6, 0.4, 0]]))
    assert probs.argmax() == 1
    assert probs[0, 2] == 0
    assert probs.sum() == pytest.approx(1.0)


def test_many_words_of_one_language_name_it(words):
    texts = ["the of the of the of the of the", "der und", "lorem ipsum " * 9, ""]
    assert [guess and guess[0] for guess in words.sure_languages(texts)] == ["en", None, None, None]


def test_texts_say_together_what_each_says_alone(words):
    texts = ["the cat", "", "der Hund und die Katze of"]
    together = words.gains(*word_codes(texts))
    alone = [words.gains(*word_codes([text]))[0] for text in texts]
    np.testing.assert_array_equal(together, alone)


def test_commonest_words_come_in_the_order_of_their_use(words):
    assert words.commonest("en", 1) == frozenset(word_codes(["the"])[0].tolist())
    assert words.commonest("xx", 5) == frozenset()


@pytest.mark.parametrize(("text", "language"), [("vlak", "hr"), ("voz", "sr")])
def test_words_part_croatian_from_serbian(words, text, language):
    guess = words.part_croatian(text, [("hr", 0.4), ("sr", 0.4), ("bs", 0.2)])
    assert guess[0][0] == language
    assert sum(prob for _, prob in guess) == pytest.approx(1.0)


@pytest.mark.parametrize("text", ["je", "Čovječanstvo je", "o, đak nije\u0301", "\ud800"])
def test_what_parts_croatian_adds_up_over_rows(text):
    table = np.random.default_rng(1).uniform(-1, 1, _ROWS)
    words = LanguageWords.of({"hr": {"je": -1.0}}, table)
    odds = np.round(table * 32)[ngram_rows(text, n_rows=_ROWS)].sum() / 32
    ((_, share),) = [
        pair for pair in words.part_croatian(text, [("hr", 0.5), ("sr", 0.5)]) if pair[0] == "hr"
    ]
    assert math.log(share / (1 - share)) == pytest.approx(odds + 1.0)


def test_other_languages_are_not_parted(words):
    guess = [("bs", 0.6), ("hr", 0.4)]
    assert words.part_croatian("vlak", guess) == guess


def test_damaged_file_is_an_error(tmp_path):
    (tmp_path / "words.npz").write_bytes(b"nothing")
    with pytest.raises(BundleError, match="expected common words of languages"):
        LanguageWords.load(tmp_path / "words.npz")
