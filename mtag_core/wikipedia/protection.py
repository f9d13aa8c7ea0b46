"""Characters that are text though markup is made of them.

What stands in `<nowiki>`, and the apostrophes that templates give, must come through the later
steps unread. Each such character becomes a control character, which XML 1.0 cannot hold, until the
end.
"""

import re

HOLE = "\x02"
"""Stands where markup was dropped from running text."""

NOTHING = "\x01"
"""Stands for no text, but keeps what is before it apart from what is behind."""

_MARKUP = "'<>[]{}|=-_"
_CODES = "\x03\x04\x05\x06\x07\x08\x0e\x0f\x10\x11\x12"
_PROTECT = str.maketrans(_MARKUP, _CODES)
CODE_TO_TEXT = dict(zip(_CODES, _MARKUP, strict=True))
"""Each control character -> the character it stands for; others stand for nothing."""

# The output never holds these, so that nobody takes its text for markup.
_PAIRS = re.compile(r"\{\{+|\}\}+|\[\[+|\]\]+|\{\||\|\}|</[\w-]*+\s*+>?|<ref[^<>]*+>?", re.I)


def protect(text: str) -> str:
    """Hides the markup characters of a text; pairs of brackets and closing tags go."""
    # Behind `NOTHING` no mark of a list stands at a line's start.
    return NOTHING + _PAIRS.sub("", text).replace("\n", " ").translate(_PROTECT)
