"""What a template call leaves in the text.

A dump holds calls, not what they render, and rendering needs the wiki. In this order: the dump's
own definition where it is simple substitution, the rule of a known name, the parser functions, and
for all others where the call stands and what its arguments look like. What leaves no words becomes
a `HOLE`, which `mtag_core.wikipedia.wikitext` closes.
"""

from collections.abc import Callable
from functools import lru_cache

from mtag_core.wikipedia.calls import Place, parse_call, template_name
from mtag_core.wikipedia.protection import HOLE
from mtag_core.wikipedia.running_text import is_silent, words_of_unknown
from mtag_core.wikipedia.site import TEMPLATE_NAMESPACE, Site
from mtag_core.wikipedia.template_rules import Rule, rule_of

_MODIFIERS = ("subst:", "safesubst:", "msg:")
_TITLE_NAMES = frozenset(
    "pagename fullpagename basepagename subpagename pagenamee लेखनाव названиестраницы назвасторінки"
    " nombredepágina nomepagina seitenname nompage".split()
)


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


def name_of(head: str, site: Site) -> str:
    """The name of the template that a call means, behind redirects; `head` is before the bar."""
    if ":" in head:
        head = _without_prefix(without_modifier(head), site)
    name = template_name(head)
    return site.definitions.name_to_target.get(name, name)


def expand(name: str, body: str, *, title: str, site: Site, place: Place) -> str:
    """Says what a call of a template without a definition leaves in the text.

    Args:
        name: From `name_of`.
        body: What stands between `{{` and `}}`; links and inner calls already resolved.
        title: The page's title, for `{{PAGENAME}}`.
        site: The wiki.
        place: Where the call stands.

    Returns:
        Words to keep, or `HOLE`.

    Example: "convert|1300|mi|km" -> "1300 mi"; "lang|la|vita" -> "vita"; "sfn|Smith|2001" -> HOLE.
    """
    if name in _TITLE_NAMES:
        return title or HOLE
    head, _, rest = body.partition("|")
    rule = _rule_of(name)
    if rule is None:
        return parser_function(without_modifier(head), rest) if ":" in name else HOLE
    call = parse_call(name, head, rest, language=site.language, place=place)
    words = rule(call)
    if not words and not rest:
        # A name may be a country's code besides.
        words = words_of_unknown(call)
    return words or HOLE


@lru_cache(maxsize=10_000)
def _rule_of(name: str) -> Rule | None:
    """The rule for a name; None where the name alone says that the call leaves nothing."""
    rule = rule_of(name)
    if rule is None and not is_silent(name):
        return words_of_unknown
    return rule


def _without_prefix(head: str, site: Site) -> str:
    prefix, _, name = head.partition(":")
    is_namespace = site.namespaces.get(prefix.strip().lower()) == TEMPLATE_NAMESPACE
    return name if is_namespace else head
