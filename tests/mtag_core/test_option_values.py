from argparse import ArgumentTypeError

import pytest

from mtag_core import option_values


@pytest.mark.parametrize(
    ("name", "word", "value"),
    [
        ("whole", "-3", -3),
        ("number", "1e-3", 0.001),
        ("positive", "7", 7),
        ("not_negative", "0", 0),
        ("ratio", "1", 1.0),
        ("seconds", "0.5", 0.5),
        ("positive_numbers", "1,2.5", (1.0, 2.5)),
    ],
)
def test_words_become_values(name, word, value):
    assert getattr(option_values, name)(word) == value


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("whole", ["", "1.5", "a"]),
        ("number", ["", "a", "nan", "inf"]),
        ("positive", ["0", "-1", "1.0", "²"]),
        ("not_negative", ["-1", "x"]),
        ("ratio", ["1.01", "-0.1", "nan", "half"]),
        ("seconds", ["0", "-1", "inf", "nan", "1s"]),
        ("positive_numbers", ["", "1,", "0,1", "1,inf", "1;2"]),
    ],
)
def test_other_words_are_named(name, words):
    for word in words:
        with pytest.raises(ArgumentTypeError, match="is no"):
            getattr(option_values, name)(word)


def test_encodings_are_known_by_any_of_their_names():
    assert (
        option_values.known_encoding("Latin-1")
        == option_values.known_encoding("ISO-8859-1")
        == "iso8859-1"
    )
    assert option_values.known_encoding("UTF8") is None
    for text in ("latin-0", "base64", "rot13", "", "idna\0"):
        with pytest.raises(ArgumentTypeError, match="is not an encoding"):
            option_values.known_encoding(text)
