"""Dates in templates, written as the wiki's language writes them."""

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
    """Writes a date of three numbers, year or day first.

    Args:
        values: Decimal numbers.
        language: ISO 639 code.

    Returns:
        The date in words; an empty string where it is none or the language has no table here.
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
