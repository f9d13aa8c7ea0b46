"""Common words of languages: what a few of them say about the language of a text.

A fastText model reads letters, and short texts have few. How often each language uses its commonest
words, and how common each language is, tell more about a text of one to ten words.
"""

import json
import math
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from pathlib import Path

import numpy as np
import regex
from numpy.typing import NDArray

from mtag_core.arrays import read_arrays, spread, text_codes, write_arrays
from mtag_core.scripts import is_latin

_WORD = regex.compile(r"[\p{L}\p{M}]+(?:'[\p{L}\p{M}]+)*'?")
# The same in text that `is_latin`, twice as fast.
_LATIN = "a-z\u00aa\u00b5\u00ba\u00df-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_LATIN_WORD = re.compile(rf"[{_LATIN}]+(?:'[{_LATIN}]+)*'?")

FLOOR = -11.0
"""Logarithm of how often a language uses a word that is not among its common ones."""

WORD_WEIGHT = 0.4
"""Of the logarithms: words of a text are not independent."""

# Languages that are easily taken for one another share so many of so many common words.
_N_COMPARED = 150
_N_RIVALS = 4
_RIVAL_SHARED = 15

# Words alone name a language when it leads by so much, and by so much a word over nothing known.
_MIN_WORDS = 8
_MIN_MARGIN = 6.0
_MIN_GAIN = 0.8

# A text of a document in a language is in that language when this much speaks for it.
_LIKELY_WORDS = 3
_LIKELY_MARGIN = 1.0
_LIKELY_GAIN = 0.3

# What Croatian has in its favour over Serbian in Latin letters, as a logarithm.
_CROATIAN_PRIOR = 1.0
_CROATIAN_CHARACTERS = 250
_ODDS_SCALE = 32

_GUESS_FLOOR = 1e-4
# What a model's answer, words and priors weigh beside each other. A model that reads letters is too
# sure of a text of one to three words.
_WEIGHTS, _WEIGHTS_OF_FEW = (1.0, 1.0, 1.3), (0.45, 1.6, 1.0)
_FEW_CHARACTERS = 20
_OTHER_PRIOR = -3.2

# How common languages are in what people have tagged, as logarithms; by rank, not by count.
_PRIORS = {
    language: logarithm
    for logarithm, languages in (
        (0.0, "en"),
        (-0.5, "es de fr ru ja zh"),
        (-0.7, "pt it ar"),
        (-1.0, "pl nl tr fa id vi ko el he hi"),
        (-1.2, "uk sv cs hu ro"),
        (-1.5, "da no fi bg ta ur bn hy sr hr"),
        (-1.8, "mr te sk ca"),
        (-2.0, "lt sl et lv kk"),
        (-2.2, "be eu sq az"),
        (-2.6, "gl af la ga mk ms"),
        (-4.0, "bs"),
    )
    for language in languages.split()
}


Codes = NDArray[np.uint32]


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, apostrophes straight."""
    text = text.lower().replace("\u2019", "'")
    found: list[str] = (_LATIN_WORD if is_latin(text) else _WORD).findall(text)
    return found


def word_codes(texts: Sequence[str]) -> tuple[Codes, NDArray[np.int64]]:
    """32 bits of each word of some texts: tables hold these in the place of words.

    Returns:
        The codes, one text after another, and the number of words of each text, shape (n_texts,).
    """
    words = list(map(words_of, texts))
    n_words = np.array(list(map(len, words)), np.int64)
    return np.array(text_codes(chain.from_iterable(words)), np.uint32), n_words


def ngram_rows(text: str, *, n_rows: int) -> list[int]:
    """Rows of a table of words and of three to six letters of them, with their borders.

    Args:
        text: In Latin letters.
        n_rows: A power of 2.
    """
    words = [f"^{word}$" for word in words_of(text)]
    ngrams = [
        word[start : start + size]
        for word in words
        for size in range(3, 7)
        for start in range(len(word) - size + 1)
    ]
    return [code & (n_rows - 1) for code in text_codes((*words, *ngrams))]


class LanguageWords:
    """How often languages use their common words, as a table that is read without unpacking it.

    Args:
        languages: Their codes.
        codes: Of all words, sorted. Shape (n_words,).
        n_owners: How many languages use each. Shape (n_words,).
        owners: Which do, by number. Shape (n_pairs,).
        tenths: Logarithm of the relative frequency there, times -10. Shape (n_pairs,).
        odds: By row of `ngram_rows`: 32 times what an n-gram says for Croatian against Serbian.
            Shape (n_rows,), a power of 2; none where it is empty.
    """

    def __init__(
        self,
        languages: Sequence[str],
        codes: Codes,
        n_owners: NDArray[np.uint8],
        owners: NDArray[np.uint8],
        tenths: NDArray[np.uint8],
        odds: NDArray[np.int8],
    ) -> None:
        self.languages = tuple(languages)
        self._language_to_number = {language: i for i, language in enumerate(self.languages)}
        self._columns = (codes, n_owners, owners, tenths, odds)
        self._codes, self._owners = codes, owners
        self._starts = np.concatenate([[0], np.cumsum(n_owners, dtype=np.int64)])
        self._gains = (WORD_WEIGHT * (tenths / -10 - FLOOR)).astype(np.float32)
        self._odds = odds
        self.commonest = lru_cache(maxsize=None)(self._commonest)
        self.rivals = lru_cache(maxsize=None)(self._rivals)
        self._word_odds = lru_cache(maxsize=16_384)(self._find_word_odds)

    @classmethod
    def of(
        cls,
        language_to_words: Mapping[str, Mapping[str, float]],
        croatian_odds: NDArray[np.float64] | None = None,
    ) -> "LanguageWords":
        """Makes the tables of logarithms, rounded to tenths, of relative frequencies, and by row.

        No frequency is below `FLOOR`.
        """
        languages = sorted(language_to_words)
        rows = [
            (code, number, round(-10 * logarithm))
            for number, language in enumerate(languages)
            for code, logarithm in zip(
                text_codes(language_to_words[language]),
                language_to_words[language].values(),
                strict=True,
            )
        ]
        table = np.array(sorted(rows), np.int64).reshape(-1, 3)
        codes, n_owners = np.unique(table[:, 0], return_counts=True)
        odds = np.zeros(0) if croatian_odds is None else croatian_odds
        return cls(
            languages,
            codes.astype(np.uint32),
            n_owners.astype(np.uint8),
            table[:, 1].astype(np.uint8),
            np.clip(table[:, 2], 0, 255).astype(np.uint8),
            np.clip(np.round(odds * _ODDS_SCALE), -127, 127).astype(np.int8),
        )

    @classmethod
    def load(cls, path: Path) -> "LanguageWords":
        """Opens an `.npz` file that `save` wrote.

        Raises:
            BundleError: The file is missing or holds something else.
        """
        with read_arrays(path, what="common words of languages") as arrays:
            return cls(
                json.loads(arrays["languages"].tobytes()),
                np.cumsum(arrays["steps"], dtype=np.uint32),
                arrays["n_owners"],
                arrays["owners"],
                arrays["tenths"],
                arrays["odds"],
            )

    def save(self, path: Path) -> None:
        """Writes the tables for `load`; steps between sorted codes pack better than codes."""
        codes, n_owners, owners, tenths, odds = self._columns
        write_arrays(
            path,
            {
                "languages": np.frombuffer(json.dumps(self.languages).encode(), np.uint8),
                "steps": np.diff(codes, prepend=np.uint32(0)),
                "n_owners": n_owners,
                "owners": owners,
                "tenths": tenths,
                "odds": odds,
            },
        )

    def gains(self, codes: Codes, n_words: NDArray[np.int64]) -> NDArray[np.float64]:
        """What the words of texts, as `word_codes` gives them, say for each language.

        Returns:
            Logarithms, shape (n_texts, n_languages).
        """
        places, is_known = find_codes(self._codes, codes)
        of_text = np.arange(len(n_words)).repeat(n_words)[is_known]
        counts = self._starts[places + 1] - self._starts[places]
        pairs = spread(counts, self._starts[places])
        n_languages = len(self.languages)
        cells = of_text.repeat(counts) * n_languages + self._owners[pairs]
        sums = np.bincount(cells, self._gains[pairs], minlength=len(n_words) * n_languages)
        return sums.astype(np.float64).reshape(len(n_words), n_languages)

    def reweigh(
        self, texts: Sequence[str], languages: Sequence[str], probs: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Weighs a model's answers by words and priors.

        Args:
            texts: As the model read them.
            languages: That it knows.
            probs: Of these, 0 for what could not have written a text. Shape (n_texts, n_languages).

        Returns:
            Shape (n_texts, n_languages); those of a text add up to 1.
        """
        if not texts:
            return probs
        numbers = [self._language_to_number.get(language, -1) for language in languages]
        # One column more, of languages without common words.
        gains = np.pad(self.gains(*word_codes(texts)), ((0, 0), (0, 1)))[:, numbers]
        priors = np.array([_PRIORS.get(language, _OTHER_PRIOR) for language in languages])
        is_few = np.array([len(text) < _FEW_CHARACTERS for text in texts])
        of_guess, of_words, of_prior = np.where(
            is_few, *(np.array(w)[:, None] for w in (_WEIGHTS_OF_FEW, _WEIGHTS))
        )[..., None]
        scores = of_guess * np.log(probs + _GUESS_FLOOR) + of_words * gains + of_prior * priors
        scores[probs == 0] = -np.inf
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        return found

    def part_croatian(
        self, text: str, guess: Sequence[tuple[str, float]]
    ) -> list[tuple[str, float]]:
        """Shares out between Croatian and Serbian anew what a guess, best first, gives to both."""
        known = dict(guess)
        if not len(self._odds) or not guess or guess[0][0] not in ("hr", "sr"):
            return list(guess)
        odds = sum(map(self._word_odds, words_of(text[:_CROATIAN_CHARACTERS]))) / _ODDS_SCALE
        both = known.get("hr", 0.0) + known.get("sr", 0.0)
        share = 1 / (1 + math.exp(-max(-30.0, min(30.0, odds + _CROATIAN_PRIOR))))
        known |= {"hr": both * share, "sr": both * (1 - share)}
        return _ranked(known.items())

    def _find_word_odds(self, word: str) -> int:
        # The codes of `ngram_rows`, each made of the one before.
        odds, mask = self._odds.data, len(self._odds) - 1
        letters = [letter.encode("utf-8", "replace") for letter in f"^{word}$"]
        total = odds[zlib.crc32(b"".join(letters)) & mask]
        for start in range(len(letters) - 2):
            code = zlib.crc32(letters[start + 1], zlib.crc32(letters[start]))
            for letter in letters[start + 2 : start + 6]:
                code = zlib.crc32(letter, code)
                total += odds[code & mask]
        return total

    def sure_languages(self, texts: Sequence[str]) -> list[tuple[str, float] | None]:
        """The languages of texts of many common words, where no other comes near, else None.

        They come with their probabilities.
        """
        if not texts or len(self.languages) < 2:
            return [None] * len(texts)
        codes, n_words = word_codes(texts)
        gains = self.gains(codes, n_words)
        second, best = np.partition(gains, -2, axis=1)[:, -2:].T
        margins = best - second
        is_sure = (n_words >= _MIN_WORDS) & (margins >= _MIN_MARGIN) & (best >= _MIN_GAIN * n_words)
        return [
            (self.languages[language], 1.0 - math.exp(-margin)) if sure else None
            for language, margin, sure in zip(
                gains.argmax(axis=1).tolist(), margins.tolist(), is_sure.tolist(), strict=True
            )
        ]

    def agree(self, codes: Codes, n_words: NDArray[np.int64], language: str) -> NDArray[np.bool_]:
        """Says of texts of a document in a language whether nothing in them speaks for another.

        Codes and numbers are as `word_codes` gives them. A text agrees where it has some words of
        the language and no other uses its words more. Shape (n_texts,).
        """
        if language not in self._language_to_number:
            return np.zeros(len(n_words), np.bool_)
        gains = self.gains(codes, n_words)
        number = self._language_to_number[language]
        own = gains[:, number].copy()
        gains[:, number] = 0
        is_likely = (own >= gains.max(axis=1) + _LIKELY_MARGIN) & (own >= _LIKELY_GAIN * n_words)
        agreed: NDArray[np.bool_] = is_likely & (n_words >= _LIKELY_WORDS)
        return agreed

    def _commonest(self, language: str, n_words: int) -> frozenset[int]:
        if language not in self.languages:
            return frozenset()
        pairs = np.flatnonzero(self._owners == self.languages.index(language))
        ranked = pairs[np.argsort(-self._gains[pairs], kind="stable")[:n_words]]
        words = np.searchsorted(self._starts, ranked, side="right") - 1
        return frozenset(self._codes[words].tolist())

    def _rivals(self, language: str) -> tuple[str, ...]:
        own = self.commonest(language, _N_COMPARED)
        n_shared = {
            other: len(own & self.commonest(other, _N_COMPARED))
            for other in self.languages
            if other != language
        }
        ranked = sorted(n_shared, key=lambda other: (-n_shared[other], other))
        return tuple(other for other in ranked[:_N_RIVALS] if n_shared[other] > _RIVAL_SHARED)


def _ranked(pairs: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    return sorted(sorted(pairs), key=itemgetter(1), reverse=True)


def find_codes(table: Codes, codes: Codes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Places in a sorted table of the codes that are in it, and which are: shape (n_codes,)."""
    places = np.searchsorted(table, codes)
    is_known = np.zeros(len(codes), np.bool_)
    inside = places < len(table)
    is_known[inside] = table[places[inside]] == codes[inside]
    return places[is_known], is_known
