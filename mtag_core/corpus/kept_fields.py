"""Fields of records: what makes a document, and what goes with it into the output.

A kept field has one type in a whole output, since a column of Parquet has: one that the user
names, such as `id:int`, or the one that fits the first documents. Values are those that JSON has:
they pass through spools. Dates and times are strings as ISO 8601 writes them.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from mtag_core.corpus.decoding import Fault, Origin, check_text, language_fault
from mtag_core.corpus.items import ReadOptions
from mtag_core.languages import find_language
from mtag_core.records import Document, FieldValue, Reject

_INT64 = range(-(2**63), 2**63)
_TRUTHS = {"true": True, "false": False}
# Values as they come; while the types of a corpus are found.
RAW = "raw"
# Between the names of a field and of the one within it.
NESTED = "."
_MISSING = object()


@dataclass(frozen=True, slots=True)
class KeptField:
    """A field that is kept, by its name in the input, `outer.inner` for a nested one.

    Its kind is one of `KINDS`; empty where it is to be found.
    """

    name: str
    kind: str

    def __str__(self) -> str:
        """As `--keep_fields` takes it."""
        return f"{self.name}:{self.kind}" if self.kind else self.name


@cache
def kept_fields(words: tuple[str, ...]) -> tuple[KeptField, ...]:
    """The fields of `ReadOptions.keep_fields`.

    Example: kept_fields(("id:int", "url")) -> (KeptField("id", "int"), KeptField("url", ""))
    """
    return tuple(map(_kept_field, words))


def _kept_field(word: str) -> KeptField:
    name, _, kind = word.rpartition(":")
    is_typed = bool(name) and kind in (*KINDS, RAW)
    return KeptField(name, kind) if is_typed else KeptField(word, "")


def kept_values(words: tuple[str, ...], values: Iterable[object]) -> tuple[FieldValue, ...]:
    """The values of a document's fields in their types; None where the input has none.

    Raises:
        FieldError: A value is not of its field's type.
    """
    return tuple(map(_kept_value, kept_fields(words), values))


class FieldError(ValueError):
    """A value is not of its field's type; has the reason for the document's reject."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def _kept_value(field: KeptField, value: Any) -> FieldValue:  # noqa: ANN401
    if field.kind == RAW:
        return value  # type: ignore[no-any-return]
    # pandas writes a number that is missing so.
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bytes):
        value = _decoded(field, value)
    try:
        kept = _KIND_TO_CONVERT[field.kind or "string"](value)
    except (ValueError, TypeError, OverflowError):
        kept = None
    if kept is None:
        raise FieldError(
            "wrong_type",
            f"field {field.name!r} is {type(value).__name__} {value!r:.60}; expected "
            f"{field.kind}, see --keep_fields={field.name}:string",
        )
    fault = check_text(kept) if isinstance(kept, str) else None
    if fault:
        raise FieldError(fault[0], f"field {field.name!r}: {fault[1]}")
    return kept


def _decoded(field: KeptField, value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        shown = value[error.start : error.start + 4]
        detail = f"field {field.name!r}: bytes {shown!r} at byte {error.start}; expected UTF-8"
        raise FieldError("invalid_utf8", detail) from error


def _string(value: object) -> FieldValue:
    if isinstance(value, str):
        return value
    if isinstance(value, date | datetime):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)


def _int(value: object) -> FieldValue:
    if isinstance(value, str):
        value = int(value) if value.strip().isascii() else None
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and value in _INT64 else None  # type: ignore[return-value]


def _float(value: object) -> FieldValue:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _bool(value: object) -> FieldValue:
    return value if isinstance(value, bool) else _TRUTHS.get(str(value).strip().lower())


def _date(value: object) -> FieldValue:
    if isinstance(value, str):
        value = date.fromisoformat(value.strip())
    is_day = isinstance(value, date) and not isinstance(value, datetime)
    return value.isoformat() if is_day else None  # type: ignore[attr-defined]


def _timestamp(value: object) -> FieldValue:
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        return None
    # A time without a zone is taken for one of UTC.
    moment = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return moment.isoformat().replace("+00:00", "Z")


_KIND_TO_CONVERT: dict[str, Callable[[Any], FieldValue]] = {
    "string": _string,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "date": _date,
    "timestamp": _timestamp,
}
KINDS = tuple(_KIND_TO_CONVERT)
"""Types of fields, as `--keep_fields` calls them."""

_CLASS_TO_KIND = {bool: "bool", int: "int", float: "float", date: "date"}


def kind_of(values: Sequence[object]) -> str:
    """The type that fits values as they come from a reader; None is of any.

    Example: kind_of([1, None, 2.5]) -> "float"
    """
    kinds = {_kind(value) for value in values if value is not None}
    if kinds == {"int", "float"}:
        return "float"
    return kinds.pop() if len(kinds) == 1 else "string"


def _kind(value: object) -> str:
    if isinstance(value, datetime):
        return "timestamp"
    if type(value) is int and value not in _INT64:
        return "string"
    return _CLASS_TO_KIND.get(type(value), "string")


def field_text(value: FieldValue) -> str:
    """A value as text formats write it: strings as they are, the rest as JSON does."""
    return value if isinstance(value, str) else json.dumps(value)


def document_of(
    fields: dict[str, Any], record: bytes, origin: Origin, options: ReadOptions
) -> Document | Reject:
    """Makes a document of a record's fields, or a reject that carries the record.

    `article.body` is the field `body` of the object `article`, unless a field has that very name.
    """
    fault = _fault(fields, options)
    if fault:
        return origin.reject(*fault, record)
    doc_id = origin.doc_id
    if options.id_field is not None and _field(fields, options.id_field) is not None:
        doc_id = str(_field(fields, options.id_field))
    language = None
    if options.language_field is not None and _field(fields, options.language_field):
        language = find_language(_field(fields, options.language_field))
    text = str(_field(fields, options.text_field))
    found = (_field(fields, field.name) for field in kept_fields(options.keep_fields))
    try:
        values = (None if value is _MISSING else value for value in found)
        kept = kept_values(options.keep_fields, values)
    except FieldError as error:
        return origin.reject(error.reason, str(error), record, doc_id=doc_id)
    return Document(doc_id, text, *origin, language=language, fields=kept)


def _fault(fields: dict[str, Any], options: ReadOptions) -> Fault | None:
    for name in (options.text_field, options.id_field, options.language_field):
        if name is not None and _field(fields, name) is _MISSING:
            # Names may hold line ends; a detail is one line.
            found = " ".join(", ".join(_names(fields)[:20]).split()) or "none"
            return Fault("missing_field", f"no field {name!r}; fields found: {found[:200]}")
    text = _field(fields, options.text_field)
    if not isinstance(text, str):
        detail = f"field {options.text_field!r} is {type(text).__name__}; expected a string"
        return Fault("wrong_type", detail)
    doc_id = _field(fields, options.id_field) if options.id_field is not None else None
    if doc_id is not None and (isinstance(doc_id, bool) or not isinstance(doc_id, str | int)):
        detail = f"field {options.id_field!r} is {type(doc_id).__name__}; expected string or number"
        return Fault("wrong_type", detail)
    if options.language_field is not None:
        fault = language_fault(_field(fields, options.language_field), options.language_field)
        if fault:
            return fault
    return check_text(text) or (check_text(doc_id) if isinstance(doc_id, str) else None)


def _field(fields: Any, name: str) -> Any:  # noqa: ANN401
    while isinstance(fields, dict):
        if name in fields:
            return fields[name]
        first, dot, name = name.partition(NESTED)
        if not dot or first not in fields:
            break
        fields = fields[first]
    return _MISSING


def _names(fields: dict[str, Any]) -> list[str]:
    return sorted(
        f"{name}{NESTED}{inner}" if inner else name
        for name, value in fields.items()
        for inner in (value if isinstance(value, dict) and value else ("",))
    )
