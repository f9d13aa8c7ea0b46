"""The flags that say how inputs are read, made from the fields of `ReadOptions`."""

import argparse
from collections.abc import Sequence
from dataclasses import Field, fields
from typing import Any

from mtag_core.corpus import ReadOptions, formats, formats_using
from mtag_core.corpus.items import AUTO, CHOICES, HELP


def add_read_flags(group: "argparse._ArgumentGroup") -> None:
    """The flags of `ReadOptions`; the help of each says for which formats it is."""
    for option in fields(ReadOptions):
        if HELP not in option.metadata:
            continue
        users = ", ".join(each.title for each in formats_using(option.name))
        notes = "; ".join(
            note for note in (users, option.default and f"default: {option.default}") if note
        )
        group.add_argument(
            f"--{option.name}",
            default=option.default,
            type=positive if isinstance(option.default, int) else str,
            choices=_choices(option) or None,
            help=f"{option.metadata[HELP]}{f' ({notes})' if notes else ''}",
        )


def read_options(args: argparse.Namespace) -> ReadOptions:
    """What the flags of `add_read_flags` say."""
    names = (option.name for option in fields(ReadOptions) if HELP in option.metadata)
    return ReadOptions(**{name: getattr(args, name) for name in names})


def _choices(option: "Field[Any]") -> Sequence[str]:
    if option.name == "input_format":
        return (AUTO, *(each.name for each in formats()))
    choices: Sequence[str] = option.metadata[CHOICES]
    return choices


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
