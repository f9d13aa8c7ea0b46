import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.wikipedia import clean_wikitext
from mtag_core.wikipedia.quotes import drop_quotes


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("A ''fine'' '''day''' '''''now'''''.", "A fine day now."),
        # Three quotes behind a word are an apostrophe where the marks of a line do not pair.
        ("The hull of ''Falcon'''s sister.", "The hull of Falcon's sister."),
        ("''Lake''. ''Lake'''s cast.", "Lake. Lake's cast."),
        ("l'''Iliade''", "l'Iliade"),
        # The first word of one letter comes before longer words.
        ("a word'''x'' b", "a word'x b"),
        ("Ann'''s ''x'' a l'''y'' z'''", "Anns x a l'y z"),
        # Behind a space only where no word will do.
        ("a '''b'' c", "a 'b c"),
        # Four are an apostrophe and bold, more than five keep the rest.
        ("l''''Odyssée'''", "l'Odyssée"),
        ("''''''six''''''", "'six'"),
        ("''''four'''' and '''three'''", "'four' and three"),
        # A pair that is whole is not touched, whatever stands before it.
        ("dog'''s''' tail", "dogs tail"),
        ("it's 'quoted' text", "it's 'quoted' text"),
        ("'''bold over the line", "bold over the line"),
        ("'''''both''' italic''", "both italic"),
    ],
)
def test_marks_are_read_as_mediawiki_reads_them(line: str, text: str):
    assert drop_quotes(line) == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("''Falcon''{{'}}s hull", "Falcon's hull"),
        ("''Falcon''{{'s}} hull", "Falcon's hull"),
        ("''Falcon''<nowiki/>'s hull", "Falcon's hull"),
        ("''Falcon''<nowiki>'</nowiki>s hull", "Falcon's hull"),
        ("<nowiki>''</nowiki>x<nowiki>''</nowiki>", "''x''"),
        ("''[[Falcon (ship)|Falcon]]'''s hull", "Falcon's hull"),
        ("'''Bold\nover''' a line's end.", "Bold over a line's end."),
        ("'''An ''article'''''s name.", "An articles name."),
        ("rock &#39;&#39;n&#39;&#39; roll", "rock ''n'' roll"),
    ],
)
def test_apostrophes_of_templates_and_nowiki_are_no_marks(wikitext: str, text: str):
    assert clean_wikitext(wikitext) == text


@given(st.lists(st.sampled_from(["a", "bc", " ", "''", "'''", "'", "''''", "'''''"]), max_size=12))
def test_words_and_single_apostrophes_stay(pieces: list[str]):
    line = "".join(pieces)
    assert drop_quotes(line).replace("'", "") == line.replace("'", "")
