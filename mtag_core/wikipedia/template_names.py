"""Names of templates that carry words, by where the words stand.

Lower-case, separated by bars. Collected from the calls that stand inside sentences in dumps of
English, Greek, Armenian, Japanese, Marathi, Ukrainian, Vietnamese and Latgalian, by frequency, and
from the documentation of the larger wikis. What is not here is decided by where a call stands and
what its arguments look like: see `mtag_core.wikipedia.templates`.
"""

FIRST_NAMES = """
non-gloss definition|non-gloss|n-g|ngd|vern|taxlink|ja-r|ja-l|zh-l|och-l|ltc-l|zh-m
unsupported|ipa|ipa2|ipaslink|ipalink|δφα|προφορά|ασαφές|անգլ|下げ核|wikidata fallback|nowrap
nobr|nobreak|j|nwr|nowraplinks|small|smaller|smaller2|big|larger|large|huge|midsize|center
centre|resize|mono|monospace|code|kbd|key|keypress|samp|var|mvar|math|tmath|em|strong
strongbad|bold|italic|sic|not a typo|typo|abbr|abbrlink|tooltip|hover title|explain|sc
smallcaps|sc2|smallcaps2|caps|allcaps|uc|lc|unicode|unicode fonts|polytonic|nastaliq|nq|hebrew
arabic|persian|cuneiform|ipa link|sup|sub|su|superscript|subscript|overline|underline|u|strike
s|del|ins|angbr|angle bracket|vr|grapheme|nts|number|num|formatnum|commas|val2|gaps|decdeg
rail gauge|railgauge|track gauge|pound|ordinal|nbhyph|nohyphen|shy|visible anchor|vanchor
anchor text|wikt-lang|lw|wl|link text|tq|tqi|quote inline|ilq|blockquote inline|inline-block
inline block|要出典範囲|要検証範囲|誰範囲|読み|jis2004フォント|補助漢字フォント|jis90フォント
cjk|kana|vi-nom|hantu|vi-nôm|flag|flagcountry|flagu|դրոշավորում|дрошавор|прапорець|прапор|флаг
флагификация|флагифікація|redwd|redlink|angle|μονάδα|μον|км|km to mi|en|fr|de|es|it|el|ru|la
ja|ko|ar|he|pt|nl|pl|tr|grc|fa|sv|da|no|fi|cs|hu|ro|uk|be|bg|sr|hr|sa|hi|bo|mn|ug|hy|ka|eu|ca
ga|cy|is|lt|lv|et|icelandic|old english|isbn text|legend inline|legend2|fontcolor2|noitalic
noital|normal|roman|no bold|не переведено 5|լատին|յա|ավել|кр|nihongo2|nihongo3|jpn|標準表記
nowrap2|бл|вв|ш|pipe|pslink|linktext2|ill-wd|article link|no wrap|nobold|unbulleted|zwj|sfrac1
mstyle|serif|sans-serif|wikicite text|highlight|nb|abr|abréviation|abrev|exp|ind|exposant
indice|petites capitales|pc|référence nécessaire|refnec|référence souhaitée|pas clair|quoi
passage promotionnel|incise|tiret|guillemets anglais|cita inline|versalita|sin saltos|ndl|zahl
formatzahl|число|нобр|неперенос|подст|стих|s/|ударение|подсказка|comment|hint|abbr2|аббр|скр
fmtn|formatar número|dn|dtlink|nwrap|maiusc|pietre miliari|nw|formatnum2|links-nach|ssi|lj
nihongo core|noredlink|no redirect|color link|bgcolor|highlight round|한자|작은글씨|번역|독음
ruby text|و|ب|عدد|مفردة|لا بداية|高線|いつ範囲|語句|proper name|proper noun|標題|書名|nickname
tspan|nobreak2|lit
"""
# Arguments in a row.
LISTED_NAMES = """
hlist-comma|hlist|ubl|plainlist|unbulleted list|flatlist|liste horizontale|lista horizontal
"""
# The name and a number.
NUMBER_OF_NAMES = """
n°|nº|no.|num.|p.|pp.|vol.|t.|chap.|art.|§|№
"""
# Parts of a word.
AFFIX_NAMES = """
suffix|prefix|affix|af|compound|com|blend|confix|circumfix
"""
# Brackets around the arguments, as in dictionaries.
BRACKETED_NAMES = """
qualifier|q|qual|qualifiers|gloss|gl|lb|label|lbl|sense|s sense|i|tlb|term-label|italbrac
defdate|accent|a|circa2
"""
# Of Wiktionaries: a word behind one or two codes of languages.
WORD_NAMES = """
borrowed|m+|desctree|alter|l-self|back-formation|back-form|l|m|mention|inh|inh+|cog|noncog|der
bor|lbor|desc|doublet|calque
"""
IDENTIFIER_NAMES = """
isbn|isbn2|issn|oclc|doi|pmid|pmc|arxiv|lccn|asin|jstor|bibcode|ndljp|eissn|ismn|zbl|mr
"""
# The words are the second argument; the first is a language, a colour or a size.
SECOND_NAMES = """
script|h:title|legend|легенда|պարզաբանագիր|chú giải|legenda|légende|leyenda|sort|l-lb|t|t+|t-
t-simple|t-check|t+check|tt|tt+|langi|llang|lang-en2|langwith|codelang|langnf|foreign language
langue 2|langue étrangère|lang|langx|langue|lang2|lang1|language|rtl-lang|rtllang|bo-lang
lang?|язык|мова|color|colour|fontcolor|font color|colored|fc|color text|text color|fontsize
font size|bg|background color|script2|langr|idioma|langwithname|lang with name|foreign|ling
limba|kieli|språk|sprache|taal|γλώσσα|лат|resize2|style|span
"""
LAST_NAMES = """
tsl|liên kết|dil|transl|transliteration|translit|tlit|xlit|lang3|lang4|w|wikt|wiktionary link
wiktlink|s-link|wd|hiero2|romanisation|romanization|tradução|traslit|ngôn ngữ|chữ|cw|wikilink
interlanguage text
"""
QUOTE_NAMES = """
quote|blockquote|cquote|quotation|bquote|centered pull quote|rquote|quote box|pull quote
block quote|quote2|citation bloc|citat|citazione|cita|zitat|цитата|цитатник|քաղվածք|παράθεμα
απόσπασμα|引用|quotation2|lời trích|trích dẫn|lainaus|citace|poem|verse|poemquote|poem quote
verse translation|epigraph|эпиграф|епіграф
"""
LINKED_NAMES = """
ill|ill2|illm|ll|interlanguage link|interlanguage link multi|link-interwiki|仮リンク|ilh
liên kết ngôn ngữ khác|lien|iw2|internal link helper|link-en|link|le|translink|lang link
red link|interlang|ilm|enlace|illm2|qid|wdl
"""
LINKED_SECOND_NAMES = """
h:title|sort|borrowed|l-self|m+|alter|desctree|l-lb|langi|llang|lang-en2|langwith|codelang
langnf|foreign language|langue 2|langue étrangère|нп|нп3|нп5|не перекладено|не переведено
не переведено 2|не переведено 3|iw|հչթ|չթարգմանված|чт|li|ill-uk
"""
ISO_DATE_NAMES = """
date de naissance|date de naissance-|date de décès|date de décès-|date-|date de sortie|fecha
fecha de|fecha de nacimiento|fecha de inicio|fecha de fallecimiento|fecha de inicio y edad
data de nascimento|nascimento|morte|dtlink|dni|data di nascita|geburtsdatum|дата рождения
дата смерти|дата рождения и возраст|dátum|dato|tarih|tanggal|tarikh|date et âge|date naissance
dataini|start-date2|날짜|출생일|تاريخ|ngày tháng năm|birth date|birth-date|bda
birth date and age|birth date and age2|death date|death date and age|start date
start date and age|end date|film date|date|dts|dtsh|birth year and age|release date|дата|datum
data|dates|ημερομηνία|թվական|ngày|ngày sinh|ngày mất|ngày sinh và tuổi|生年月日と年齢|没年齢
生年月日|disputed date|birthdate|dob|death-date|start-date|end-date|iso date|founding date
"""
# Day, month and year, then another day or date of the old calendar.
OLD_STYLE_NAMES = """
oldstyledate|old style date|юл. дата|юлианская дата|сс|oldstyledatedy
"""
DAY_FIRST_NAMES = """
дн|дн2|дс|дс2|дата народження|дата смерті|дата народження та вік|дн вік|birth date df
oldstyledate day
"""
JOINED_NAMES = """
chem|chem2|linktext|hanja|ruby-ja2|cyrl|zwnj|ipalink|nuclide|simplenuclide
"""
SPACED_NAMES = """
sortname|date fr|jour|mensual|harvnb|harv|harvtxt|harvp|harvsp|harvnb2|harvcol
harvard citation no brackets|bulleted list2|hlist inline|mul|gc
"""
QUANTITY_NAMES = """
nombre|nb|число|liczba|zahl|número|numero|unitats|birim|satuan|јединица|ед|unité|unite|unit
unidad|unidade|einheit|lunité|enheter|enhet|num|nombre et unité|unità|eenheid|jednostka|мера
единица|одиниця|мерная единица
"""
# What these leave is a note, a sign or a picture, whatever their arguments are.
_SILENT_NAMES = """
inflation|format price|time ago|age|age in years|years ago|coat of arms|lá cờ|biểu tượng lá cờ
դրոշ|прапорзначок|देशध्वज|display none|hidden|nodisplay|un population|un_population|etyl
projectlink|section link|rfscript|zh-ref|taxon|case-gov|dmoz|googlemap|google maps|seesynonyms
bartable|percentage|pop density|r|rp|cn|fact|who|when|where|which|why|how|main|see|about|for
note|ref|ref+|fn|fnb|nota|anm|прим|сн|refn|refnest|sup ref|clarify|vague|dubious|coord|xref
sfn|sfnp|sfnm|snf|efn|efn2|odn|nb|h|od|v|hatnote|seealso|see also|voir|véase|ver|siehe|zie
zobacz|vedi|main article|details|redirect|pausa|0|col-begin|col-break|col-end|small div
reflist|reflist2|notelist|anchor|anchors|ancre|ancla|якорь|якір|anker|kotwica|âncora|ancora
verankerung|jump|audio|listen|escuchar|écouter|ouvir|аудио|dead|wayback|webarchive|webcite
webarchivis|flagdeco|flagicon|flagg|bandera|drapeau|bandeira|flaggenband|флагдеко|coa|икона
медаль|ikona flagi|color box|color sample|couleur|legend0|legend color|אנ|עב|הערה|מקור|یاد
یادچپ|پاک‌کن|مدرک|ref-en|د.م|주|각주|출처|refen|refpt|noteta|noteta2|notetag|#tag|defaultsort
displaytitle|pie chart|inflation-fn|dm|bio|see below|above|below|ndldc|kotobank|verify source
full|or|pov|npov|update|cref|cref2|cnote|dn|dab|disambig|respell|pronunciation|pron|t-needed
attention|rfdate|rfd|senseid|not used|...|nb...|g|topics|rhymes|rfe|rfv|rfc-sense|ttbc
comentário|nt|note label|ref label|ref harvard|refh|l-en|sps|bsn|specify|dubious2|weasel|citar
կր|ծան|նշ|v2|փաստ|աղբյուր|ն|օգն|αα|मराठी शब्द सुचवा|शब्द सुचवा|перехід|докладніше|к:|джерело
хто|коли|де?|чому|уточнити|кто|где|когда|источник|уточнить|нет аи|аи2|誰|誰2|いつ|どこ|何
要出典|要検証|要説明|要ページ番号|独自研究|リンク切れ|脚注|注|注釈|補助|ウィキ座標度分秒
"""
# In these two, "_" is a space.
_SILENT_PREFIXES = """
sfn|efn|refn|harvid|cite_|citation_needed|citation_style|cita_|citar_|coord|coor_|koord
координат|infobox|ipac|ipa-|мфа|ապա|api-|afi|iast?|audio-|file:|image:|webarchive|dead_link
lien_brisé|lien_mort|enlace_roto|toter_link|мёртвая_ссылка|недоступн|liên_kết_hỏng
ligação_inativa|collegamento_interrotto|citation_requise|cita_requerida|citazione_necessaria
carece_de|senza_fonte|brak_źródła|källa|belege|нет_источника|не_вказано|cần_|chú_thích
số_trang|demander|tham_khảo|要|wikidata|graph:|flagicon|user|utilisateur|benutzer|use_|pp-
bar_|chart|weather|diagram|timeline|div_|col-|nav|portal|портал|commons|wikisource|wikiquote
sister|stub|ébauche|bedeutungs|otheruses|distinguish|redirect|anchor|note_|notes|notelist|ref_
ref-|refbegin|refend|listref|jp-|jr|ja_exp|route|shield|jct|автошлях|subscription|registration
closed_access|open_access|icon|symbol|legend0|multiple_image|rq:
"""
_SILENT_SUFFIXES = """
_icon|deco|_needed|-stub|_inline|?|_begin|_end|_source|_sources|-fn|_box|_note|_notes|欠如
出典|_missing|_fehlt|_fehlen|_manquante|_flag|ікона|_section|_sidebar|_tag|_footnote|線記号
コード
"""
# Codes of the International Olympic Committee and of ISO 3166; a call shows a country's name.
COUNTRY_CODES = frozenset(
    """
    ATF AFG ALB ALG DZA AND ANG AGO ANT ATG ARG ARM ARU ASA AUS AUT AZE BAH BHS BAN BGD BAR BRB
    BDI BEL BEN BER BHU BIH BIZ BLR BOL BOT BWA BRA BRN BRU BUL BGR BUR BFA CAF CAM KHM CAN CAY
    CGO CHA TCD CHI CHL CHN CIV CMR COD COK COL COM CPV CRC CRI CRO HRV CUB CYP CZE DEN DNK DJI
    DMA DOM ECU EGY ERI ESA ESP EST ETH FIJ FIN FRA FRO FSM GAB GAM GBR GBS GEO GEQ GER DEU GHA
    GRE GRC GRN GUA GTM GUI GIN GUM GUY HAI HTI HKG HON HND HUN INA IDN IND IRI IRN IRL IRQ ISL
    ISR ITA IVB JAM JOR JPN KAZ KEN KGZ KIR KOR KOS KSA SAU KUW KWT LAO LAT LVA LBA LBY LBR LCA
    LES LIB LBN LIE LTU LUX MAC MAD MAR MAS MYS MAW MDA MDV MEX MGL MNG MHL MKD MLI MLT MNE MON
    MOZ MRI MTN MYA MMR NAM NCA NIC NED NLD NEP NGR NGA NIG NER NOR NRU NZL OMA OMN PAK PAN PAR
    PRY PER PHI PHL PLE PLW PNG POL POR PRT PRK PUR QAT ROU RSA ZAF RUS RWA SAM SEN SEY SGP SIN
    SKN SLE SLO SVN SMR SOL SOM SRB SRI LKA SSD STP SUD SDN SUI CHE SUR SVK SWE SWZ SYR TAN TZA
    TGA THA TJK TKM TLS TOG TPE TWN TTO TUN TUR TUV UAE ARE UGA UKR URU URY USA UZB VAN VAT VEN
    VIE VNM VIN YEM ZAM ZMB ZIM ZWE ENG SCO WAL NIR URS YUG TCH GDR FRG ABW AIA ALA ASM ATA BLM
    BMU BTN CCK CUW CXR CYM ESH FJI FLK GGY GIB GLP GMB GNB GNQ GRD GRL GUF HMD IMN IOT JEY KNA
    LSO MAF MCO MDG MNP MRT MSR MTQ MUS MWI MYT NCL NFK NIU NPL PCN PRI PSE PYF REU SGS SHN SJM
    SLB SLV SPM SXM SYC TCA TGO TKL TON UMI VCT VGB VIR VUT WLF WSM
    """.split()
)
# Two-letter codes of ISO 639-1, and longer ones that stand as first arguments.
LANGUAGE_CODES = frozenset(
    """
    aa ab af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da
    de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy
    hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg
    li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or
    os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw
    ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu ang
    akk ast bat-smg ceb cmn cop dum egy enm frm fro gem-pro gmh gml goh got grc gsw hak haw hbo
    ine-pro itc-pro ltg mnc mul nah nan nds non nrf oco odt ofs osx ota owl peo pro qya sco sga
    sgs sla-pro sux syc szl trk-pro und wuu xcl xno yue
    """.split()
)
MUSIC_SIGNS = {"flat": "♭", "b": "♭", "sharp": "♯", "#": "♯", "natural": "♮"}
# A text to the names of the templates that leave it.
FIXED = {
    "|": "!",
    "(": "(",
    ")": ")",
    "av. J.-C.": "avjc|av jc|av. j.-c.",
    "ap. J.-C.": "ap. j.-c.|apjc",
    "Mme": "mme",
    "Mlle": "mlle",
    "M.": "m.",
    "Mgr": "mgr",
    "Dr": "dr",
    "St": "st",
    "Ste": "ste",
    "н. э.": "н. э.|н.э.",
    "до н. э.": "до н. э.|до н.э.",
    "н. е.": "н. е.",
    "до н. е.": "до н. е.",
    "a. C.": "a. c.|ac",
    "d. C.": "dc|d. c.",
    "v. Chr.": "v. chr.",
    "n. Chr.": "n. chr.",
    "'": "'|'-",
    "'s": "'s|'s-",
    "' \"": "' \"",
    "\" '": "\" '",
    "=": "=",
    "*": "*",
    "⇌": "eqm",
    "π": "pi",
    "CO2": "co2",
    "C3": "c3",
    "C4": "c4",
    " ": "nbsp|nnbsp|thinsp|space|spaces|sp|pad",
    " – ": "snd|spnd|spaced ndash|spaced en dash|–",
    "–": "ndash|en dash",
    "—": "mdash|em dash|mdashb",
    " — ": "—|spaced mdash",
    " • ": "•|bull",
    " · ": "·|dot|middot",
    ", ": ",",
    "шт.": "шт",
    "°C": "градус цельсія|градус цельсия|°c",
    "°F": "°f",
    "°": "°|degree",
    "₽": "рубль|₽",
    "&": "ampersand|&",
    "±": "plusmn|±",
    "−": "minus",
    "": "shy|zwsp|wbr",
    "\n": "br|break|clear",
    "\n\n": "-|pb",
    "нар.": "нар",
    "пом.": "пом",
    "род.": "род",
    "ум.": "ум",
    "AD": "ad",
    "CE": "ce",
    "BCE": "bce",
    "BC": "bc",
    "ʻ": "okina|ʻ",
    "ʿ": "ayin",
    "ʾ": "hamza",
    "'\"": "'\"",
    "\"'": "\"'",
    "¥": "yen",
    "€": "euro",
    "♯": "sharp",
    "♭": "flat",
}


def split_names(text: str) -> list[str]:
    """The names of a table above."""
    return [name.strip() for name in text.replace("\n", "|").split("|") if name.strip()]


_NAMES = frozenset(split_names(_SILENT_NAMES))
_PREFIXES = tuple(part.replace("_", " ") for part in split_names(_SILENT_PREFIXES))
_SUFFIXES = tuple(part.replace("_", " ") for part in split_names(_SILENT_SUFFIXES))


def is_silent(name: str) -> bool:
    """Whether a template's name says that it leaves a note, a sign or a picture."""
    is_named = name in _NAMES or "/" in name or ":" in name
    return is_named or name.startswith(_PREFIXES) or name.endswith(_SUFFIXES)
