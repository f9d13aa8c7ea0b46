"""Hostile wikitext costs time in proportion to its length: four times n, four times as much."""

import time

import pytest

from mtag_core.wikipedia.brackets import WikitextError
from mtag_core.wikipedia.site import Definitions, Site
from mtag_core.wikipedia.wikitext import clean_wikitext

N_CHARACTERS = 12_000
# Below this a measurement says nothing.
MIN_S = 0.002


def cpu_s(text: str, site: Site) -> float:
    start = time.process_time()
    try:
        clean_wikitext(text, site=site)
    except WikitextError:
        pass
    return time.process_time() - start


def check_linear(prefix: str, unit: str, suffix: str = "", *, site: Site | None = None) -> None:
    """Compares n with 4n; quadratic code takes 16 times as long. A busy machine may try again."""
    n_units = N_CHARACTERS // len(unit)
    texts = [prefix + unit * (n_units * factor) + suffix for factor in (1, 4)]
    ratios = []
    while not ratios or (min(ratios) > 6 and len(ratios) < 4):
        small_s, large_s = (min(cpu_s(text, site or Site()) for _ in range(2)) for text in texts)
        ratios.append(large_s / max(small_s, MIN_S))
    assert min(ratios) <= 6


@pytest.mark.parametrize(
    "unit",
    ["[[", "]]", "}}", "<ref>", "<!--", "[http://a ", "''", "'", "<", "&", "|", "-{", "__a", "( ",
     "{|", "\x02,", "=", "<ref name=", "a\n", "== ", "{{a}} ", "[[File:x|", "\x02 ", " ", "}-",
     "-{zh:a}-", "<nowiki/>", "<!-- a -->\n", "'''a ''b ", "{{'}}", "{{x|a}} ", "&#1", "&a",
     "[[a]]", "{{a|[[", "<b ", "</a", "{{", "-{{{"],
)  # fmt: skip
def test_repeated_markup(unit: str):
    check_linear("", unit)


@pytest.mark.parametrize(
    "opening",
    ["[http://", "[http://a ", "<ref ", "<ref>", "<!--", "<br ", "-{", "__", "==", "{{", "[[",
     "{|", "''", "( \x02", "|", "!", "* ", "&", "\x02 ", "<b ", "&#", "<nowiki>", "-{H|", "</"],
)  # fmt: skip
@pytest.mark.parametrize(
    "body", ["a", " ", "a ", "=", "'", "_", ",", "\n ", "<", "(", "|", ";", "1"]
)
def test_a_long_body_behind_an_opening(opening: str, body: str):
    check_linear(opening, body)


@pytest.mark.parametrize(
    "name",
    ["convert", "unité", "frac", "date", "oldstyledate", "s", "sp-", "siglo", "lang", "zh", "l",
     "nihongo", "lb", "suffix", "hlist", "val", "heure", "ill", "quote", "as of", "url", "harvnb",
     "unknown", "#if:a", "#ifeq:a", "#switch:a", "plural:2", "uc:a", "lc:", "defined"],
)  # fmt: skip
@pytest.mark.parametrize(
    "argument", ["|1", "|1|-", "|en", "|X|e", "|a/", "|a=b", "|a. ", "|-", "|5|km"]
)
def test_many_arguments(name: str, argument: str):
    site = Site(language="fr", definitions=Definitions({"defined": "{{{1}}}{{{a}}}{{{1}}}"}))
    check_linear("A word {{" + name, argument, "}} and more.", site=site)


@pytest.mark.parametrize(
    "unit",
    [";zh-cn:a", ";zh-cn:", "a=>", "=>zh-cn:a;", ";", "; ", ":", "|", "zh;", "H;", ";a=", "=>"],
)
@pytest.mark.parametrize("head", ["", "H|", "zh-cn:a;", "D|zh-cn:a"])
def test_many_rules_of_conversion(head: str, unit: str):
    check_linear(f"A -{{{head}", unit, "}- b")


def test_definitions_that_double_their_arguments_are_bounded():
    site = Site(definitions=Definitions({"d": "{{{1}}}{{{1}}}", "a": "{{d|{{d|{{d|{{{1}}}}}}}}}"}))
    check_linear("A ", "{{a|{{a|{{a|b c}}}}}} ", site=site)


def test_definitions_that_call_themselves_are_bounded():
    site = Site(
        definitions=Definitions({"a": "{{a|{{{1}}}}}{{a}}", "b": "{{c}}{{c}}", "c": "{{b}}"})
    )
    check_linear("A ", "{{a|b}} {{b}}", site=site)
