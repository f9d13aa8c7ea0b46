"""Which writing system letters belong to, and which one a language is written in.

Source: the blocks of the Unicode Standard.
"""

import re
import sys
from collections.abc import Mapping

import numpy as np

from mtag_core.languages import LANGUAGES

# Blocks of letters with their marks; both ends belong to it.
_SCRIPT_TO_BLOCKS: Mapping[str, tuple[tuple[int, int], ...]] = {
    "Latin": ((0x0040, 0x007F), (0x00C0, 0x024F), (0x1E00, 0x1EFF), (0xFF20, 0xFF5F)),
    "Greek": ((0x0370, 0x03FF), (0x1F00, 0x1FFF)),
    "Cyrillic": ((0x0400, 0x052F), (0x1C80, 0x1C8F), (0xA640, 0xA69F)),
    "Armenian": ((0x0530, 0x058F),),
    "Hebrew": ((0x0590, 0x05FF),),
    "Arabic": ((0x0600, 0x06FF), (0x0750, 0x077F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF)),
    "Thaana": ((0x0780, 0x07BF),),
    "Devanagari": ((0x0900, 0x097F),),
    "Bengali": ((0x0980, 0x09FF),),
    "Gurmukhi": ((0x0A00, 0x0A7F),),
    "Gujarati": ((0x0A80, 0x0AFF),),
    "Oriya": ((0x0B00, 0x0B7F),),
    "Tamil": ((0x0B80, 0x0BFF),),
    "Telugu": ((0x0C00, 0x0C7F),),
    "Kannada": ((0x0C80, 0x0CFF),),
    "Malayalam": ((0x0D00, 0x0D7F),),
    "Sinhala": ((0x0D80, 0x0DFF),),
    "Thai": ((0x0E00, 0x0E7F),),
    "Lao": ((0x0E80, 0x0EFF),),
    "Myanmar": ((0x1000, 0x109F),),
    "Georgian": ((0x10A0, 0x10FF), (0x1C90, 0x1CBF)),
    "Hangul": ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7AF)),
    "Ethiopic": ((0x1200, 0x139F),),
    "Khmer": ((0x1780, 0x17FF),),
    # Kana too: Japanese mixes them with Han, and the three languages are told apart otherwise.
    "Han": ((0x3040, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF)),
}
_NAMES = ("", *_SCRIPT_TO_BLOCKS)
_BLOCK_BITS = 4

_LANGUAGE_TO_SCRIPTS = {code: frozenset(language.scripts) for code, language in LANGUAGES.items()}
_UNKNOWN_SCRIPTS = frozenset({"Latin"})
_ALL_LATIN = re.compile("[\x00-\u024f\u1e00-\u1eff\u2000-\u206f\u20a0-\u20cf]*")
_LATIN_LETTER = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")


def scripts_of_language(language: str) -> frozenset[str]:
    """Names the scripts that a language is written in: Latin where nothing else is known."""
    return _LANGUAGE_TO_SCRIPTS.get(language, _UNKNOWN_SCRIPTS)


def is_latin(text: str, start: int = 0, end: int = sys.maxsize) -> bool:
    """Tells whether a stretch of text has no letter of another script, without a copy of it."""
    return _ALL_LATIN.fullmatch(text, start, end) is not None


def script_shares(text: str) -> dict[str, float]:
    """Measures how a text's letters are spread over scripts.

    Returns:
        The share of each script that occurs, from 0 to 1; empty where no letter of a known script
        is in the text.
    """
    # Most lines of most corpora end here.
    if is_latin(text):
        return {"Latin": 1.0} if _LATIN_LETTER.search(text) else {}
    points = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
    counts = np.bincount(_BLOCK_TO_SCRIPT[points >> _BLOCK_BITS], minlength=len(_NAMES))
    counts[0] = 0
    n_letters = int(counts.sum())
    found = np.flatnonzero(counts)
    pairs = zip(found.tolist(), counts[found].tolist(), strict=True)
    return {_NAMES[number]: count / n_letters for number, count in pairs}


def _block_table() -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    table = np.zeros(0x110000 >> _BLOCK_BITS, np.uint8)
    for number, blocks in enumerate(_SCRIPT_TO_BLOCKS.values(), start=1):
        for first, last in blocks:
            table[first >> _BLOCK_BITS : (last >> _BLOCK_BITS) + 1] = number
    return table


_BLOCK_TO_SCRIPT = _block_table()
