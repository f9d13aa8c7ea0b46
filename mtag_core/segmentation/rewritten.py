"""Texts that models read in the place of a document, and the way back to its offsets.

A text loses the hyphens and breaks inside words that a margin parts, where that is asked for; one
in another Unicode form is read in the usual one: composed letters (NFC), letters of a compatibility
form (full width, mathematical, Arabic presentation forms) as the letters they stand for, the letter
apostrophe as the mark. Nothing becomes longer.

Source: Unicode Standard Annex 15.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, pairwise

import numpy as np
import regex

from mtag_core.arrays import Integers
from mtag_core.folding import fold, is_in_capitals, small_letters, usual_case
from mtag_core.records import Sentence
from mtag_core.segmentation.lines import LineSpan, clean, hyphen_edits, wrapped_lines

# Languages whose Latin letters have two kinds of `i`.
_TURKISH_LETTERS = frozenset({"az", "crh", "tr", "tt"})
# A letter with its marks, a syllable of Jamo, a letter of a compatibility form.
_FOLDED = regex.compile(
    r"[^\P{L}\u1100-\u11ff]\p{M}+|[\u1100-\u115f][\u1160-\u11a7]+[\u11a8-\u11ff]*"
    r"|[\ufb50-\ufdff\ufe70-\ufefc\U0001d400-\U0001d7ff]|[\uff01-\uff5e]+|[\u212a\u212b\u02bc]"
)
_MAY_CHANGE = re.compile(
    r"[\ufb50-\ufdff\ufe70-\ufefc\U0001d400-\U0001d7ff\uff21-\uff3a\uff41-\uff5a\u02bc]"
)
_FULL_WIDTH = {point: point - 0xFEE0 for point in range(0xFF01, 0xFF5F)}
# Full width is the usual form of marks beside these.
_WIDE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\u3001-\u303f]")

Edits = Sequence[tuple[int, int, str]]
"""Start and end of stretches, in order, and what is read in the place of each: nothing longer."""


@dataclass(frozen=True, slots=True)
class RewrittenText:
    """A text with some stretches replaced.

    Attributes:
        text: As it is read.
        starts: Where the original of each character starts. Shape (n_characters,).
        ends: Offset after it. Shape (n_characters,).
    """

    text: str
    starts: Integers
    ends: Integers

    @classmethod
    def of(cls, text: str, edits: Edits) -> "RewrittenText":
        """Replaces stretches of a text."""
        bounds = [0, *chain.from_iterable((start, end) for start, end, _ in edits), len(text)]
        parts: list[str] = []
        starts: list[Integers] = []
        ends: list[Integers] = []
        for number, (start, end) in enumerate(pairwise(bounds)):
            kept = np.arange(start, end)
            parts.append(text[start:end])
            if number % 2:
                parts[-1] = edits[number // 2][2]
                kept = kept[: len(parts[-1])]
            starts.append(kept)
            ends.append(kept + 1)
            if number % 2 and len(kept):
                # What is left of a stretch belongs to its last character.
                ends[-1][-1] = end
        return cls("".join(parts), np.concatenate(starts), np.concatenate(ends))

    def original(self, sentence: Sentence, text: str) -> Sentence:
        """A sentence of this text in its place in the original."""
        (start, end) = self._span(sentence.start, sentence.end)
        spans = [self._span(*span) for span in zip(sentence.starts, sentence.ends, strict=True)]
        return replace(
            sentence,
            text=text[start:end],
            start=start,
            end=end,
            starts=tuple(first for first, _ in spans),
            ends=tuple(last for _, last in spans),
            multiword_tokens=tuple(
                replace(token, start=first, end=last)
                for token in sentence.multiword_tokens
                for first, last in [self._span(token.start, token.end)]
            ),
        )

    def _span(self, start: int, end: int) -> tuple[int, int]:
        return int(self.starts[start]), int(self.ends[end - 1])


def with_original_forms(sentence: Sentence, text: str) -> Sentence:
    """A sentence whose text and forms are what a text has at their offsets.

    Tokens of multiword tokens stay, for the text has none of them, but for their case where they
    were read in another.
    """
    forms = [text[a:b] for a, b in zip(sentence.starts, sentence.ends, strict=True)]
    multiword_tokens = []
    for token in sentence.multiword_tokens:
        covered = slice(token.first, token.last + 1)
        form, tokens = text[token.start : token.end], sentence.forms[covered]
        is_capital = form.isupper() and not token.form.isupper()
        forms[covered] = map(str.upper, tokens) if is_capital else tokens
        multiword_tokens.append(replace(token, form=form))
    return replace(
        sentence,
        text=text[sentence.start : sentence.end],
        forms=tuple(forms),
        multiword_tokens=tuple(multiword_tokens),
    )


def forms_in_usual_case(sentence: Sentence) -> tuple[str, ...]:
    """The forms of a sentence; those of one in Turkish capitals in the case they would have.

    Models know capitals, but the small letter of `I` is another in Turkish.
    """
    if sentence.language not in _TURKISH_LETTERS or not is_in_capitals(sentence.text):
        return sentence.forms
    first, *others = sentence.forms
    small = [small_letters(form, sentence.language) for form in others]
    return (usual_case(first, sentence.language), *small)


def folding_edits(text: str) -> list[tuple[int, int, str]]:
    """What differs between a text and its usual Unicode form; nearly always nothing."""
    if _is_usual(text):
        return []
    edits = []
    first = 0
    for line in text.split("\n"):
        if not _is_usual(line):
            is_wide = _WIDE.search(line) is not None
            for match in _FOLDED.finditer(line):
                start, end = match.span()
                folded = _folded(match[0], is_wide=is_wide)
                if folded != match[0] and 0 < len(folded) <= end - start:
                    edits.append((first + start, first + end, folded))
        first += len(line) + 1
    return edits


def _is_usual(text: str) -> bool:
    return text.isascii() or (
        unicodedata.is_normalized("NFC", text) and not _MAY_CHANGE.search(text)
    )


def _folded(part: str, *, is_wide: bool) -> str:
    if "\uff01" <= part[0] <= "\uff5e":
        return part if is_wide else part.translate(_FULL_WIDTH)
    if part == "\u02bc":
        return "\u2019"
    composed = unicodedata.normalize("NFC", part)
    return fold(composed) if len(part) == 1 else composed


def moved_lines(lines: Sequence[LineSpan], edits: Edits) -> list[LineSpan]:
    """Lines of a text after stretches inside lines were replaced."""
    n_less = [0, *accumulate(end - start - len(new) for start, end, new in edits)]
    starts = [start for start, _, _ in edits]
    before = np.searchsorted(starts, [(line.start, line.end) for line in lines])
    return [
        LineSpan(line.start - n_less[first], line.end - n_less[last])
        for line, (first, last) in zip(lines, before.tolist(), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text as models read it.

    Attributes:
        text: In its usual Unicode form, its words whole; forms are from here.
        cleaned: The same without what no token may hold.
        lines: Of both; those that a margin alone broke apart are one.
    """

    text: str
    cleaned: str
    lines: Sequence[LineSpan]
    _original: str
    _folded: RewrittenText | None
    _joined: RewrittenText | None

    @classmethod
    def of(cls, original: str, *, joins_hyphens: bool) -> "ReadText":
        """Reads any string; or makes one word, too, of what a hyphen parts at a margin."""
        folding = folding_edits(original)
        folded = RewrittenText.of(original, folding) if folding else None
        text = folded.text if folded else original
        cleaned = clean(text)
        lines = wrapped_lines(cleaned)
        hyphens = hyphen_edits(cleaned, lines) if joins_hyphens else []
        if not hyphens:
            return cls(text, cleaned, lines, original, folded, None)
        joined, lines = RewrittenText.of(text, hyphens), moved_lines(lines, hyphens)
        cleaned = RewrittenText.of(cleaned, hyphens).text
        return cls(joined.text, cleaned, lines, original, folded, joined)

    @property
    def is_cleaned(self) -> bool:
        """Whether `cleaned` may differ from `text`."""
        return self.cleaned is not self.text

    def original_sentence(self, sentence: Sentence) -> Sentence:
        """A sentence of `text` in its place in the original."""
        if self._joined is not None:
            folded = self._folded.text if self._folded else self._original
            sentence = self._joined.original(sentence, folded)
        if self._folded is not None:
            sentence = self._folded.original(sentence, self._original)
            sentence = with_original_forms(sentence, self._original)
        return sentence
