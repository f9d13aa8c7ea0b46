"""The documents of a dump, and what became of every page."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from math import inf
from typing import BinaryIO

from mtag_core.records import READER_FAILED, SLOW_DETAIL, TOO_SLOW, Document, Reject
from mtag_core.time_limit import TooSlowError, time_limit
from mtag_core.wikipedia.brackets import WikitextError
from mtag_core.wikipedia.pages import MAX_PAGE_BYTES, MAX_REJECT_INPUT_BYTES, Page, read_pages
from mtag_core.wikipedia.site import Site
from mtag_core.wikipedia.wikitext import clean_wikitext


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
    max_page_bytes: int = MAX_PAGE_BYTES,
    limit_s: float = inf,
) -> Iterator[Document | Reject]:
    """Reads the articles of a dump, or of a fragment of one, as plain text.

    Args:
        stream: Uncompressed XML.
        source: Path or URL; a document's id is `source#page_id`.
        counts: Counted up by one for each page, under its `PageOutcome`.
        namespaces: Numbers of the namespaces to keep.
        site: The wiki; its language becomes that of the documents.
        max_page_bytes: As for `read_pages`.
        limit_s: Seconds that the text of a page may take.

    Yields:
        A document for each page kept and a reject for each that cannot be read.
    """
    site = site or Site()
    for page in read_pages(stream, source=source, site=site, max_page_bytes=max_page_bytes):
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
    """Decides what becomes of a page.

    Returns:
        The outcome, with the document of a page kept or the reject of one that is not readable.
    """
    if isinstance(page, Reject):
        return PageOutcome.REJECTED, page
    if page.namespace not in namespaces:
        return PageOutcome.OTHER_NAMESPACE, None
    if page.redirect is not None or _REDIRECT.match(page.text):
        return PageOutcome.REDIRECT, None
    if page.model != "wikitext":
        return PageOutcome.EMPTY, None
    doc_id = f"{source}#{page.page_id}"
    try:
        with time_limit(limit_s):
            text = clean_wikitext(page.text, title=page.title, site=site)
    except WikitextError as error:
        return PageOutcome.REJECTED, _reject(page, source=source, detail=str(error))
    except TooSlowError:
        reject = _reject(page, source=source, detail=SLOW_DETAIL)
        return PageOutcome.REJECTED, replace(reject, reason=TOO_SLOW)
    except MemoryError:
        raise
    except Exception as error:
        # A bug: it costs this page, not those behind it.
        detail = " ".join(f"{type(error).__name__}: {error}".split())
        reject = _reject(page, source=source, detail=detail)
        return PageOutcome.REJECTED, replace(reject, reason=READER_FAILED)
    if not text:
        return PageOutcome.EMPTY, None
    return PageOutcome.KEPT, Document(doc_id, text, source, page.page_id, language=site.language)


def _reject(page: Page, *, source: str, detail: str) -> Reject:
    """The reject of a page whose wikitext cannot be cleaned; it carries the wikitext."""
    wikitext = page.text.encode("utf-8", "replace")
    return Reject(
        source=source,
        offset=page.page_id,
        doc_id=f"{source}#{page.page_id}",
        reason="invalid_wikitext",
        detail=f"{page.title}: {detail}",
        input=wikitext if len(wikitext) <= MAX_REJECT_INPUT_BYTES else None,
        n_input_bytes=len(wikitext),
    )
