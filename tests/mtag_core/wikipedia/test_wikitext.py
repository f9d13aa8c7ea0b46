"""None"""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.wikipedia.brackets import WikitextError
from mtag_core.wikipedia.site import Site
from mtag_core.wikipedia.wikitext import clean_wikitext, decode_entities, drop_quotes

FORBIDDEN = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{\||\|\}|<ref|</|&nbsp;|^\||\n\|")
MARKUP = st.sampled_from(
    "{{ }} {{{ }}} [[ ]] {| |} |- | ! !! <ref> </ref> <ref/> <!-- --> <nowiki> </nowiki> ' '' ''' "
    "= == * # : ; &nbsp; &lt; &amp; [http://x.y ] -{ }- __TOC__ ( ) , . lang a word \n".split(" ")
)


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("A [[dog]] and [[cat|two cats]].", "A dog and two cats."),
        ("A ''fine'' '''day''' '''''now'''''.", "A fine day now."),
        ("L'''Iliade'' et l''''Odyssée'''.", "L'Iliade et l'Odyssée."),
        ("Word.<ref name=x>Note</ref> Next<ref name=x /> one.", "Word. Next one."),
        ("At {{convert|1300|mi|km}}, the state is wide.", "At 1300 mi, the state is wide."),
        ("It is {{convert|5|-|10|km|mi|abbr=on}} off.", "It is 5–10 km off."),
        ("He is {{convert|5|ft|8|in|m}} tall.", "He is 5 ft 8 in tall."),
        ("From {{lang|grc|λόγος}} (Greek).", "From λόγος (Greek)."),
        ("Town ({{lang-de|Stadt}}; {{IPA-de|x}}) here.", "Town (Stadt) here."),
        ("Born {{birth date|1950|3|4}} there.", "Born 1950-03-04 there."),
        ("On {{date|12|avril|2004}} he left.", "On 12 avril 2004 he left."),
        ("Bern ({{IPA-de|bɛrn}}) is a town.", "Bern is a town."),
        ("Bern ({{IPA-de|bɛrn}}; born 1191) is.", "Bern (born 1191) is."),
        ("See {{unknown|x}}, then go.", "See, then go."),
        ("* {{book|title=x}} – its second edition.", "its second edition."),
        ("{{book|title=x}}&nbsp;— Its edition, -5 degrees.", "Its edition, -5 degrees."),
        ("* – a dash", "– a dash"),
        ("A [http://x.org good page] and [http://y.org].", "A good page and ."),
        ("2&nbsp;km &amp; more &lt;ref&gt;", "2 km & more >"),
        ("== Heading ==\nText.", "Text."),
        ("* one\n* two", "one\n\ntwo"),
        ("A line\nthat goes on.\nNext line.", "A line that goes on.\n\nNext line."),
        ("{| class=x\n|-\n| a || b\n|}\nAfter.", "After."),
        ("| lost row\nText.", "Text."),
        ("[[File:X.jpg|thumb|A [[dog]] sits.]]Text.", "Text."),
        ("[[Category:Dogs]]Text.", "Text."),
        ("Text.[[de:Hund]]", "Text."),
        ("x<sub>2</sub><br/>y", "x2 y"),
        ("Where <math>x</math> is <math>\\frac{1}{2}</math>, go.", "Where x is, go."),
        ("<nowiki>[[a]]</nowiki> b", "a b"),
        ("a <!-- hidden --> b", "a b"),
        ("'''{{PAGENAME}}''' is.", "Titolo is."),
        ("-{zh-hans:甲; zh-hant:乙}-丙", "甲丙"),
        ("{{formatnum:1234}} people", "1234 people"),
        ("__NOTOC__ Text", "Text"),
    ],
)
def test_markup_leaves_its_words(wikitext: str, text: str):
    assert clean_wikitext(wikitext, title="Titolo") == text


def test_own_namespace_names_hide_links():
    assert clean_wikitext("[[Bildo:x.png]]A.", site=Site(silent_names=frozenset({"bildo"}))) == "A."


def test_text_without_words_is_empty():
    assert clean_wikitext("{{Infobox|a=b}}\n----\n|}") == ""


@pytest.mark.parametrize(
    "wikitext",
    [
        "{{unclosed | a = [[b]]\n Text goes on.",
        "Text [[goes on.",
        "Text }} goes ]] on.",
        "<ref>Text goes on.",
        "{| unclosed\n| row\n\nText goes on.",
    ],
)
def test_broken_markup_does_not_swallow_the_text(wikitext: str):
    assert "goes" in clean_wikitext(wikitext)


def test_absurd_nesting_is_an_error():
    with pytest.raises(WikitextError, match="nested more than 100 deep"):
        clean_wikitext("{{a|" * 10_000 + "}}" * 10_000)


@given(st.lists(MARKUP, max_size=60).map(" ".join) | st.lists(MARKUP, max_size=60).map("".join))
def test_no_markup_is_left(wikitext: str):
    try:
        text = clean_wikitext(wikitext)
    except WikitextError:
        return
    assert not FORBIDDEN.search(text)


@given(st.text(alphabet="abc éжह日 .", max_size=80))
def test_plain_text_keeps_its_words(text: str):
    assert clean_wikitext(text).split() == text.split() or not any(map(str.isalnum, text))


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("&eacute;&#233;&#xE9;&#0233;", "éééé"),
        ("&thinsp;|&hellip;|&lt;b&gt;", "\u2009|…|<b>"),
        # HTML 5 knows these without their semicolon, the others not.
        ("&copy 5, &nbsp.", "© 5, \xa0."),
        ("&hellip 5, &thinsp.", "&hellip 5, &thinsp."),
        ("AT&T, R&D & co", "AT&T, R&D & co"),
        ("a=1&copy=2&region=3&notes", "a=1&copy=2&region=3&notes"),
        ("&unknown; &notit;", "&unknown; &notit;"),
        ("&amp;lt;", "&lt;"),
        ("&#" + "1" * 5000 + ";", "&#" + "1" * 5000 + ";"),
        ("&#x" + "1" * 5000 + ";", "&#x" + "1" * 5000 + ";"),
        ("&#" + "0" * 5000 + "65;", "A"),
        ("&" + "a" * 5000 + ";", "&" + "a" * 5000 + ";"),
    ],
)
def test_references_are_decoded_as_html_5_has_them(text: str, decoded: str):
    assert decode_entities(text) == decoded


@given(st.sampled_from(sorted(html.entities.html5)))
def test_every_name_of_html_5_is_known(name: str):
    assert decode_entities(f"&{name} x") == html.unescape(f"&{name} x")


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
