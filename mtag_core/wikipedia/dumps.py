"""What is in a dump: its documents, what became of every page, and definitions of templates.

A definition counts as far as it is simple substitution: one line of text, links, parameters, calls
and inline tags. Boxes, tables and modules are not.
"""

import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from math import inf
from typing import BinaryIO

from mtag_core.errors import one_line
from mtag_core.records import READER_FAILED, SLOW_DETAIL, TOO_SLOW, Document, Reject
from mtag_core.time_limit import TooSlowError, time_limit
from mtag_core.wikipedia.brackets import WikitextError
from mtag_core.wikipedia.pages import (
    MAX_REJECT_INPUT_BYTES,
    Page,
    PageCutter,
    PageError,
    parse_page,
    read_pages,
)
from mtag_core.wikipedia.site import TEMPLATE_NAMESPACE, Definitions, Site
from mtag_core.wikipedia.tags import drop_elements
from mtag_core.wikipedia.wikitext import clean_wikitext

MAX_DEFINITION_CHARACTERS = 500
"""A longer definition is a box, not words inside a sentence."""

_HEAD_BYTES = 4096
_TEMPLATE_MARK = b"<ns>%d</ns>" % TEMPLATE_NAMESPACE
_ONLY = re.compile(r"<onlyinclude>(.*?)</onlyinclude>", re.DOTALL | re.IGNORECASE)
_NOT_INCLUDED = re.compile(r"<noinclude>.*?(?:</noinclude>|\Z)", re.DOTALL | re.IGNORECASE)
_INCLUDE_TAG = re.compile(r"</?(?:includeonly|noinclude|onlyinclude)\s*/?>", re.IGNORECASE)
_TEMPLATE_REDIRECT = re.compile(r"\s*#\s*[^\s\[\]{}|#:]{2,40} ?:?\s*\[\[\s*:?([^\[\]|#\n]{1,200})")
_COMPLEX = re.compile(
    r"\{\||\n|#invoke|<(?:div|table|center|gallery|[uo]l|p|h\d|templatestyles)\b", re.IGNORECASE
)


class PageOutcome(StrEnum):
    """What became of a page; each page of a dump has exactly one outcome."""

    KEPT = "kept"
    REDIRECT = "redirect"
    OTHER_NAMESPACE = "other_namespace"
    EMPTY = "empty"
    REJECTED = "rejected"


# Old dumps mark redirects in the text only. The words are the larger wikis'.
_REDIRECT_WORDS = """
redirect redirection weiterleitung redirección redireccion rinvia rinvio redirecionamento
doorverwijzing patrz przekieruj tam omdirigering omdiriger viderestilling uudelleenohjaus ohjaus
přesměruj presmeruj átirányítás redirecteaza yönlendirme yönlendir alih đổi перенаправление
перенапр перенаправлення перанакіраванне пренасочване виж преусмери ανακατευθυνση
αναμετακατευθυνση վերահղում აგდამისამართება айдау 転送 リダイレクト 重定向 넘겨주기
تحويل تغییر_مسیر تغییرمسیر הפניה पुनर्निर्देशन पुनर्प्रेषित पुननिर्देशन पुनर्निदेशन পুনর্নির্দেশ பக்கவழி దారిమార్పు
เปลี่ยนทาง redirige birzuzendu athsheoladh ail-cyfeirio preusmeritev preusmjeri peradresavimas
suuna tilvísun
"""

_REDIRECT = re.compile(
    rf"\s*#\s*(?:{'|'.join(map(re.escape, _REDIRECT_WORDS.split()))})\s*:?\s*\[\[", re.IGNORECASE
)


def read_documents(
    stream: BinaryIO,
    *,
    source: str,
    counts: Counter[str],
    namespaces: frozenset[int] = frozenset({0}),
    site: Site | None = None,
    limit_s: float = inf,
) -> Iterator[Document | Reject]:
    """Reads the articles of a dump, or of a fragment, as plain text; rejects what is unreadable.

    The stream is uncompressed XML. A document's id is `source#page_id`, its language the site's.
    Each page is counted under its `PageOutcome`, and its text may take `limit_s` seconds.
    """
    site = site or Site()
    for page in read_pages(stream, source=source, site=site):
        outcome, result = page_outcome(
            page, site=site, source=source, namespaces=namespaces, limit_s=limit_s
        )
        counts[outcome] += 1
        if result is not None:
            yield result


def page_outcome(
    page: Page | Reject,
    *,
    site: Site,
    source: str,
    namespaces: frozenset[int] = frozenset({0}),
    limit_s: float = inf,
) -> tuple[PageOutcome, Document | Reject | None]:
    """Decides what becomes of a page; a page kept has a document, one not readable a reject."""
    if isinstance(page, Reject):
        return PageOutcome.REJECTED, page
    if page.namespace not in namespaces:
        return PageOutcome.OTHER_NAMESPACE, None
    if page.redirect is not None or _REDIRECT.match(page.text):
        return PageOutcome.REDIRECT, None
    if page.model != "wikitext":
        return PageOutcome.EMPTY, None
    try:
        with time_limit(limit_s):
            text = clean_wikitext(page.text, title=page.title, site=site)
    except WikitextError as error:
        fault = "invalid_wikitext", str(error)
    except TooSlowError:
        fault = TOO_SLOW, SLOW_DETAIL
    except MemoryError:
        raise
    except Exception as error:
        # A bug: it costs this page, not those behind it.
        fault = READER_FAILED, one_line(error)
    else:
        doc_id, language = f"{source}#{page.page_id}", site.language
        document = Document(doc_id, text, source, page.page_id, likely_language=language)
        return (PageOutcome.KEPT, document) if text else (PageOutcome.EMPTY, None)
    return PageOutcome.REJECTED, _reject(page, *fault, source=source)


def _reject(page: Page, reason: str, detail: str, *, source: str) -> Reject:
    wikitext = page.text.encode("utf-8", "replace")
    held = wikitext if len(wikitext) <= MAX_REJECT_INPUT_BYTES else None
    place = source, page.page_id, f"{source}#{page.page_id}"
    return Reject(*place, reason, f"{page.title}: {detail}", held, len(wikitext))


def read_definitions(stream: BinaryIO, site: Site, *, max_bytes: int) -> Definitions:
    """Reads the templates of a dump that are simple substitution, and all redirects of templates.

    The stream is uncompressed XML, UTF-8; pages behind so many bytes are not looked at.
    """
    name_to_text: dict[str, str] = {}
    name_to_target: dict[str, str] = {}
    for outcome, xml, offset in PageCutter(stream).cut():
        if offset > max_bytes:
            break
        if outcome != "page" or not _may_be_template(xml):
            continue
        name, text = _template(xml, site)
        redirect = _TEMPLATE_REDIRECT.match(text)
        if name and redirect:
            name_to_target[name] = _name(redirect[1])
        elif name and (definition := _transcluded(text)) is not None:
            name_to_text[name] = definition
    return Definitions(name_to_text, name_to_target)


def _may_be_template(xml: bytes) -> bool:
    head = xml[:_HEAD_BYTES]
    return _TEMPLATE_MARK in head or b"<ns>" not in head


def _template(xml: bytes, site: Site) -> tuple[str, str]:
    try:
        page = parse_page(xml, site)
    except PageError:
        return "", ""
    is_template = page.namespace == TEMPLATE_NAMESPACE and page.model == "wikitext"
    return (_name(page.title), page.text) if is_template else ("", "")


def _name(title: str) -> str:
    return " ".join(title.partition(":")[2].replace("_", " ").lower().split())


def _transcluded(text: str) -> str | None:
    only = _ONLY.findall(text)
    text = "".join(only) if only else _NOT_INCLUDED.sub("", text)
    text = drop_elements(_INCLUDE_TAG.sub("", text)).strip("\n")
    is_block = text[:1] in tuple(":*#;|!=")
    is_simple = len(text) <= MAX_DEFINITION_CHARACTERS and not is_block
    return text if is_simple and not _COMPLEX.search(text) else None
