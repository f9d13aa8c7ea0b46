"""Comments, extension tags and HTML of wikitext.

Elements that show no running text (references, formulas, galleries, code) go with what they hold;
of others only the tags go. All searches are linear: an element that nothing closes is looked for
once.
"""

import re

from mtag_core.wikipedia.templates import HOLE

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_DROPPED = (
    "ref math chem ce gallery timeline score syntaxhighlight source imagemap graph hiero mapframe"
    " maplink templatedata templatestyles inputbox categorytree includeonly table pre references"
    " indicator section charinsert dynamicpagelist rss phonos style script mapsources"
).split()
_DROPPED_OPEN = re.compile(
    rf"<({'|'.join(_DROPPED)}|nowiki)(?=[\s/>])([^<>]*+)>", re.IGNORECASE | re.ASCII
)
_BREAKING_TAG = re.compile(
    r"</?(?:br|p|div|blockquote|poem|li|ul|ol|dl|dd|dt|h[1-6]|hr|center|tr|td|th|caption)"
    r"(?=[\s/>])[^<>]*+>",
    re.IGNORECASE | re.ASCII,
)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:[\s/][^<>]*+)?>")
# What a formula may hold to stand as words: "x", "n + 1", "E=mc".
_PLAIN_FORMULA = re.compile(r"[\w\s+=<>/().,-]{1,40}")
_MARKUP_PAIRS = re.compile(r"\{\{+|\}\}+|\[\[+|\]\]+|\{\||\|\}|''+")


def drop_comments(text: str) -> str:
    """Removes comments; one that is not closed hides the rest, as in MediaWiki."""
    return _COMMENT.sub("", text) if "<!--" in text else text


def drop_elements(text: str) -> str:
    """Removes elements that show no running text, with what they hold.

    Args:
        text: Wikitext without comments.

    Returns:
        Text with `HOLE` for a dropped element inside a line; nothing for a reference, which is
        no part of the sentence. Plain formulas and the contents of `<nowiki>` stay.
    """
    parts: list[str] = []
    unclosed: set[str] = set()
    position = 0
    while match := _DROPPED_OPEN.search(text, position):
        parts.append(text[position : match.start()])
        position = match.end()
        name = match[1].lower()
        if match[2].endswith("/") or name in unclosed:
            continue
        closer = _CLOSERS[name].search(text, position)
        if closer is None:
            unclosed.add(name)
            continue
        parts.append(_replacement(name, text[position : closer.start()]))
        position = closer.end()
    parts.append(text[position:])
    return "".join(parts)


_CLOSERS = {
    name: re.compile(rf"</{name}\s*>", re.IGNORECASE | re.ASCII) for name in [*_DROPPED, "nowiki"]
}


def drop_tags(text: str) -> str:
    """Removes HTML tags; those that break a line leave a line end."""
    if "<" not in text:
        return text
    return _TAG.sub("", _BREAKING_TAG.sub("\n", text))


def _replacement(name: str, inner: str) -> str:
    """What a dropped element leaves in the text."""
    if name == "nowiki":
        return _MARKUP_PAIRS.sub("", inner)
    if name in ("math", "chem", "ce"):
        inner = inner.strip()
        return inner if _PLAIN_FORMULA.fullmatch(inner) else HOLE
    return "" if name == "ref" else HOLE
