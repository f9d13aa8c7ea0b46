"""JSON of an output: objects in files, dataclasses checked by their types, lines of rejects.

A line of a reject holds its fields; the input stands under `input` where it is valid UTF-8, else
under `input_base64`. A file of them can be the input of a later run:
`--input 'out/rejects/*.jsonl' --text_field=input --id_field=doc_id`.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, partial
from types import UnionType
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

from mtag_core import storage
from mtag_core.errors import OutputError
from mtag_core.records import Reject

T = TypeVar("T")

_KIND_TO_EXPECTED = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


def write_json(path: str, value: Mapping[str, Any]) -> None:
    """Writes a JSON object with sorted keys, atomically."""
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=True)
    with storage.atomic_writer(path) as stream:
        stream.write(text.encode() + b"\n")


def read_json(path: str) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        OutputError: The file holds none.
    """
    try:
        value = json.loads(storage.read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise OutputError(f"{path}: not JSON ({error})") from error
    if not isinstance(value, dict):
        raise OutputError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def read_record(kind: type[T], path: str, *, version: int) -> T:
    """Reads a dataclass from a file whose object also has a version; see `from_json`.

    Raises:
        OutputError: The file holds something else, or another version.
    """
    value = read_json(path)
    found = value.pop("version", None)
    if found != version:
        raise OutputError(f"{path}: version {found}, expected {version}")
    try:
        return from_json(kind, value)
    except ValueError as error:
        raise OutputError(f"{path}: {error}") from error


def from_json(kind: type[T], value: object) -> T:
    """Makes a dataclass of what `dataclasses.asdict` made of it.

    Its fields are strings, numbers, other dataclasses, and tuples, lists and maps of these; each
    may be None where its type says so.

    Raises:
        ValueError: A field is missing, unknown or of another type; the message names it.
    """
    reader: Callable[[object], T] = _reader(cast(Any, kind))
    return reader(value)


def _not_negative(value: int) -> int:
    if value < 0:
        raise ValueError(f"{value}: expected 0 or more")
    return value


Count = Annotated[int, _not_negative]
"""A whole number from 0 on."""


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401
    origin, kinds = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _object_reader(kind)
    if origin is UnionType:
        inner = _reader(kinds[0])
        return lambda value: None if value is None else inner(value)
    if origin is Annotated:
        inner, check = _reader(kinds[0]), kinds[1]
        return lambda value: check(inner(value))
    if origin in (dict, Mapping):
        key, inner = _reader(kinds[0]), _reader(kinds[1])
        return lambda value: {key(k): inner(v) for k, v in _checked(dict, value).items()}
    if origin in (list, Sequence) or kinds[1:] == (...,):
        inner, make = _reader(kinds[0]), tuple if origin is tuple else list
        return lambda value: make(map(inner, _checked(list, value)))
    if origin is tuple:
        inners = tuple(map(_reader, kinds))
        return lambda value: tuple(
            inner(each) for inner, each in zip(inners, _checked(list, value), strict=True)
        )
    return partial(_checked, kind)


def _object_reader(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401
    types = get_type_hints(kind, include_extras=True)
    name_to_reader = {each.name: _reader(types[each.name]) for each in fields(kind)}
    has_default = {
        each.name
        for each in fields(kind)
        if each.default is not MISSING or each.default_factory is not MISSING
    }

    def read(value: object) -> object:
        found = _checked(dict, value)
        if found.keys() != name_to_reader.keys():
            wrong = (found.keys() ^ name_to_reader.keys()) - (has_default - found.keys())
            if wrong:
                expected = ", ".join(name_to_reader)
                raise ValueError(f"{', '.join(sorted(wrong))}: expected the fields {expected}")
        values, name = {}, ""
        try:
            for name, each in found.items():
                values[name] = name_to_reader[name](each)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        return kind(**values)

    return read


def _checked(kind: type[T], value: object) -> T:
    # A bool is an int for `isinstance`.
    if type(value) is not kind:
        raise ValueError(f"{value!r:.80}: expected {_KIND_TO_EXPECTED[kind]}")
    if isinstance(value, str) and not value.isascii():
        # Names of files may hold bytes that are no UTF-8, and no other surrogates.
        value.encode("utf-8", "surrogateescape")
    return cast(T, value)


def reject_to_line(reject: Reject) -> bytes:
    """One JSON line, with its line feed."""
    fields: dict[str, Any] = {
        "doc_id": reject.doc_id,
        "source": reject.source,
        "offset": reject.offset,
        "step": reject.step,
        "reason": reject.reason,
        "detail": reject.detail,
        "n_input_bytes": reject.n_input_bytes,
    } | _input_fields(reject.input)
    # Lone surrogates may stand in an id or a detail; ASCII escapes keep them and valid UTF-8 both.
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def line_to_reject(line: bytes | str) -> Reject:
    """Reads back what `reject_to_line` wrote."""
    fields = json.loads(line)
    text, encoded = fields.pop("input", None), fields.pop("input_base64", None)
    if text is not None:
        return Reject(**fields, input=text.encode())
    return Reject(**fields, input=None if encoded is None else base64.b64decode(encoded))


def _input_fields(data: bytes | None) -> dict[str, str]:
    if data is None:
        return {}
    try:
        return {"input": data.decode()}
    except UnicodeDecodeError:
        return {"input_base64": base64.b64encode(data).decode("ascii")}
