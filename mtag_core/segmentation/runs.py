"""Names the language of each line of a document and joins the lines of hard-wrapped text.

A run is what one tokenizer call may see: neighbouring lines of one paragraph in one language, where
the line breaks between them were put there by a margin and not by the writer. A line of sentences
in several scripts is several runs.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mtag_core.langid import LanguageIdentifier
from mtag_core.segmentation.languages import UNKNOWN
from mtag_core.segmentation.lines import Unit, paragraphs
from mtag_core.segmentation.script_cuts import cut_at_scripts

# A line this long and this probable is sure of its language; others look at the sure lines near.
_SURE_CHARACTERS = 20
_SURE_PROBABILITY = 0.7
_N_NEIGHBOURS = 4
_N_BEST = 5

# What a language has in its favour that no neighbour shows, against 1 for one that all show.
_FLOOR = 0.02

# Margins narrower than this do not happen in running text, so short lines are never joined.
_MIN_MARGIN = 40

# A line longer than this is a paragraph, not a line of one.
_MAX_MARGIN = 160

# Part of a paragraph's line breaks that must look like a margin's.
_WRAPPED_SHARE = 0.75

# A line of wrapped text joins its neighbours' language where that is at least so probable.
_AGREED_PROBABILITY = 0.01

_Guess = Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a document for one tokenizer call.

    Attributes:
        start: Offset of its first character in the document.
        end: Offset after its last character.
        language: ISO 639 code, `und` when unknown.
    """

    start: int
    end: int
    language: str


def find_runs(text: str, *, langid: LanguageIdentifier) -> Iterator[Run]:
    """Yields the runs of cleaned text in order; every non-space character is in one."""
    groups = list(paragraphs(text))
    lines = [line for group in groups for line in group]
    guesses = langid.predict_top([text[u.start : u.end] for u in lines], n_best=_N_BEST)
    languages = _languages(lines, guesses)
    first = 0
    for group in groups:
        chosen = slice(first, first + len(group))
        named = [
            Run(u.start, u.end, language)
            for u, language in zip(group, languages[chosen], strict=True)
        ]
        for run in join_wrapped(text, _agree(text, named, guesses[chosen])):
            parts = cut_at_scripts(text, run.start, run.end, run.language, langid=langid)
            yield from (Run(*part) for part in parts)
        first += len(group)


def languages_of_lines(texts: Sequence[str], *, langid: LanguageIdentifier) -> list[str]:
    """Names the language of each text; unsure ones lean on the sure ones near them."""
    lines = [Unit(0, len(text)) for text in texts]
    return _languages(lines, langid.predict_top(texts, n_best=_N_BEST))


def runs_of_language(text: str, language: str) -> Iterator[Run]:
    """Yields the runs of cleaned text whose language is known."""
    for group in paragraphs(text):
        yield from join_wrapped(text, [Run(u.start, u.end, language) for u in group])


def join_wrapped(text: str, lines: Sequence[Run]) -> Iterator[Run]:
    """Joins neighbouring lines of one language where a margin broke them.

    Args:
        text: The cleaned document.
        lines: The lines of one paragraph.

    Yields:
        Runs that cover the same lines.
    """
    is_break_soft = _soft_breaks(text, lines)
    current = lines[0]
    for line, is_soft in zip(lines[1:], is_break_soft, strict=True):
        if is_soft and line.language == current.language:
            current = Run(current.start, line.end, current.language)
        else:
            yield current
            current = line
    yield current


def _soft_breaks(text: str, lines: Sequence[Run]) -> list[bool]:
    """Tells for each line break whether the next line's first word would not have fitted before it.

    In text that was not wrapped this happens at a long line by chance, so one break is believed
    only when most breaks of the paragraph look the same.
    """
    widths = [line.end - line.start for line in lines]
    margin = max(widths)
    is_full = [
        width + 1 + _first_word_length(text, after) > margin
        for width, after in zip(widths, lines[1:], strict=False)
    ]
    is_wrapped = _MIN_MARGIN <= margin <= _MAX_MARGIN and sum(is_full) >= _WRAPPED_SHARE * len(
        is_full
    )
    return [is_wrapped and is_line_full for is_line_full in is_full]


def _first_word_length(text: str, line: Run) -> int:
    """Counts the characters before a line's first space."""
    space = text.find(" ", line.start, line.end)
    return (line.end if space < 0 else space) - line.start


def _agree(text: str, lines: Sequence[Run], guesses: Sequence[_Guess]) -> list[Run]:
    """Gives the lines between two hard breaks the language of most of their characters.

    A margin cuts a sentence anywhere, and a piece of a Croatian one may pass for Serbian. A line
    for which that language is improbable keeps its own.
    """
    agreed: list[Run] = []
    breaks = [i + 1 for i, is_soft in enumerate(_soft_breaks(text, lines)) if not is_soft]
    for first, end in pairwise([0, *breaks, len(lines)]):
        n_characters: Counter[str] = Counter()
        for line in lines[first:end]:
            n_characters[line.language] += line.end - line.start
        common = n_characters.most_common(1)[0][0]
        for line, guess in zip(lines[first:end], guesses[first:end], strict=True):
            is_probable = dict(guess).get(common, 0.0) >= _AGREED_PROBABILITY
            agreed.append(Run(line.start, line.end, common) if is_probable else line)
    return agreed


def _languages(lines: Sequence[Unit], guesses: Sequence[_Guess]) -> list[str]:
    """Names the language of each line; unsure lines lean on the sure ones near them."""
    is_sure = [
        bool(guess) and guess[0][1] >= _SURE_PROBABILITY and u.end - u.start >= _SURE_CHARACTERS
        for u, guess in zip(lines, guesses, strict=True)
    ]
    sure = [index for index, flag in enumerate(is_sure) if flag]
    sure_languages = [guesses[index][0][0] for index in sure]
    languages = []
    n_before = 0
    for guess, flag in zip(guesses, is_sure, strict=True):
        if flag:
            languages.append(guess[0][0])
            n_before += 1
        else:
            near = sure_languages[max(0, n_before - _N_NEIGHBOURS) : n_before + _N_NEIGHBOURS]
            languages.append(_weigh(guess, near))
    return languages


def _weigh(guess: _Guess, near: Sequence[str]) -> str:
    """Chooses a language for an unsure line from its own guesses and its neighbours' languages."""
    counts = Counter(near)
    if not guess:
        return counts.most_common(1)[0][0] if counts else UNKNOWN
    if not near:
        return guess[0][0]
    return max(guess, key=lambda pair: pair[1] * (_FLOOR + counts[pair[0]] / len(near)))[0]
