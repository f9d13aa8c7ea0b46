"""Values of options that have a range: each function reads a word of the command line.

An error says what was given and what is expected; argparse adds the flag's name.
"""

import codecs
from argparse import ArgumentTypeError
from math import inf


def whole(text: str) -> int:
    """A whole number, below 0 too."""
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a whole number") from None


def number(text: str) -> float:
    """A finite number."""
    value = _number(text)
    if value is None or not -inf < value < inf:
        raise ArgumentTypeError(f"{text!r} is not a number")
    return value


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def not_negative(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def ratio(text: str) -> float:
    """A number from 0 to 1."""
    value = _number(text)
    if value is None or not 0.0 <= value <= 1.0:
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def seconds(text: str) -> float:
    """A finite number above 0."""
    value = _number(text)
    if value is None or not 0.0 < value < inf:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def positive_numbers(text: str) -> tuple[float, ...]:
    """Numbers above 0, separated by commas."""
    values = [_number(part) for part in text.split(",")]
    if not all(value is not None and 0.0 < value < inf for value in values):
        raise ArgumentTypeError(f"{text!r} is no list of numbers above 0, such as 1,3")
    return tuple(value for value in values if value is not None)


def known_encoding(text: str) -> str | None:
    """The name of a text encoding; None for UTF-8."""
    try:
        name = codecs.lookup(text).name
        codecs.getincrementaldecoder(name)().decode(b"a").encode()
    except (LookupError, TypeError, AttributeError, ValueError):
        expected = "an encoding, such as latin-1, cp1252, gb18030 or euc-jp"
        raise ArgumentTypeError(f"{text!r} is not {expected}") from None
    return None if name in ("utf-8", "ascii") else name


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
