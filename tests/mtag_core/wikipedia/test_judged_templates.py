"""Templates of real dumps, judged one by one; the sentences are our own.

The table was drawn from the calls inside sentences of nine wikis, one of each name, at random.
Before and after are the verdicts over the call in its article: `right`, `harmless` (nothing is
missing that a sentence needs), `hole`, `garbage`. Before is the state of 2026-11-24, when unknown
names left nothing.
"""

import csv
from collections import Counter
from pathlib import Path

import pytest

from mtag_core.wikipedia.site import Site
from mtag_core.wikipedia.wikitext import clean_wikitext

TABLE = Path(__file__).parents[2] / "data" / "wikitext" / "judged_templates.tsv"
LANGUAGES = {"enwiktionary": "en"}
with TABLE.open(encoding="utf-8", newline="") as stream:
    ROWS = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_nine_of_ten_are_right_or_harmless():
    before = Counter(row["before"] for row in ROWS)
    after = Counter(row["after"] for row in ROWS)
    assert set(before) | set(after) == {"right", "harmless", "hole", "garbage"}
    assert after["right"] + after["harmless"] >= 0.9 * len(ROWS) >= 270
    assert after["right"] > before["right"] and after["hole"] < before["hole"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['wiki']}-{row['template']}")
def test_sentence_reads_as_when_it_was_judged(row: dict[str, str]):
    language = LANGUAGES.get(row["wiki"], row["wiki"].removesuffix("wiki"))
    text = clean_wikitext(row["sentence"], title="Title", site=Site(language))
    assert text.replace("\n", "\\n") == row["text"]
