"""What templates of known names leave, by families: which argument carries the words, and how."""

import re
from collections.abc import Callable

import mtag_core.wikipedia.quantities as quantities
import mtag_core.wikipedia.template_names as names
from mtag_core.wikipedia.calls import Call
from mtag_core.wikipedia.quantities import day_first_date, iso_date, old_style_date
from mtag_core.wikipedia.tags import protect

Rule = Callable[[Call], str]

_CURRENCIES = {"us$": "US$", "usd": "US$", "inr": "₹", "₹": "₹", "gbp": "£", "£": "£", "eur": "€"}
_CURRENCIES |= {"jpy": "¥", "a$": "A$", "aud": "A$", "cad": "C$", "rupee": "₹", "रुपया": "₹"}
_QUOTATION_MARKS = {
    "fr": ("« ", " »"),
    "es": ("«", "»"),
    "ru": ("«", "»"),
    "uk": ("«", "»"),
    "de": ("„", "“"),
    "ja": ("「", "」"),
}
# `{{lang-XX|words}}` in the wikis' own spellings.
_LANGUAGE_TEMPLATE = re.compile(
    r"(?:lang|llang|vol|langue|мова|език|језик|idioma|לשון|язык|langi?x?|bahasa|dil|lingua|língua)"
    r"-[a-z][a-z0-9-]*$|l/[a-z]{2,3}$"
)
_FRENCH_CENTURY = re.compile(r"-?sp?-?|siècles?")


def rule_of(name: str) -> Rule | None:
    """The rule for a template's name, or None where it is not known."""
    rule = _NAME_TO_RULE.get(name)
    if rule is None and _LANGUAGE_TEMPLATE.match(name):
        return _first
    if rule is None and _FRENCH_CENTURY.fullmatch(name):
        return quantities.french_century
    return rule


def _first(call: Call) -> str:
    return call.get(0) or call.named.get("text", "")


def _second(call: Call) -> str:
    return call.get(1) or call.named.get("text", "") or call.named.get("texte", "")


def _last(call: Call) -> str:
    return next(reversed(call.values()), "")


def _spaced(call: Call) -> str:
    return " ".join(call.values())


def _word(call: Call) -> str:
    values = call.positional
    n_codes = 2 if len(values) > 2 and values[1] in names.LANGUAGE_CODES else 1
    word = call.named.get("alt") or "".join(values[n_codes + 1 : n_codes + 2])
    return word or "".join(values[n_codes : n_codes + 1]).strip("-")


def _measure_or_word(call: Call) -> str:
    return quantities.physical_value(call) if quantities.is_number(call.get(0)) else _word(call)


def _number_of(call: Call) -> str:
    return f"{call.written_name} {_spaced(call)}".rstrip()


def _affixes(call: Call) -> str:
    values = call.values()
    return " + ".join(values[1:] if values and values[0] in names.LANGUAGE_CODES else values)


def _bracketed(call: Call) -> str:
    values = call.values()
    if values and values[0] in names.LANGUAGE_CODES:
        values = values[1:]
    shown = [value for value in values if value != "_"]
    return f"({', '.join(shown)})" if shown else ""


def _quote(call: Call) -> str:
    text = call.named.get("text") or call.named.get("quote") or call.get(0)
    return f"\n\n{text}\n\n" if text else ""


def _quoted(call: Call) -> str:
    before, after = _QUOTATION_MARKS.get(call.language or "", ("“", "”"))
    return f"{before}{call.get(0)}{after}" if call.get(0) else ""


def _linked(call: Call) -> str:
    if call.get(0) in names.LANGUAGE_CODES:
        return _last(call)
    keys = ("lt", "label", "текст", "texte", "text", "fr", "trad", "nl", "de")
    return next((call.named[key] for key in keys if call.named.get(key)), call.get(0))


def _chinese(call: Call) -> str:
    values = (call.named.get(key, "") for key in ("c", "t", "s", "p", "w"))
    return next((value for value in values if value), _first(call))


def _nihongo(call: Call) -> str:
    inner = ", ".join(value for value in call.positional[1:3] if value)
    return f"{call.get(0)} ({inner})" if inner and call.get(0) else call.get(0) or inner


def _as_of(call: Call) -> str:
    phrase = call.name if call.named.get("lc") else call.name.capitalize()
    return call.named.get("alt") or f"{phrase} {_spaced(call)}"


def _named_first(call: Call) -> str:
    return f"{call.name.upper().rstrip('2')} {call.get(0)}" if call.get(0) else ""


def _title_words(call: Call) -> str:
    return call.get(1) or call.get(0).removeprefix("http://").removeprefix("https://")


def _fixed(text: str) -> Rule:
    """Always the same text; its apostrophes are no marks of bold or italic."""
    shown = protect(text) if "'" in text else text
    return lambda _call: shown


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.replace("\n", "|").split("|") if name.strip()]


_GROUPS: list[tuple[str, Rule]] = [
    (names.FIRST_NAMES, _first),
    (names.SECOND_NAMES, _second),
    (names.LAST_NAMES, _last),
    (names.BRACKETED_NAMES, _bracketed),
    (names.WORD_NAMES, _word),
    (names.LISTED_NAMES, lambda call: ", ".join(call.values())),
    (names.AFFIX_NAMES, _affixes),
    (names.NUMBER_OF_NAMES, _number_of),
    (names.QUOTE_NAMES, _quote),
    (names.LINKED_NAMES, _linked),
    (names.LINKED_SECOND_NAMES, lambda call: call.get(1) or call.get(0)),
    (names.ISO_DATE_NAMES, iso_date),
    (names.DAY_FIRST_NAMES, day_first_date),
    (names.OLD_STYLE_NAMES, old_style_date),
    (names.JOINED_NAMES, lambda call: "".join(call.positional)),
    (names.SPACED_NAMES, _spaced),
    (names.QUANTITY_NAMES, quantities.quantity),
    (names.IDENTIFIER_NAMES, _named_first),
    (quantities.CENTURY_NAMES, quantities.century),
    (quantities.CENTURY_BEHIND_NAMES, quantities.century_behind),
    (
        "convert|cvt|cvt2|convert2|conversion|перетворити|chuyển đổi|đổi|converter|convertir"
        "|converti|konwertuj|omreken|konvertera|변환|حول|تحويل|конвертировать|переводить|umrechnung",
        quantities.convert,
    ),
    ("val|nval|physical value", quantities.physical_value),
    ("m", _measure_or_word),
    ("e|esp|x10", quantities.power_of_ten),
    ("frac|fraction|sfrac|frac2|fract|дріб|分数|дробь|bruch", quantities.fraction),
    ("heure|hour|hora|uhr|час", quantities.hour),
    ("circa|c.|ca|ca.", lambda call: f"c. {call.get(0)}".rstrip()),
    ("as of|asof|tính đến", _as_of),
    ("uss|hms|ss|rms|hmcs|hmas|ms|mv|usns|sms|rfc", _named_first),
    ("ietf rfc", lambda call: f"RFC {call.get(0)}"),
    (
        "nihongo|nihongo4|նիհոնգո|nihongo krt|lang-ja2|japonais|giapponese|japonés|japonês",
        _nihongo,
    ),
    ("chinois|coréen|нихонго|korean inline", _nihongo),
    (
        "ruby|読み仮名|ふりがな|読み仮名 ruby不使用|ruby-ja|yomigana|r-ja|ルビ|振り仮名",
        lambda call: f"{call.get(0)}（{call.get(1)}）" if call.get(1) else call.get(0),
    ),
    ("zh|zh2|chinese inline|zho|cn-inline", _chinese),
    ('guil|citation|"|cita inline|« »|guillemets', _quoted),
    ("music", lambda call: names.MUSIC_SIGNS.get(call.get(0).lower(), "")),
    ("url|official url|url2", _title_words),
    ("|".join(_CURRENCIES), lambda call: _CURRENCIES[call.name] + call.get(0)),
    ("font|style text|текст", _first),
]
_NAME_TO_RULE = {name: rule for group, rule in _GROUPS for name in _split(group)}
_NAME_TO_RULE |= {
    name: _fixed(text) for text, group in names.FIXED.items() for name in _split(group)
}
SILENT_NAMES = frozenset(_split(names.SILENT_NAMES))
SILENT_PREFIXES = tuple(part.replace("_", " ") for part in _split(names.SILENT_PREFIXES))
SILENT_SUFFIXES = tuple(part.replace("_", " ") for part in _split(names.SILENT_SUFFIXES))
