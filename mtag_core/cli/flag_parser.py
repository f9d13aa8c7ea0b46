"""A parser of flags whose errors are one line that says what to do."""

import argparse
import difflib
from collections.abc import Collection, Iterable, Sequence
from itertools import takewhile
from typing import Any, NoReturn

from mtag_core.errors import UsageError

# Names that are as close as this are taken for slips, however close those of others are.
_CLOSE = 0.7


class FlagParser(argparse.ArgumentParser):
    """Raises `UsageError` instead of printing the usage and leaving; takes no shortened flags."""

    def __init__(self, *, prog: str, **arguments: Any) -> None:  # noqa: ANN401
        super().__init__(prog=prog, allow_abbrev=False, **arguments)

    def error(self, message: str) -> NoReturn:
        """Raises the message."""
        raise UsageError(f"{message}; see --help")

    @property
    def flags(self) -> list[str]:
        """The names of all flags that the help shows."""
        shown = (action for action in self._actions if action.help is not argparse.SUPPRESS)
        return [flag for action in shown for flag in action.option_strings]

    def parse_all(self, argv: Sequence[str]) -> argparse.Namespace:
        """Parses a command line on which nothing may be left over.

        Raises:
            UsageError: A flag is unknown, missing or has a wrong value.
        """
        self.check_names(argv)
        args, rest = self.parse_known_args(list(argv))
        if rest:
            raise UsageError(f"unexpected argument {rest[0]!r}; see --help")
        return args

    def check_names(self, argv: Sequence[str], *, others: Collection[str] = ()) -> None:
        """Raises for an unknown flag; said first, since a misspelt flag is then missing, too."""
        for word in takewhile(lambda word: word != "--", argv):
            name = word.partition("=")[0]
            # As argparse has it, a word with a space is a value.
            is_flag = name.startswith("--") and " " not in name
            if is_flag and name not in self._option_string_actions and name not in others:
                raise UsageError(f"unknown flag {name}; {hint(name, self.flags, others)}")


def hint(name: str, own: Iterable[str], others: Iterable[str] = ()) -> str:
    """What to do about an unknown name.

    Args:
        name: As it was written.
        own: Known names, preferred where one is close.
        others: More of them.
    """
    own = list(own)
    near = difflib.get_close_matches(name, own, n=1, cutoff=_CLOSE) or difflib.get_close_matches(
        name, [*own, *others], n=1
    )
    return f"did you mean {near[0]}?" if near else "see --help"
