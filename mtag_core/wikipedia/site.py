"""What a dump says before its first page: its encoding, its wiki's language and namespaces.

MediaWiki writes UTF-8. Exports that other programs rewrote may declare something else.

Source: Extensible Markup Language 1.0, appendix F (detection of encodings).
"""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from xml.etree.ElementTree import Element, ParseError, XMLParser, fromstring

UTF_8 = "utf-8"
_SIGNATURES = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"""\s*<\?xml[^>]{1,200}?\sencoding\s*=\s*["']([^"']{1,64})["']""")
_MARK = "<page>"

# Numbers of the namespaces whose links show nothing: Media, File, Category.
SILENT_NUMBERS = frozenset({-2, 6, 14})
# MediaWiki's own names; a wiki in another language has others beside them.
_SUBJECTS = {-2: "media", -1: "special", 2: "user", 4: "project", 6: "file", 8: "mediawiki"}
_SUBJECTS |= {10: "template", 12: "help", 14: "category", 100: "portal", 828: "module"}
_TALKS = {n + 1: f"{name} talk" for n, name in _SUBJECTS.items() if n > 0} | {1: "talk"}
COMMON_NAMESPACES: Mapping[str, int] = MappingProxyType(
    {name: n for n, name in (_SUBJECTS | _TALKS).items()}
    | {"wikipedia": 4, "wikipedia talk": 5, "image": 6, "image talk": 7}
)
_COMMON = """
media|file|image|category|fichier|catégorie|datei|bild|kategorie|archivo|imagen|categoría|immagine
categoria|ficheiro|imagem|bestand|afbeelding|categorie|plik|grafika|kategoria|файл|изображение
категория|зображення|категорія|выява|катэгорыя|файл|слика|датотека|категорија|slika|datoteka|kategorija
kategória|súbor|soubor|kategorie|fájl|kép|kategória|fișier|fișier|imagine|tiedosto|kuva|luokka|fil
kategori|fail|pilt|vaizdas|attēls|fails|kategoreja|dosya|resim|αρχείο|εικόνα|κατηγορία|קובץ|תמונה|קטגוריה
ملف|صورة|تصنيف|پرونده|تصویر|رده|فائل|زمرہ|चित्र|श्रेणी|वर्ग|चित्र|படிமம்|பகுப்பு|దస్త్రం|బొమ్మ|వర్గం|চিত্র
বিষয়শ্রেণী|ไฟล์|ภาพ|หมวดหมู่|tập tin|hình|thể loại|berkas|gambar|ファイル|画像|カテゴリ|파일|그림|분류
文件|檔案|档案|图像|圖像|分类|分類|պատկեր|կատեգորիա|სურათი|კატეგორია|şəkil|kateqoriya|сурет|санат
fitxer|imatge|fitxategi|irudi|kategoria|ficheiro|imaxe|mynd|flokkur|íomhá|catagóir|delwedd|categori
larawan|kategorya|lêer|beeld|dosiero|kategorio|imago|fasciculus|categoria|rasim|turkum
"""
_LANGUAGE_PREFIX = re.compile(
    r"(?:[a-z]{2,3}|simple|be-x-old|be-tarask|zh-[a-z-]{2,12}|roa-[a-z]{3,4}|map-bms|bat-smg|nds-nl"
    r"|cbk-zam|fiu-vro)$"
)
_SISTER_PREFIXES = frozenset(
    "w wikt s b q n v m c d wikipedia wiktionary wikisource wikibooks wikiquote wikinews"
    " wikiversity commons species wikispecies meta mw voy wikidata special".split()
)

TEMPLATE_NAMESPACE = 10
_MAX_SITEINFO_BYTES = 1 << 20
# No more than a namespace's number has.
_MOST_DIGITS = 8
_SITEINFO = re.compile(rb"<siteinfo>.*?</siteinfo>", re.DOTALL)
_LANGUAGE = re.compile(rb"""<mediawiki\b[^>]{0,2000}?\sxml:lang\s*=\s*["']([^"'>]{0,100})""")
_WIKI_NAME = re.compile(
    r"([a-z_]{2,16}?)(?:wiki|wiktionary|wikibooks|wikinews|wikiquote|wikisource|wikiversity"
    r"|wikivoyage)(?![a-z])"
)
_HOST = re.compile(r"https?://([a-z-]{2,16})\.(?:m\.)?wik")
_MULTILINGUAL = frozenset("commons meta species wikidata incubator mediawiki sources test".split())
# Codes of the Wikimedia projects that are no ISO 639 codes, or another language's.
_PROJECT_CODES = {
    "als": "gsw",
    "bat-smg": "sgs",
    "be-tarask": "be",
    "be-x-old": "be",
    "fiu-vro": "vro",
    "map-bms": "jv",
    "roa-rup": "rup",
    "simple": "en",
    "zh-classical": "lzh",
    "zh-min-nan": "nan",
    "zh-yue": "yue",
}


COMMON_SILENT_NAMES = frozenset(filter(None, _COMMON.replace("\n", "|").split("|")))
"""Lower-case names of the file and category namespaces in the larger wikis."""


def is_language_prefix(prefix: str) -> bool:
    """Whether a link's prefix names a language edition, as in `[[de:Titel]]`."""
    return bool(_LANGUAGE_PREFIX.match(prefix))


def is_sister_prefix(prefix: str) -> bool:
    """Whether a link's prefix names a sister project, as in `[[wikt:word]]`."""
    return prefix in _SISTER_PREFIXES


@dataclass(frozen=True, slots=True)
class Definitions:
    """Templates that a dump defines, or that redirects lead to; lower-case, without namespace."""

    name_to_text: Mapping[str, str] = field(default_factory=dict)
    name_to_target: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Site:
    """A wiki, as far as its dump describes it; names are lower-case.

    `silent_names` are those of the namespaces whose links show nothing. The language, ISO 639, is
    None where the dump does not say.
    """

    language: str | None = None
    namespaces: Mapping[str, int] = field(default_factory=lambda: COMMON_NAMESPACES)
    silent_names: frozenset[str] = COMMON_SILENT_NAMES
    definitions: Definitions = field(default_factory=Definitions)
    encoding: str = UTF_8

    def namespace_of(self, title: str) -> int:
        """The number of a title's namespace, by its prefix; 0 without a known one."""
        prefix, colon, _ = title.partition(":")
        prefix = prefix.strip().replace("_", " ").lower()
        if not colon:
            return 0
        return self.namespaces.get(prefix, 6 if prefix in self.silent_names else 0)


def read_site(head: bytes, *, name: str = "") -> Site:
    """Reads the description of the wiki out of the first MiB of a dump, in UTF-8. Never raises.

    The file's name, such as `frwiki-latest-pages-articles.xml`, names the language where the dump
    does not; names common in the larger wikis are added.
    """
    head = head[:_MAX_SITEINFO_BYTES]
    info, language = _site_info(head), _LANGUAGE.search(head)
    own = dict(_namespaces(info))
    names = ("dbname", "base")
    wiki, url = ((info.findtext(name) or "").strip().lower() for name in names)
    languages = (
        _iso_code(language[1].decode("utf-8", "replace")) if language else None,
        _language_of_wiki(wiki),
        _language_of_host(url),
        _language_of_wiki(name),
    )
    return Site(
        language=next((code for code in languages if code), None),
        namespaces=MappingProxyType({**COMMON_NAMESPACES, **own}),
        silent_names=COMMON_SILENT_NAMES | {name for name in own if own[name] in SILENT_NUMBERS},
    )


def _namespaces(info: Element) -> Iterator[tuple[str, int]]:
    for element in info.iter("namespace"):
        key, name = element.get("key", ""), (element.text or "").strip().lower()
        if name and key.lstrip("-").isdecimal() and len(key) < _MOST_DIGITS:
            yield name, int(key)


def _site_info(head: bytes) -> Element:
    match = _SITEINFO.search(head)
    try:
        return fromstring(match[0], XMLParser(encoding=UTF_8)) if match else Element("siteinfo")
    except ParseError:
        return Element("siteinfo")


def _language_of_wiki(name: str) -> str | None:
    match = _WIKI_NAME.match(name.rpartition("/")[2].lower())
    return _iso_code(match[1].replace("_", "-")) if match else None


def _language_of_host(url: str) -> str | None:
    match = _HOST.match(url)
    return _iso_code(match[1]) if match else None


def _iso_code(code: str) -> str | None:
    code = code.strip().lower()
    if code in _PROJECT_CODES:
        return _PROJECT_CODES[code]
    language = code.partition("-")[0]
    is_code = 2 <= len(language) <= 3 and language.isascii() and language.isalpha()
    return language if is_code and code not in _MULTILINGUAL else None


def declared_encoding(head: bytes) -> str:
    """Says which encoding a file is in: by its first bytes, else by its XML declaration.

    A lower-case name; `utf-8` where nothing is declared. It need not be one Python knows.
    """
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    match = _DECLARED.match(head.removeprefix(codecs.BOM_UTF8))
    name = match[1].decode("ascii", "replace").lower() if match else UTF_8
    # Bytes that read as ASCII are none of these, whatever the declaration says.
    return UTF_8 if name.startswith(("utf-16", "utf-32", "utf8", "ucs-")) else name


def is_known(encoding: str) -> bool:
    """Whether Python can decode text in an encoding."""
    try:
        b"<page>".decode(encoding, "replace")
    except (LookupError, ValueError):
        # A ValueError is of a name with a NUL, or of bytes.
        return False
    return True


def keeps_ascii(encoding: str) -> bool:
    """Whether `<page>` is the same bytes as in ASCII, so that a file can be cut at it."""
    return _MARK.encode(encoding, "replace") == _MARK.encode()
