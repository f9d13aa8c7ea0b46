"""Joins the lines of hard-wrapped text and names the language of what results.

A span is what a tokenizer sees as one: a line, or neighbouring lines where the breaks between them
were put there by a margin and not by the writer. A span is in one language, unless its sentences
are in several scripts; then it is several spans.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from mtag_core.langid import LanguageIdentifier
from mtag_core.language_words import LanguageWords, find_codes, word_codes
from mtag_core.languages import UNKNOWN
from mtag_core.scripts import is_latin, script_shares, scripts_of_language
from mtag_core.segmentation.rewritten import ReadText

# A span this long and this probable is sure of its language; others look at the sure ones near.
_SURE_CHARACTERS = 20
_SURE_PROBABILITY = 0.7
_N_NEIGHBOURS = 4
_N_BEST = 5

LEAST_PROBABILITY = 0.25
"""A text that is less probably in any language, with none near that is sure, is in `und`."""

# What a language has in its favour that no neighbour shows, against 1 for one that all show.
_FLOOR = 0.02
_LEAST_OF_NEAR = 0.015

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
# Texts are compared so many at a time.
_N_TOGETHER = 512

# Marks that end a sentence, and what may close after them. Those of Latin need a space behind them,
# since addresses hold some.
_CLOSING = "[\"'\u00bb\u201d\u2019)\\]\u300d\u300f]*"
_SENTENCE_END = re.compile(
    f"[.!?\u2026]+{_CLOSING}(?:\\s+|\\Z)"
    f"|[\u3002\uff01\uff1f\u061f\u06d4\u0964\u0965\u0589]+{_CLOSING}\\s*"
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
        text_number: The document's, where there are several.
    """

    start: int
    end: int
    language: str
    text_number: int = 0

    def follows(self, before: "LanguageSpan") -> bool:
        """Whether a span is in the same language, and nothing is between it and this one."""
        is_near = before.end == self.start and before.text_number == self.text_number
        return is_near and before.language == self.language


def find_spans(
    texts: Sequence[ReadText], languages: Sequence[str | None], *, langid: LanguageIdentifier
) -> Iterator[LanguageSpan]:
    """Yields the spans of texts in order; every character of their lines is in one.

    A text without a language has those of its lines.
    """
    unknown = [number for number, language in enumerate(languages) if language is None]
    line_texts = [
        [texts[number].cleaned[line.start : line.end] for line in texts[number].lines]
        for number in unknown
    ]
    found = languages_of_texts(line_texts, langid=langid)
    del line_texts
    number_to_languages = dict(zip(unknown, found, strict=True))
    for number, (text, language) in enumerate(zip(texts, languages, strict=True)):
        if language is not None:
            yield from (LanguageSpan(line.start, line.end, language, number) for line in text.lines)
            continue
        for line, found_language in zip(text.lines, number_to_languages[number], strict=True):
            parts = cut_at_scripts(
                text.cleaned, line.start, line.end, found_language, langid=langid
            )
            yield from (LanguageSpan(*part, number) for part in parts)


def languages_of_texts(
    documents: Sequence[Sequence[str]], *, langid: LanguageIdentifier
) -> list[list[str]]:
    """Names the language of each text of documents; unsure ones lean on the sure ones near them.

    Where a document is sure of its language, texts that show common words of it are not asked. What
    is found in a document does not depend on the others.
    """
    likely = _document_languages(documents, langid)
    guesses = _agreed(documents, likely, langid.words)
    asked = [
        text
        for texts, of_document in zip(documents, guesses, strict=True)
        for text, guess in zip(texts, of_document, strict=True)
        if guess is None
    ]
    found = iter(langid.predict_top(asked, n_best=_N_BEST))
    answers: list[list[_Guess]] = [
        [next(found) if guess is None else guess for guess in of_document]
        for of_document in guesses
    ]
    return list(map(_languages, documents, answers, _together(documents, answers, likely, langid)))


def _together(
    documents: Sequence[Sequence[str]],
    guesses: Sequence[Sequence[_Guess]],
    likely: Sequence[str | None],
    langid: LanguageIdentifier,
) -> list[str | None]:
    """The language of each document as a whole, where one is sure or no text of it is."""
    languages = list(likely)
    unsure = [
        number
        for number, language in enumerate(likely)
        if language is None
        and len(documents[number]) > 1
        and not any(map(_is_sure, documents[number], guesses[number]))
    ]
    found = langid.predict([_place(documents[number], 0) for number in unsure])
    for number, (language, prob) in zip(unsure, found, strict=True):
        languages[number] = language if prob >= _SURE_PROBABILITY else None
    return languages


def _is_sure(text: str, guess: _Guess) -> bool:
    return bool(guess) and guess[0][1] >= _SURE_PROBABILITY and len(text) >= _SURE_CHARACTERS


def _document_languages(
    documents: Sequence[Sequence[str]], langid: LanguageIdentifier
) -> list[str | None]:
    """The language of each document of several texts that is sure of one."""
    if langid.words is None:
        return [None] * len(documents)
    places = [_places(texts) if len(texts) >= _FEW_TEXTS else [] for texts in documents]
    firsts = _predictions([each[:1] for each in places], langid)
    # Where the first place is not sure the others need not be asked.
    are_open = [_sure_language(guesses) is not None for guesses in firsts]
    others = [each[1:] if is_open else [] for each, is_open in zip(places, are_open, strict=True)]
    both = zip(firsts, _predictions(others, langid), strict=True)
    return [_sure_language([*first, *rest]) for first, rest in both]


def _predictions(
    texts: Sequence[Sequence[str]], langid: LanguageIdentifier
) -> list[Sequence[tuple[str, float]]]:
    found = iter(langid.predict([*chain.from_iterable(texts)]))
    return [list(islice(found, len(each))) for each in texts]


def _sure_language(guesses: _Guess) -> str | None:
    language = guesses[0][0] if guesses else UNKNOWN
    is_sure = all(code == language and prob >= _SURE_DOCUMENT for code, prob in guesses)
    return language if is_sure and language != UNKNOWN else None


def _places(texts: Sequence[str]) -> list[str]:
    n_full = sum(map(len, texts)) // _PLACE_CHARACTERS
    if len(texts) > 2 * _N_PLACES:
        # Places that overlap say little more.
        n_places = max(1, min(_N_PLACES, n_full))
        step = len(texts) // n_places
        return [_place(texts, step * number) for number in range(n_places)]
    return [_place(texts, 0)] if n_full else []


def _place(texts: Sequence[str], first: int) -> str:
    parts: list[str] = []
    n_characters = 0
    for text in texts[first:]:
        parts.append(text[:_PLACE_CHARACTERS])
        n_characters += len(parts[-1])
        if n_characters >= _PLACE_CHARACTERS:
            break
    return " ".join(parts)


def _agreed(
    documents: Sequence[Sequence[str]], likely: Sequence[str | None], words: LanguageWords | None
) -> list[list[_Guess | None]]:
    """Guesses of the texts that show their document's language; None for all others."""
    guesses: list[list[_Guess | None]] = [[None] * len(texts) for texts in documents]
    if words is None:
        return guesses
    language_to_numbers: dict[str, list[int]] = {}
    for number, language in enumerate(likely):
        if language is not None:
            language_to_numbers.setdefault(language, []).append(number)
    for language, numbers in language_to_numbers.items():
        agree, sure = _agreement(language, words), ((language, 1.0),)
        texts = chain.from_iterable(documents[number] for number in numbers)
        flags = chain.from_iterable(map(agree, _parts(texts)))
        for number in numbers:
            of_document = islice(flags, len(documents[number]))
            guesses[number] = [sure if is_agreed else None for is_agreed in of_document]
    return guesses


def _parts(texts: Iterable[str]) -> Iterator[list[str]]:
    texts = iter(texts)
    while part := [text[:_BEGINNING_CHARACTERS] for text in islice(texts, _N_TOGETHER)]:
        yield part


@lru_cache(maxsize=64)
def _agreement(language: str, words: LanguageWords) -> "_Agreement":
    return _Agreement(language, words)


class _Agreement:
    """Says which texts are in a language, from its common words and those of its rivals."""

    def __init__(self, language: str, words: LanguageWords) -> None:
        self._language, self._words = language, words
        self._scripts = scripts_of_language(language)
        common = words.commonest(language, _COMMON_WORDS)
        rivals = [words.commonest(rival, _COMMON_WORDS) for rival in words.rivals(language)]
        codes = sorted(common.union(*rivals))
        self._codes = np.array(codes, np.uint32)
        # Of any other word, then of these: that it is a word, that it is a common one; then for
        # each rival that it is common there no more, or there alone.
        self._counts = np.zeros((1 + len(codes), 2 + 2 * len(rivals)), np.int16)
        self._counts[:, 0] = 1
        self._counts[1:, 1] = [code in common for code in codes]
        for number, rival in enumerate(rivals):
            self._counts[1:, 2 + 2 * number] = [code in common - rival for code in codes]
            self._counts[1:, 3 + 2 * number] = [code in rival - common for code in codes]

    def __call__(self, texts: Sequence[str]) -> list[bool]:
        codes, n_words = word_codes(texts)
        sums = self._sums(codes, n_words)
        is_other = sums[:, 3::2] >= np.maximum(1, sums[:, 2::2])
        is_common = (n_words >= _MIN_WORDS) & (sums[:, 1] >= _COMMON_SHARE * n_words)
        agreed = is_common & ~is_other.any(axis=1)
        for index in agreed.nonzero()[0].tolist():
            agreed[index] = self._is_written(texts[index])
        unsure = ~agreed
        of_unsure = codes[unsure.repeat(n_words)], n_words[unsure]
        agreed[unsure] = self._words.agree(*of_unsure, self._language)
        flags: list[bool] = agreed.tolist()
        return flags

    def _sums(self, codes: NDArray[np.uint32], n_words: NDArray[np.int64]) -> NDArray[np.int64]:
        """What counts say of the words of each text, added up: shape (n_texts, n_counts)."""
        places, is_known = find_codes(self._codes, codes)
        rows = np.zeros(len(codes), np.int64)
        rows[is_known] = 1 + places
        sums = np.zeros((len(codes) + 1, self._counts.shape[1]), np.int64)
        self._counts[rows].cumsum(axis=0, out=sums[1:])
        found: NDArray[np.int64] = np.diff(sums[n_words.cumsum()], axis=0, prepend=0)
        return found

    def _is_written(self, text: str) -> bool:
        shares = script_shares(text)
        return max(shares, key=shares.__getitem__) in self._scripts


def _languages(texts: Sequence[str], guesses: Sequence[_Guess], together: str | None) -> list[str]:
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
    # What the lines near are in is never out of the question.
    known = dict.fromkeys(near, _LEAST_OF_NEAR) | dict(guess)
    return max(known, key=lambda code: known[code] * (_FLOOR + counts[code] / len(near)))


def cut_at_scripts(
    text: str, start: int, end: int, language: str, *, langid: LanguageIdentifier
) -> Iterator[tuple[int, int, str]]:
    """Yields the parts of a stretch of cleaned text, each with its language.

    It is that of the stretch, but for parts in another script.
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
