"""What is known of languages: one row a language, and nothing about one anywhere else.

Codes are those of ISO 639-1, else of ISO 639-3. A language without a row is written in the Latin
script with spaces between its words, as far as mtag knows. Facts about treebanks are in
`mtag_core.training.treebank_facts`.
"""

from dataclasses import dataclass
from typing import Literal

UNKNOWN = "und"
"""The code of text whose language is not known."""

Spacing = Literal["words", "syllables", "phrases", "none"]


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    Attributes:
        code: ISO 639.
        name: In English.
        scripts: Writing systems, by their names in `mtag_core.scripts`.
        spacing: What spaces part: words; the syllables of words, too; phrases and sentences alone;
            nothing.
        nearest: Code of the language whose segmenter and treebanks serve it best where it has none
            of its own.
        variants: Codes of its written standards, which treebanks put under `code`.
    """

    code: str
    name: str
    scripts: tuple[str, ...] = ("Latin",)
    spacing: Spacing = "words"
    nearest: str | None = None
    variants: tuple[str, ...] = ()


# fmt: off
LANGUAGES: tuple[Language, ...] = (
    Language("af", "Afrikaans"),
    Language("am", "Amharic", scripts=("Ethiopic",)),
    Language("ar", "Arabic", scripts=("Arabic",)),
    Language("as", "Assamese", scripts=("Bengali",)),
    Language("ast", "Asturian", nearest="es"),
    Language("az", "Azerbaijani", nearest="tr"),
    Language("ba", "Bashkir", scripts=("Cyrillic",), nearest="kk"),
    Language("be", "Belarusian", scripts=("Cyrillic",)),
    Language("bg", "Bulgarian", scripts=("Cyrillic",)),
    Language("bn", "Bengali", scripts=("Bengali",)),
    Language("br", "Breton"),
    Language("bs", "Bosnian", nearest="hr"),
    Language("ca", "Catalan"),
    Language("ckb", "Central Kurdish", scripts=("Arabic",), nearest="fa"),
    Language("cs", "Czech"),
    Language("cv", "Chuvash", scripts=("Cyrillic",), nearest="ru"),
    Language("cy", "Welsh"),
    Language("da", "Danish"),
    Language("de", "German"),
    Language("dv", "Dhivehi", scripts=("Thaana",)),
    Language("el", "Greek", scripts=("Greek",)),
    Language("en", "English"),
    Language("eo", "Esperanto"),
    Language("es", "Spanish"),
    Language("et", "Estonian"),
    Language("eu", "Basque"),
    Language("fa", "Persian", scripts=("Arabic",)),
    Language("fi", "Finnish"),
    Language("fr", "French"),
    Language("fy", "Frisian", nearest="nl"),
    Language("ga", "Irish"),
    Language("gd", "Scottish Gaelic", nearest="ga"),
    Language("gl", "Galician"),
    Language("gu", "Gujarati", scripts=("Gujarati",)),
    Language("ha", "Hausa"),
    Language("he", "Hebrew", scripts=("Hebrew",)),
    Language("hi", "Hindi", scripts=("Devanagari",)),
    Language("hr", "Croatian"),
    Language("hsb", "Upper Sorbian", nearest="cs"),
    Language("hu", "Hungarian"),
    Language("hy", "Armenian", scripts=("Armenian",)),
    Language("ia", "Interlingua"),
    Language("id", "Indonesian"),
    Language("is", "Icelandic", nearest="no"),
    Language("it", "Italian"),
    Language("ja", "Japanese", scripts=("Han",), spacing="none"),
    Language("ka", "Georgian", scripts=("Georgian",)),
    Language("kab", "Kabyle"),
    Language("kk", "Kazakh", scripts=("Cyrillic",)),
    Language("km", "Khmer", scripts=("Khmer",), spacing="phrases"),
    Language("kmr", "Northern Kurdish"),
    Language("kn", "Kannada", scripts=("Kannada",)),
    Language("ko", "Korean", scripts=("Hangul",)),
    Language("ky", "Kyrgyz", scripts=("Cyrillic",), nearest="kk"),
    Language("la", "Latin"),
    Language("lb", "Luxembourgish", nearest="de"),
    Language("lg", "Ganda"),
    Language("lo", "Lao", scripts=("Lao",), spacing="phrases"),
    Language("lt", "Lithuanian"),
    Language("ltg", "Latgalian", nearest="lv"),
    Language("lv", "Latvian"),
    Language("mk", "Macedonian", scripts=("Cyrillic",), nearest="bg"),
    Language("ml", "Malayalam", scripts=("Malayalam",)),
    Language("mn", "Mongolian", scripts=("Cyrillic",)),
    Language("mr", "Marathi", scripts=("Devanagari",)),
    Language("ms", "Malay", nearest="id"),
    Language("mt", "Maltese"),
    Language("my", "Burmese", scripts=("Myanmar",), spacing="phrases"),
    Language("nb", "Norwegian Bokmål", nearest="no"),
    Language("ne", "Nepali", scripts=("Devanagari",), nearest="hi"),
    Language("nl", "Dutch"),
    Language("nn", "Norwegian Nynorsk", nearest="no"),
    Language("no", "Norwegian", variants=("nb", "nn")),
    Language("or", "Odia", scripts=("Oriya",)),
    Language("pa", "Punjabi", scripts=("Gurmukhi",)),
    Language("pl", "Polish"),
    Language("ps", "Pashto", scripts=("Arabic",), nearest="ur"),
    Language("pt", "Portuguese"),
    Language("rm", "Romansh", nearest="it"),
    Language("ro", "Romanian"),
    Language("ru", "Russian", scripts=("Cyrillic",)),
    Language("rw", "Kinyarwanda"),
    Language("sa", "Sanskrit", scripts=("Devanagari",)),
    Language("sah", "Yakut", scripts=("Cyrillic",), nearest="kk"),
    Language("sd", "Sindhi", scripts=("Arabic",)),
    Language("si", "Sinhala", scripts=("Sinhala",)),
    Language("sk", "Slovak"),
    Language("sl", "Slovenian"),
    Language("sq", "Albanian"),
    Language("sr", "Serbian", scripts=("Cyrillic", "Latin")),
    Language("sv", "Swedish"),
    Language("sw", "Swahili"),
    Language("ta", "Tamil", scripts=("Tamil",)),
    Language("te", "Telugu", scripts=("Telugu",)),
    Language("th", "Thai", scripts=("Thai",), spacing="phrases"),
    Language("ti", "Tigrinya", scripts=("Ethiopic",)),
    Language("tl", "Tagalog"),
    Language("tr", "Turkish"),
    Language("tt", "Tatar", scripts=("Cyrillic",), nearest="kk"),
    Language("ug", "Uyghur", scripts=("Arabic",), nearest="ur"),
    Language("uk", "Ukrainian", scripts=("Cyrillic",)),
    Language("und", "undetermined"),
    Language("ur", "Urdu", scripts=("Arabic",)),
    Language("uz", "Uzbek"),
    Language("vi", "Vietnamese", spacing="syllables"),
    Language("yi", "Yiddish", scripts=("Hebrew",)),
    Language("yue", "Cantonese", scripts=("Han",), spacing="none", nearest="zh"),
    Language("zh", "Chinese", scripts=("Han",), spacing="none"),
)
# fmt: on

CODE_TO_LANGUAGE = {language.code: language for language in LANGUAGES}
LANGUAGE_NAMES = {language.code: language.name for language in LANGUAGES}
VARIANT_TO_CODE = {code: language.code for language in LANGUAGES for code in language.variants}


def language_of(code: str) -> Language:
    """The row of a code; one of defaults, named by its code, where there is none."""
    return CODE_TO_LANGUAGE.get(code) or Language(code, code)
