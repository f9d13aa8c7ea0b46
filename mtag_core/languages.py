"""The languages that mtag knows: their codes, their English names, their nearest relatives.

One row a language. `normalise_language` is the only way from what a user or a file calls a language
to mtag's code for it.

Source: ISO 639 (https://iso639-3.sil.org); tags as in RFC 5646.
"""

import difflib
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from mtag_core.errors import UsageError

UNKNOWN = "und"

# code | other codes: ISO 639-2 and 639-3, those of a macrolanguage's main member, old ones |
# English name, other English names | nearest relative that has a segmenter, where it has none
_ROWS = """
af | afr | Afrikaans |
am | amh | Amharic |
ar | ara arb | Arabic, Modern Standard Arabic |
as | asm | Assamese |
ast | | Asturian | es
az | aze azb azj | Azerbaijani, Azeri | tr
ba | bak | Bashkir | kk
be | bel | Belarusian, Belorussian |
bg | bul | Bulgarian |
bn | ben | Bengali, Bangla |
br | bre | Breton |
bs | bos | Bosnian | hr
ca | cat | Catalan, Valencian |
ckb | | Central Kurdish, Sorani | fa
cs | ces cze | Czech |
cv | chv | Chuvash | ru
cy | cym wel | Welsh |
da | dan | Danish |
de | deu ger | German |
dv | div | Dhivehi, Divehi, Maldivian |
el | ell gre | Greek, Modern Greek |
en | eng | English |
eo | epo | Esperanto |
es | spa | Spanish, Castilian |
et | est ekk | Estonian |
eu | eus baq | Basque |
fa | fas per pes prs | Persian, Farsi |
fi | fin | Finnish |
fr | fra fre | French |
fy | fry | Frisian, Western Frisian | nl
ga | gle | Irish |
gd | gla | Scottish Gaelic | ga
gl | glg | Galician |
gu | guj | Gujarati |
ha | hau | Hausa |
he | heb iw | Hebrew |
hi | hin | Hindi |
hr | hrv | Croatian |
hsb | | Upper Sorbian | cs
hu | hun | Hungarian |
hy | hye arm | Armenian |
ia | ina | Interlingua |
id | ind in | Indonesian |
is | isl ice | Icelandic | no
it | ita | Italian |
ja | jpn | Japanese |
ka | kat geo | Georgian |
kab | | Kabyle |
kk | kaz | Kazakh |
km | khm | Khmer, Central Khmer |
kmr | ku kur | Northern Kurdish, Kurmanji, Kurdish |
kn | kan | Kannada |
ko | kor | Korean |
ky | kir | Kyrgyz, Kirghiz | kk
la | lat | Latin |
lb | ltz | Luxembourgish | de
lg | lug | Ganda, Luganda |
lo | lao | Lao |
lt | lit | Lithuanian |
ltg | | Latgalian | lv
lv | lav lvs | Latvian |
mk | mkd mac | Macedonian | bg
ml | mal | Malayalam |
mn | mon khk | Mongolian |
mr | mar | Marathi |
ms | msa may zsm | Malay | id
mt | mlt | Maltese |
my | mya bur | Burmese, Myanmar |
nb | nob | Norwegian Bokmål, Bokmål | no
ne | nep npi | Nepali | hi
nl | nld dut | Dutch, Flemish |
nn | nno | Norwegian Nynorsk, Nynorsk | no
no | nor | Norwegian |
or | ori ory | Odia, Oriya |
pa | pan | Punjabi, Panjabi |
pl | pol | Polish |
ps | pus pbt | Pashto, Pushto | ur
pt | por | Portuguese |
rm | roh | Romansh | it
ro | ron rum mo mol | Romanian, Moldavian, Moldovan |
ru | rus | Russian |
rw | kin | Kinyarwanda |
sah | | Yakut, Sakha | kk
si | sin | Sinhala, Sinhalese |
sk | slk slo | Slovak |
sl | slv | Slovenian, Slovene |
sq | sqi alb als | Albanian |
sr | srp | Serbian |
sv | swe | Swedish |
sw | swa swh | Swahili |
ta | tam | Tamil |
te | tel | Telugu |
th | tha | Thai |
tl | tgl fil | Tagalog, Filipino |
tr | tur | Turkish |
tt | tat | Tatar | kk
ug | uig | Uyghur, Uighur | ur
uk | ukr | Ukrainian |
und | mis mul | undetermined |
ur | urd | Urdu |
uz | uzb uzn | Uzbek |
vi | vie | Vietnamese |
yue | | Cantonese | zh
zh | zho chi cmn | Chinese, Mandarin |
"""

# A tag of RFC 5646, or a locale of POSIX: language, extended language, script, region, encoding.
_TAG = re.compile(
    r"([a-z]{2,3})(?:[-_]([a-z]{3}))?(?:[-_][a-z]{4})?(?:[-_](?:[a-z]{2}|[0-9]{3}))?(?:[.@].*)?"
)
# ISO 639-2 leaves these to local use: UD names its code-switching treebanks by them.
_LOCAL = re.compile(r"q[a-t][a-z]")
_MAX_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Language:
    """A language that mtag knows.

    Attributes:
        code: mtag's code: ISO 639-1 where there is one, else 639-3.
        name: In English.
        other_codes: Codes that mean it, too.
        other_names: English names that mean it, too.
        relative: Code of the language whose segmenter serves it; None where its own or none does.
    """

    code: str
    name: str
    other_codes: tuple[str, ...]
    other_names: tuple[str, ...]
    relative: str | None


def _parse_row(row: str) -> Language:
    code, codes, names, relative = (field.strip() for field in row.split("|"))
    name, *other_names = names.split(", ")
    return Language(code, name, tuple(codes.split()), tuple(other_names), relative or None)


def _folded(name: str) -> str:
    """A name in lower case without accents: `Norwegian Bokmål` is often typed without."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


LANGUAGES = {language.code: language for language in map(_parse_row, _ROWS.strip().splitlines())}
"""Code to language, sorted."""

_CODE_OF = {
    _folded(called): language.code
    for language in LANGUAGES.values()
    for called in (
        language.code,
        language.name,
        *language.other_codes,
        *language.other_names,
    )
}


def find_language(called: str, *, more_codes: Collection[str] = ()) -> str | None:
    """Returns mtag's code for what somebody calls a language, or None for one it does not know.

    Example: `fr`, `FR`, `fra`, `fr-FR`, `fr_FR.UTF-8` and `French` are `fr`.

    Args:
        called: An ISO 639 code, a language tag, a locale or an English name.
        more_codes: Codes beside those of `LANGUAGES`, such as those of a bundle's own segmenters.
    """
    folded = _folded(called)
    if folded in more_codes or _LOCAL.fullmatch(folded):
        return folded
    if folded in _CODE_OF:
        return _CODE_OF[folded]
    tag = _TAG.fullmatch(folded)
    if tag is None:
        return None
    language, extended = tag.groups()
    if extended:
        # `zh-yue` is Cantonese; an extension that is not known says nothing.
        return _CODE_OF.get(extended)
    return language if language in more_codes else _CODE_OF.get(language)


def normalise_language(called: str, *, more_codes: Collection[str] = ()) -> str:
    """Returns mtag's code for what somebody calls a language.

    Args:
        called: As in `find_language`.
        more_codes: As in `find_language`.

    Raises:
        UsageError: mtag does not know the language; the message suggests a near one.
    """
    code = find_language(called, more_codes=more_codes)
    if code is None:
        raise UsageError(
            f"language {called[:_MAX_SHOWN]!r}: unknown; {_suggestion(called)}"
            f"known are {' '.join(sorted({*LANGUAGES, *more_codes}))}"
        )
    return code


def _suggestion(called: str) -> str:
    treebank = called.partition("_")[0].casefold()
    if "_" in called and treebank in LANGUAGES:
        return f"did you mean --language {treebank} --conventions {called}? "
    near = difflib.get_close_matches(_folded(called), _CODE_OF, n=1)
    if not near:
        return ""
    code = _CODE_OF[near[0]]
    return f"did you mean {code} ({LANGUAGES[code].name})? "
