"""What a template call leaves in the text.

A dump holds calls, not what they render, and rendering needs the wiki. Most calls (citations,
infoboxes, maintenance notes) leave nothing; but a value, a date or a foreign word stands inside a
sentence, and dropping it leaves "At , Alabama". The tables below name such templates in the larger
wikis and say which argument carries the words. Anything else becomes a `HOLE`, which
`mtag_core.wikipedia.lines` closes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from mtag_core.wikipedia import template_names as names

# Stands where markup was dropped from running text. XML 1.0 cannot hold it, so no page contains it.
HOLE = "\x02"


@dataclass(frozen=True, slots=True)
class _Call:
    """A template call with its arguments, stripped.

    Attributes:
        name: Normalised name.
        positional: Values of unnamed arguments, and of `1=`, `2=`, ... in their places.
        named: Lower-case name -> value.
        rest: All arguments as written.
    """

    name: str
    positional: list[str]
    named: dict[str, str]
    rest: str

    def get(self, index: int) -> str:
        """The positional argument at `index`, or an empty string."""
        return self.positional[index] if index < len(self.positional) else ""


def expand(body: str, *, title: str = "") -> str:
    """Says what a template call leaves in the text.

    Args:
        body: What stands between `{{` and `}}`; links and inner calls already resolved.
        title: The page's title, for `{{PAGENAME}}`.

    Returns:
        Words to keep, or `HOLE`.

    Example: "convert|1300|mi|km" -> "1300 mi"; "lang|la|vita" -> "vita"; "sfn|Smith|2001" -> HOLE.
    """
    head, _, rest = body.partition("|")
    name = _normalise(head)
    if name in ("pagename", "subst:pagename", "fullpagename"):
        return title or HOLE
    rule = _RULES.get(name) or _pattern_rule(name)
    if rule is None:
        return _parser_function(head) if ":" in head else HOLE
    return rule(_parse(name, rest)) or HOLE


def _normalise(head: str) -> str:
    """Lower-cases a template name and unifies its spaces."""
    return " ".join(head.replace("_", " ").lower().replace(HOLE, "").split())


def _parse(name: str, rest: str) -> _Call:
    """Splits the arguments of a call into positional and named ones."""
    positional: list[str] = []
    named: dict[str, str] = {}
    for argument in rest.split("|"):
        key, separator, value = argument.partition("=")
        key = key.strip().lower()
        # A key with markup or many words is a positional text that happens to hold "=".
        if separator and _KEY.fullmatch(key):
            named[key] = value.strip()
        else:
            positional.append(argument.strip())
    for index in range(1, 5):
        if str(index) in named:
            positional[index - 1 : index] = [named[str(index)]]
    return _Call(name, positional, named, rest)


_KEY = re.compile(r"[\w -]{1,30}")


def _first(call: _Call) -> str:
    return call.get(0) or call.named.get("text", "")


def _second(call: _Call) -> str:
    return call.get(1) or call.named.get("text", "") or call.named.get("2", "")


def _last(call: _Call) -> str:
    return next((value for value in reversed(call.positional) if value), "")


def _joined(call: _Call) -> str:
    return "".join(call.positional)


def _spaced(call: _Call) -> str:
    return " ".join(value for value in call.positional if value)


def _quote(call: _Call) -> str:
    """A block quotation is a paragraph of its own."""
    text = call.named.get("text") or call.named.get("quote") or call.get(0)
    return f"\n\n{text}\n\n" if text else ""


def _linked(call: _Call) -> str:
    """A link to another wiki: target, shown text if it is not a language code, language, ..."""
    label = call.named.get("lt") or call.named.get("label") or call.named.get("текст")
    return label or call.get(0)


def _linked_second(call: _Call) -> str:
    """A red link with the shown text as its second argument, where there is one."""
    return call.get(1) or call.get(0)


def _chinese(call: _Call) -> str:
    """The first script given, else the romanisation."""
    values = (call.named.get(key, "") for key in ("c", "t", "s", "p", "w"))
    return next((value for value in values if value), _first(call))


def _nihongo(call: _Call) -> str:
    """An English name with Japanese and its reading in brackets."""
    inner = ", ".join(value for value in call.positional[1:3] if value)
    return f"{call.get(0)} ({inner})" if inner and call.get(0) else call.get(0) or inner


def _ruby(call: _Call) -> str:
    """A word with its reading in brackets."""
    return f"{call.get(0)}（{call.get(1)}）" if call.get(1) else call.get(0)


def _numeric_date(call: _Call) -> str:
    """Year, month and day as ISO 8601; a date in words as it is."""
    values = [value for value in call.positional[:3] if value]
    if values and all(value.isdecimal() for value in values):
        return "-".join(value.zfill(2) for value in values)
    return " ".join(values)


def _day_first_date(call: _Call) -> str:
    """Day, month and year with full stops."""
    return ".".join(value for value in call.positional[:3] if value)


def _convert(call: _Call) -> str:
    """The quantity before conversion: "5|-|10|km|mi" -> "5-10 km", "5|ft|8|in" -> "5 ft 8 in"."""
    values = [value for value in call.positional if value] + [""]
    text, values = values[0], values[1:]
    while len(values) > 1 and values[0] in _RANGES:
        text, values = f"{text}{_RANGES[values[0]]}{values[1]}", values[2:]
    if not values:
        return text
    text, units = f"{text} {_UNITS.get(values[0], values[0])}".rstrip(), values
    if len(units) > 3 and units[0] in _COMPOUND_UNITS and units[1][0].isdecimal():
        text = f"{text} {units[1]} {_UNITS.get(units[2], units[2])}"
    return text


def _value(call: _Call) -> str:
    """A number with its power of ten and unit."""
    power = call.named.get("e", "")
    unit = call.named.get("u") or call.named.get("ul") or ""
    return _spaced_parts(call.get(0), f"× 10^{power}" if power else "", unit)


def _power_of_ten(call: _Call) -> str:
    return f" × 10^{call.get(0)}" if call.get(0) else ""


def _fraction(call: _Call) -> str:
    """Whole, numerator, denominator: "1|2" -> "1/2", "3|1|2" -> "3 1/2"."""
    values = [value for value in call.positional if value]
    if len(values) == 3:
        return f"{values[0]} {values[1]}/{values[2]}"
    return "/".join(values)


def _circa(call: _Call) -> str:
    return f"c. {call.get(0)}" if call.get(0) else "c."


def _as_of(call: _Call) -> str:
    """The date with the template's own name before it: it is a phrase of the wiki's language."""
    phrase = call.name if call.named.get("lc") else call.name.capitalize()
    return call.named.get("alt") or f"{phrase} {' '.join(v for v in call.positional if v)}"


def _ship(call: _Call) -> str:
    return _spaced_parts(call.name.upper(), call.get(0))


def _currency(call: _Call) -> str:
    return f"{_CURRENCIES[call.name]}{call.get(0)}"


def _spaced_parts(*parts: str) -> str:
    """Joins what is not empty with spaces."""
    return " ".join(part for part in parts if part)


def _parser_function(head: str) -> str:
    """Number and letter-case functions keep their argument; the others leave a hole."""
    name, _, argument = head.strip().partition(":")
    name = name.strip().lower()
    return argument.strip() or HOLE if name in _TEXT_FUNCTIONS else HOLE


def _pattern_rule(name: str) -> Callable[[_Call], str] | None:
    """The rule of a family of templates, such as lang-de, vol-lv or lang-ja-short."""
    return _first if _LANGUAGE_TEMPLATE.match(name) else None


# `{{lang-XX|words}}` in the wikis' own spellings.
_LANGUAGE_TEMPLATE = re.compile(
    r"(?:lang|llang|vol|langue|мова|език|језик|idioma|לשון|язык)-[a-z][a-z0-9-]*$"
)
_TEXT_FUNCTIONS = frozenset(
    {"formatnum", "lc", "uc", "lcfirst", "ucfirst", "nowrap", "anchorencode"}
)
_RANGES = {"-": "–", "–": "–", "to": " to ", "and": " and ", "or": " or ", "x": " x ", "×": " × "}
_RANGES |= {
    "by": " by ",
    "to about": " to about ",
    "+/-": " ± ",
    "±": " ± ",
    "(-)": "–",
    "&": " & ",
}
_UNITS = {"sqmi": "sq mi", "km2": "km²", "sqkm": "km²", "m2": "m²", "sqm": "m²", "cm2": "cm²"}
_UNITS |= {"km3": "km³", "m3": "m³", "cm3": "cm³", "sqft": "sq ft", "cuft": "cu ft", "C": "°C"}
_UNITS |= {
    "F": "°F",
    "K": "K",
    "kph": "km/h",
    "kg/m3": "kg/m³",
    "m/s2": "m/s²",
    "e6km2": "million km²",
}
_COMPOUND_UNITS = frozenset({"ft", "mi", "yd", "lb", "st", "foot", "pound", "mile"})
_CURRENCIES = {"us$": "US$", "usd": "US$", "inr": "₹", "₹": "₹", "gbp": "£", "£": "£", "eur": "€"}
_CURRENCIES |= {"jpy": "¥", "a$": "A$", "aud": "A$", "cad": "C$", "rupee": "₹", "रुपया": "₹"}


def _split(text: str) -> list[str]:
    """Template names out of a block with one or more a line, separated by bars."""
    return [name.strip() for name in text.replace("\n", "|").split("|") if name.strip()]


# The words are the first argument.
def _rules() -> dict[str, Callable[[_Call], str]]:
    """The table of template names, built once."""
    groups: list[tuple[str, Callable[[_Call], str]]] = [
        (names.FIRST_NAMES, _first),
        (names.SECOND_NAMES, _second),
        (names.LAST_NAMES, _last),
        (names.QUOTE_NAMES, _quote),
        (names.LINKED_NAMES, _linked),
        (names.LINKED_SECOND_NAMES, _linked_second),
        (names.ISO_DATE_NAMES, _numeric_date),
        (names.DAY_FIRST_NAMES, _day_first_date),
        (names.JOINED_NAMES, _joined),
        (names.SPACED_NAMES, _spaced),
        ("convert|cvt|cvt2|convert2|conversion|перетворити|chuyển đổi|đổi", _convert),
        ("val|nval|physical value", _value),
        ("e|esp|x10", _power_of_ten),
        ("frac|fraction|sfrac|frac2|fract|дріб|分数", _fraction),
        ("circa|c.|ca|ca.", _circa),
        ("as of|asof|tính đến", _as_of),
        ("uss|hms|ss|rms|hmcs|hmas|ms|mv|usns|sms|rfc", _ship),
        ("ietf rfc", lambda call: f"RFC {call.get(0)}"),
        ("nihongo|nihongo4|նիհոնգո|nihongo krt|lang-ja2", _nihongo),
        ("ruby|読み仮名|ふりがな|読み仮名 ruby不使用|ruby-ja|yomigana|r-ja", _ruby),
        ("zh|zh2|chinese inline|zho|cn-inline", _chinese),
        ("|".join(_CURRENCIES), _currency),
        ("font|style text|текст", _first),
    ]
    rules = {name: rule for group, rule in groups for name in _split(group)}
    for name, text in names.FIXED.items():
        rules[name] = lambda _call, text=text: text  # type: ignore[misc]
    return rules


_RULES = _rules()
