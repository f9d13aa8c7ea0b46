"""Dumps that were read wrongly once, as shared cases; what is expected is in their expected.md."""

import io
from collections import Counter
from pathlib import Path

import pytest

from mtag_core.records import Document
from mtag_core.wikipedia.dumps import read_documents
from mtag_core.wikipedia.site import read_site

EXPECTED = {
    "wiki-conversion-sr/input.xml": [
        "Филм Blue Hour: The Return је нов.",
        "Време је 12:30 сада.",
        "Град су основали Ann Berg; Leo Lund заједно.",
        "Види Blue Town за више.",
    ],
    "wiki-less-than/input.xml": [
        "In the proof, n<k and m>k hold.",
        "The <video> element plays films.",
        "The value p<z is low.\n\nThe value z>r is high.",
    ],
    "wiki-possessive/input.xml": [
        "The hull of Falcon's sister ship was painted grey.",
        "The film is The Lake. The Lake's cast is small.",
    ],
    "wiki-templates-fr/input.xml": [
        "Au XIXe siècle, la ville compte 12000 habitants. Le 1er mai, elle brûle.",
        "L'aïkido (合気道, aikidō) est un art martial.",
        "Bruno Petit est né le 17 octobre 1973 à Lyon.",
    ],
    "dump-without-ns/input.xml": ["The heron is a bird."],
}


def read(path: Path) -> tuple[list[str], Counter[str]]:
    xml = path.read_bytes()
    counts: Counter[str] = Counter()
    results = read_documents(io.BytesIO(xml), source=path.name, counts=counts, site=read_site(xml))
    return [result.text for result in results if isinstance(result, Document)], counts


@pytest.mark.parametrize("name", EXPECTED)
def test_case_reads_as_expected(shared_dir: Path, name: str):
    texts, _ = read(shared_dir / "cases" / name)
    assert texts == EXPECTED[name]


def test_pages_without_ns_are_of_their_titles_namespace(shared_dir: Path):
    _, counts = read(shared_dir / "cases" / "dump-without-ns/input.xml")
    assert counts == {"kept": 1, "other_namespace": 1, "redirect": 1}


def test_a_reference_of_thousands_of_digits_costs_no_page(shared_dir: Path):
    texts, counts = read(shared_dir / "cases" / "fault-wiki-charref/a.xml")
    assert counts == {"kept": 3}
    assert texts[1].startswith("Two &#1111")
