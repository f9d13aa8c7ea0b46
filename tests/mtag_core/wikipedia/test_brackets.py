import pytest

from mtag_core.wikipedia.wikitext import clean_wikitext


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        # No variant is named: all of it is text.
        ("Филм -{Blue Hour: The Return}- је.", "Филм Blue Hour: The Return је."),
        ("Време је -{12:30}-.", "Време је 12:30."),
        ("-{Ann Berg; Leo Lund}- заједно.", "Ann Berg; Leo Lund заједно."),
        ("Види -{[http://x.org Blue Town]}-.", "Види Blue Town."),
        ("-{a; zh-x y: b}- c", "a; zh-x y: b c"),
        # The first variant's text is shown, with the marks that belong to it.
        ("-{zh-hans:甲; zh-hant:乙}-丙", "甲丙"),
        ("-{sr-ec:Ана: Лео; и; sr-el:Ana}-.", "Ана: Лео; и."),
        ("-{ZH-TW : 甲 ;zh-cn:乙;}-", "甲"),
        ("-{kk-latn:a;kk-cyrl:б}- -{gan-hans:甲;gan-hant:乙}-", "a 甲"),
        ("-{甲=>zh-cn:乙; 丙=>zh-tw:丁;}-", "乙"),
        ("-{zh-cn:甲&nbsp;乙; zh-tw:丙}-", "甲 乙"),
        # Flags.
        ("甲-{H|zh-cn:乙;zh-tw:丙}-丁", "甲丁"),
        ("甲-{T|zh-cn:乙;zh-tw:丙}-丁", "甲丁"),
        ("甲-{-|zh-cn:乙;zh-tw:丙}-丁", "甲丁"),
        ("甲-{H;T|zh-cn:乙}-丁", "甲丁"),
        ("-{A|zh-cn:乙;zh-tw:丙}-", "乙"),
        ("-{ A ; D |zh-cn:乙;zh-tw:丙}-", "乙; 丙"),
        ("-{R|zh-cn:乙; a}-", "zh-cn:乙; a"),
        ("-{zh-hans;zh-hant|丙}-", "丙"),
        ("-{D|zh-hans:甲;zh-hant:乙}-", "甲; 乙"),
        ("-{A|甲}-", "甲"),
        # Other markup in it and around it.
        ("-{zh-hans:{{lang|fr|mot}}; zh-hant:[[A|B]]}-", "mot"),
        ("x -{{{lang|fr|mot}}}- y", "x mot y"),
        ("-{[[A|-{zh-cn:甲;zh-tw:乙}-]]}-", "甲"),
        ("{{lang|zh|-{zh-cn:甲;zh-tw:乙}-}}", "甲"),
        ("-{zh-cn:甲\n;zh-tw:乙}-", "甲"),
        # What is no conversion.
        ("-{甲", "-{甲"),
        ("甲}-", "甲}-"),
        ("{{lang|fr|a}}-b", "a-b"),
        ("<nowiki>-{甲}-</nowiki>", "-{甲}-"),
    ],
)
def test_conversion_shows_one_text_and_hides_rules(wikitext: str, text: str):
    assert clean_wikitext(wikitext) == text
