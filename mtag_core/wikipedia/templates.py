"""What a template call leaves in the text.

A dump holds calls, not what they render, and rendering needs the wiki. In this order: the dump's
own definition where it is simple substitution, the rule of a known name, the parser functions, and
for all others where the call stands and what its arguments look like. What leaves no words becomes
a `HOLE`, which `mtag_core.wikipedia.lines` closes.
"""

from mtag_core.wikipedia.calls import Call, Place, parse_call, template_name
from mtag_core.wikipedia.parser_functions import parser_function, without_modifier
from mtag_core.wikipedia.protection import HOLE
from mtag_core.wikipedia.running_text import words_of_unknown
from mtag_core.wikipedia.site import TEMPLATE_NAMESPACE, Site
from mtag_core.wikipedia.template_rules import rule_of

_TITLE_NAMES = frozenset(
    "pagename fullpagename basepagename subpagename pagenamee लेखनाव названиестраницы назвасторінки"
    " nombredepágina nomepagina seitenname nompage".split()
)


def read_call(body: str, *, place: Place, site: Site) -> Call:
    """Reads a call.

    Args:
        body: What stands between `{{` and `}}`; links and inner calls already resolved.
        place: Where it stands.
        site: The wiki.

    Returns:
        The call; its name is the one that redirects lead to.
    """
    head, _, rest = body.partition("|")
    if ":" in head:
        head = _without_prefix(without_modifier(head), site)
    name = template_name(head)
    name = site.definitions.name_to_target.get(name, name)
    return parse_call(name, head, rest, language=site.language, place=place)


def expand(body: str, call: Call, *, title: str) -> str:
    """Says what a call of a template without a definition leaves in the text.

    Args:
        body: As for `read_call`.
        call: What `read_call` made of it.
        title: The page's title, for `{{PAGENAME}}`.

    Returns:
        Words to keep, or `HOLE`.

    Example: "convert|1300|mi|km" -> "1300 mi"; "lang|la|vita" -> "vita"; "sfn|Smith|2001" -> HOLE.
    """
    if call.name in _TITLE_NAMES:
        return title or HOLE
    rule = rule_of(call.name)
    if rule is not None:
        return rule(call) or HOLE
    if ":" in call.name:
        head, _, rest = body.partition("|")
        return parser_function(without_modifier(head), rest)
    return words_of_unknown(call)


def _without_prefix(head: str, site: Site) -> str:
    """A template's name without its namespace."""
    prefix, _, name = head.partition(":")
    is_namespace = site.namespaces.get(prefix.strip().lower()) == TEMPLATE_NAMESPACE
    return name if is_namespace else head
