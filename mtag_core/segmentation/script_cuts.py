"""Cuts a line between two sentences in different scripts: one tokenizer serves one language."""

import re
from collections.abc import Iterator

from mtag_core.langid import LanguageIdentifier
from mtag_core.scripts import is_latin, script_shares, scripts_of_language

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
