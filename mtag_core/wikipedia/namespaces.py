"""The names by which links reach files, categories and other wikis.

A link into the file or category namespace shows no words of its own. The names are the wiki's: its
dump states them (see `mtag_core.wikipedia.site`); for a fragment that does not, the tables here
serve.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

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


def common_silent_names() -> frozenset[str]:
    """Lower-case names of the file and category namespaces in the larger wikis."""
    return frozenset(name for name in _COMMON.replace("\n", "|").split("|") if name)


COMMON_SILENT_NAMES = common_silent_names()


def is_language_prefix(prefix: str) -> bool:
    """Whether a link's prefix names a language edition, as in `[[de:Titel]]`."""
    return bool(_LANGUAGE_PREFIX.match(prefix))


def is_sister_prefix(prefix: str) -> bool:
    """Whether a link's prefix names a sister project, as in `[[wikt:word]]`."""
    return prefix in _SISTER_PREFIXES
