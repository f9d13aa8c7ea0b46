"""A template call: its name, its arguments and where it stands; calls of parser functions."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from mtag_core.wikipedia.site import TEMPLATE_NAMESPACE, Site
from mtag_core.wikipedia.tags import HOLE

_KEY = re.compile(r"[\w -]{1,30}")
# So many characters of a line are looked at, before a call and behind it.
_WINDOW = 80
_MAX_PARTS = 40
_MAX_LINE_PARTS = 8
_NUMBERS = frozenset("123456789")
_MODIFIERS = ("subst:", "safesubst:", "msg:")


@dataclass(slots=True)
class Place:
    """Where a call stands: `parts` hold what the construct around it holds so far, in pieces.

    The call ends at `end` in the page's wikitext; as an argument it stands in another call.
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
    """A template call with its arguments, stripped, and the wiki's language, if known.

    Names are lower-case but for the written one. Positional values are those of unnamed arguments,
    and of `1=`, `2=`, ... in their places.
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


def parse_call(name: str, head: str, rest: str, *, language: str | None, place: Place) -> Call:
    """Splits the arguments of a call into positional and named ones; inner calls are resolved."""
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


def name_of(head: str, site: Site) -> str:
    """The name of the template that a call means, behind redirects; `head` is before the bar."""
    if ":" in head:
        head = _without_prefix(without_modifier(head), site)
    name = " ".join(head.replace("_", " ").lower().replace(HOLE, "").split())
    return site.definitions.name_to_target.get(name, name)


def _without_prefix(head: str, site: Site) -> str:
    prefix, _, name = head.partition(":")
    is_namespace = site.namespaces.get(prefix.strip().lower()) == TEMPLATE_NAMESPACE
    return name if is_namespace else head


def without_modifier(head: str) -> str:
    """A call's head without `subst:` and its like."""
    stripped = head.lstrip()
    for modifier in _MODIFIERS:
        if stripped[: len(modifier)].lower() == modifier:
            return stripped[len(modifier) :]
    return head


def parser_function(head: str, rest: str) -> str:
    """What a parser function leaves; the head stands before the first bar, with the colon.

    Example: "#if: x", "yes|no" -> "yes"; "uc:word", "" -> "WORD"; "#expr: 1+1", "" -> HOLE.
    """
    name, _, argument = head.strip().partition(":")
    function = _FUNCTIONS.get(name.strip().lower())
    return function(argument.strip(), rest.split("|")) or HOLE if function else HOLE


def _if(value: str, cases: list[str]) -> str:
    return _case(cases, 0 if value.strip(HOLE) else 1)


def _if_equal(value: str, cases: list[str]) -> str:
    return _case(cases[1:], 0 if value == cases[0].strip() else 1)


def _switch(value: str, cases: list[str]) -> str:
    default, is_found = "", False
    for case in cases:
        name, has_text, text = case.partition("=")
        name = name.strip()
        is_found = is_found or name == value
        if has_text and is_found:
            return text.strip()
        if has_text and name == "#default":
            default = text
    # A last case without a name is the default.
    return (default if "=" in cases[-1] else cases[-1]).strip()


def _plural(value: str, cases: list[str]) -> str:
    return _case(cases, 0 if value == "1" else len(cases) - 1)


def _case(cases: list[str], index: int) -> str:
    return cases[index].strip() if index < len(cases) else ""


def _same(value: str, _cases: list[str]) -> str:
    return value


_FUNCTIONS: dict[str, Callable[[str, list[str]], str]] = {
    "#if": _if,
    "#ifeq": _if_equal,
    "#switch": _switch,
    "plural": _plural,
    "formatnum": _same,
    "nowrap": _same,
    "anchorencode": _same,
    "lc": lambda value, _cases: value.lower(),
    "uc": lambda value, _cases: value.upper(),
    "lcfirst": lambda value, _cases: value[:1].lower() + value[1:],
    "ucfirst": lambda value, _cases: value[:1].upper() + value[1:],
}
