"""Sentences of our own writing with templates of many wikis, and of none."""

import pytest

from mtag_core.wikipedia.site import Definitions, Site
from mtag_core.wikipedia.wikitext import clean_wikitext


def clean(wikitext: str, language: str | None = None, **definitions: str) -> str:
    return clean_wikitext(
        wikitext, title="Titolo", site=Site(language, definitions=Definitions(definitions))
    )


@pytest.mark.parametrize(
    ("language", "wikitext", "text"),
    [
        # Centuries and ordinals.
        ("fr", "Au {{s-|XIX|e}}, la ville croît.", "Au XIXe siècle, la ville croît."),
        ("fr", "Au {{-s|V|e}} et au {{s|Ier}}.", "Au Ve siècle av. J.-C. et au Ier."),
        ("fr", "Du {{sp-|XVIII|e|au|XX|e|s}} oui.", "Du XVIIIe au XXe siècles oui."),
        ("fr", "Le {{1er mai}}, le XX{{e}}, la 1{{re}} fois.", "Le 1er mai, le XXe, la 1re fois."),
        ("es", "En el {{siglo|XIX||s}} la ciudad.", "En el siglo XIX la ciudad."),
        ("es", "El siglo {{siglo|XIX}} acaba.", "El siglo XIX acaba."),
        ("es", "El {{siglo|V|a}} acaba.", "El siglo V a. C. acaba."),
        ("pt", "No {{séc|XIX}} a cidade.", "No século XIX a cidade."),
        ("ca", "Al {{segle|XIX}} la vila.", "Al segle XIX la vila."),
        ("ru", "Это {{век|XIX}} был.", "Это XIX век был."),
        # Numbers and units.
        ("fr", "Il a {{unité|12000|habitants}} ici.", "Il a 12000 habitants ici."),
        ("fr", "La pesanteur est {{unité|9,81|m||s|-2}}.", "La pesanteur est 9,81 m s-2."),
        ("fr", "Il a {{nombre|1500|hommes}} à {{heure|10|30}}.", "Il a 1500 hommes à 10 h 30."),
        ("it", "Sono {{M|12|ul=km}} e {{formatnum:3000}}.", "Sono 12 km e 3000."),
        ("ru", "Жил {{число|1500|км}} и {{s|5 мая}}.", "Жил 1500 км и 5 мая."),
        ("vi", "Dài {{chuyển đổi|5|km|mi}} đó.", "Dài 5 km đó."),
        ("en", "It is {{convert|2|C-change|F-change}} more.", "It is 2 °C more."),
        ("xx", "Estas {{nekonata|12|metroj}} for.", "Estas 12 metroj for."),
        ("xx", "Estas {{nekonata|12000}} homoj.", "Estas 12000 homoj."),
        # Dates.
        ("fr", "Né le {{date de naissance-|17|octobre|1973}} là.", "Né le 17 octobre 1973 là."),
        ("fr", "Né le {{date|1|3|1973}} à Lyon.", "Né le 1er mars 1973 à Lyon."),
        ("es", "Nació el {{fecha|12|10|1492}} en Roma.", "Nació el 12 de octubre de 1492 en Roma."),
        ("de", "Am {{Datum|3|5|1900}} war er da.", "Am 3. Mai 1900 war er da."),
        ("ja", "彼は{{日付|1950|3|4}}に来た。", "彼は1950年3月4日に来た。"),
        ("vi", "Sinh {{ngày sinh|1950|3|4}} ở đó.", "Sinh 4 tháng 3 năm 1950 ở đó."),
        ("uk", "Народився {{дн|4|3|1950}} у місті.", "Народився 4 березня 1950 у місті."),
        ("uk", "Дата {{OldStyleDate|26|квітня|1795|15}} є.", "Дата 26 (15) квітня 1795 є."),
        ("xx", "Naskita {{nekonata|4|marto|1950}} tie.", "Naskita 4 marto 1950 tie."),
        ("xx", "Naskita {{nekonata|1950|3|4}} tie.", "Naskita 1950-03-04 tie."),
        # Languages, names and links.
        ("fr", "L'{{japonais|'''aïkido'''|合気道|aikidō}} est un art.",
         "L'aïkido (合気道, aikidō) est un art."),
        ("fr", "Il lit {{lien|langue=en|trad=Foo|fr=Bar}} ici.", "Il lit Bar ici."),
        ("es", "Lee {{enlace nuevo|un libro|en|a book}} aquí.", "Lee un libro aquí."),
        ("ru", "Из {{нп5|Город|Города|en|City}} он.", "Из Города он."),
        ("zh", "他在{{tsl|en|City|城市}}和{{le|城市|City}}。", "他在城市和城市。"),
        ("ja", "これ{{仮リンク|都市|en|City}}と{{ルビ|都|みやこ}}。", "これ都市と都（みやこ）。"),
        ("ko", "그는 {{llang|en|London}} 사람.", "그는 London 사람."),
        ("xx", "Li diris {{nekonata|fr|bonjour}} al ŝi.", "Li diris bonjour al ŝi."),
        ("xx", "La {{nekonata|granda domo}} staris.", "La granda domo staris."),
        ("xx", "La {{nekonata|teksto=x}} domo, {{nekonata|text=granda}} domo.",
         "La domo, granda domo."),
        ("xx", "L'{{nekonata|domo}} («{{nekonata|granda}}»).", "L'domo («granda»)."),
        # Names that are their own text.
        ("fr", "{{M.}} Petit et {{Mme}} Grand, {{n°|5}}.", "M. Petit et Mme Grand, n° 5."),
        ("de", "Er ging nach {{AUT}} und {{FRA|#}} heim.", "Er ging nach AUT und FRA heim."),
        ("uk", "Книга. {{К.}}: Дніпро.", "Книга. К.: Дніпро."),
        ("xx", "La titolo {{PAGENAME}} estas, {{uc:word}}.", "La titolo Titolo estas, WORD."),
        ("xx", "Ĝi {{#if:x|estas|ne}} {{#switch:b|a=1|b=du|#default=3}}.", "Ĝi estas du."),
    ],
)  # fmt: skip
def test_templates_in_sentences_show_their_words(language: str, wikitext: str, text: str):
    assert clean(wikitext, language) == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        # By their name.
        ("Word{{sfn|Smith|2001|p=3}} goes {{citation needed|date=x}} on.", "Word goes on."),
        ("At {{coord|1|2|N|3|4|E}}, here.", "At, here."),
        ("日本語{{要出典|date=x}}と{{R|a}}言葉{{efn|注の文}}。", "日本語と言葉。"),
        # By their place: close behind a word or a mark.
        ("A word{{unknown|some text}} and more.{{unknown|a note}} End.", "A word and more. End."),
        ("''Title''{{unknown|some text}} goes on.", "Title goes on."),
        ("The last sentence. {{unknown|some text}}", "The last sentence."),
        # Alone in their line, or before its first word.
        ("{{Box|some text}}\nText.", "Text."),
        ("{{Box|some text}}'''Title''' is.", "Title is."),
        ("* {{unknown|some text}}\n* A word.", "A word."),
        # By their arguments.
        ("See {{unknown|name=x|value=some text}} here.", "See here."),
        ("See {{unknown|a.jpg}}, {{unknown|#ff0000}}, {{unknown|20px}}, {{unknown|x}} here.",
         "See, here."),
        ("See {{unknown|7|43}} and {{БСЭ|7}} here.", "See and here."),
        ("See {{unknown|A sentence. And another one.}} here.", "See here."),
        ("See {{unknown|Peru}} [[Peru]] here.", "See Peru here."),
        ("See {{unknown}} and {{some/data|x y}} here.", "See and here."),
    ],
)  # fmt: skip
def test_notes_and_boxes_show_nothing(wikitext: str, text: str):
    assert clean(wikitext) == text


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ("<b>{{{1}}}</b>", "So loud it is."),
        ("very {{{1}}}", "So very loud it is."),
        ("{{{2|quite}}} {{{1}}}", "So quite loud it is."),
        ("{{{how|}}}{{#if:{{{2|}}}|x|so}} {{{1}}}", "So so loud it is."),
        ("[[{{{1}}}|{{lang|fr|{{{1}}}}}]]", "So loud it is."),
        ("[[Category:X]]", "So it is."),
    ],
)
def test_the_dumps_definition_comes_first(definition: str, text: str):
    assert clean("So {{zork|loud}} it is.", zork=definition) == text


def test_redirects_between_templates_are_followed():
    site = Site(definitions=Definitions({}, {"langue": "lang", "l": "zork"}))
    assert clean_wikitext("So {{langue|fr|fort}} it is.", site=site) == "So fort it is."


def test_numbered_arguments_stand_in_their_places():
    assert clean("So {{lang|2=fort|1=fr}} it is.") == "So fort it is."
    assert clean("So {{lang|2=fort}} it is.") == "So fort it is."


def test_a_call_names_its_template_with_or_without_the_namespace():
    assert clean("So {{Template:lang|fr|fort}} {{subst:lang|fr|a}} is.") == "So fort a is."
