"""Parser functions: conditions, letter case and numbers. The others leave a hole."""

from collections.abc import Callable

from mtag_core.wikipedia.protection import HOLE

_MODIFIERS = ("subst:", "safesubst:", "msg:")


def without_modifier(head: str) -> str:
    """A call's head without `subst:` and its like."""
    stripped = head.lstrip()
    for modifier in _MODIFIERS:
        if stripped[: len(modifier)].lower() == modifier:
            return stripped[len(modifier) :]
    return head


def parser_function(head: str, rest: str) -> str:
    """What a parser function leaves.

    Args:
        head: What stands before the first bar, with the colon.
        rest: What stands behind it, already resolved.

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
