import pytest

from mtag_core.wikipedia.wikitext import clean_wikitext


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        # What MediaWiki knows as no tag is text.
        ("In the proof, n<k and m>k hold.", "In the proof, n<k and m>k hold."),
        ("The value p<z is low.\n\nThe value z>r is high.",
         "The value p<z is low.\n\nThe value z>r is high."),
        ("If i<b and b>c, then a <b.", "If i<b and b>c, then a <b."),
        ("x <= y >= z <- w", "x <= y >= z <- w"),
        ("The <video> element", "The <video> element"),
        # Tags of HTML and of extensions.
        ("a<sub>2</sub> <b>c</b> <i class='x'>d</i> <span\nclass=x>e</span>", "a2 c d e"),
        ("<p>One.</p><p class=\"x\">Two.</p>", "One.\n\nTwo."),
        ("One.<br/>Two.<BR clear=all>Three.<hr>", "One.\n\nTwo.\n\nThree."),
        ("<poem>One.\nTwo.</poem>", "One.\n\nTwo."),
        ("a<ref>b</ref> c<ref name=\"x\"/> d</ref> e", "a c d e"),
        ("<section begin=x />a<section end=x />", "a"),
        # Text of nowiki, whatever it looks like.
        ("The <nowiki><video></nowiki> element", "The <video> element"),
        ("<nowiki>'''a''' <b>b {x} [y] *z __TOC__</nowiki>", "'''a''' <b>b {x} [y] *z __TOC__"),
        ("<nowiki>* a</nowiki>", "* a"),
        ("<nowiki>&lt;b&gt; &amp;lt;</nowiki>", "<b> &lt;"),
        ("Write <syntaxhighlight lang=c inline>a[0] = '''b'''</syntaxhighlight>.",
         "Write a[0] = '''b'''."),
        # Comments.
        ("a<!-- <b> -->b", "ab"),
        ("One\n<!-- gone -->\ntwo.", "One two."),
        ("<nowiki><!-- a --></nowiki>b", "<!-- a -->b"),
        ("a <!-- <nowiki> --> b </nowiki> c", "a b c"),
        # Magic words.
        ("__NOTOC__ A __init__ b __notoc__ c __БЕЗ_ОГЛ__", "A __init__ b c"),
    ],
)  # fmt: skip
def test_only_known_tags_are_tags(wikitext: str, text: str):
    assert clean_wikitext(wikitext) == text
