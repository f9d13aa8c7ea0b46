"""Resolves templates, tables, links and language conversion of wikitext in one linear pass.

A stack of open constructs is kept instead of recursion, so that depth costs no Python stack and
each character is copied at most once a level. Constructs that are closed wrongly or never are
treated as text, since articles hold many.

A dump holds calls, not what they render, and rendering needs the wiki. In this order: the dump's
own definition where it is simple substitution, the rule of a known name, the parser functions, and
for all others where the call stands and what its arguments look like. What leaves no words becomes
a `HOLE`, which `mtag_core.wikipedia.wikitext` closes.

Language conversion is `-{...}-` in wikis whose language is written in several ways. `-{text}-`
keeps a text from being converted, `-{zh-hans:A; zh-hant:B}-` has a text for each variant, and flags
before a bar say what else is meant: a rule for the whole page (H, -), a title (T), a rule that is
also shown (A), its description (D), text as it is (R), a variant's name (N), or the variants in
which the text is converted (MediaWiki, includes/language/ConverterRule.php).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from mtag_core.wikipedia.calls import (
    Call,
    Place,
    name_of,
    parse_call,
    parser_function,
    without_modifier,
)
from mtag_core.wikipedia.site import Site, is_language_prefix, is_sister_prefix
from mtag_core.wikipedia.tags import HOLE
from mtag_core.wikipedia.templates import Rule, is_silent, rule_of, words_of_unknown

# Languages with a converter; a variant is one of them with a script or region.
_LANGUAGES = "zh sr kk ku uz iu ike tg gan crh shi ban sh wuu tly zgh mni en-x".split()
_CODE = rf"(?:{'|'.join(_LANGUAGES)})(?:-[a-z]{{2,10}}){{0,2}}"
_IS_CODE = re.compile(_CODE, re.IGNORECASE)
# A semicolon ends a variant's text only where the next variant begins.
_SEPARATOR = re.compile(
    rf";(?=\s*+(?:{_CODE}\s*+:|[^;=]*+(?:=(?!>)[^;=]*+)*+=>\s*+{_CODE}\s*+:|\Z))", re.IGNORECASE
)
_HIDDEN = frozenset("HTN-")
# MediaWiki itself stops expanding at a depth of 100 ($wgMaxPPExpandDepth).
MAX_DEPTH = 100
# Definitions may call others and double their arguments: what a page makes of them stays linear.
_MAX_EXPANSION_DEPTH = 8
_EXPANSION_FACTOR = 4
_EXPANSION_CHARACTERS = 20_000
# In "-{{{x}}}-" the braces are a conversion's and a call's.
_TOKEN = re.compile(
    # A call without brackets in it: most calls.
    r"(?<!\{)\{\{(?!\{)([^{}\[\]]*+)\}\}(?![}-])"
    # In "-{{{x}}}-" the braces are a conversion's and a call's.
    r"|-\{(?!\{)|-\{(?=\{\{)|\}-|\{\{+|\}\}+|\[\[|\]\]|\{\||\|\}(?!-|\}(?!\}))"
)
# A link without brackets in it: most links.
_SIMPLE_LINK = re.compile(r"\[\[([^\[\]{}\n]*+)\]\]")
_KINDS = ("{{", "{{{", "{|", "[[", "-{")
_LINE_BLANKS = " \t:*#"
_TITLE_NAMES = frozenset(
    "pagename fullpagename basepagename subpagename pagenamee लेखनाव названиестраницы назвасторінки"
    " nombredepágina nomepagina seitenname nompage".split()
)


def shown_variant(body: str) -> str:
    """The text that a conversion shows, of what stands between `-{` and `}-`.

    Links and calls are resolved already.

    Returns:
        The first variant's text, the whole text where it names no variants, or an empty string
        where the rule is hidden.

    Example: "zh-hans:A; zh-hant:B" -> "A"; "Blue Hour: The Return" -> itself; "H|zh-cn:A" -> "".
    """
    head, bar, rules = body.partition("|")
    if not bar:
        return _first_text(body)
    flags = {flag.strip() for flag in head.split(";")}
    if "R" in flags or any(map(_IS_CODE.fullmatch, flags)):
        return rules
    if flags & _HIDDEN:
        return ""
    texts = variant_texts(rules)
    return "; ".join(texts) if "D" in flags and texts else _first_text(rules)


def variant_texts(rules: str) -> list[str]:
    """The texts of rules such as `zh-cn:A; zh-tw:B` or `C=>zh-cn:A`, in order.

    None where something is no rule: then all of it is text.
    """
    texts = []
    for rule in _SEPARATOR.split(rules):
        name, colon, text = rule.partition(":")
        if not colon and not rule.strip():
            continue
        if not _IS_CODE.fullmatch(name.rpartition("=>")[2].strip()):
            return []
        texts.append(text.strip())
    return [text for text in texts if text]


def _first_text(rules: str) -> str:
    return next(iter(variant_texts(rules)), rules)


def expand(name: str, body: str, *, title: str, site: Site, place: Place) -> str:
    """Says what a call of a template without a definition leaves: words to keep, or `HOLE`.

    The body is what stands between the braces; links and inner calls are resolved already.

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
    rule = rule_of(name)
    if rule is None and not is_silent(name):
        return words_of_unknown
    return rule


class WikitextError(ValueError):
    """Wikitext that is not worth reading; the message says why."""


@dataclass(slots=True)
class _Frame:
    """An open construct: "{{", "{{{", "{|", "[[", "-{", or "" for the page itself."""

    kind: str
    parts: list[str] = field(default_factory=list)


def resolve_brackets(text: str, *, title: str, site: Site) -> str:
    """Replaces templates, tables and links of wikitext by the words they show, or by `HOLE`.

    Comments and extension tags are gone already.

    Raises:
        WikitextError: Constructs nest deeper than `MAX_DEPTH`.
    """
    budget = _Budget(_EXPANSION_FACTOR * len(text) + _EXPANSION_CHARACTERS)
    return _Resolver(text, title, site, budget).run()


@dataclass(slots=True)
class _Budget:
    """Characters of definitions that a page may still put in its text."""

    n_characters: int


@dataclass(slots=True)
class _Resolver:
    """The stack and what happens at each token.

    Attributes:
        arguments: Of the call whose definition is resolved; None for a page.
        n_open: Frames of each kind: a closer without an opener need not search.
    """

    text: str
    title: str
    site: Site
    budget: _Budget
    arguments: Mapping[str, str] | None = None
    depth: int = 0
    stack: list[_Frame] = field(init=False, default_factory=lambda: [_Frame("")])
    n_open: dict[str, int] = field(init=False, default_factory=lambda: dict.fromkeys(_KINDS, 0))

    def run(self) -> str:
        """Goes through the tokens of the text once."""
        text = self.text = _SIMPLE_LINK.sub(self._simple_link, self.text)
        position = 0
        for match in _TOKEN.finditer(text):
            start = match.start()
            if start > position:
                self.stack[-1].parts.append(text[position:start])
            position = match.end()
            if match[1] is not None:
                self.stack[-1].parts.append(self._template(match[1], position))
            else:
                position += self._token(match[0], start)
        self.stack[-1].parts.append(text[position:])
        while len(self.stack) > 1:
            self._abandon()
        return "".join(self.stack[0].parts)

    def _token(self, token: str, start: int) -> int:
        end = start + len(token)
        if token == "[[" or token == "-{":
            self._open(token)
        elif token == "]]":
            self._close("[[", end)
        elif token == "}-":
            if not self._close("-{", end):
                self.stack[-1].parts.append(token)
        elif token[0] == "{" and token[1] == "{":
            self._open_braces(len(token))
        elif token[0] == "}":
            return self._close_braces(len(token), end)
        elif _starts_line(self.text, start):
            if token == "{|":
                self._open("{|")
            else:
                self._close("{|", end)
        return 0

    def _open(self, kind: str) -> None:
        if len(self.stack) > MAX_DEPTH:
            raise WikitextError(f"templates, tables and links nested more than {MAX_DEPTH} deep")
        self.stack.append(_Frame(kind))
        self.n_open[kind] += 1

    def _open_braces(self, n_braces: int) -> None:
        for _ in range((n_braces - 3 if n_braces % 2 else n_braces) // 2):
            self._open("{{")
        if n_braces % 2:
            self._open("{{{")

    def _close_braces(self, n_braces: int, end: int) -> int:
        while n_braces >= 2 and (self.n_open["{{"] or self.n_open["{{{"]):
            kind = self._innermost_braces()
            n_braces -= 3 if kind == "{{{" and n_braces >= 3 else 2
            self._close(kind, end - n_braces)
        if n_braces == 1 and self.text[end : end + 1] == "-" and self._close("-{", end):
            return 1
        if n_braces == 1:
            self.stack[-1].parts.append("}")
        return 0

    def _innermost_braces(self) -> str:
        return next(frame.kind for frame in reversed(self.stack) if frame.kind in ("{{", "{{{"))

    def _close(self, kind: str, end: int) -> bool:
        if not self.n_open[kind]:
            return False
        while self.stack[-1].kind != kind:
            self._abandon()
        body = "".join(self._pop().parts)
        self.stack[-1].parts.append(self._resolve(kind, body, end))
        return True

    def _pop(self) -> _Frame:
        frame = self.stack.pop()
        self.n_open[frame.kind] -= 1
        return frame

    def _abandon(self) -> None:
        frame = self._pop()
        body = "".join(frame.parts)
        if frame.kind == "-{":
            body = f"-{{{body}"
        elif frame.kind != "[[":
            body = HOLE + body[body.find("\n") :] if "\n" in body else HOLE
        self.stack[-1].parts.append(body)

    def _resolve(self, kind: str, body: str, end: int) -> str:
        if kind == "[[":
            return self._link(body)
        if kind == "{{":
            return self._template(body, end)
        if kind == "-{":
            return shown_variant(body)
        return self._parameter(body) if kind == "{{{" else "\n\n"

    def _template(self, body: str, end: int) -> str:
        around = self.stack[-1]
        is_argument = around.kind in ("{{", "{{{", "-{") or self.arguments is not None
        place = Place(around.parts, self.text, end, is_argument)
        head, _, rest = body.partition("|")
        name = name_of(head, self.site)
        definition = self.site.definitions.name_to_text.get(name)
        if definition is not None:
            call = parse_call(name, head, rest, language=self.site.language, place=place)
            return self._substitute(definition, call) or HOLE
        return expand(name, body, title=self.title, site=self.site, place=place)

    def _substitute(self, definition: str, call: Call) -> str:
        values = {str(index): value for index, value in enumerate(call.positional, start=1)}
        n_characters = len(definition) + sum(map(len, call.positional))
        self.budget.n_characters -= n_characters
        if self.budget.n_characters < 0 or self.depth >= _MAX_EXPANSION_DEPTH:
            return HOLE
        arguments, depth = call.named | values, self.depth + 1
        inner = replace(self, text=definition, arguments=arguments, depth=depth)
        return inner.run().strip()

    def _parameter(self, body: str) -> str:
        name, _, default = body.partition("|")
        return (self.arguments or {}).get(name.strip().lower(), default)

    def _simple_link(self, match: re.Match[str]) -> str:
        return self._link(match[1])

    def _link(self, body: str) -> str:
        target, separator, label = body.partition("|")
        prefix, colon, _ = target.partition(":")
        if colon:
            prefix = prefix.strip().replace("_", " ").lower()
            if prefix in self.site.silent_names:
                return HOLE
            if not separator and is_language_prefix(prefix) and target.lstrip().startswith(prefix):
                return HOLE
            if not separator and is_sister_prefix(prefix):
                return target.partition(":")[2].strip()
        if separator:
            return label.rpartition("|")[2] if "|" in label else label
        return target.strip().removeprefix(":").replace("_", " ")


def _starts_line(text: str, start: int) -> bool:
    before = text[max(0, start - 20) : start].rstrip(_LINE_BLANKS)
    return not before or before[-1] in "\n\r"
