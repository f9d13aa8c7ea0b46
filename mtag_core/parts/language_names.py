"""English names of the languages that mtag's language identification knows."""

_NAMES = """
af Afrikaans|am Amharic|ar Arabic|as Assamese|ast Asturian|az Azerbaijani|ba Bashkir|be Belarusian
bg Bulgarian|bn Bengali|br Breton|bs Bosnian|ca Catalan|ckb Central Kurdish|cs Czech|cv Chuvash
cy Welsh|da Danish|de German|dv Dhivehi|el Greek|en English|eo Esperanto|es Spanish|et Estonian
eu Basque|fa Persian|fi Finnish|fr French|fy Frisian|ga Irish|gd Scottish Gaelic|gl Galician
gu Gujarati|ha Hausa|he Hebrew|hi Hindi|hr Croatian|hsb Upper Sorbian|hu Hungarian|hy Armenian
ia Interlingua|id Indonesian|is Icelandic|it Italian|ja Japanese|ka Georgian|kab Kabyle|kk Kazakh
km Khmer|kmr Northern Kurdish|kn Kannada|ko Korean|ky Kyrgyz|la Latin|lb Luxembourgish|lg Ganda
lo Lao|lt Lithuanian|ltg Latgalian|lv Latvian|mk Macedonian|ml Malayalam|mn Mongolian|mr Marathi
ms Malay|mt Maltese|my Burmese|nb Norwegian Bokmål|ne Nepali|nl Dutch|nn Norwegian Nynorsk
no Norwegian|or Odia|pa Punjabi|pl Polish|ps Pashto|pt Portuguese|rm Romansh|ro Romanian|ru Russian
rw Kinyarwanda|sah Yakut|si Sinhala|sk Slovak|sl Slovenian|sq Albanian|sr Serbian|sv Swedish
sw Swahili|ta Tamil|te Telugu|th Thai|tl Tagalog|tr Turkish|tt Tatar|ug Uyghur|uk Ukrainian|ur Urdu
und undetermined|uz Uzbek|vi Vietnamese|yue Cantonese|zh Chinese
"""

LANGUAGE_NAMES = dict(entry.split(" ", 1) for entry in _NAMES.strip().replace("\n", "|").split("|"))
