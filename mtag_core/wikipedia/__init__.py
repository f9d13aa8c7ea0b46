"""MediaWiki dumps: pages out of XML, plain text out of wikitext."""

from mtag_core.wikipedia.brackets import WikitextError
from mtag_core.wikipedia.dumps import PageOutcome, page_outcome, read_definitions, read_documents
from mtag_core.wikipedia.pages import Page, read_pages
from mtag_core.wikipedia.site import (
    Definitions,
    Site,
    declared_encoding,
    is_known,
    keeps_ascii,
    read_site,
)
from mtag_core.wikipedia.wikitext import clean_wikitext

__all__ = [
    "Definitions",
    "Page",
    "PageOutcome",
    "Site",
    "WikitextError",
    "clean_wikitext",
    "declared_encoding",
    "is_known",
    "keeps_ascii",
    "page_outcome",
    "read_definitions",
    "read_documents",
    "read_pages",
    "read_site",
]
