"""Resolves templates, tables and links of wikitext in one linear pass.

A stack of open constructs is kept instead of recursion, so that depth costs no Python stack and
each character is copied at most once a level. Constructs that are closed wrongly or never are
treated as text, since articles hold many.
"""

import re
from dataclasses import dataclass, field

from mtag_core.wikipedia.namespaces import (
    COMMON_SILENT_NAMES,
    is_language_prefix,
    is_sister_prefix,
)
from mtag_core.wikipedia.templates import HOLE, expand

# MediaWiki itself stops expanding at a depth of 100 ($wgMaxPPExpandDepth).
MAX_DEPTH = 100

_TOKEN = re.compile(r"\{\{+|\}\}+|\[\[|\]\]|\{\||\|\}(?!\}(?!\}))")
_LINE_BLANKS = " \t:*#"


class WikitextError(ValueError):
    """Wikitext that is not worth reading; the message says why."""


@dataclass(slots=True)
class _Frame:
    """An open construct: "{{", "{{{", "{|", "[[", or "" for the page itself."""

    kind: str
    parts: list[str] = field(default_factory=list)


def resolve_brackets(
    text: str, *, title: str = "", silent_names: frozenset[str] = COMMON_SILENT_NAMES
) -> str:
    """Replaces templates, tables and links by the words they show.

    Args:
        text: Wikitext without comments and extension tags.
        title: The page's title, for `{{PAGENAME}}`.
        silent_names: Lower-case names of the namespaces whose links show nothing.

    Returns:
        Text with `HOLE` where something was dropped.

    Raises:
        WikitextError: Constructs nest deeper than `MAX_DEPTH`.
    """
    return _Resolver(title, silent_names).run(text)


class _Resolver:
    """The stack and what happens at each token."""

    def __init__(self, title: str, silent_names: frozenset[str]) -> None:
        self._title = title
        self._silent_names = silent_names
        self._stack = [_Frame("")]
        # How many frames of each kind are open: a closer without an opener need not search.
        self._n_open = {"{{": 0, "{{{": 0, "{|": 0, "[[": 0}

    def run(self, text: str) -> str:
        """Goes through the tokens of `text` once."""
        position = 0
        for match in _TOKEN.finditer(text):
            start = match.start()
            if start > position:
                self._stack[-1].parts.append(text[position:start])
            position = match.end()
            self._token(match[0], text, start)
        self._stack[-1].parts.append(text[position:])
        while len(self._stack) > 1:
            self._abandon()
        return "".join(self._stack[0].parts)

    def _token(self, token: str, text: str, start: int) -> None:
        """Opens or closes constructs at one token."""
        if token == "[[":
            self._open("[[")
        elif token == "]]":
            self._close("[[")
        elif token[0] == "{" and token[1] == "{":
            self._open_braces(len(token))
        elif token[0] == "}":
            self._close_braces(len(token))
        elif _starts_line(text, start):
            if token == "{|":
                self._open("{|")
            else:
                self._close("{|")

    def _open(self, kind: str) -> None:
        if len(self._stack) > MAX_DEPTH:
            raise WikitextError(f"templates, tables and links nested more than {MAX_DEPTH} deep")
        self._stack.append(_Frame(kind))
        self._n_open[kind] += 1

    def _open_braces(self, n_braces: int) -> None:
        """Opens templates for pairs of braces and a parameter for three."""
        for _ in range((n_braces - 3 if n_braces % 2 else n_braces) // 2):
            self._open("{{")
        if n_braces % 2:
            self._open("{{{")

    def _close_braces(self, n_braces: int) -> None:
        """Closes parameters and templates; braces that close nothing are dropped."""
        while n_braces >= 2 and (self._n_open["{{"] or self._n_open["{{{"]):
            kind = self._innermost_braces()
            self._close(kind)
            n_braces -= 3 if kind == "{{{" and n_braces >= 3 else 2
        if n_braces == 1:
            self._stack[-1].parts.append("}")

    def _innermost_braces(self) -> str:
        """The kind of the innermost open template or parameter."""
        return next(frame.kind for frame in reversed(self._stack) if frame.kind in ("{{", "{{{"))

    def _close(self, kind: str) -> None:
        """Closes the innermost construct of a kind; what is open inside it becomes text."""
        if not self._n_open[kind]:
            return
        while self._stack[-1].kind != kind:
            self._abandon()
        body = "".join(self._pop().parts)
        self._stack[-1].parts.append(self._resolve(kind, body))

    def _pop(self) -> _Frame:
        frame = self._stack.pop()
        self._n_open[frame.kind] -= 1
        return frame

    def _abandon(self) -> None:
        """Treats the innermost construct as text: nothing closes it.

        Of a template the first line is dropped: it is its name and arguments.
        """
        frame = self._pop()
        body = "".join(frame.parts)
        if frame.kind != "[[":
            body = HOLE + body[body.find("\n") :] if "\n" in body else HOLE
        self._stack[-1].parts.append(body)

    def _resolve(self, kind: str, body: str) -> str:
        """The words that a closed construct shows."""
        if kind == "[[":
            return self._link(body)
        if kind == "{{":
            return expand(body, title=self._title)
        # A parameter of a template page shows its default.
        return body.partition("|")[2] if kind == "{{{" else "\n\n"

    def _link(self, body: str) -> str:
        """The words that a link shows: its label, else its target; none for files."""
        target, separator, label = body.partition("|")
        prefix, colon, _ = target.partition(":")
        if colon:
            prefix = prefix.strip().replace("_", " ").lower()
            if prefix in self._silent_names:
                return HOLE
            if not separator and is_language_prefix(prefix) and target.lstrip().startswith(prefix):
                return HOLE
            if not separator and is_sister_prefix(prefix):
                return target.partition(":")[2].strip()
        if separator:
            return label.rpartition("|")[2] if "|" in label else label
        return target.strip().removeprefix(":").replace("_", " ")


def _starts_line(text: str, start: int) -> bool:
    """Whether only blanks and list marks stand before `start` in its line."""
    before = text[max(0, start - 20) : start].rstrip(_LINE_BLANKS)
    return not before or before[-1] in "\n\r"
