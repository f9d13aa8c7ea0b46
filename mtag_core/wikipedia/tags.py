"""Comments, extension tags and HTML of wikitext.

Elements that show no running text (references, formulas, galleries, code) go with what they hold;
of others only the tags go. Only names that MediaWiki knows are tags: `n<k and m>k` is text. All
searches are linear: an element that nothing closes is looked for once.

What stands in `<nowiki>`, and the apostrophes that templates give, must come through the later
steps unread. Each of their characters that markup is made of becomes a control character, which
XML 1.0 cannot hold, until the end.

Source: MediaWiki, Sanitizer::getRecognizedTagData, and the tags of the extensions on Wikipedia.
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
_DROPPED = (
    "ref math chem ce gallery timeline score syntaxhighlight source imagemap graph hiero mapframe"
    " maplink templatedata templatestyles inputbox categorytree includeonly table pre references"
    " indicator section charinsert dynamicpagelist rss phonos style script mapsources"
).split()
_OPEN = re.compile(
    rf"<!--|<({'|'.join(_DROPPED)}|nowiki)(?=[\s/>])([^<>]*+)>", re.IGNORECASE | re.ASCII
)
_BREAKING = "br p div blockquote poem li ul ol dl dd dt h[1-6] hr center tr td th caption".split()
_INLINE = (
    "abbr bdi bdo big cite code data del dfn em font ins kbd link mark meta rb rp rt rtc ruby samp"
    " small span strike strong sub sup time tt var wbr tbody thead tfoot noinclude onlyinclude"
    " langconvert languages translate tvar pagelist pages pagequality ref nowiki"
).split()
_REST = r"(?=[\s/>])[^<>]*+>"
# After a name of one letter only attributes make a tag: "i<b and b>c" is text.
_ATTRIBUTES = r"(?:\s++[a-z][\w:-]*+\s*+=[^<>]*+|\s*+/?)>"
_BREAKING_TAG = re.compile(
    rf"</?(?:p{_ATTRIBUTES}|(?:{'|'.join(name for name in _BREAKING if name != 'p')}){_REST})",
    re.IGNORECASE | re.ASCII,
)
_TAG = re.compile(
    rf"</?(?:[biqsu]{_ATTRIBUTES}|(?:{'|'.join([*_INLINE, *_DROPPED])}){_REST})"
    # A closing tag is never text, whatever its name.
    r"|</[a-z][\w-]*+\s*+>",
    re.IGNORECASE | re.ASCII,
)
# What a formula may hold to stand as words: "x", "n + 1", "E=mc".
_PLAIN_FORMULA = re.compile(r"[\w\s+=<>/().,-]{1,40}")
_CLOSERS = {
    name: re.compile(rf"</{name}\s*>", re.IGNORECASE | re.ASCII) for name in [*_DROPPED, "nowiki"]
}


def drop_elements(text: str) -> str:
    """Removes comments, and elements that show no running text with what they hold.

    Returns:
        Text with `HOLE` for a dropped element inside a line; nothing for a comment, and for a
        reference, which is no part of the sentence. Plain formulas stay; the contents of
        `<nowiki>` stay with their markup characters protected.
    """
    parts: list[str] = []
    unclosed: set[str] = set()
    position = 0
    while match := _OPEN.search(text, position):
        parts.append(text[position : match.start()])
        position = match.end()
        if match[1] is None:
            position = _end_of_comment(text, match.start())
            continue
        name = match[1].lower()
        if match[2].endswith("/") or name in unclosed:
            parts.append(NOTHING if name == "nowiki" else "")
            continue
        closer = _CLOSERS[name].search(text, position)
        if closer is None:
            unclosed.add(name)
            continue
        inner = text[position : closer.start()]
        parts.append(_replacement(name, inner, is_inline="inline" in match[2]))
        position = closer.end()
    parts.append(text[position:])
    return "".join(parts)


def drop_tags(text: str) -> str:
    """Removes HTML tags; those that break a line leave a line end."""
    if "<" not in text:
        return text
    return _TAG.sub("", _BREAKING_TAG.sub("\n", text))


def _end_of_comment(text: str, start: int) -> int:
    """Where the text goes on behind a comment; one that is not closed hides the rest.

    A comment alone on its line takes the line's end with it, as in MediaWiki.
    """
    end = text.find("-->", start + 4)
    if end < 0:
        return len(text)
    end += 3
    is_at_line_start = start == 0 or text[start - 1] == "\n"
    return end + 1 if is_at_line_start and text[end : end + 1] == "\n" else end


def _replacement(name: str, inner: str, *, is_inline: bool) -> str:
    if name == "nowiki":
        return protect(inner)
    if name in ("syntaxhighlight", "source") and is_inline and "\n" not in inner:
        return protect(inner)
    if name in ("math", "chem", "ce"):
        inner = inner.strip()
        return inner if _PLAIN_FORMULA.fullmatch(inner) else HOLE
    return "" if name == "ref" else HOLE


def protect(text: str) -> str:
    """Hides the markup characters of a text; pairs of brackets and closing tags go."""
    # Behind `NOTHING` no mark of a list stands at a line's start.
    return NOTHING + _PAIRS.sub("", text).replace("\n", " ").translate(_PROTECT)
