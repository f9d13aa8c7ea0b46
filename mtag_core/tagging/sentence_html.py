"""A tagged sentence as HTML for notebooks: coloured by part of speech, features on hover."""

from collections.abc import Iterable
from html import escape
from typing import Protocol

# Groups of parts of speech to a light ground, on which black letters can be read.
_COLOURS = {
    "NOUN PROPN PRON": "#cfe3ff",
    "VERB AUX": "#ffd9c7",
    "ADJ ADV": "#d8f3d3",
    "DET NUM": "#fff1b8",
    "ADP CCONJ SCONJ PART": "#e6dcf7",
    "PUNCT SYM INTJ X": "#e8e8e8",
}
_UPOS_TO_COLOUR = {upos: colour for group, colour in _COLOURS.items() for upos in group.split()}
_OTHER_COLOUR = "#e8e8e8"
_TOKEN_STYLE = (
    "display:inline-block;margin:2px;padding:1px 5px;border-radius:4px;text-align:center;color:#000"
)


class _Token(Protocol):
    @property
    def form(self) -> str: ...
    @property
    def lemma(self) -> str | None: ...
    @property
    def upos(self) -> str: ...
    @property
    def feats(self) -> str: ...


def sentence_html(tokens: Iterable[_Token], *, language: str) -> str:
    """A sentence as one `div`; text from right to left runs from right to left.

    Args:
        tokens: With form, UPOS, FEATS and, where there is one, lemma.
        language: ISO 639 code.
    """
    spans = "".join(map(_token_html, tokens))
    return f'<div dir="auto" lang="{escape(language)}" style="line-height:2.6">{spans}</div>'


def _token_html(token: _Token) -> str:
    colour = _UPOS_TO_COLOUR.get(token.upos, _OTHER_COLOUR)
    lines = [token.lemma or "", *(token.feats.split("|") if token.feats != "_" else ())]
    hover = escape("\n".join(filter(None, lines)))
    upos = (
        f'<small style="display:block;font-size:65%;line-height:1.2">{escape(token.upos)}</small>'
    )
    style = f"background:{colour};{_TOKEN_STYLE}"
    return f'<span style="{style}" title="{hover}">{escape(token.form)}{upos}</span>'
