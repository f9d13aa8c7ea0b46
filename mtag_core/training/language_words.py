"""Counts the common words of languages in running text."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from mtag_core.language_words import FLOOR, LanguageWords, words_of
from mtag_core.scripts import is_latin
from mtag_core.storage import open_text

_N_LINES = 40_000
_N_WORDS = 1_500
_MIN_COUNT = 3
_MIN_SHARE = 0.05
_MIN_SENTENCES = 5
_MIN_ODDS = 1.2

# Written without spaces: nothing says where words end.
_UNSPACED = frozenset({"ja", "km", "lo", "my", "th", "yue", "zh"})

# Written standards that the treebanks put under one code.
_MERGED = {"nb": "no", "nn": "no"}

# Serbian text is in both alphabets, mostly in this one; what it says holds for the other.
_SERBIAN = str.maketrans(
    dict(
        zip(
            "абвгдђежзијклљмнњопрстћуфхцчџш",
            "a b v g d đ e ž z i j k l lj m n nj o p r s t ć u f h c č dž š".split(),
            strict=True,
        )
    )
)


def count_language_words(text: Path, more: Mapping[str, Sequence[str]]) -> LanguageWords:
    """Counts words.

    Args:
        text: Directory of `<code>.txt.xz` files, a sentence a line.
        more: Other sentences of some languages.
    """
    language_to_counts: dict[str, Counter[str]] = {}
    texts: dict[str, list[str]] = {}
    for path in sorted(text.glob("*.txt.xz")):
        code = path.name.split(".")[0]
        if code in _UNSPACED:
            continue
        language = _MERGED.get(code, code)
        counts = language_to_counts.setdefault(language, Counter())
        with open_text(path) as stream:
            lines = list(islice(stream, _N_LINES))
        lines += more.get(language, ())
        _count(lines, counts, is_serbian=language == "sr")
        if language in ("hr", "sr"):
            texts[language] = lines
    return LanguageWords(
        {language: _logarithms(counts) for language, counts in language_to_counts.items()},
        _croatian_odds(texts.get("hr", []), texts.get("sr", [])),
    )


def _croatian_odds(croatian: Iterable[str], serbian: Iterable[str]) -> dict[str, float]:
    counts = Counter(word for line in croatian for word in set(words_of(line)))
    others = Counter(
        word for line in serbian for word in {found.translate(_SERBIAN) for found in words_of(line)}
    )
    n_counts, n_others = max(1, counts.total()), max(1, others.total())
    odds = {
        word: math.log((counts[word] + 0.5) / n_counts) - math.log((others[word] + 0.5) / n_others)
        for word in sorted(set(counts) | set(others))
        if counts[word] + others[word] >= _MIN_SENTENCES
    }
    return {word: round(value, 1) for word, value in odds.items() if abs(value) >= _MIN_ODDS}


def _count(lines: Iterable[str], counts: Counter[str], *, is_serbian: bool) -> None:
    """Counts the words of lines, of Serbian ones in both alphabets."""
    for line in lines:
        words = words_of(line)
        counts.update(words)
        if is_serbian and not is_latin(line):
            counts.update(word.translate(_SERBIAN) for word in words)


def _logarithms(counts: Counter[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for of_script in (True, False):
        words = Counter({w: n for w, n in counts.items() if is_latin(w) == of_script})
        total = words.total()
        if total >= _MIN_SHARE * counts.total():
            found |= {
                word: max(FLOOR, math.log(count / total))
                for word, count in words.most_common(_N_WORDS)
                if count >= _MIN_COUNT
            }
    return found
