"""MediaWiki dumps: pages out of XML, plain text out of wikitext."""

from mtag_core.wikipedia.brackets import WikitextError
from mtag_core.wikipedia.documents import PageOutcome, page_outcome, read_documents
from mtag_core.wikipedia.namespaces import COMMON_SILENT_NAMES, read_silent_names
from mtag_core.wikipedia.pages import MAX_PAGE_BYTES, Page, read_pages
from mtag_core.wikipedia.wikitext import clean_wikitext

__all__ = [
    "COMMON_SILENT_NAMES",
    "MAX_PAGE_BYTES",
    "Page",
    "PageOutcome",
    "WikitextError",
    "clean_wikitext",
    "page_outcome",
    "read_documents",
    "read_pages",
    "read_silent_names",
]
