"""Reading and cleaning MediaWiki dumps: speed, what became of the pages, and how whole the text is.

python -m benchmarks wikitext --dumps 'DIR/*.xml*'

Two libraries clean the same pages for comparison, where they are installed: `strip_code` of
mwparserfromhell and `plain_text` of wikitextparser.
"""

import argparse
import bz2
import dataclasses
import glob
import io
import json
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from benchmarks.harness import benchmark_parser, run_benchmark
from mtag_core.records import Document
from mtag_core.wikipedia.dumps import PageOutcome, page_outcome, read_definitions, read_documents
from mtag_core.wikipedia.pages import Page, read_pages
from mtag_core.wikipedia.site import Site, read_site
from mtag_core.wikipedia.wikitext import clean_wikitext

_SENTENCE_END = re.compile(r"(?<=[.!?。！？։।])[\"'”’»）)\]]*\s+")
_GAP = re.compile(r"  |\s[,،、，]")
_OPENERS = "\"'([{«“‘„‹「『（《〈¿¡"
_MARKS = frozenset({"Po", "Pe", "Pf", "Pd", "Sm", "Sk"})
_CLOSER_TO_OPENERS = {"»": "«", "”": "“„", "“": "„", "」": "「", "』": "『"}
_QUOTES = re.compile('["«»“”„「」『』]')
_LEFT_OVER = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{\||\|\}|<ref|</|&nbsp;|^\||^!.*(!!|\|)")
_PAGE = re.compile(rb"<page[\s>]")
_DEFINITIONS_BYTES = 32 << 20


def quality(texts: Iterable[str]) -> dict[str, float]:
    """Measures texts, one a page with a paragraph a line.

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


def main(argv: list[str] | None = None) -> int:
    """Measures and writes."""
    parser = benchmark_parser("wikitext", "Speed and quality of reading dumps.")
    parser.add_argument("--dumps", required=True, help="a pattern of .xml and .xml.bz2 files")
    parser.add_argument(
        "--library_pages", type=int, default=50, help="pages a dump that the libraries clean"
    )
    return run_benchmark(parser, _record, argv)


def _record(args: argparse.Namespace) -> dict[str, object]:
    dumps = {}
    for path in sorted(glob.glob(args.dumps)):
        name = Path(path).name
        dumps[name] = _measure(path, n_library_pages=args.library_pages)
        print(name, json.dumps(dumps[name], indent=1), sep="\n")
    return {
        "what": "MB of raw XML a CPU second for reading and cleaning, decompression not counted; "
        "quality in per cent of sentences, or of quotes",
        "dumps": dumps,
    }


def _measure(path: str, *, n_library_pages: int) -> dict[str, object]:
    data = Path(path).read_bytes()
    xml = bz2.decompress(data) if path.endswith(".bz2") else data
    counts: Counter[str] = Counter()
    started_s = time.process_time()
    site = read_site(xml[: 1 << 20], name=path)
    definitions = read_definitions(io.BytesIO(xml), site, max_bytes=_DEFINITIONS_BYTES)
    site = dataclasses.replace(site, definitions=definitions)
    documents = list(read_documents(io.BytesIO(xml), source=path, counts=counts, site=site))
    elapsed_s = time.process_time() - started_s
    texts = [document.text for document in documents if isinstance(document, Document)]
    lines = [line for text in texts for line in text.split("\n")]
    n_pages = len(_PAGE.findall(xml))
    if n_pages != counts.total():
        raise ValueError(f"{path}: {counts.total()} outcomes of {n_pages} <page> elements")
    return {
        "MB_per_s": round(len(xml) / 1e6 / elapsed_s, 1),
        "MB": round(len(xml) / 1e6, 2),
        "pages": n_pages,
        **{str(outcome): n for outcome, n in sorted(counts.items())},
        "lines_with_markup": sum(bool(_LEFT_OVER.search(line)) for line in lines),
        "quality": quality(texts),
        "same_pages": _compare(_kept_pages(xml, site, n_library_pages), site),
    }


def _kept_pages(xml: bytes, site: Site, n_pages: int) -> list[Page]:
    pages: list[Page] = []
    for page in read_pages(io.BytesIO(xml), source="", site=site):
        if len(pages) >= n_pages:
            break
        outcome, _ = page_outcome(page, site=site, source="")
        if isinstance(page, Page) and outcome is PageOutcome.KEPT:
            pages.append(page)
    return pages


def _compare(pages: list[Page], site: Site) -> dict[str, dict[str, float]]:
    cleaners: dict[str, Callable[[Page], str]] = {
        "mtag": lambda page: clean_wikitext(page.text, title=page.title, site=site)
    }
    with suppress(ModuleNotFoundError):
        import mwparserfromhell

        cleaners["mwparserfromhell"] = lambda page: str(
            mwparserfromhell.parse(page.text).strip_code()
        )
    with suppress(ModuleNotFoundError):
        import wikitextparser

        cleaners["wikitextparser"] = lambda page: str(wikitextparser.parse(page.text).plain_text())
    return {name: _figures(pages, clean) for name, clean in cleaners.items()}


def _figures(pages: list[Page], clean: Callable[[Page], str]) -> dict[str, float]:
    started_s = time.process_time()
    texts = [clean(page) for page in pages]
    elapsed_s = max(time.process_time() - started_s, 1e-6)
    n_bytes = sum(len(page.text.encode("utf-8", "replace")) for page in pages)
    return {"MB_per_s": round(n_bytes / 1e6 / elapsed_s, 1), **quality(texts)}
