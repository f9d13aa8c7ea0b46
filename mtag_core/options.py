"""Options of commands as dataclasses, and command-line flags made from them.

The options of a command are one frozen dataclass. A field made by `option` has a flag of the same
name; any other keeps its default. A field whose type is a dataclass is a group of options that
several commands share: its flags stand beside the others. Values that have a range are read by
functions such as `positive`: an error says what was given and what is expected; argparse adds the
flag's name.
"""

import argparse
import codecs
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from math import inf
from pathlib import Path
from types import UnionType
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints


def whole(text: str) -> int:
    """A whole number, below 0 too."""
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a whole number") from None


def number(text: str) -> float:
    """A finite number."""
    value = _number(text)
    if value is None or not -inf < value < inf:
        raise ArgumentTypeError(f"{text!r} is not a number")
    return value


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def not_negative(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def ratio(text: str) -> float:
    """A number from 0 to 1."""
    value = _number(text)
    if value is None or not 0.0 <= value <= 1.0:
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def seconds(text: str) -> float:
    """A finite number above 0."""
    value = _number(text)
    if value is None or not 0.0 < value < inf:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def positive_numbers(text: str) -> tuple[float, ...]:
    """Numbers above 0, separated by commas."""
    values = [_number(part) for part in text.split(",")]
    if not all(value is not None and 0.0 < value < inf for value in values):
        raise ArgumentTypeError(f"{text!r} is no list of numbers above 0, such as 1,3")
    return tuple(value for value in values if value is not None)


def known_encoding(text: str) -> str | None:
    """The name of a text encoding; None for UTF-8."""
    try:
        name = codecs.lookup(text).name
        codecs.getincrementaldecoder(name)().decode(b"a").encode()
    except (LookupError, TypeError, AttributeError, ValueError):
        expected = "an encoding, such as latin-1, cp1252, gb18030 or euc-jp"
        raise ArgumentTypeError(f"{text!r} is not {expected}") from None
    return None if name in ("utf-8", "ascii") else name


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


_META = "option"
# Type of a field -> what reads a word, and what stands for the value in the help.
_KINDS: dict[object, tuple[Callable[[str], object], str]] = {
    int: (whole, "N"),
    float: (number, "X"),
    Path: (Path, "PATH"),
    str: (str, "TEXT"),
}
_SECTION = "section"
Options = TypeVar("Options")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meta:
    help: str
    choices: tuple[str, ...]
    metavar: str
    parse: Callable[[str], object] | None
    split: Callable[[Sequence[Any]], tuple[object, ...]]
    is_positional: bool
    short: str
    formerly: str
    section: str


def option(
    help_line: str,
    default: object = MISSING,
    *,
    choices: tuple[str, ...] = (),
    metavar: str = "",
    parse: Callable[[str], object] | None = None,
    split: Callable[[Sequence[Any]], tuple[object, ...]] = tuple,
    is_positional: bool = False,
    short: str = "",
    formerly: str = "",
    section: str = "",
) -> Any:  # noqa: ANN401 (a field of any type)
    """A field with a flag.

    Args:
        help_line: What the flag is for, with the unit; the default is added to it.
        default: None, False and () are not shown; without a default the flag is required.
        choices: The values that are allowed; any, if empty.
        metavar: What stands for the value in the help.
        parse: Makes the value from a word, such as `positive`; by default the field's type does.
        split: Makes the value of a tuple field from all its values, such as by commas.
        is_positional: Takes a word that follows no flag.
        short: Another name, such as `-v`.
        formerly: An old name; it works, is not shown, and prints a line.
        section: Title of the flags that the help shows together.
    """
    meta = _Meta(
        help=help_line,
        choices=choices,
        metavar=metavar,
        parse=parse,
        split=split,
        is_positional=is_positional,
        short=short,
        formerly=formerly,
        section=section,
    )
    metadata = {_META: meta}
    if default is MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


def group(default: object = MISSING, *, section: str = "") -> Any:  # noqa: ANN401
    """A field that holds a group of options; if left out, the defaults of its class hold.

    The section is that of its flags that name none of their own.
    """
    metadata = {_SECTION: section}
    if default is MISSING:
        return field(metadata=metadata)
    return field(default_factory=lambda: default, metadata=metadata)


class Flags(Generic[Options]):
    """The flags of one command.

    Types of fields: str, a Literal of strings, int, float, bool, Path, one of them or None, and
    tuples of any length. The flag of a bool takes no value; where the default is True, there is
    one with `--no-` before its name, too. The flag of a tuple may be repeated and takes several
    values at a time; one where a word that follows no flag would be among them.
    """

    def __init__(self, options: type[Options]) -> None:
        self.options = options

    def add_to(
        self,
        parser: argparse.ArgumentParser,
        *,
        choices: Mapping[str, Sequence[str]] | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> None:
        """Adds the flags, in sections where the options name some.

        `choices` are values of fields that the class cannot know, `notes` stand behind their help.
        """
        sections: dict[str, argparse._ActionsContainer] = {"": parser}
        flags = [
            _with(flag, choices=(choices or {}).get(flag.name), note=(notes or {}).get(flag.name))
            for flag in _flags(self.options)
        ]
        several = {"action": "extend", "nargs": "+"}
        if any(flag.meta.is_positional for flag in flags):
            several = {"action": "append"}
        for flag in flags:
            title = flag.section
            if title not in sections:
                sections[title] = parser.add_argument_group(title)
            arguments = flag.arguments() | (several if flag.is_tuple else {})
            action = sections[title].add_argument(*flag.names(), **arguments)
            if flag.meta.formerly:
                parser.add_argument(f"--{flag.meta.formerly}", action=_Renamed, new=action)

    def parse(self, args: argparse.Namespace) -> Options:
        """Makes the options from parsed flags."""
        given = {name: value for name, value in vars(args).items() if value is not None}
        options: Options = _parsed(self.options, given)
        return options


@dataclass(frozen=True, slots=True)
class _Flag:
    name: str
    kind: Any
    default: object
    meta: _Meta
    section: str

    @property
    def is_tuple(self) -> bool:
        return get_origin(self.kind) is tuple

    def names(self) -> list[str]:
        if self.meta.is_positional:
            return [self.name]
        return [*filter(None, [self.meta.short]), f"--{self.name}"]

    def arguments(self) -> dict[str, Any]:
        """What `add_argument` takes."""
        arguments = self._value() | {"help": self._help()}
        if self.meta.is_positional:
            return arguments | ({} if self.default is MISSING else {"nargs": "?"})
        return arguments | {"required": self.default is MISSING}

    def _value(self) -> dict[str, Any]:
        if self.kind is bool:
            action = argparse.BooleanOptionalAction if self.default is True else "store_true"
            return {"action": action, "default": self.default}
        kind = get_args(self.kind)[0] if self.is_tuple else self.kind
        choices = get_args(kind) if get_origin(kind) is Literal else self.meta.choices
        read, metavar = _KINDS[str if get_origin(kind) is Literal else kind]
        # To the values of a tuple's default argparse would add the given ones.
        is_left_out = self.is_tuple or self.default is MISSING
        value: dict[str, Any] = {
            "type": self.meta.parse or read,
            "default": None if is_left_out else self.default,
        }
        if choices:
            return value | {"choices": choices}
        return value | {"metavar": self.meta.metavar or metavar}

    def _help(self) -> str:
        shown = "yes" if self.default is True else _shown(self.default)
        is_bare = self.default is MISSING or self.default in (None, False, (), "")
        text = self.meta.help if is_bare else f"{self.meta.help} (default: {shown})"
        return text.replace("%", "%%")


class _Renamed(argparse.Action):
    """An old name: does what the new one does, and prints a line."""

    def __init__(self, option_strings: list[str], dest: str, *, new: argparse.Action) -> None:
        kind: Any = new.type
        super().__init__(option_strings, dest, new.nargs, type=kind, help=argparse.SUPPRESS)
        self._new = new

    def __call__(self, parser: argparse.ArgumentParser, *args: Any) -> None:  # noqa: ANN401
        new_name = self._new.option_strings[-1]
        print(f"mtag: {self.option_strings[0]} is now {new_name}", file=sys.stderr)
        self._new(parser, *args)


def _with(flag: _Flag, *, choices: Sequence[str] | None, note: str | None) -> _Flag:
    meta = flag.meta
    if choices:
        meta = replace(meta, choices=tuple(choices))
    if note:
        meta = replace(meta, help=f"{meta.help} ({note})")
    return replace(flag, meta=meta)


def _flags(
    options: Any,  # noqa: ANN401 (a dataclass or one of its objects)
    section: str = "",
) -> Iterator[_Flag]:
    kinds = get_type_hints(options if isinstance(options, type) else type(options))
    for each in fields(options):
        if is_dataclass(kinds[each.name]):
            title = each.metadata.get(_SECTION) or section
            yield from _flags(_own(options, each, kinds[each.name]), title)
        elif meta := each.metadata.get(_META):
            default, kind = _own(options, each, MISSING), _without_none(kinds[each.name])
            yield _Flag(each.name, kind, default, meta, meta.section or section)


def _parsed(options: Any, values: Mapping[str, object]) -> Any:  # noqa: ANN401
    kinds = get_type_hints(options if isinstance(options, type) else type(options))
    found: dict[str, Any] = {}
    for each in fields(options):
        if is_dataclass(kinds[each.name]):
            found[each.name] = _parsed(_own(options, each, kinds[each.name]), values)
        elif each.name in values:
            value = values[each.name]
            meta = each.metadata.get(_META)
            found[each.name] = meta.split(value) if meta and isinstance(value, list) else value
    return options(**found) if isinstance(options, type) else replace(options, **found)


def _own(options: object, each: Field[Any], otherwise: object) -> object:
    if not isinstance(options, type):
        return getattr(options, each.name)
    if each.default_factory is not MISSING:
        return each.default_factory()
    return otherwise if each.default is MISSING else each.default


def _without_none(kind: Any) -> Any:  # noqa: ANN401
    if get_origin(kind) in (Union, UnionType):
        (kind,) = (part for part in get_args(kind) if part is not type(None))
    return kind


def _shown(default: object) -> str:
    return " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
