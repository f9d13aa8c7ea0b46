"""Figures of how whole a text is after its markup was taken out.

They need no reference: a sentence that begins with a small letter or a mark has lost its beginning
more often than not, and so on. Abbreviations end sentences here too, so that the figures of one
text mean little; those of two ways to clean the same pages are compared.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

_SENTENCE_END = re.compile(r"(?<=[.!?。！？։।])[\"'”’»）)\]]*\s+")
_GAP = re.compile(r"  |\s[,،、，]")
_OPENERS = "\"'([{«“‘„‹「『（《〈¿¡"
_MARKS = frozenset({"Po", "Pe", "Pf", "Pd", "Sm", "Sk"})
_CLOSER_TO_OPENERS = {"»": "«", "”": "“„", "“": "„", "」": "「", "』": "『"}
_QUOTES = re.compile('["«»“”„「」『』]')


def quality(texts: Iterable[str]) -> dict[str, float]:
    """Measures texts.

    Args:
        texts: One a page; a paragraph a line.

    Returns:
        `sentences`, and in per cent of them `begins_small` (with a small letter or a mark) and
        `has_gap` (two spaces, or a space before a comma); `unpaired_quotes` in per cent of quotes.
    """
    n_sentences = n_small = n_gaps = n_quotes = n_unpaired = 0
    for line in _lines(texts):
        quotes = _QUOTES.findall(line)
        n_quotes += len(quotes)
        n_unpaired += unpaired(quotes)
        for sentence in _SENTENCE_END.split(line):
            n_sentences += 1
            n_small += begins_small(sentence)
            n_gaps += bool(_GAP.search(sentence))
    return {
        "sentences": n_sentences,
        "begins_small": _per_cent(n_small, n_sentences),
        "has_gap": _per_cent(n_gaps, n_sentences),
        "unpaired_quotes": _per_cent(n_unpaired, n_quotes),
    }


def begins_small(sentence: str) -> bool:
    """Whether a sentence begins with a small letter or a mark that opens nothing."""
    start = sentence.lstrip(_OPENERS + " ")[:1]
    return start.islower() or unicodedata.category(start or "A") in _MARKS


def unpaired(quotes: list[str]) -> int:
    """How many of a line's quotes have no partner in it."""
    n_unpaired = 0
    opened: list[str] = []
    for quote in quotes:
        if opened and opened[-1] in _partners(quote):
            opened.pop()
        elif quote in "»”」』":
            n_unpaired += 1
        else:
            opened.append(quote)
    return n_unpaired + len(opened)


def _partners(quote: str) -> tuple[str, ...]:
    return ('"',) if quote == '"' else tuple(_CLOSER_TO_OPENERS.get(quote, ""))


def _lines(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (line for line in map(str.strip, text.split("\n")) if line)


def _per_cent(n: int, total: int) -> float:
    return round(100 * n / total, 2) if total else 0.0
