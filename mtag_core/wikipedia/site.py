"""What a dump says about its wiki before its first page: language and names of namespaces."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from xml.parsers import expat

from mtag_core.wikipedia.namespaces import COMMON_NAMESPACES, COMMON_SILENT_NAMES, SILENT_NUMBERS
from mtag_core.wikipedia.xml_encoding import UTF_8

TEMPLATE_NAMESPACE = 10
_MAX_SITEINFO_BYTES = 1 << 20
_SITEINFO = re.compile(rb"(?:<mediawiki\b[^>]{0,2000}>\s*)?<siteinfo>.*?</siteinfo>", re.DOTALL)
_ROOT = re.compile(rb"<mediawiki\b[^>]{0,2000}>")
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


@dataclass(frozen=True, slots=True)
class Definitions:
    """Templates that a dump defines. Names are lower-case, without their namespace.

    Attributes:
        name_to_text: The wikitext that a call of a template puts in its place.
        name_to_target: The template that a redirect leads to.
    """

    name_to_text: Mapping[str, str] = field(default_factory=dict)
    name_to_target: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Site:
    """A wiki, as far as its dump describes it.

    Attributes:
        language: ISO 639 code of its text, or None where the dump does not say.
        namespaces: Lower-case name -> number.
        silent_names: Lower-case names of the namespaces whose links show nothing.
        definitions: Its templates; see `read_definitions`.
        encoding: Of the file.
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
    """Reads the description of the wiki out of a dump's beginning.

    Args:
        head: The first bytes of a dump, uncompressed, UTF-8; at most 1 MiB is looked at.
        name: Name of the file, such as `frwiki-latest-pages-articles.xml`: it names the language
            where the dump does not.

    Returns:
        What the dump states, and the names common in the larger wikis. Never raises.
    """
    found = _read(head[:_MAX_SITEINFO_BYTES])
    namespaces = {**COMMON_NAMESPACES, **found.namespaces}
    silent = {key for key, number in found.namespaces.items() if number in SILENT_NUMBERS}
    languages = (
        _iso_code(found.language),
        _language_of_wiki(found.fields.get("dbname", "")),
        _language_of_host(found.fields.get("base", "")),
        _language_of_wiki(name),
    )
    return Site(
        language=next((code for code in languages if code), None),
        namespaces=MappingProxyType(namespaces),
        silent_names=COMMON_SILENT_NAMES | silent,
    )


@dataclass(slots=True)
class _Description:
    """The elements of `<siteinfo>` while they are read."""

    language: str = ""
    namespaces: dict[str, int] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    element: str = ""
    number: int = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.element = tag
        if tag == "mediawiki":
            self.language = attributes.get("xml:lang", "")
        key = attributes.get("key", "")
        if tag == "namespace":
            self.element = tag if key.lstrip("-").isdecimal() else ""
            self.number = int(key) if self.element and len(key) < 8 else 0

    def characters(self, text: str) -> None:
        if self.element == "namespace" and text.strip():
            self.namespaces[text.strip().lower()] = self.number
        elif self.element in ("dbname", "base"):
            self.fields[self.element] = text.strip().lower()

    def end(self, tag: str) -> None:
        self.element = ""


def _read(head: bytes) -> _Description:
    description = _Description()
    match = _SITEINFO.search(head) or _ROOT.search(head)
    if not match:
        return description
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = description.start
    parser.EndElementHandler = description.end
    parser.CharacterDataHandler = description.characters
    try:
        # Not the last of the input: the root stays open.
        parser.Parse(match[0], False)
    except expat.ExpatError:
        return _Description(language=description.language)
    return description


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
