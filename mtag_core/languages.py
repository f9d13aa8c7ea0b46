"""What is known of languages: one row a language, and nothing about one anywhere else.

Facts about treebanks are in `mtag_core.training.treebank_facts`. `normalise_language` is the only
way from what a user or a file calls a language to mtag's code for it.

Source: ISO 639 (https://iso639-3.sil.org); tags as in RFC 5646.
"""

import difflib
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, cast

from mtag_core.errors import UsageError

UNKNOWN = "und"
"""The code of text whose language is not known."""

Spacing = Literal["words", "syllables", "phrases", "none"]

# code | other codes: ISO 639-2 and 639-3, those of a macrolanguage's main member, old ones |
# English name, other English names | nearest relative that has a segmenter, where it has none |
# writing systems, if not Latin alone | what spaces part, if not words | the code that treebanks
# put this written standard under. Empty fields at the end are left out.
_ROWS = """
af | afr | Afrikaans
am | amh | Amharic | | Ethiopic
ar | ara arb | Arabic, Modern Standard Arabic | | Arabic
as | asm | Assamese | | Bengali
ast | | Asturian | es
az | aze azb azj | Azerbaijani, Azeri | tr
ba | bak | Bashkir | kk | Cyrillic
be | bel | Belarusian, Belorussian | | Cyrillic
bg | bul | Bulgarian | | Cyrillic
bn | ben | Bengali, Bangla | | Bengali
br | bre | Breton
bs | bos | Bosnian | hr
ca | cat | Catalan, Valencian
ckb | | Central Kurdish, Sorani | fa | Arabic
cs | ces cze | Czech
cv | chv | Chuvash | ru | Cyrillic
cy | cym wel | Welsh
da | dan | Danish
de | deu ger | German
dv | div | Dhivehi, Divehi, Maldivian | | Thaana
el | ell gre | Greek, Modern Greek | | Greek
en | eng | English
eo | epo | Esperanto
es | spa | Spanish, Castilian
et | est ekk | Estonian
eu | eus baq | Basque
fa | fas per pes prs | Persian, Farsi | | Arabic
fi | fin | Finnish
fr | fra fre | French
fy | fry | Frisian, Western Frisian | nl
ga | gle | Irish
gd | gla | Scottish Gaelic | ga
gl | glg | Galician
gu | guj | Gujarati | | Gujarati
ha | hau | Hausa
he | heb iw | Hebrew | | Hebrew
hi | hin | Hindi | | Devanagari
hr | hrv | Croatian
hsb | | Upper Sorbian | cs
hu | hun | Hungarian
hy | hye arm | Armenian | | Armenian
ia | ina | Interlingua
id | ind in | Indonesian
is | isl ice | Icelandic | no
it | ita | Italian
ja | jpn | Japanese | | Han | none
ka | kat geo | Georgian | | Georgian
kab | | Kabyle
kk | kaz | Kazakh | | Cyrillic
km | khm | Khmer, Central Khmer | | Khmer | phrases
kmr | ku kur | Northern Kurdish, Kurmanji, Kurdish
kn | kan | Kannada | | Kannada
ko | kor | Korean | | Hangul
ky | kir | Kyrgyz, Kirghiz | kk | Cyrillic
la | lat | Latin
lb | ltz | Luxembourgish | de
lg | lug | Ganda, Luganda
lo | lao | Lao | | Lao | phrases
lt | lit | Lithuanian
ltg | | Latgalian | lv
lv | lav lvs | Latvian
mk | mkd mac | Macedonian | bg | Cyrillic
ml | mal | Malayalam | | Malayalam
mn | mon khk | Mongolian | | Cyrillic
mr | mar | Marathi | | Devanagari
ms | msa may zsm | Malay | id
mt | mlt | Maltese
my | mya bur | Burmese, Myanmar | | Myanmar | phrases
nb | nob | Norwegian Bokmål, Bokmål | no | | | no
ne | nep npi | Nepali | hi | Devanagari
nl | nld dut | Dutch, Flemish
nn | nno | Norwegian Nynorsk, Nynorsk | no | | | no
no | nor | Norwegian
or | ori ory | Odia, Oriya | | Oriya
pa | pan | Punjabi, Panjabi | | Gurmukhi
pl | pol | Polish
ps | pus pbt | Pashto, Pushto | ur | Arabic
pt | por | Portuguese
rm | roh | Romansh | it
ro | ron rum mo mol | Romanian, Moldavian, Moldovan
ru | rus | Russian | | Cyrillic
rw | kin | Kinyarwanda
sa | san | Sanskrit | | Devanagari
sah | | Yakut, Sakha | kk | Cyrillic
sd | snd | Sindhi | | Arabic
si | sin | Sinhala, Sinhalese | | Sinhala
sk | slk slo | Slovak
sl | slv | Slovenian, Slovene
sq | sqi alb als | Albanian
sr | srp | Serbian | | Cyrillic Latin
sv | swe | Swedish
sw | swa swh | Swahili
ta | tam | Tamil | | Tamil
te | tel | Telugu | | Telugu
th | tha | Thai | | Thai | phrases
ti | tir | Tigrinya | | Ethiopic
tl | tgl fil | Tagalog, Filipino
tr | tur | Turkish
tt | tat | Tatar | kk | Cyrillic
ug | uig | Uyghur, Uighur | ur | Arabic
uk | ukr | Ukrainian | | Cyrillic
und | mis mul | undetermined
ur | urd | Urdu | | Arabic
uz | uzb uzn | Uzbek
vi | vie | Vietnamese | | | syllables
yi | yid ji | Yiddish | | Hebrew
yue | | Cantonese | zh | Han | none
zh | zho chi cmn | Chinese, Mandarin | | Han | none
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
        scripts: Writing systems, by their names in `mtag_core.scripts`.
        spacing: What spaces part: words; `syllables` of words, too; `phrases` and sentences alone;
            `none`: nothing.
        standard_of: The code under which treebanks put this written standard; None for languages.
    """

    code: str
    name: str
    other_codes: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    relative: str | None = None
    scripts: tuple[str, ...] = ("Latin",)
    spacing: Spacing = "words"
    standard_of: str | None = None


def _parse_row(row: str) -> Language:
    fields = [field.strip() for field in row.split("|")]
    code, codes, names, relative, scripts, spacing, standard_of = fields + [""] * (7 - len(fields))
    name, *other_names = names.split(", ")
    return Language(
        code,
        name,
        tuple(codes.split()),
        tuple(other_names),
        relative or None,
        tuple(scripts.split()) or ("Latin",),
        cast(Spacing, spacing or "words"),
        standard_of or None,
    )


def _folded(name: str) -> str:
    """A name in lower case without accents: `Norwegian Bokmål` is often typed without."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


LANGUAGES = {language.code: language for language in map(_parse_row, _ROWS.strip().split("\n"))}
"""Code to language, sorted."""

_CODE_OF = {
    _folded(called): language.code
    for language in LANGUAGES.values()
    for called in (language.code, language.name, *language.other_codes, *language.other_names)
}

STANDARD_TO_CODE = {
    language.code: language.standard_of for language in LANGUAGES.values() if language.standard_of
}
"""The code of a written standard to that of its language's treebanks."""


def language_of(code: str) -> Language:
    """The row of a code; one of defaults where there is none."""
    return LANGUAGES.get(code) or Language(code, code)


def written_standards(code: str) -> tuple[str, ...]:
    """Codes of the written standards that treebanks put under a language's code."""
    return tuple(standard for standard, language in STANDARD_TO_CODE.items() if language == code)


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
    """Returns mtag's code for what somebody calls a language; arguments as in `find_language`.

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
        return f"did you mean --language {treebank} --treebank_style {called}? "
    near = difflib.get_close_matches(_folded(called), _CODE_OF, n=1)
    if not near:
        return ""
    code = _CODE_OF[near[0]]
    return f"did you mean {code} ({LANGUAGES[code].name})? "


GENERIC = "generic"


def segmenter_name(language: str, *, available: frozenset[str]) -> str:
    """Names the segmenter for a language: its own, its nearest relative's or the generic one."""
    for name in (language, language_of(language).relative):
        if name is not None and name in available:
            return name
    return GENERIC
