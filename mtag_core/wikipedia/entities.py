"""Character references of HTML.

Source: the named references of HTML 5 (`html.entities`). One without its semicolon counts only
where HTML 5 has it in its list for old pages, and where no letter, digit or equals sign follows.
"""

import html
import re
from html.entities import html5

# No more digits than a code point has: `int` refuses thousands of them.
_REFERENCE = re.compile(
    r"&(?:#0*+([0-9]{1,7}(?![0-9]));?|#[xX]0*+([0-9a-fA-F]{1,6}(?![0-9a-fA-F]));?"
    r"|([a-zA-Z][a-zA-Z0-9]{0,40})(;|(?![a-zA-Z0-9=])))"
)


def decode_entities(text: str) -> str:
    """Replaces references by their characters; what is none stays.

    Example: "&eacute; &copy 5 &hellip R&D &region=1" -> "é © 5 &hellip R&D &region=1".
    """
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    decimal, hexadecimal, name, semicolon = match.groups()
    if name is None:
        return html.unescape(f"&#{decimal};" if decimal else f"&#x{hexadecimal};")
    return html5.get(name + semicolon, match[0])
