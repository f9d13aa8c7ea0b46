"""Names of templates that carry words, by where the words stand.

Lower-case, separated by bars. Collected from the calls that stand inside sentences in dumps of
English, French, Greek, Armenian, Japanese, Marathi, Ukrainian, Vietnamese and Latgalian, and from
the documentation of the larger wikis. A name that is missing costs a hole, not an error.
"""

FIRST_NAMES = """
ipa|ipa2|ipaslink|ipalink|δφα|προφορά|ασαφές|անգլ|下げ核|wikidata fallback
nowrap|nobr|nobreak|j|nwr|nowraplinks|small|smaller|smaller2|big|larger|large|huge|midsize
center|centre|resize|mono|monospace|code|kbd|key|keypress|samp|var|mvar|math|tmath|em|strong
strongbad|bold|italic|sic|not a typo|typo|abbr|abbrlink|tooltip|hover title|explain|sc|smallcaps
sc2|smallcaps2|caps|allcaps|uc|lc|unicode|unicode fonts|polytonic|nastaliq|nq|script|hebrew
arabic|persian|cuneiform|ipa link|sup|sub|su|superscript|subscript|overline|underline|u|strike|s
del|ins|angbr|angle bracket|vr|grapheme|nts|number|num|nombre|formatnum|commas|val2|gaps|decdeg
rail gauge|railgauge|track gauge|pound|ordinal|nbhyph|nohyphen|shy|visible anchor|vanchor
anchor text|wikt-lang|lw|wl|link text|tq|tqi|quote inline|ilq|blockquote inline|inline-block
inline block|要出典範囲|要検証範囲|誰範囲|読み|jis2004フォント|補助漢字フォント|jis90フォント
cjk|kana|vi-nom|hantu|vi-nôm|flag|flagcountry|flagu|դրոշավորում|дрошавор|прапорець|прапор|флаг
флагификация|флагифікація|redwd|redlink|angle|μονάδα|μον|км|km to mi|en|fr|de|es|it|el|ru|la|ja
ko|ar|he|pt|nl|pl|tr|grc|fa|sv|da|no|fi|cs|hu|ro|uk|be|bg|sr|hr|sa|hi|bo|mn|ug|hy|ka|eu|ca|ga|cy
is|lt|lv|et|icelandic|old english|isbn text|legend inline|legend2|fontcolor2|noitalic|noital
normal|roman|no bold|не переведено 5|լատին|յա|ավել|кр|nihongo2|nihongo3|jpn|標準表記|nowrap2|бл
вв|ш|s-|pipe|pslink|linktext2|ill-wd|article link|no wrap|nobold|unbulleted|zwj|sfrac1|mstyle
serif|sans-serif|wikicite text|highlight
"""
# The words are the second argument; the first is a language, a colour or a size.
SECOND_NAMES = """
lang|langx|langue|lang2|lang1|language|rtl-lang|rtllang|bo-lang|lang?|язык|мова|color|colour
fontcolor|font color|colored|fc|color text|text color|fontsize|font size|bg|background color
script2|langr|idioma|langwithname|lang with name|foreign|ling|limba|kieli|språk|sprache|taal
γλώσσα|лат|resize2|style|span
"""
LAST_NAMES = """
transl|transliteration|translit|tlit|xlit|lang3|lang4|w|wikt|wiktionary link|wiktlink|s-link|wd
hiero2|romanisation|romanization|tradução|traslit|ngôn ngữ|chữ|cw|wikilink|interlanguage text
"""
QUOTE_NAMES = """
quote|blockquote|cquote|quotation|bquote|centered pull quote|rquote|quote box|pull quote
block quote|quote2|citation bloc|citat|citazione|cita|zitat|цитата|цитатник|քաղվածք|παράθεμα
απόσπασμα|引用|quotation2|lời trích|trích dẫn|lainaus|citace|poem|verse|poemquote|poem quote
verse translation|epigraph|эпиграф|епіграф
"""
LINKED_NAMES = """
ill|ill2|illm|ll|interlanguage link|interlanguage link multi|link-interwiki|仮リンク|ilh
liên kết ngôn ngữ khác|lien|iw2|internal link helper|link-en|link|tsl|le|translink
"""
LINKED_SECOND_NAMES = """
нп|нп3|нп5|не перекладено|не переведено|не переведено 2|не переведено 3|iw|հչթ|չթարգմանված|чт|li
ill-uk
"""
ISO_DATE_NAMES = """
birth date|birth-date|bda|birth date and age|birth date and age2|death date|death date and age
start date|start date and age|end date|film date|date|dts|dtsh|birth year and age|release date
дата|datum|data|dates|ημερομηνία|թվական|ngày|ngày sinh|ngày mất|ngày sinh và tuổi|生年月日と年齢
没年齢|生年月日|disputed date|birthdate|dob|death-date|start-date|end-date|iso date
founding date
"""
DAY_FIRST_NAMES = """
дн|дн2|дс|дс2|дата народження|дата смерті|дата народження та вік|дн вік|birth date df
oldstyledate day
"""
JOINED_NAMES = """
chem|chem2|linktext|hanja|ruby-ja2|cyrl|zwnj|ipalink|nuclide|simplenuclide
"""
SPACED_NAMES = """
oldstyledate|old style date|unité|unite|unit|date fr|jour|siècle|unidad|einheit|lunité|mensual
enheter|bulleted list2|hlist inline|mul|gc|plainlist inline
"""
FIXED = {
    "'": "'",
    "'s": "'s",
    "'s-": "'s",
    "' \"": "' \"",
    "\" '": "\" '",
    "=": "=",
    "*": "*",
    "eqm": "⇌",
    "pi": "π",
    "co2": "CO2",
    "c3": "C3",
    "c4": "C4",
    "nbsp": " ",
    "nnbsp": " ",
    "thinsp": " ",
    "space": " ",
    "spaces": " ",
    "sp": " ",
    "pad": " ",
    "snd": " – ",
    "spnd": " – ",
    "spaced ndash": " – ",
    "spaced en dash": " – ",
    "ndash": "–",
    "en dash": "–",
    "–": " – ",
    "mdash": "—",
    "em dash": "—",
    "mdashb": "—",
    "—": " — ",
    "spaced mdash": " — ",
    "•": " • ",
    "·": " · ",
    "bull": " • ",
    "dot": " · ",
    "middot": " · ",
    ",": ", ",
    "шт": "шт.",
    "градус цельсія": "°C",
    "градус цельсия": "°C",
    "°c": "°C",
    "°f": "°F",
    "°": "°",
    "degree": "°",
    "рубль": "₽",
    "₽": "₽",
    "ampersand": "&",
    "&": "&",
    "plusmn": "±",
    "±": "±",
    "minus": "−",
    "shy": "",
    "zwsp": "",
    "wbr": "",
    "br": "\n",
    "break": "\n",
    "-": "\n\n",
    "clear": "\n",
    "pb": "\n\n",
    "нар": "нар.",
    "ad": "AD",
    "ce": "CE",
    "bce": "BCE",
    "bc": "BC",
    "okina": "ʻ",
    "ʻ": "ʻ",
    "ayin": "ʿ",
    "hamza": "ʾ",
    "'-": "'",
    "'\"": "'\"",
    "\"'": "\"'",
    "yen": "¥",
    "euro": "€",
    "sharp": "♯",
    "flat": "♭",
}
