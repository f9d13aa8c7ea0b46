"""Joins the lines of hard-wrapped text and names the language of what results.

A span is what a tokenizer sees as one: a line, or neighbouring lines where the breaks between them
were put there by a margin and not by the writer. A span is in one language, unless its sentences
are in several scripts; then it is several spans.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mtag_core.langid import LanguageIdentifier
from mtag_core.language_words import LanguageWords, word_codes
from mtag_core.languages import UNKNOWN
from mtag_core.scripts import is_latin, script_shares, scripts_of_language
from mtag_core.segmentation.lines import LINE_HYPHENS, LineSpan, paragraphs

# A span this long and this probable is sure of its language; others look at the sure ones near.
_SURE_CHARACTERS = 20
_SURE_PROBABILITY = 0.7
_N_NEIGHBOURS = 4
_N_BEST = 5

LEAST_PROBABILITY = 0.25
"""A text that is less probably in any language, with none near that is sure, is in `und`."""

# What a language has in its favour that no neighbour shows, against 1 for one that all show.
_FLOOR = 0.02

# Margins narrower than this do not happen in running text, so short lines are never joined.
_MIN_MARGIN = 40

# A line longer than this is a paragraph, not a line of one.
_MAX_MARGIN = 160

# Part of a paragraph's line breaks that must look like a margin's.
_WRAPPED_SHARE = 0.75

# A document of several spans is asked for its language first: a long one at so many places.
_FEW_TEXTS = 3
_N_PLACES = 6
_PLACE_CHARACTERS = 400
_SURE_DOCUMENT = 0.8

# A span agrees with a sure document when so many of its words are common ones of the language.
_COMMON_WORDS = 150
_COMMON_SHARE = 0.3
_MIN_WORDS = 4
_BEGINNING_CHARACTERS = 250
_FIELD_BITS = 16

# Marks that end a sentence, and what may close after them.
_SENTENCE_END = re.compile(
    "[.!?\u2026\u3002\uff01\uff1f\u061f\u06d4\u0964\u0965\u0589]+[\"'\u00bb\u201d\u2019)\\]\u300d\u300f]*\\s*"
)

# A stretch is in a script when so much of its letters is; else it stays with the one before it.
_CLEAR_SHARE = 0.8

# Looked at in one go at most, so that a line without an end costs no memory.
_MAX_STRETCH = 4_096

# Stretches: where one ends, and its script.
_Stretch = tuple[int, str | None]
_Guess = Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class LanguageSpan:
    """A stretch of a document for one tokenizer call.

    Attributes:
        start: Offset of its first character in the document.
        end: Offset after its last character.
        language: ISO 639 code, `und` when unknown.
    """

    start: int
    end: int
    language: str


def wrapped_lines(text: str) -> list[LineSpan]:
    """The lines of cleaned text, those that a margin alone broke apart joined."""
    return [span for group in paragraphs(text) for span in join_wrapped(text, group)]


def find_spans(
    text: str, lines: Sequence[LineSpan], *, langid: LanguageIdentifier
) -> Iterator[LanguageSpan]:
    """Yields the spans of cleaned text in order; every character of `wrapped_lines` is in one."""
    texts = [text[line.start : line.end] for line in lines]
    languages = languages_of_texts(texts, langid=langid)
    for line, language in zip(lines, languages, strict=True):
        parts = cut_at_scripts(text, line.start, line.end, language, langid=langid)
        yield from (LanguageSpan(*part) for part in parts)


def languages_of_texts(texts: Sequence[str], *, langid: LanguageIdentifier) -> list[str]:
    """Names the language of each text of a document; unsure ones lean on the sure ones near them.

    Where a document is sure of its language, texts that show common words of it are not asked.
    """
    likely = _document_language(texts, langid)
    if likely is None or langid.words is None:
        alone = langid.predict_top(texts, n_best=_N_BEST)
        return _languages(texts, alone, together=_together(texts, alone, langid))
    is_agreed = _agreement(likely, langid.words)
    unsure = [index for index, text in enumerate(texts) if not is_agreed(text)]
    likely_ones = langid.words.agree([texts[i][:_BEGINNING_CHARACTERS] for i in unsure], likely)
    asked = [index for index, flag in zip(unsure, likely_ones, strict=True) if not flag]
    guesses: list[_Guess] = [((likely, 1.0),)] * len(texts)
    found = langid.predict_top([texts[index] for index in asked], n_best=_N_BEST)
    for index, guess in zip(asked, found, strict=True):
        guesses[index] = guess
    return _languages(texts, guesses, together=likely)


def _together(
    texts: Sequence[str], guesses: Sequence[_Guess], langid: LanguageIdentifier
) -> str | None:
    if len(texts) < 2 or any(_is_sure(*pair) for pair in zip(texts, guesses, strict=True)):
        return None
    ((language, prob),) = langid.predict([_place(texts, 0)])
    return language if prob >= _SURE_PROBABILITY else None


def _is_sure(text: str, guess: _Guess) -> bool:
    return bool(guess) and guess[0][1] >= _SURE_PROBABILITY and len(text) >= _SURE_CHARACTERS


def join_wrapped(text: str, lines: Sequence[LineSpan]) -> Iterator[LineSpan]:
    """Joins neighbouring lines where a margin broke them.

    Args:
        text: The cleaned document.
        lines: The lines of one paragraph.

    Yields:
        Stretches that cover the same lines.
    """
    current = lines[0]
    for line, is_soft in zip(lines[1:], _soft_breaks(text, lines), strict=True):
        if is_soft:
            current = LineSpan(current.start, line.end)
        else:
            yield current
            current = line
    yield current


def _soft_breaks(text: str, lines: Sequence[LineSpan]) -> list[bool]:
    """Tells for each line break whether the next line's first word would not have fitted before it.

    In text that was not wrapped this happens at a long line by chance, so one break is believed
    only when most breaks of the paragraph look the same.
    """
    if len(lines) == 1:
        return []
    if any(line.end - line.start > _MAX_MARGIN for line in lines):
        return [False] * (len(lines) - 1)
    widths = [_n_columns(text[line.start : line.end]) for line in lines]
    margin = max(widths)
    is_full = [
        width + _first_word_columns(text, after) > margin or _parts_word(text, line, after)
        for width, line, after in zip(widths, lines, lines[1:], strict=False)
    ]
    is_wrapped = _MIN_MARGIN <= margin <= _MAX_MARGIN and sum(is_full) >= _WRAPPED_SHARE * len(
        is_full
    )
    return [is_wrapped and is_line_full for is_line_full in is_full]


def _parts_word(text: str, line: LineSpan, after: LineSpan) -> bool:
    end = text[max(line.start, line.end - 2) : line.end]
    return end[:1].isalpha() and end[1:] in LINE_HYPHENS and text[after.start].islower()


def _n_columns(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        2
        if unicodedata.east_asian_width(character) in "WF"
        else not unicodedata.combining(character)
        for character in text
    )


def _first_word_columns(text: str, line: LineSpan) -> int:
    if unicodedata.east_asian_width(text[line.start]) in "WF":
        return 2
    space = text.find(" ", line.start, line.end)
    return 1 + _n_columns(text[line.start : line.end if space < 0 else space])


def _document_language(texts: Sequence[str], langid: LanguageIdentifier) -> str | None:
    if len(texts) < _FEW_TEXTS or langid.words is None:
        return None
    places = _places(texts)
    if not places:
        return None
    guesses = langid.predict(places)
    language = guesses[0][0]
    is_sure = all(code == language and prob >= _SURE_DOCUMENT for code, prob in guesses)
    return language if is_sure and language != UNKNOWN else None


def _places(texts: Sequence[str]) -> list[str]:
    if len(texts) > 2 * _N_PLACES:
        step = len(texts) // _N_PLACES
        return [_place(texts, step * number) for number in range(_N_PLACES)]
    is_long = sum(map(len, texts)) >= _PLACE_CHARACTERS
    return [_place(texts, 0)] if is_long else []


def _place(texts: Sequence[str], first: int) -> str:
    parts: list[str] = []
    n_characters = 0
    for text in texts[first:]:
        parts.append(text[:_PLACE_CHARACTERS])
        n_characters += len(parts[-1])
        if n_characters >= _PLACE_CHARACTERS:
            break
    return " ".join(parts)


@lru_cache(maxsize=64)
def _agreement(language: str, words: LanguageWords) -> "_Agreement":
    return _Agreement(language, words)


class _Agreement:
    """Says whether a text is in a language, from its common words and those of its rivals."""

    def __init__(self, language: str, words: LanguageWords) -> None:
        common = words.commonest(language, _COMMON_WORDS)
        rivals = [words.commonest(rival, _COMMON_WORDS) for rival in words.rivals(language)]
        self._n_rivals = len(rivals)
        # A word's counts are fields of one number: that it is a word, that it is a common one; then
        # for each rival that it is common there no more, or there alone.
        # Equal numbers are one: there are tens of thousands of words, and few numbers.
        interned: dict[int, int] = {}
        self._code_to_counts = dict.fromkeys(common, 1 + _field(1))
        for number, rival in enumerate(rivals):
            for field, codes in ((2, common - rival), (3, rival - common)):
                for code in codes:
                    counts = self._code_to_counts.get(code, 1) + _field(field + 2 * number)
                    self._code_to_counts[code] = interned.setdefault(counts, counts)
        self._scripts = scripts_of_language(language)

    def __call__(self, text: str) -> bool:
        text = text[:_BEGINNING_CHARACTERS]
        counts = sum([self._code_to_counts.get(code, 1) for code in word_codes(text)])
        n_bytes = (2 + 2 * self._n_rivals) * _FIELD_BITS // 8
        fields = np.frombuffer(counts.to_bytes(n_bytes, "little"), "<u2")
        n_words, n_common, *others = fields.tolist()
        if n_words < _MIN_WORDS or n_common < _COMMON_SHARE * n_words:
            return False
        pairs = zip(others[::2], others[1::2], strict=True)
        if any(n_rival >= max(1, n_own) for n_own, n_rival in pairs):
            return False
        shares = script_shares(text)
        return max(shares, key=shares.__getitem__) in self._scripts


def _field(number: int) -> int:
    return 1 << _FIELD_BITS * number


def _languages(
    texts: Sequence[str], guesses: Sequence[_Guess], *, together: str | None = None
) -> list[str]:
    is_sure = [_is_sure(*pair) for pair in zip(texts, guesses, strict=True)]
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
            languages.append(_weigh(guess, near or ([together] if together else [])))
    return languages


def _weigh(guess: _Guess, near: Sequence[str]) -> str:
    counts = Counter(near)
    if not guess:
        return counts.most_common(1)[0][0] if counts else UNKNOWN
    if not near:
        return guess[0][0] if guess[0][1] >= LEAST_PROBABILITY else UNKNOWN
    return max(guess, key=lambda pair: pair[1] * (_FLOOR + counts[pair[0]] / len(near)))[0]


def cut_at_scripts(
    text: str, start: int, end: int, language: str, *, langid: LanguageIdentifier
) -> Iterator[tuple[int, int, str]]:
    """Yields the parts of a stretch of cleaned text, each with its language.

    Args:
        text: The document.
        start: Offset of the first character.
        end: Offset after the last one.
        language: Of the stretch as a whole; parts in another script get their own.
        langid: Names those.
    """
    own = scripts_of_language(language)
    part_start = start
    for part_end, script in _joined(_stretches(text, start, end)):
        if script is None or script in own:
            part_language = language
        else:
            part_language = langid.predict([text[part_start:part_end]])[0][0]
        yield part_start, part_end, part_language
        part_start = part_end


def _stretches(text: str, start: int, end: int) -> Iterator[_Stretch]:
    position = start
    if is_latin(text, start, end):
        position = end
        yield end, "Latin"
    elif end - start <= _MAX_STRETCH:
        shares = script_shares(text[start:end])
        # Most lines are in one script.
        if len(shares) == 1:
            position = end
            yield end, next(iter(shares))
    while position < end:
        limit = min(end, position + _MAX_STRETCH)
        found = _SENTENCE_END.search(text, position, limit)
        stretch_end = found.end() if found else limit
        shares = script_shares(text[position:stretch_end])
        script = max(shares, key=shares.__getitem__, default=None)
        is_clear = script is not None and shares[script] >= _CLEAR_SHARE
        yield stretch_end, script if is_clear else None
        position = stretch_end


def _joined(stretches: Iterator[_Stretch]) -> Iterator[_Stretch]:
    end, script = next(stretches)
    for next_end, next_script in stretches:
        if script is not None and next_script is not None and next_script != script:
            yield end, script
            script = next_script
        end, script = next_end, script or next_script
    yield end, script
