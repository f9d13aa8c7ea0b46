"""How often segmenters get text right as people write it: a share for each kind of difficulty.

The sentences are our own (`tests/data/segmentation`); languages are given.

    python -m benchmarks segment_kinds --udpipe DIR --output kinds.json
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import benchmark_parser, run_benchmark
from mtag_core.tagging.tagger import Tagger

_DATA = Path(__file__).parents[1] / "tests" / "data" / "segmentation"

QUOTE_STYLES = (
    *('""', "“”", "„“", "„”", "«»", "»«", "‹›", "\u2018\u2019", "\u201a\u2018", "''", "——"),
)
"""Opening and closing mark of each style; the last are dashes."""

Forms = Sequence[Sequence[str]]
SegmentText = Callable[[str, str], Forms]
"""From a text and its language to the forms of its sentences."""


class Kind(NamedTuple):
    """A text of a kind: in a language, its number of sentences and some of its tokens."""

    name: str
    language: str
    text: str
    n_sentences: int
    forms: frozenset[str]


def main(argv: list[str] | None = None) -> int:
    """Measures every system and writes the shares."""
    parser = benchmark_parser("segment_kinds", "Segmentation of difficult text, by kind.")
    parser.add_argument(
        "--udpipe", type=Path, help="directory of <language>.udpipe and generic.udpipe"
    )
    return run_benchmark(parser, _measure, argv)


def _measure(args: argparse.Namespace) -> dict[str, object]:
    systems = {"mtag": _mtag()}
    if args.udpipe:
        systems["UDPipe 1 tokenizers"] = _udpipe(args.udpipe)
    shares = {name: _shares(segment) for name, segment in systems.items()}
    return {**shares, "sentencex": _sentencex_shares()}


def quotes(style: str) -> Iterator[tuple[str, str, Counter[str]]]:
    """Yields language, text and the marks that are tokens of their own there."""
    opening, closing = style[0], style[1]
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


def kinds() -> Iterator[Kind]:
    """Yields texts of many kinds."""
    for row in _rows("kinds.txt"):
        name, language, text, forms = (*row.split(" | "), "")[:4]
        n_sentences = 1 + text.count("‖")
        text = text.replace("‖", "").replace("⏎", "\n")
        yield Kind(name, language, text, n_sentences, frozenset(forms.split()))


def kinds_right(segment: SegmentText) -> dict[str, tuple[int, int]]:
    """Of each kind, how many texts are cut as they should be, and how many there are."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for kind in kinds():
        sentences = segment(kind.text, kind.language)
        is_right = len(sentences) == kind.n_sentences
        right[kind.name] += is_right and kind.forms <= {*chain.from_iterable(sentences)}
        total[kind.name] += 1
    return {name: (right[name], count) for name, count in total.items()}


def _shares(segment: SegmentText) -> dict[str, float]:
    shares = {"abbreviations": 100 * abbreviations_right(segment)}
    for style in QUOTE_STYLES:
        found = quotes_right(segment, style).values()
        shares[f"quotes {style}"] = 100 * sum(found) / len(found)
    found_kinds = kinds_right(segment)
    shares |= {name: 100 * right / total for name, (right, total) in found_kinds.items()}
    n_right, n_texts = map(sum, zip(*found_kinds.values(), strict=True))
    shares["all kinds"] = 100 * n_right / n_texts
    return {kind: round(share, 1) for kind, share in shares.items()}


def _mtag() -> SegmentText:
    tagger = Tagger.load()
    return lambda text, language: [s.forms for s in tagger.segment(text, language)]


def _udpipe(directory: Path) -> SegmentText:
    from ufal.udpipe import Model

    from benchmarks.baselines.udpipe import tokenized

    models = {path.stem: Model.load(str(path)) for path in directory.glob("*.udpipe")}
    return lambda text, language: tokenized(models.get(language, models["generic"]), text)


def _sentencex_shares() -> dict[str, float]:
    try:
        import sentencex
    except ImportError:
        return {}
    share = abbreviations_right(lambda text, language: list(sentencex.segment(language, text)))
    return {"abbreviations": round(100 * share, 1)}


def _rows(name: str) -> list[str]:
    lines = (_DATA / name).read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line and not line.startswith("#")]
