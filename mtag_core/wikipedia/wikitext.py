"""Plain text out of wikitext: one pass a construct, each linear in the text."""

from mtag_core.wikipedia.brackets import resolve_brackets
from mtag_core.wikipedia.lines import paragraphs
from mtag_core.wikipedia.namespaces import COMMON_SILENT_NAMES
from mtag_core.wikipedia.tags import drop_comments, drop_elements, drop_tags


def clean_wikitext(
    wikitext: str, *, title: str = "", silent_names: frozenset[str] = COMMON_SILENT_NAMES
) -> str:
    """Cleans a page's wikitext.

    Templates, tables, references, files, categories, comments and headings are left out; links and
    formatting leave their words; values, dates and foreign words in well-known templates stay.

    Args:
        wikitext: Of one page.
        title: The page's title, for `{{PAGENAME}}`.
        silent_names: Lower-case names of the namespaces whose links show nothing; see
            `read_silent_names`.

    Returns:
        Paragraphs and list items, separated by empty lines. No line keeps `{{`, `}}`, `[[`, `]]`,
        `{|`, `|}`, `<ref`, `</`, `&nbsp;` or a table row. Empty when there are no words.

    Raises:
        WikitextError: Templates, tables and links nest too deeply to be an article.
    """
    text = drop_elements(drop_comments(wikitext))
    text = resolve_brackets(text, title=title, silent_names=silent_names)
    return "\n\n".join(paragraphs(drop_tags(text)))
