"""The names by which links reach files, categories and other wikis.

A link into the file or category namespace shows no words of its own. The names are the wiki's: its
dump states them in `<siteinfo>`; for a fragment without one, a table of the larger wikis' serves.
"""

import re
from xml.parsers import expat

# Numbers of the namespaces whose links show nothing: Media, File, Category.
_SILENT_NUMBERS = frozenset({-2, 6, 14})
_MAX_SITEINFO_BYTES = 1 << 20
_SITEINFO = re.compile(rb"<siteinfo>.*?</siteinfo>", re.DOTALL)

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


def common_silent_names() -> frozenset[str]:
    """Lower-case names of the file and category namespaces in the larger wikis."""
    return frozenset(name for name in _COMMON.replace("\n", "|").split("|") if name)


COMMON_SILENT_NAMES = common_silent_names()


def read_silent_names(head: bytes) -> frozenset[str]:
    """Reads the names of the file and category namespaces out of a dump's beginning.

    Args:
        head: The first bytes of a dump, uncompressed; at most 1 MiB is looked at.

    Returns:
        The common names, and the dump's own where it states them. Never raises.
    """
    match = _SITEINFO.search(head[:_MAX_SITEINFO_BYTES])
    if not match:
        return COMMON_SILENT_NAMES
    names: set[str] = set()
    is_silent = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal is_silent
        key = attributes.get("key", "")
        is_silent = tag == "namespace" and key.lstrip("-").isdigit() and int(key) in _SILENT_NUMBERS

    def characters(text: str) -> None:
        if is_silent and text.strip():
            names.add(text.strip().lower())

    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.CharacterDataHandler = characters
    try:
        parser.Parse(match[0], True)
    except expat.ExpatError:
        return COMMON_SILENT_NAMES
    return COMMON_SILENT_NAMES | names


def is_language_prefix(prefix: str) -> bool:
    """Whether a link's prefix names a language edition, as in `[[de:Titel]]`."""
    return bool(_LANGUAGE_PREFIX.match(prefix))


def is_sister_prefix(prefix: str) -> bool:
    """Whether a link's prefix names a sister project, as in `[[wikt:word]]`."""
    return prefix in _SISTER_PREFIXES
