import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtag_core.wikipedia.entities import decode_entities


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
