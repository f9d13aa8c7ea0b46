import argparse
from argparse import ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from mtag_core import options
from mtag_core.options import Flags, group, option, positive


@dataclass(frozen=True)
class Schedule:
    epochs: float = option("passes at most", 3.0)
    minutes: float | None = option("end after so many", None)
    warmup_share: float = 0.1


@dataclass(frozen=True)
class Options:
    output: Path = option("directory to write")
    activation: str = option("of the layers", "relu", choices=("relu", "gelu"))
    rates: tuple[float, ...] = option("learning rates", (0.5, 1.0))
    only: tuple[str, ...] = option("treebanks, 100 % of them if none is named", (), metavar="NAME")
    is_fast: bool = option("do it at once", False)
    schedule: Schedule = group(Schedule(epochs=7.0))
    hidden: int = 3


@pytest.fixture
def flags():
    return Flags(Options)


def _parse(flags, line):
    parser = argparse.ArgumentParser(prog="mtag")
    flags.add_to(parser)
    return flags.parse(parser.parse_args(line.split()))


def test_defaults_are_those_of_the_dataclass(flags):
    assert _parse(flags, "--output out") == Options(Path("out"))


def test_every_type_is_parsed(flags):
    line = (
        "--output out --activation gelu --rates 1 2 --only en fr --is_fast --epochs 1 --minutes 4"
    )
    expected = Options(Path("out"), "gelu", (1.0, 2.0), ("en", "fr"), True, Schedule(1.0, 4.0))
    assert _parse(flags, line) == expected


def test_fields_without_help_have_no_flag(flags, capsys):
    with pytest.raises(SystemExit):
        _parse(flags, "--output out --hidden 4")
    assert "unrecognized arguments: --hidden 4" in capsys.readouterr().err


def test_a_field_without_default_is_required(flags, capsys):
    with pytest.raises(SystemExit):
        _parse(flags, "--is_fast")
    assert "required: --output" in capsys.readouterr().err


def test_help_shows_defaults_where_there_are_any(flags):
    parser = argparse.ArgumentParser(prog="mtag")
    flags.add_to(parser)
    shown = " ".join(parser.format_help().split())
    assert "passes at most (default: 7.0)" in shown
    assert "learning rates (default: 0.5 1.0)" in shown
    assert "treebanks, 100 % of them if none is named --is_fast" in shown
    assert "--only NAME" in shown


def _split(values):
    return tuple(sorted({name for value in values for name in value.split(",")}))


@dataclass(frozen=True, kw_only=True)
class Words:
    text: str | None = option("what to tag", None, is_positional=True)
    style: tuple[str, ...] = option(
        "of treebanks", (), split=_split, formerly="manner", section="model"
    )
    workers: int = option("processes", 1, parse=positive)
    cut: Literal["a", "b"] | None = option("who segments", None, section="model")
    unique: bool = option("drop repeats", True)
    verbose: bool = option("say more", False, short="-v")
    schedule: Schedule = group(section="schedule")


@pytest.fixture
def words():
    return Flags(Words)


def test_a_word_that_follows_no_flag_is_not_taken_by_one(words):
    options = _parse(words, "--style b,a --style c text")
    assert (options.text, options.style) == ("text", ("a", "b", "c"))
    assert _parse(words, "").text is None


def test_values_are_checked_where_the_field_says_how(words, capsys):
    assert _parse(words, "--workers 3 --cut b").workers == 3
    for line in ("--workers 0", "--cut c", "--epochs many"):
        with pytest.raises(SystemExit):
            _parse(words, line)
    shown = capsys.readouterr().err
    assert "'0' is not a whole number above 0" in shown
    assert "invalid choice: 'c'" in shown
    assert "argument --epochs: 'many' is not a number" in shown


def test_an_old_name_works_and_says_the_new_one(words, capsys):
    assert _parse(words, "--manner x").style == ("x",)
    assert capsys.readouterr().err == "mtag: --manner is now --style\n"


def test_a_flag_that_is_on_can_be_turned_off(words):
    assert _parse(words, "").unique
    assert not _parse(words, "--no-unique").unique
    assert _parse(words, "-v").verbose


def test_help_has_sections_and_hides_old_names(words):
    parser = argparse.ArgumentParser(prog="mtag")
    words.add_to(parser)
    _, *sections = parser.format_help().split("\n\n")
    titles = [text.partition("\n")[0] for text in sections]
    assert titles == ["positional arguments:", "options:", "model:", "schedule:"]
    assert "--style TEXT" in sections[2] and "--epochs X" in sections[3]
    assert "--manner" not in parser.format_help()


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
    assert getattr(options, name)(word) == value


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
            getattr(options, name)(word)


def test_encodings_are_known_by_any_of_their_names():
    assert options.known_encoding("Latin-1") == options.known_encoding("ISO-8859-1") == "iso8859-1"
    assert options.known_encoding("UTF8") is None
    for text in ("latin-0", "base64", "rot13", "", "idna\0"):
        with pytest.raises(ArgumentTypeError, match="is not an encoding"):
            options.known_encoding(text)
