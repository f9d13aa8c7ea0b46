"""Text of unknown origin on one line, for terminals and pages."""

import unicodedata

# Zero-width joiners are letters' business; other invisible characters could hide or turn text.
_JOINERS = "\u200c\u200d"


def visible(value: str) -> str:
    r"""The text on one line, with a mark for each control character and lone surrogate.

    Example: visible("a\nb\x1b[31m") -> "a b\ufffd[31m"
    """
    if value.isprintable():
        return value
    return "".join(map(_shown, value))


def _shown(character: str) -> str:
    if character in _JOINERS or character.isprintable():
        return character
    is_blank = character in "\t\n\r" or unicodedata.category(character) in ("Zs", "Zl", "Zp")
    return " " if is_blank else "\ufffd"
