"""Bold and italic marks of a line, as MediaWiki's quote parser pairs them.

Two quotes are italic, three bold, five both. Four are an apostrophe and bold, more than five are
apostrophes and five. Where a line has an odd number of both kinds, one bold mark is an apostrophe
and italic: the first behind a word of one letter, else the first behind a longer word, else the
first behind a space.

Source: MediaWiki, Parser::doQuotes.
"""

import re

_RUN = re.compile(r"''+")


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
