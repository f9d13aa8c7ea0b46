"""Plain text out of wikitext: one pass a construct, each linear in the text.

The last passes go over lines: paragraphs and list items, marks of bold and italic as MediaWiki's
quote parser pairs them, character references. Two quotes are italic, three bold, five both. Four
are an apostrophe and bold, more than five are apostrophes and five. Where a line has an odd number
of both kinds, one bold mark is an apostrophe and italic: the first behind a word of one letter,
else the first behind a longer word, else the first behind a space.

Sources: MediaWiki, Parser::doQuotes; the named references of HTML 5 (`html.entities`). One without
its semicolon counts only where HTML 5 has it in its list for old pages, and where no letter, digit
or equals sign follows.
"""

import html
import re
from html.entities import html5

from mtag_core.wikipedia.brackets import resolve_brackets
from mtag_core.wikipedia.site import Site
from mtag_core.wikipedia.tags import CODE_TO_TEXT, HOLE, drop_elements, drop_tags

# No more digits than a code point has: `int` refuses thousands of them.
_REFERENCE = re.compile(
    r"&(?:#0*+([0-9]{1,7}(?![0-9]));?|#[xX]0*+([0-9a-fA-F]{1,6}(?![0-9a-fA-F]));?"
    r"|([a-zA-Z][a-zA-Z0-9]{0,40})(;|(?![a-zA-Z0-9=])))"
)
_RUN = re.compile(r"''+")
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


def decode_entities(text: str) -> str:
    """Replaces references by their characters; what is none stays.

    Example: "&eacute; &copy 5 &hellip R&D &region=1" -> "é © 5 &hellip R&D &region=1".
    """
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    decimal, hexadecimal, name, semicolon = match.groups()
    if name is None:
        return html.unescape(f"&#{decimal};" if decimal else f"&#x{hexadecimal};")
    return html5.get(name + semicolon, match[0])


def drop_quotes(line: str) -> str:
    """Removes the marks of a line and keeps its apostrophes.

    Example: "''Falcon'''s hull" -> "Falcon's hull"; "l'''Iliade''" -> "l'Iliade".
    """
    pieces = _RUN.split(line)
    lengths = [len(run) for run in _RUN.findall(line)]
    for index, length in enumerate(lengths):
        n_apostrophes, lengths[index] = _mark(length)
        pieces[index] += "'" * n_apostrophes
    n_bold = sum(length in (3, 5) for length in lengths)
    n_italic = sum(length in (2, 5) for length in lengths)
    if n_bold % 2 and n_italic % 2 and 3 in lengths:
        pieces[_index_of_apostrophe(pieces, lengths)] += "'"
    return "".join(pieces)


def _mark(length: int) -> tuple[int, int]:
    if length == 4:
        return 1, 3
    return (length - 5, 5) if length > 5 else (0, length)


def _index_of_apostrophe(pieces: list[str], lengths: list[int]) -> int:
    behind_word = behind_space = -1
    for index, length in enumerate(lengths):
        if length != 3:
            continue
        if pieces[index].endswith(" "):
            behind_space = index if behind_space < 0 else behind_space
        elif _ends_in_one_letter(pieces[index]):
            return index
        elif behind_word < 0:
            behind_word = index
    return behind_word if behind_word >= 0 else behind_space


def _ends_in_one_letter(piece: str) -> bool:
    """MediaWiki compares bytes, so the letter counts as one in ASCII only."""
    return len(piece) > 1 and piece[-1].isascii() and piece[-2] == " "


def paragraphs(text: str) -> list[str]:
    """Cuts wikitext behind `resolve_brackets` and `drop_tags` into clean paragraphs.

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
    return CODE_TO_TEXT.get(control[0], "")


def _is_table_row(line: str) -> bool:
    return line[0] == "|" or (line[0] == "!" and ("!!" in line or "|" in line))


def _without_magic(word: re.Match[str]) -> str:
    """Nothing for a magic word; others, such as Python's `__init__`, stay."""
    name = word[0].strip("_")
    is_text = name != name.upper() and name.lower() not in _SMALL_MAGIC_WORDS
    return word[0] if is_text else ""


def close_holes(line: str) -> str:
    """Closes the gaps that dropped markup left in a line with single spaces.

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
    for _ in range(2):
        if not _FORBIDDEN.search(line):
            return line
        line = _FORBIDDEN.sub("", line)
    return "" if _FORBIDDEN.search(line) else line


def clean_wikitext(wikitext: str, *, title: str = "", site: Site | None = None) -> str:
    """Cleans a page's wikitext.

    Templates, tables, references, files, categories, comments and headings are left out; links and
    formatting leave their words; values, dates and foreign words in well-known templates stay.

    Returns:
        Paragraphs and list items, separated by empty lines. No line keeps `{{`, `}}`, `[[`, `]]`,
        `{|`, `|}`, `<ref`, `</`, `&nbsp;` or a table row. Empty when there are no words.

    Raises:
        WikitextError: Templates, tables and links nest too deeply to be an article.
    """
    text = drop_elements(wikitext)
    text = resolve_brackets(text, title=title, site=site or Site())
    return "\n\n".join(paragraphs(drop_tags(text)))
