"""Builds small MediaWiki exports of our own writing."""

from html import escape

HEAD = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="xx">\n'
    "<siteinfo><sitename>Testwiki</sitename><namespaces>"
    '<namespace key="0" case="first-letter" /><namespace key="6">Bildo</namespace>'
    '<namespace key="14">Aro</namespace></namespaces></siteinfo>\n'
)
TAIL = "</mediawiki>\n"


def page_xml(
    text: str, *, page_id: int = 1, title: str = "Title", namespace: int = 0, redirect: str = ""
) -> str:
    """One page element with one revision."""
    arrow = f'<redirect title="{escape(redirect)}" />' if redirect else ""
    return (
        f"<page><title>{escape(title)}</title><ns>{namespace}</ns><id>{page_id}</id>{arrow}"
        f"<revision><id>{page_id + 1000}</id><model>wikitext</model>"
        f'<text xml:space="preserve">{escape(text)}</text></revision></page>\n'
    )


def dump_xml(*pages: str) -> bytes:
    """A whole export."""
    return (HEAD + "".join(pages) + TAIL).encode()
