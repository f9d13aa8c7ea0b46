"""Counts the common words of languages in running text, and what parts Croatian and Serbian."""

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.langid import normalise
from mtag_core.language_words import FLOOR, LanguageWords, ngram_rows, words_of
from mtag_core.languages import STANDARD_TO_CODE
from mtag_core.scripts import is_latin
from mtag_core.storage import open_text
from mtag_core.training.segmenters.fitting import Adam

_N_LINES = 40_000
_N_WORDS = 1_500
_MIN_COUNT = 3
_MIN_SHARE = 0.05

# Written without spaces: nothing says where words end.
_UNSPACED = frozenset({"ja", "km", "lo", "my", "th", "yue", "zh"})

# Of each language: lines of text, how much each says, and how much all treebank sentences say.
_N_PARTED_LINES = 25_000
_LINE_WEIGHT = 0.3
_TREEBANK_WEIGHT = 4_000
_CHARACTERS = 250
_N_ODDS_ROWS = 1 << 17
_N_STEPS = 60
_RATE = 0.1
_L2 = 2.0

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


def count_language_words(
    text: Path, treebanks: Mapping[str, Sequence[str]], *, seed: int
) -> LanguageWords:
    """Counts words.

    Args:
        text: Directory of `<code>.txt.xz` files, a sentence a line.
        treebanks: Sentences of some languages.
        seed: Chooses lines of Croatian and Serbian.
    """
    language_to_counts: dict[str, Counter[str]] = {}
    texts: dict[str, list[str]] = {}
    for path in sorted(text.glob("*.txt.xz")):
        code = path.name.split(".")[0]
        if code in _UNSPACED:
            continue
        language = STANDARD_TO_CODE.get(code, code)
        counts = language_to_counts.setdefault(language, Counter())
        with open_text(path) as stream:
            lines = list(islice(stream, _N_LINES))
        if language in ("hr", "sr"):
            texts[language] = lines
        _count([*lines, *treebanks.get(language, ())], counts, is_serbian=language == "sr")
    return LanguageWords.of(
        {language: _logarithms(counts) for language, counts in language_to_counts.items()},
        _croatian_odds(texts, treebanks, seed=seed) if len(texts) == 2 else None,
    )


def _croatian_odds(
    texts: Mapping[str, list[str]], treebanks: Mapping[str, Sequence[str]], *, seed: int
) -> NDArray[np.float64]:
    """Fits a logistic regression over n-grams."""
    generator = random.Random(seed)
    rows: list[list[int]] = []
    targets: list[float] = []
    weights: list[float] = []
    for is_croatian, language in enumerate(("sr", "hr")):
        lines = generator.sample(texts[language], min(_N_PARTED_LINES, len(texts[language])))
        sentences = treebanks.get(language, ())
        for some, weight in (
            (lines, _LINE_WEIGHT),
            (sentences, _TREEBANK_WEIGHT / max(1, len(sentences))),
        ):
            rows += [ngram_rows(_latin(line), n_rows=_N_ODDS_ROWS) for line in some]
            targets += [float(is_croatian)] * len(some)
            weights += [weight] * len(some)
    flat = np.array([row for of_line in rows for row in of_line])
    line = np.repeat(np.arange(len(rows)), list(map(len, rows)))
    odds = np.zeros(_N_ODDS_ROWS, np.float32)
    adam = Adam(_N_ODDS_ROWS, n_steps=_N_STEPS, rate=_RATE)
    for _ in range(_N_STEPS):
        scores = np.bincount(line, odds[flat], minlength=len(rows))
        errors = (1 / (1 + np.exp(-np.clip(scores, -30, 30))) - targets) * weights
        odds -= adam.change(np.bincount(flat, errors[line], minlength=_N_ODDS_ROWS) + _L2 * odds)
    return odds.astype(np.float64)


def _latin(line: str) -> str:
    return normalise(line)[:_CHARACTERS].translate(_SERBIAN)


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
