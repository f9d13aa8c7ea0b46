"""Dates, numbers and quantities in templates, written as the wiki's language writes them."""

import re
from itertools import pairwise

from mtag_core.wikipedia.calls import Call

# January to December, as they stand in a date.
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre"
    " diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre"
    " novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro"
    " dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września"
    " października listopada grudnia",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "uk": "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    "cs": "ledna února března dubna května června července srpna září října listopadu prosince",
    "el": "Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου"
    " Σεπτεμβρίου Οκτωβρίου Νοεμβρίου Δεκεμβρίου",
    "id": "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember",
    "tr": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
}
_LANGUAGE_TO_MONTHS = {language: names.split() for language, names in _MONTHS.items()}
_FORMATS = {
    "de": "{day}. {month} {year}",
    "cs": "{day}. {month} {year}",
    "es": "{day} de {month} de {year}",
    "pt": "{day} de {month} de {year}",
    "vi": "{day} tháng {number} năm {year}",
    "ja": "{year}年{number}月{day}日",
    "zh": "{year}年{number}月{day}日",
    "ko": "{year}년 {number}월 {day}일",
}
_NUMERIC = frozenset({"vi", "ja", "zh", "ko"})
_MIN_YEAR_DIGITS = 3
# What stands between two numbers to the names of the ranges that it shows.
_RANGE_TO_NAMES = {"–": "- – (-)", " x ": "x", " × ": "×", " ± ": "+/- ±", " & ": "&"}
_RANGES = {name: text for text, names in _RANGE_TO_NAMES.items() for name in names.split()}
_RANGES |= {name: f" {name} " for name in ("to", "to about", "and", "or", "by")}
_UNITS = {
    "sqmi": "sq mi",
    "km2": "km²",
    "sqkm": "km²",
    "m2": "m²",
    "sqm": "m²",
    "cm2": "cm²",
    "km3": "km³",
    "m3": "m³",
    "cm3": "cm³",
    "sqft": "sq ft",
    "cuft": "cu ft",
    "C": "°C",
    "C-change": "°C",
    "F-change": "°F",
    "F": "°F",
    "kph": "km/h",
    "kg/m3": "kg/m³",
    "m/s2": "m/s²",
    "e6km2": "million km²",
}
_COMPOUND_UNITS = frozenset({"ft", "mi", "yd", "lb", "st", "foot", "pound", "mile"})
_ROMAN = re.compile(r"[IVXLCDM]+", re.IGNORECASE)
_ORDINAL_ENDING = re.compile(r"e|er|re|ère|ème|d|nd|nde|o|a|os|as|º|ª|th|st|rd|-?(?:го|й|я|е)")
_NUMBER = re.compile(r"[-+−]?\d[\d., \xa0\u202f'/–—-]*")
# Word for a century, before its number. Of some the template writes it only when it is asked to.
_CENTURIES = {word: word for word in ("siglo", "segle", "século", "secolo")}
_CENTURIES |= {"séc": "século", "sec": "século", "secol": "secolul", "siecle": "sègle"}
# These stand behind their number.
_CENTURIES_BEHIND = frozenset("век століття wiek стагоддзе yüzyıl eeuw århundre".split())


def iso_date(call: Call) -> str:
    """A date of numbers, in words where the language is known and in ISO 8601 otherwise."""
    values = call.values()[:3]
    if not values or not all(map(str.isdecimal, values)):
        return " ".join(values)
    return written_date(values, call.language) or "-".join(value.zfill(2) for value in values)


def day_first_date(call: Call) -> str:
    """Day, month and year, with full stops where the language is not known."""
    values = call.values()[:3]
    return written_date(values, call.language) or ".".join(values)


def old_style_date(call: Call) -> str:
    """A date with another calendar's in brackets: "26|May|1795|15" -> "26 (15) May 1795"."""
    values = call.values()
    day, rest, other = values[:1], values[1:3], values[3:4]
    if not other:
        return written_date(values, call.language) or " ".join(values)
    if other[0].isdecimal():
        return " ".join([*day, f"({other[0]})", *rest])
    return " ".join([*day, *rest, f"({other[0]})"])


def is_date(values: list[str]) -> bool:
    """Whether arguments are day, month and year, or year, month and day, in numbers or words."""
    if len(values) < 3:
        return False
    day, month, year = values[:3] if len(values[0]) < _MIN_YEAR_DIGITS else values[2::-1]
    has_ends = day.isdecimal() and int(day) <= 31 and year.isdecimal()
    has_month = _is_month_number(month) or month.replace(".", "").isalpha()
    return has_ends and len(day) <= 2 and _MIN_YEAR_DIGITS <= len(year) <= 4 and has_month


def written_date(values: list[str], language: str | None) -> str:
    """Writes a date of three decimal numbers, year or day first, in words.

    An empty string where it is none or the language has no table here.
    """
    if len(values) != 3 or not all(map(str.isdecimal, values)):
        return ""
    day, month, year = values if len(values[0]) < _MIN_YEAR_DIGITS else values[::-1]
    months = _LANGUAGE_TO_MONTHS.get(language or "")
    if not _is_month_number(month) or not (months or language in _NUMERIC):
        return ""
    name = months[int(month) - 1] if months else ""
    pattern = _FORMATS.get(language or "", "{day} {month} {year}")
    number, day = str(int(month)), "1er" if language == "fr" and int(day) == 1 else str(int(day))
    return pattern.format(day=day, month=name, number=number, year=year)


def _is_month_number(value: str) -> bool:
    return value.isdecimal() and len(value) <= 2 and 1 <= int(value) <= 12


def is_number(value: str) -> bool:
    """Whether an argument is a number, with signs, separators or a range."""
    return bool(_NUMBER.fullmatch(value))


def is_roman(value: str) -> bool:
    """Whether an argument is a Roman numeral."""
    return bool(_ROMAN.fullmatch(value))


def is_ordinal_ending(value: str) -> bool:
    """Whether an argument is what follows a number in an ordinal, such as "e" in "XIXe"."""
    return bool(_ORDINAL_ENDING.fullmatch(value))


def convert(call: Call) -> str:
    """The quantity before conversion: "5|-|10|km|mi" -> "5-10 km", "5|ft|8|in" -> "5 ft 8 in"."""
    values = [*call.values(), ""]
    parts, index = [values[0]], 1
    while index < len(values) - 1 and values[index] in _RANGES:
        parts += _RANGES[values[index]], values[index + 1]
        index += 2
    text, units = "".join(parts), values[index:]
    if not units:
        return text
    text = f"{text} {_unit(units[0])}".rstrip()
    if len(units) > 3 and units[0] in _COMPOUND_UNITS and units[1][0].isdecimal():
        text = f"{text} {units[1]} {_unit(units[2])}"
    return text


def quantity(call: Call) -> str:
    """A number and its units with exponents: "9,81|m||s|-2" -> "9,81 m s-2"."""
    values = call.values()
    parts = values[:1]
    # Number behind number is a range or a date, not an exponent.
    for before, value in pairwise(values):
        is_exponent = is_number(value) and not is_number(before)
        parts.append(value if is_exponent else f" {value}")
    return "".join(parts)


def physical_value(call: Call) -> str:
    """A number with its power of ten and unit."""
    power = call.named.get("e", "")
    unit = call.named.get("u") or call.named.get("ul") or ""
    second = call.get(1)
    number = call.get(0) if not second or is_number(second) else quantity(call)
    parts = (number, f"× 10^{power}" if power else "", unit)
    return " ".join(part for part in parts if part)


def power_of_ten(call: Call) -> str:
    """The power; the ending of an ordinal where there is no argument: "XX{{e}}" -> "XXe"."""
    return f" × 10^{call.get(0)}" if call.get(0) else "e"


def fraction(call: Call) -> str:
    """Whole, numerator, denominator: "1|2" -> "1/2", "3|1|2" -> "3 1/2"."""
    values = call.values()
    if len(values) == 3:
        return f"{values[0]} {values[1]}/{values[2]}"
    return "/".join(values)


def ordinal(values: list[str]) -> str:
    """A numeral and its ending, and what follows: "XVIII|e|au|XIX|e" -> "XVIIIe au XIXe"."""
    rest = (value if is_ordinal_ending(value) else f" {value}" for value in values[1:])
    return values[0] + "".join(rest)


def french_century(call: Call) -> str:
    """Example: "XIX|e" -> "XIXe siècle"; with a hyphen before the name it lies before Christ.

    In other wikis a template of the same name keeps a text on one line.
    """
    values = call.values()
    if not values or not (is_roman(values[0]) or values[0].isdecimal()):
        return call.get(0)
    is_plural = values[-1] == "s"
    values = values[:-1] if is_plural else values
    era = " av. J.-C." if call.name.startswith("-") else ""
    return f"{ordinal(values)} siècle{'s' if is_plural else ''}{era}"


def century(call: Call) -> str:
    """Example: "XIX" -> "siglo XIX", unless the word is there already; "V|a" is before Christ."""
    word = _CENTURIES[call.name.rstrip(".")]
    before = call.place.before().rstrip().lower()
    has_word = before.endswith((word, f"{word}s", f"{word[:3]}.")) or call.get(2) == "n"
    shown = word.capitalize() if call.get(2) == "S" else word
    era = " a. C." if call.get(1) in ("a", "a. C.", "aC") else ""
    return f"{call.get(0)}{era}" if has_word else f"{shown} {call.get(0)}{era}"


def century_behind(call: Call) -> str:
    """Example: "XIX" -> "XIX век"."""
    return f"{call.get(0)} {call.name}" if call.get(0) else ""


def hour(call: Call) -> str:
    """Example: "10|30" -> "10 h 30"."""
    return " h ".join(call.values()[:2]) if len(call.values()) > 1 else f"{call.get(0)} h"


CENTURY_NAMES = "|".join([*_CENTURIES, *(f"{name}." for name in ("séc", "sec"))])
"""Names of the templates that `century` knows, separated by bars."""

CENTURY_BEHIND_NAMES = "|".join(sorted(_CENTURIES_BEHIND))
"""Names of the templates that `century_behind` knows, separated by bars."""


def _unit(code: str) -> str:
    return _UNITS.get(code, code)
