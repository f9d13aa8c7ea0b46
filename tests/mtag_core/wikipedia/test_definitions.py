import io

import pytest

from mtag_core.wikipedia import Definitions, read_definitions, read_site
from tests.mtag_core.wikipedia.dumps import dump_xml, page_xml


def read(*pages: str, max_bytes: int = 1 << 20) -> Definitions:
    xml = dump_xml(*pages)
    return read_definitions(io.BytesIO(xml), read_site(xml), max_bytes=max_bytes)


def template(text: str, name: str = "Big Word") -> str:
    return page_xml(text, title=f"Template:{name}", namespace=10)


@pytest.mark.parametrize(
    ("wikitext", "transcluded"),
    [
        ("<big>{{{1}}}</big>", "<big>{{{1}}}</big>"),
        ("{{{1}}}<noinclude>\nHow to use it.</noinclude>", "{{{1}}}"),
        ("Help.\n\n<includeonly>{{{1}}}</includeonly><noinclude>x", "Help.\n\n{{{1}}}"),
        ("About <onlyinclude>{{{1}}}</onlyinclude> more", "{{{1}}}"),
        ("<ref>{{{1}}}</ref>", ""),
    ],
)
def test_what_is_transcluded_is_kept(wikitext: str, transcluded: str):
    expected = {"big word": transcluded} if "\n" not in transcluded else {}
    assert read(template(wikitext)).name_to_text == expected


@pytest.mark.parametrize(
    "wikitext",
    ["{| class=x\n| {{{1}}}\n|}", "<div>x</div>", "{{#invoke:a|b}}", ": note", "x" * 600],
)
def test_boxes_and_modules_are_no_substitution(wikitext: str):
    assert read(template(wikitext)).name_to_text == {}


@pytest.mark.parametrize("word", ["REDIRECT", "redirect ", "đổi", "पुनर्निर्देशन", "WEITERLEITUNG: "])
def test_redirects_are_read_in_any_language(word: str):
    found = read(template(f"#{word} [[Template:Small_word]]"))
    assert found == Definitions({}, {"big word": "small word"})


def test_other_pages_and_what_lies_behind_the_limit_are_left():
    pages = [page_xml("{{{1}}}"), template("x"), template("y", "Other")]
    assert read(*pages).name_to_text == {"big word": "x", "other": "y"}
    n_bytes = len(dump_xml(*pages[:2])) - 20
    assert read(*pages, max_bytes=n_bytes).name_to_text == {"big word": "x"}


def test_dumps_without_ns_have_definitions_too():
    pages = [template("x").replace("<ns>10</ns>", ""), page_xml("y").replace("<ns>0</ns>", "")]
    assert read(*pages).name_to_text == {"big word": "x"}
