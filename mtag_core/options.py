"""Options of commands as dataclasses, and command-line flags made from them.

The options of a command are one frozen dataclass. A field made by `option` has a flag of the same
name; any other keeps its default. A field whose type is a dataclass is a group of options that
several commands share: its flags stand beside the others.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from types import UnionType
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

_HELP, _CHOICES, _METAVAR = "help", "choices", "metavar"
Options = TypeVar("Options")


def option(
    help_line: str, default: object = MISSING, *, choices: tuple[str, ...] = (), metavar: str = ""
) -> Any:  # noqa: ANN401 (a field of any type)
    """A field with a flag.

    Args:
        help_line: What the flag is for, with the unit; the default is added to it.
        default: None, False and () are not shown; without a default the flag is required.
        choices: The values that are allowed; any, if empty.
        metavar: What stands for the value in the help.
    """
    metadata = {_HELP: help_line, _CHOICES: choices, _METAVAR: metavar}
    return field(metadata=metadata) if default is MISSING else field(
        default=default, metadata=metadata
    )  # fmt: skip


def group(default: object) -> Any:  # noqa: ANN401 (a field of any type)
    """A field that holds a group of options, with the command's defaults."""
    return field(default_factory=lambda: default)


class Flags(Generic[Options]):
    """The flags of one command.

    Types of fields: str, int, float, bool (a flag without a value), Path, one of them or None, and
    tuples of any length, whose flag takes several values.
    """

    def __init__(self, options: type[Options], **defaults: object) -> None:
        """Describes a command.

        Args:
            options: Its dataclass.
            defaults: By field name; they replace the dataclass' own, groups' included.
        """
        self.options = options
        self._defaults = defaults

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Adds the flags."""
        for flag in _flags(self.options, self._defaults):
            parser.add_argument(f"--{flag.name}", **flag.arguments())

    def parse(self, args: argparse.Namespace) -> Options:
        """Makes the options from parsed flags."""
        options: Options = _parsed(self.options, {**self._defaults, **vars(args)})
        return options


@dataclass(frozen=True, slots=True)
class _Flag:
    name: str
    kind: Any
    default: object
    metadata: Mapping[str, Any]

    def arguments(self) -> dict[str, Any]:
        """What `add_argument` takes."""
        help_line: str = self.metadata[_HELP]
        arguments: dict[str, Any] = {"help": help_line.replace("%", "%%")}
        if self.default is MISSING:
            arguments["required"] = True
        elif self.default not in (None, False, (), ""):
            arguments |= {"default": self.default}
            arguments["help"] += f" (default: {_shown(self.default)})".replace("%", "%%")
        else:
            arguments["default"] = self.default
        if self.kind is bool:
            return arguments | {"action": "store_true"}
        if get_origin(self.kind) is tuple:
            arguments |= {"nargs": "+", "type": get_args(self.kind)[0]}
        else:
            arguments["type"] = self.kind
        arguments |= {key: self.metadata[key] for key in (_CHOICES, _METAVAR) if self.metadata[key]}
        return arguments


def _flags(options: Any, defaults: Mapping[str, object]) -> Iterator[_Flag]:  # noqa: ANN401
    kinds = get_type_hints(options if isinstance(options, type) else type(options))
    for each in fields(options):
        own = _default(each) if isinstance(options, type) else getattr(options, each.name)
        if is_dataclass(kinds[each.name]):
            yield from _flags(own, defaults)
        elif _HELP in each.metadata:
            default = defaults.get(each.name, own)
            yield _Flag(each.name, _without_none(kinds[each.name]), default, each.metadata)


def _parsed(options: Any, values: Mapping[str, object]) -> Any:  # noqa: ANN401
    kinds = get_type_hints(options if isinstance(options, type) else type(options))
    found: dict[str, Any] = {}
    for each in fields(options):
        if is_dataclass(kinds[each.name]):
            own = _default(each) if isinstance(options, type) else getattr(options, each.name)
            found[each.name] = _parsed(own, values)
        elif each.name in values:
            value = values[each.name]
            found[each.name] = tuple(value) if isinstance(value, list) else value
    return options(**found) if isinstance(options, type) else replace(options, **found)


def _default(each: Field[Any]) -> object:
    return each.default if each.default_factory is MISSING else each.default_factory()


def _without_none(kind: Any) -> Any:  # noqa: ANN401
    """The type of a flag's value: `Path` for `Path | None`."""
    if isinstance(kind, UnionType):
        (kind,) = (part for part in get_args(kind) if part is not type(None))
    return kind


def _shown(default: object) -> str:
    return " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
