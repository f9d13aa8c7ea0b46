"""Definitions of templates that the dump itself holds, as far as they are simple substitution.

A definition is simple where it is one line of text, links, parameters, calls and inline tags.
Boxes, tables and modules are not.
"""

import re
from typing import BinaryIO

from mtag_core.wikipedia.pages import MAX_PAGE_BYTES, PageError, cut_pages, parse_page
from mtag_core.wikipedia.site import TEMPLATE_NAMESPACE, Definitions, Site
from mtag_core.wikipedia.tags import drop_elements

MAX_DEFINITION_CHARACTERS = 500
"""A longer definition is a box, not words inside a sentence."""

_HEAD_BYTES = 4096
_TEMPLATE_MARK = b"<ns>%d</ns>" % TEMPLATE_NAMESPACE
_ONLY = re.compile(r"<onlyinclude>(.*?)</onlyinclude>", re.DOTALL | re.IGNORECASE)
_NOT_INCLUDED = re.compile(r"<noinclude>.*?(?:</noinclude>|\Z)", re.DOTALL | re.IGNORECASE)
_INCLUDE_TAG = re.compile(r"</?(?:includeonly|noinclude|onlyinclude)\s*/?>", re.IGNORECASE)
_REDIRECT = re.compile(r"\s*#\s*[^\s\[\]{}|#:]{2,40} ?:?\s*\[\[\s*:?([^\[\]|#\n]{1,200})")
_COMPLEX = re.compile(
    r"\{\||\n|#invoke|<(?:div|table|center|gallery|[uo]l|p|h\d|templatestyles)\b", re.IGNORECASE
)


def read_definitions(stream: BinaryIO, site: Site, *, max_bytes: int) -> Definitions:
    """Reads the templates of a dump that are simple substitution.

    Args:
        stream: Uncompressed XML, UTF-8.
        site: The wiki; names its namespaces.
        max_bytes: Pages that start behind so many bytes are not looked at.

    Returns:
        Those found, and all redirects between templates.
    """
    name_to_text: dict[str, str] = {}
    name_to_target: dict[str, str] = {}
    for outcome, xml, offset in cut_pages(stream, max_page_bytes=MAX_PAGE_BYTES):
        if offset > max_bytes:
            break
        if outcome != "page" or not _may_be_template(xml):
            continue
        name, text = _template(xml, site)
        redirect = _REDIRECT.match(text)
        if name and redirect:
            name_to_target[name] = _name(redirect[1])
        elif name and (definition := _transcluded(text)) is not None:
            name_to_text[name] = definition
    return Definitions(name_to_text, name_to_target)


def _may_be_template(xml: bytes) -> bool:
    head = xml[:_HEAD_BYTES]
    return _TEMPLATE_MARK in head or b"<ns>" not in head


def _template(xml: bytes, site: Site) -> tuple[str, str]:
    """The name and the wikitext of a template's page; two empty strings for another page."""
    try:
        page = parse_page(xml, site)
    except PageError:
        return "", ""
    is_template = page.namespace == TEMPLATE_NAMESPACE and page.model == "wikitext"
    return (_name(page.title), page.text) if is_template else ("", "")


def _name(title: str) -> str:
    return " ".join(title.partition(":")[2].replace("_", " ").lower().split())


def _transcluded(text: str) -> str | None:
    """What a page puts where it is called; None where that is no simple substitution."""
    only = _ONLY.findall(text)
    text = "".join(only) if only else _NOT_INCLUDED.sub("", text)
    text = drop_elements(_INCLUDE_TAG.sub("", text)).strip("\n")
    is_block = text[:1] in tuple(":*#;|!=")
    is_simple = len(text) <= MAX_DEFINITION_CHARACTERS and not is_block
    return text if is_simple and not _COMPLEX.search(text) else None
