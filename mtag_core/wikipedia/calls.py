"""A template call: its name, its arguments and where it stands."""

import re
from dataclasses import dataclass
from itertools import islice

from mtag_core.wikipedia.tags import HOLE

_KEY = re.compile(r"[\w -]{1,30}")
# So many characters of a line are looked at, before a call and behind it.
_WINDOW = 80
_MAX_PARTS = 40
_MAX_LINE_PARTS = 8
_NUMBERS = frozenset("123456789")


@dataclass(slots=True)
class Place:
    """Where a call stands.

    Attributes:
        parts: What the construct around it holds so far, in pieces.
        text: The page's wikitext.
        end: Where in `text` the call ends.
        is_argument: Whether it stands in another call.
    """

    parts: list[str]
    text: str
    end: int
    is_argument: bool

    def is_inner(self) -> bool:
        """Whether it stands in an argument of one line: the call around decides what is shown."""
        return self.is_argument and not any(
            "\n" in part for part in islice(reversed(self.parts), _MAX_LINE_PARTS)
        )

    def before(self) -> str:
        """The end of what stands before the call in its line."""
        found = ""
        for part in islice(reversed(self.parts), _MAX_PARTS):
            line_start = part.rfind("\n") + 1
            found = part[max(line_start, len(part) - _WINDOW) :] + found
            if line_start or len(found) >= _WINDOW:
                break
        return found

    def after(self) -> str:
        """The beginning of what stands behind the call in its line, as wikitext."""
        return self.text[self.end : self.end + _WINDOW].partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Call:
    """A template call with its arguments, stripped.

    Attributes:
        name: Lower-case name.
        written_name: The name as it is written.
        positional: Values of unnamed arguments, and of `1=`, `2=`, ... in their places.
        named: Lower-case name -> value.
        language: The wiki's, or None.
        place: Where it stands.
    """

    name: str
    written_name: str
    positional: list[str]
    named: dict[str, str]
    language: str | None
    place: Place

    def get(self, index: int) -> str:
        """The positional argument at `index`, or an empty string."""
        return self.positional[index] if index < len(self.positional) else ""

    def values(self) -> list[str]:
        """The positional arguments that are not empty."""
        return [value for value in self.positional if value]


def template_name(head: str) -> str:
    """Lower-cases a template name and unifies its spaces."""
    return " ".join(head.replace("_", " ").lower().replace(HOLE, "").split())


def parse_call(name: str, head: str, rest: str, *, language: str | None, place: Place) -> Call:
    """Splits the arguments of a call into positional and named ones.

    Args:
        name: From `template_name`.
        head: What stands before the first bar.
        rest: What stands behind it; links and inner calls already resolved.
        language: As in `Call`.
        place: As in `Call`.
    """
    positional: list[str] = []
    named: dict[str, str] = {}
    numbered: list[tuple[int, str]] = []
    for argument in rest.split("|") if rest else ():
        key, separator, value = argument.partition("=")
        # A key with markup or many words is a positional text that happens to hold "=".
        if not separator or not _KEY.fullmatch(key := key.strip().lower()):
            positional.append(argument.strip())
        elif key in _NUMBERS:
            numbered.append((int(key), value.strip()))
        else:
            named[key] = value.strip()
    for number, value in numbered:
        positional += [""] * (number - len(positional))
        positional[number - 1] = value
    return Call(name, " ".join(head.split()), positional, named, language, place)
