"""What a call of a template leaves in the text.

Templates of known names have rules, by families: which argument carries the words, and how. The
names are in `template_names.txt`.

Of others a call inside a sentence whose first argument is text shows that text. Boxes and
navigation stand alone in their lines, or have named arguments only. Notes stand close behind a word
or a full stop, where words have spaces between them, or have the name of a note.
"""

import json
import re
from collections.abc import Callable, Mapping
from importlib import resources
from itertools import dropwhile

import mtag_core.wikipedia.quantities as quantities
from mtag_core.wikipedia.calls import Call, Place
from mtag_core.wikipedia.tags import HOLE, NOTHING, protect

Rule = Callable[[Call], str]


def _read_sections() -> dict[str, str]:
    text = resources.files(__package__).joinpath("template_names.txt").read_text("utf-8")
    lines = "\n".join(line for line in text.split("\n") if not line.startswith(";"))
    pieces = re.split(r"^(\[[a-z ]+\])\n", lines, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def _split(names: str) -> list[str]:
    return [name for name in map(str.strip, re.split(r"[|\n]", names)) if name]


_SECTIONS: Mapping[str, str] = _read_sections()
_NAMES = {title: _split(names) for title, names in _SECTIONS.items() if title != "[fixed]"}
_COUNTRY_CODES = frozenset(_NAMES["[country codes]"])
_LANGUAGE_CODES = frozenset(_NAMES["[language codes]"])
_SILENT_NAMES = frozenset(_NAMES["[silent]"])
_SILENT_PREFIXES, _SILENT_SUFFIXES = (
    tuple(part.replace("_", " ") for part in _NAMES[title])
    for title in ("[silent prefixes]", "[silent suffixes]")
)
_MUSIC_SIGNS = {"flat": "♭", "b": "♭", "sharp": "♯", "#": "♯", "natural": "♮"}

_TEXT_KEYS = ("text", "texte", "texto", "testo", "текст", "tekst", "κείμενο", "본문", "內容")
_BLANKS = f" \t\xa0:*#;'{HOLE}{NOTHING}"
_OPENING = "([{«“‘„‹<\"-–—/=~+|'’"
# Scripts without spaces between words: Thai, Lao, Myanmar, Khmer, Chinese and Japanese.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u9fff\uf900-\uffee]")
_SENTENCE_END = re.compile("[.!?…։।。！？]['\"”’»）)\\]]*$")
_FILE = re.compile(
    r"\.(?:og[gav]|wav|mp3|flac|mid|jpe?g|png|svg|gif|web[mp]|tiff?|pdf)$", re.IGNORECASE
)
_NO_WORDS = re.compile(r"#[0-9a-f]{3,8}|\d+ ?(?:px|em|%)|(?:https?:)?//\S+|[\W_]+", re.IGNORECASE)
_COMPASS = frozenset("NSEWO")
_SENTENCE = re.compile(r"[.!?։।。] *\S")
_MAX_WORDS = 15
_MAX_VALUES = 3
_MIN_REPEATED = 3
# Of videos and books: letters and digits mixed.
_IDENTIFIER = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[a-zA-Z])(?:[A-Za-z0-9_-]{10,20})")
_VERSE = re.compile(r"\d{1,3}[:.,]\d{1,3}(?:[-–]\d{1,3})?")
# A name that is its own text: "1er mai", "XIXe siècle", "2e".
_NUMBERED_NAME = re.compile(
    r"(?=.{1,25}$)(?:\d{1,3}|[IVX]+)(?:er|ère|re|e|ème|o|a|º|ª|d|nd|nde|\.)?(?: [^\W\d]+)*"
)
_SHORT_FORM = re.compile(r"[^\W\d]{1,5}\.")
_NOT_LATIN = re.compile("[\u0370-\u1dff\u2100-\uffff]")
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


def words_of_unknown(call: Call) -> str:
    """The words that a call of an unknown template that is not silent shows, or `HOLE`."""
    before = call.place.before()
    is_inner = call.place.is_inner()
    if not is_inner and not _is_in_sentence(call, before):
        return HOLE
    before = _word_before(before)
    if not call.positional and not call.named and _is_ending(call, before):
        return call.written_name
    if not is_inner and _is_glued(before):
        return HOLE
    values = _words(call)
    if values:
        words = _by_shape(call, values)
        return HOLE if _is_repeated(words, call.place) else words
    text = next((call.named[key] for key in _TEXT_KEYS if call.named.get(key)), "")
    has_arguments = call.named or call.positional
    if has_arguments and call.written_name not in _COUNTRY_CODES:
        return text or HOLE
    return _of_name(call)


def _is_in_sentence(call: Call, before: str) -> bool:
    before = before.strip(_BLANKS)
    after = call.place.after()
    if before:
        # Behind a sentence's end and before the line's, it says something about the sentence.
        return not _SENTENCE_END.search(before[-8:]) or bool(after.strip())
    # At a line's start a box stands, unless the sentence goes on behind the call.
    after = after.replace("&nbsp;", " ")
    if call.written_name in _COUNTRY_CODES:
        return bool(after.strip()) and not after[0].isalnum()
    rest = after.lstrip(" \xa0,;)»")
    return rest != after and (rest[:1].islower() or rest[:1] in tuple("-–—:("))


def _word_before(before: str) -> str:
    stripped = before.rstrip(NOTHING)
    if stripped.endswith("''"):
        stripped = stripped.rstrip("'")
    return "" if not stripped or stripped[-1].isspace() else stripped


def _is_glued(before: str) -> bool:
    last = before[-1:]
    return bool(before) and last not in _OPENING and not _UNSPACED.match(last)


def _is_ending(call: Call, before: str) -> bool:
    return before[-1:] in tuple("0123456789IVXLCDM") and quantities.is_ordinal_ending(call.name)


def _words(call: Call) -> list[str]:
    values = list(dropwhile(_is_code, call.values()))
    if not values or _is_label(values[0]) or _NO_WORDS.fullmatch(values[0]):
        return []
    is_place = not _COMPASS.isdisjoint(values) and quantities.is_number(values[0])
    n_words = len(values[0].split())
    is_note = n_words > _MAX_WORDS or _SENTENCE.search(values[0])
    is_file = any(map(_FILE.search, values[:_MAX_VALUES]))
    is_list = len(values) > _MAX_VALUES and not any(map(quantities.is_number, values))
    return [] if is_place or is_note or is_file or is_list else values


def _is_code(value: str) -> bool:
    is_path = "/" in value and " " not in value and (value[-1] == "/" or value.count("/") > 1)
    return value in _LANGUAGE_CODES or is_path or bool(_IDENTIFIER.fullmatch(value))


def _is_repeated(words: str, place: Place) -> bool:
    if len(words) < _MIN_REPEATED:
        return False
    return place.after().lstrip(" [").startswith(words) or words in place.before()


def _is_label(value: str) -> bool:
    return len(value) == 1 and value.isalpha() and not _UNSPACED.match(value)


def _by_shape(call: Call, values: list[str]) -> str:
    first, second = values[0], values[1] if len(values) > 1 else ""
    if quantities.is_date(values):
        return quantities.iso_date(call)
    if (quantities.is_roman(first) or first.isdecimal()) and quantities.is_ordinal_ending(second):
        return quantities.ordinal(values)
    if quantities.is_number(first):
        return _number(call, first, second)
    if second.isdecimal() and len(second) == 4 and first[:1].isupper():
        # A name and a year: a book.
        return f"{first} {second}"
    if _VERSE.fullmatch(second):
        return f"{first} {second}"
    if _is_latin(first) and second and not _is_latin(second):
        return f"{first} ({', '.join(values[1:3])})"
    return first


def _number(call: Call, first: str, second: str) -> str:
    name = call.written_name
    if quantities.is_number(second) or (
        name.isupper() and not second and not call.place.is_inner()
    ):
        # Two numbers are data; a name in capitals is a book's, its number a volume's.
        return HOLE
    if second:
        return quantities.quantity(call)
    is_phrase = " " in name and name[0].isupper() and not any(map(str.isdecimal, name))
    return f"{name} {first}" if is_phrase else first


def _is_latin(text: str) -> bool:
    return not _NOT_LATIN.search(text)


def _of_name(call: Call) -> str:
    name = call.written_name
    is_sign = len(name) == 1 and not name.isalnum()
    is_text = _NUMBERED_NAME.fullmatch(name) or _SHORT_FORM.fullmatch(name) or is_sign
    return name if is_text or name in _COUNTRY_CODES else HOLE


def is_silent(name: str) -> bool:
    """Whether a template's name says that it leaves a note, a sign or a picture."""
    is_named = name in _SILENT_NAMES or "/" in name or ":" in name
    return is_named or name.startswith(_SILENT_PREFIXES) or name.endswith(_SILENT_SUFFIXES)


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
    n_codes = 2 if len(values) > 2 and values[1] in _LANGUAGE_CODES else 1
    word = call.named.get("alt") or "".join(values[n_codes + 1 : n_codes + 2])
    return word or "".join(values[n_codes : n_codes + 1]).strip("-")


def _measure_or_word(call: Call) -> str:
    return quantities.physical_value(call) if quantities.is_number(call.get(0)) else _word(call)


def _number_of(call: Call) -> str:
    return f"{call.written_name} {_spaced(call)}".rstrip()


def _affixes(call: Call) -> str:
    values = call.values()
    return " + ".join(values[1:] if values and values[0] in _LANGUAGE_CODES else values)


def _bracketed(call: Call) -> str:
    values = call.values()
    if values and values[0] in _LANGUAGE_CODES:
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
    if call.get(0) in _LANGUAGE_CODES:
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


_GROUPS: list[tuple[str, Rule]] = [
    ("[first]", _first),
    ("[second]", _second),
    ("[last]", _last),
    ("[bracketed]", _bracketed),
    ("[word]", _word),
    ("[listed]", lambda call: ", ".join(call.values())),
    ("[affix]", _affixes),
    ("[number of]", _number_of),
    ("[quote]", _quote),
    ("[linked]", _linked),
    ("[linked second]", lambda call: call.get(1) or call.get(0)),
    ("[iso date]", quantities.iso_date),
    ("[day first]", quantities.day_first_date),
    ("[old style]", quantities.old_style_date),
    ("[joined]", lambda call: "".join(call.positional)),
    ("[spaced]", _spaced),
    ("[quantity]", quantities.quantity),
    ("[identifier]", _named_first),
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
    ("nihongo|nihongo4|նիհոնգո|nihongo krt|lang-ja2|japonais|giapponese|japonés|japonês", _nihongo),
    ("chinois|coréen|нихонго|korean inline", _nihongo),
    (
        "ruby|読み仮名|ふりがな|読み仮名 ruby不使用|ruby-ja|yomigana|r-ja|ルビ|振り仮名",
        lambda call: f"{call.get(0)}（{call.get(1)}）" if call.get(1) else call.get(0),
    ),
    ("zh|zh2|chinese inline|zho|cn-inline", _chinese),
    ('guil|citation|"|cita inline|« »|guillemets', _quoted),
    ("music", lambda call: _MUSIC_SIGNS.get(call.get(0).lower(), "")),
    ("url|official url|url2", _title_words),
    ("|".join(_CURRENCIES), lambda call: _CURRENCIES[call.name] + call.get(0)),
    ("font|style text|текст", _first),
]
_NAME_TO_RULE = {
    name: rule for group, rule in _GROUPS for name in _NAMES.get(group, group.split("|"))
}
for _line in _SECTIONS["[fixed]"].strip().split("\n"):
    _shown, _end = json.JSONDecoder().raw_decode(_line)
    _NAME_TO_RULE |= dict.fromkeys(_line[_end + 1 :].split("|"), _fixed(_shown))
