"""Sentences of our own writing, by kind of difficulty, and the share that a segmenter gets right."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

_DATA = Path(__file__).parents[2] / "data" / "segmentation"

QUOTE_STYLES = (
    *('""', "“”", "„“", "„”", "«»", "»«", "‹›", "\u2018\u2019", "\u201a\u2018", "''", "——"),
)
"""Opening and closing mark of each style; the last are dashes."""

Forms = Sequence[Sequence[str]]
SegmentText = Callable[[str, str], Forms]
"""From a text and its language to the forms of its sentences."""


def quotes(style: str) -> Iterator[tuple[str, str, Counter[str]]]:
    """Yields language, text and the marks that are tokens of their own there."""
    opening, closing = style
    wanted = Counter((opening, closing))
    for row in _rows("quotes.txt"):
        language, speaker, said, rest = row.split(" | ")
        first, capital = said.split()[0], said[0].upper() + said[1:]
        yield language, f"{speaker}: {opening}{said}{closing} {rest}.", wanted
        yield language, f"{opening}{capital}{closing} {rest}.", wanted
        yield language, f"{speaker} {opening}{said}{closing}, {rest}.", wanted
        yield language, f"{speaker} {opening}{first}{closing} {rest}.", wanted


def quotes_right(segment: SegmentText, style: str) -> dict[str, float]:
    """The share of a style's texts in which both marks are tokens, by language."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for language, text, wanted in quotes(style):
        forms = Counter(form for sentence in segment(text, language) for form in sentence)
        right[language] += wanted <= forms
        total[language] += 1
    return {language: right[language] / count for language, count in total.items()}


def abbreviations() -> Iterator[tuple[str, str]]:
    """Yields language and a sentence with an abbreviation inside."""
    for row in _rows("abbreviations.txt"):
        language, *sentences = row.split("|")
        yield from ((language, sentence) for sentence in sentences)


def abbreviations_right(segment: SegmentText) -> float:
    """The share of sentences with abbreviations that stay one."""
    lengths = [len(segment(text, language)) for language, text in abbreviations()]
    return lengths.count(1) / len(lengths)


def _rows(name: str) -> list[str]:
    lines = (_DATA / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
