"""What a call of a template leaves in the text whose name no table has.

A call inside a sentence whose first argument is text shows that text. Boxes and navigation stand
alone in their lines, or have named arguments only. Notes stand close behind a word or a full stop,
where words have spaces between them, or have the name of a note.
"""

import re
from itertools import dropwhile

from mtag_core.wikipedia.calls import Call, Place
from mtag_core.wikipedia.quantities import (
    is_date,
    is_number,
    is_ordinal_ending,
    is_roman,
    iso_date,
    ordinal,
    quantity,
)
from mtag_core.wikipedia.tags import HOLE, NOTHING
from mtag_core.wikipedia.template_names import COUNTRY_CODES, LANGUAGE_CODES
from mtag_core.wikipedia.template_rules import (
    SILENT_NAMES,
    SILENT_PREFIXES,
    SILENT_SUFFIXES,
)

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


def is_silent(name: str) -> bool:
    """Whether a template's name says that it leaves a note, a sign or a picture."""
    is_named = name in SILENT_NAMES or "/" in name or ":" in name
    return is_named or name.startswith(SILENT_PREFIXES) or name.endswith(SILENT_SUFFIXES)


def words_of_unknown(call: Call) -> str:
    """The words that a call of an unknown template shows.

    Args:
        call: Of a template without a rule or a definition, and not silent.

    Returns:
        Words, or `HOLE`.
    """
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
    if has_arguments and call.written_name not in COUNTRY_CODES:
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
    if call.written_name in COUNTRY_CODES:
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
    return before[-1:] in tuple("0123456789IVXLCDM") and is_ordinal_ending(call.name)


def _words(call: Call) -> list[str]:
    values = list(dropwhile(_is_code, call.values()))
    if not values or _is_label(values[0]) or _NO_WORDS.fullmatch(values[0]):
        return []
    is_place = not _COMPASS.isdisjoint(values) and is_number(values[0])
    n_words = len(values[0].split())
    is_note = n_words > _MAX_WORDS or _SENTENCE.search(values[0])
    is_file = any(map(_FILE.search, values[:_MAX_VALUES]))
    is_list = len(values) > _MAX_VALUES and not any(map(is_number, values))
    return [] if is_place or is_note or is_file or is_list else values


def _is_code(value: str) -> bool:
    is_path = "/" in value and " " not in value and (value[-1] == "/" or value.count("/") > 1)
    return value in LANGUAGE_CODES or is_path or bool(_IDENTIFIER.fullmatch(value))


def _is_repeated(words: str, place: Place) -> bool:
    if len(words) < _MIN_REPEATED:
        return False
    return place.after().lstrip(" [").startswith(words) or words in place.before()


def _is_label(value: str) -> bool:
    return len(value) == 1 and value.isalpha() and not _UNSPACED.match(value)


def _by_shape(call: Call, values: list[str]) -> str:
    first, second = values[0], values[1] if len(values) > 1 else ""
    if is_date(values):
        return iso_date(call)
    if (is_roman(first) or first.isdecimal()) and is_ordinal_ending(second):
        return ordinal(values)
    if is_number(first):
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
    if is_number(second) or (name.isupper() and not second and not call.place.is_inner()):
        # Two numbers are data; a name in capitals is a book's, its number a volume's.
        return HOLE
    if second:
        return quantity(call)
    is_phrase = " " in name and name[0].isupper() and not any(map(str.isdecimal, name))
    return f"{name} {first}" if is_phrase else first


def _is_latin(text: str) -> bool:
    return not _NOT_LATIN.search(text)


def _of_name(call: Call) -> str:
    name = call.written_name
    is_sign = len(name) == 1 and not name.isalnum()
    is_text = _NUMBERED_NAME.fullmatch(name) or _SHORT_FORM.fullmatch(name) or is_sign
    return name if is_text or name in COUNTRY_CODES else HOLE
