"""The last steps of cleaning: line marks and the holes that markup left.

Every search is linear also in hostile text: repeats are possessive or bounded, or looked at in a
line's end only.
"""

import re

from mtag_core.wikipedia.entities import decode_entities
from mtag_core.wikipedia.protection import CODE_TO_TEXT, HOLE
from mtag_core.wikipedia.quotes import drop_quotes

_EXTERNAL_LINK = re.compile(
    r"\[(?:(?:https?|ftps?|ircs?|git|svn|news|gopher|wss?)?:?//|mailto:|news:)[^\s\[\]]*+"
    r"[ \t]*+([^\[\]\n]*+)\]",
    re.IGNORECASE,
)
_MAGIC_WORD = re.compile(r"__[^\W_]{3,30}(?:_[^\W_]{1,30}){0,3}__")
# Magic words that people write in small letters too; others with small letters are text.
_SMALL_MAGIC_WORDS = frozenset(
    "notoc toc forcetoc noeditsection nogallery hiddencat index noindex notitleconvert notc"
    " nocontentconvert nocc newsectionlink disambig staticredirect".split()
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffc\xad]")
_ODD_BLANKS = r"\t\r\xa0\u2000-\u200a\u202f\u205f"
# All runs of blanks but the single space.
_BLANKS = re.compile(rf"[ {_ODD_BLANKS}]{{2,}}|[{_ODD_BLANKS}]")
_LIST_MARKS = re.compile(r"[*#:;]+[ \t]*")
_FORBIDDEN = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{\||\|\}|</[\w-]*+\s*+>?|<ref|&nbsp;", re.IGNORECASE)
_SENTENCE_END = re.compile("[.!?。！？…։।॥:;]['\"”’»）)\\]]*$")
_N_END_CHARACTERS = 8
_GAP = rf"[\s,;:、；/–—{HOLE}-]{{0,12}}"
_HOLE_BRACKETS = re.compile(rf" ?[(（]{_GAP}{HOLE}{_GAP}[)）]")
_HOLE_OPENING = re.compile(rf"([(（]){_GAP}{HOLE}{_GAP}")
_HOLE_CLOSING = re.compile(rf"{_GAP}{HOLE}{_GAP}([)）])")
_HOLE_COMMAS = re.compile(rf"([,;、；]) ?{HOLE} ?(?=[,;、；])")
_HOLE_BEFORE_MARK = re.compile(rf" ?{HOLE} ?(?=[,.;:!?)\]。、，；։।])")
# What is left before the first word where a dropped call began the line: "{{book}}, its edition".
_HOLE_START = re.compile(rf"^(?:[ {HOLE},;:.、，]|&nbsp;|[-–—]+(?=[ &]))++")
_HOLE_RUN = re.compile(rf"{HOLE}[ {HOLE}]*+")


def paragraphs(text: str) -> list[str]:
    """Cuts wikitext without brackets and tags into clean paragraphs.

    Args:
        text: Wikitext after `resolve_brackets` and `drop_tags`.

    Returns:
        Paragraphs and list items, one line each, in order. Headings and table rows are left out.
        Lines of one paragraph are joined unless the first ends a sentence.
    """
    text = _MAGIC_WORD.sub(_without_magic, text) if "__" in text else text
    text = _EXTERNAL_LINK.sub(r"\1", text)
    blocks: list[list[str]] = []
    is_open = False
    for line in text.split("\n"):
        plain, is_item = _clean_line(line)
        if plain and is_open and not is_item:
            blocks[-1].append(plain)
        elif plain:
            blocks.append([plain])
        is_open = bool(plain) and not is_item and not _ends_sentence(plain)
    joined = (" ".join(block) for block in blocks)
    return [line for line in joined if any(map(str.isalnum, line))]


def _ends_sentence(line: str) -> bool:
    return bool(_SENTENCE_END.search(line[-_N_END_CHARACTERS:]))


def _clean_line(line: str) -> tuple[str, bool]:
    """The plain text of a line, and whether it stands alone (a list item)."""
    stripped = line.strip(f" \t\r\xa0{HOLE}")
    if not stripped or _is_heading(stripped) or _is_table_row(stripped):
        return "", False
    marks = _LIST_MARKS.match(stripped)
    if marks:
        stripped = stripped[marks.end() :]
    if HOLE in line and (stripped.startswith(HOLE) or line.lstrip().startswith(HOLE)):
        stripped = _HOLE_START.sub("", stripped)
    if "''" in stripped:
        stripped = drop_quotes(stripped)
    if HOLE in stripped:
        stripped = close_holes(_BLANKS.sub(" ", stripped))
    if "&" in stripped:
        stripped = decode_entities(stripped).replace("\n", " ")
    stripped = _BLANKS.sub(" ", _CONTROL.sub(_restored, stripped))
    # What begins with a bar here was escaped or hidden by a list mark.
    return _without_forbidden(stripped).strip(" |"), marks is not None


def _is_heading(line: str) -> bool:
    return line[0] == "=" and line[-1] == "=" and len(line) > 1


def _restored(control: re.Match[str]) -> str:
    """The text that a protected character stands for; nothing for other controls."""
    return CODE_TO_TEXT.get(control[0], "")


def _is_table_row(line: str) -> bool:
    return line[0] == "|" or (line[0] == "!" and ("!!" in line or "|" in line))


def _without_magic(word: re.Match[str]) -> str:
    """Nothing for a magic word; others, such as Python's `__init__`, stay."""
    name = word[0].strip("_")
    is_text = name != name.upper() and name.lower() not in _SMALL_MAGIC_WORDS
    return word[0] if is_text else ""


def close_holes(line: str) -> str:
    """Closes the gaps that dropped markup left in a line.

    Args:
        line: With single spaces.

    Example: "Bern (HOLE; born 1191) HOLE, HOLE, is" -> "Bern (born 1191), is".
    """
    line = _HOLE_RUN.sub(_one_hole, line)
    line = _HOLE_BRACKETS.sub("", line)
    line = _HOLE_OPENING.sub(r"\1", line)
    line = _HOLE_CLOSING.sub(r"\1", line)
    line = _HOLE_COMMAS.sub("", line)
    line = _HOLE_BEFORE_MARK.sub("", line)
    return line.replace(f" {HOLE} ", " ").replace(HOLE, "")


def _one_hole(run: re.Match[str]) -> str:
    return f"{HOLE} " if run[0][-1] == " " else HOLE


def _without_forbidden(line: str) -> str:
    """Removes what still looks like markup, such as escaped tags; a line full of it goes."""
    for _ in range(2):
        if not _FORBIDDEN.search(line):
            return line
        line = _FORBIDDEN.sub("", line)
    return "" if _FORBIDDEN.search(line) else line
