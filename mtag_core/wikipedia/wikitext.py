"""Plain text out of wikitext: one pass a construct, each linear in the text."""

from mtag_core.wikipedia.brackets import resolve_brackets
from mtag_core.wikipedia.lines import paragraphs
from mtag_core.wikipedia.site import Site
from mtag_core.wikipedia.tags import drop_elements, drop_tags


def clean_wikitext(wikitext: str, *, title: str = "", site: Site | None = None) -> str:
    """Cleans a page's wikitext.

    Templates, tables, references, files, categories, comments and headings are left out; links and
    formatting leave their words; values, dates and foreign words in well-known templates stay.

    Args:
        wikitext: Of one page.
        title: The page's title, for `{{PAGENAME}}`.
        site: The wiki the page is from; see `read_site`.

    Returns:
        Paragraphs and list items, separated by empty lines. No line keeps `{{`, `}}`, `[[`, `]]`,
        `{|`, `|}`, `<ref`, `</`, `&nbsp;` or a table row. Empty when there are no words.

    Raises:
        WikitextError: Templates, tables and links nest too deeply to be an article.
    """
    text = drop_elements(wikitext)
    text = resolve_brackets(text, title=title, site=site or Site())
    return "\n\n".join(paragraphs(drop_tags(text)))
