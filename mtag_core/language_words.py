"""Common words of languages: what a few of them say about the language of a text.

A fastText model reads letters, and short texts have few. How often each language uses its commonest
words, and how common each language is, tell more about a text of one to ten words.
"""

import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import regex

from mtag_core.arrays import DAMAGE, write_arrays
from mtag_core.errors import BundleError

_WORD = regex.compile(r"[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*['’]?")

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

_CROATIAN_PRIOR = 0.6

_GUESS_FLOOR = 1e-4
_PRIOR_WEIGHT = 1.3
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


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, apostrophes straight."""
    found: list[str] = _WORD.findall(text.lower().replace("\u2019", "'"))
    return found


class LanguageWords:
    """How often languages use their common words.

    Args:
        language_to_words: Of relative frequencies, none below `FLOOR`.
        croatian_odds: Of how much more often a word is in Croatian sentences than in Serbian
            ones in Latin letters.
    """

    def __init__(
        self,
        language_to_words: Mapping[str, Mapping[str, float]],
        croatian_odds: Mapping[str, float] | None = None,
    ) -> None:
        self.croatian_odds = dict(croatian_odds or {})
        self.language_to_words = {k: dict(v) for k, v in language_to_words.items()}
        self._commonest = lru_cache(maxsize=None)(self._find_commonest)
        self._word_to_gains: dict[str, list[tuple[str, float]]] = {}
        for language, words in self.language_to_words.items():
            for word, logarithm in words.items():
                gain = (language, WORD_WEIGHT * (logarithm - FLOOR))
                self._word_to_gains.setdefault(word, []).append(gain)

    @classmethod
    def load(cls, path: Path) -> "LanguageWords":
        """Opens an `.npz` file that `save` wrote.

        Raises:
            BundleError: The file is missing or holds something else.
        """
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                language_to_words = json.loads(arrays["words"].tobytes())
                tenths = arrays["tenths"].astype(np.float64)
                odds_words = json.loads(arrays["odds_words"].tobytes())
                odds = (arrays["odds"].astype(np.float64) / 10).tolist()
            ends = np.cumsum([len(words) for words in language_to_words.values()])
            parts = np.split(tenths / -10, ends[:-1])
            return cls(
                {
                    language: dict(zip(words, part.tolist(), strict=True))
                    for (language, words), part in zip(
                        language_to_words.items(), parts, strict=True
                    )
                },
                dict(zip(odds_words, odds, strict=True)),
            )
        except (*DAMAGE, AttributeError) as error:
            raise BundleError(f"{path}: expected common words of languages: {error}") from error

    def save(self, path: Path) -> None:
        """Writes the words for `load`; logarithms are rounded to tenths."""
        words = {language: list(found) for language, found in self.language_to_words.items()}
        logarithms = [x for found in self.language_to_words.values() for x in found.values()]
        tenths = np.clip(np.round(np.array(logarithms) * -10), 0, 255).astype(np.uint8)
        content = json.dumps(words, ensure_ascii=False).encode()
        odds_words = json.dumps(list(self.croatian_odds), ensure_ascii=False).encode()
        odds = np.clip(np.round(np.array(list(self.croatian_odds.values())) * 10), -127, 127)
        write_arrays(
            path,
            {
                "words": np.frombuffer(content, np.uint8),
                "tenths": tenths,
                "odds_words": np.frombuffer(odds_words, np.uint8),
                "odds": odds.astype(np.int8),
            },
        )

    def reweigh(self, text: str, guess: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
        """Weighs a model's answer by words and priors.

        Args:
            text: As the model read it.
            guess: Languages that could have written it, and probabilities.

        Returns:
            The languages, most probable first; probabilities add up to 1.
        """
        gains: dict[str, float] = {}
        for word in words_of(text):
            for language, gain in self._word_to_gains.get(word, ()):
                gains[language] = gains.get(language, 0.0) + gain
        scores = {
            language: math.log(prob + _GUESS_FLOOR)
            + _PRIOR_WEIGHT * _PRIORS.get(language, _OTHER_PRIOR)
            + gains.get(language, 0.0)
            for language, prob in guess
        }
        best = max(scores.values(), default=0.0)
        weights = {language: math.exp(score - best) for language, score in scores.items()}
        total = sum(weights.values())
        ranked = sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))
        return [(language, weight / total) for language, weight in ranked]

    def part_croatian(
        self, text: str, guess: Sequence[tuple[str, float]]
    ) -> list[tuple[str, float]]:
        """Shares out between Croatian and Serbian anew what a guess gives to both.

        Args:
            text: In Latin letters, as a model reads it.
            guess: Languages and probabilities, best first.
        """
        known = dict(guess)
        if not self.croatian_odds or not guess or guess[0][0] not in ("hr", "sr"):
            return list(guess)
        odds = sum(self.croatian_odds.get(word, 0.0) for word in words_of(text))
        both = known.get("hr", 0.0) + known.get("sr", 0.0)
        share = 1 / (1 + math.exp(-max(-30.0, min(30.0, odds + _CROATIAN_PRIOR))))
        known |= {"hr": both * share, "sr": both * (1 - share)}
        return sorted(known.items(), key=lambda pair: (-pair[1], pair[0]))

    def sure_language(self, text: str) -> tuple[str, float] | None:
        """The language of a text of many common words, where no other comes near.

        Args:
            text: As a model reads it.

        Returns:
            The language and its probability, or None where words alone do not tell.
        """
        gains: dict[str, float] = {}
        words = words_of(text)
        for word in words:
            for language, gain in self._word_to_gains.get(word, ()):
                gains[language] = gains.get(language, 0.0) + gain
        if len(gains) < 2 or len(words) < _MIN_WORDS:
            return None
        second, best = sorted(gains.items(), key=lambda pair: pair[1])[-2:]
        margin = best[1] - second[1]
        if margin < _MIN_MARGIN or best[1] < _MIN_GAIN * len(words):
            return None
        return best[0], 1.0 - math.exp(-margin)

    def commonest(self, language: str, n_words: int) -> frozenset[str]:
        """The words that a language uses most; none where it is unknown."""
        return self._commonest(language, n_words)

    def _find_commonest(self, language: str, n_words: int) -> frozenset[str]:
        words = self.language_to_words.get(language, {})
        ranked = sorted(words, key=lambda word: (-words[word], word))
        return frozenset(ranked[:n_words])

    def rivals(self, language: str) -> list[str]:
        """The languages that share most of the common words of one."""
        own = self.commonest(language, _N_COMPARED)
        n_shared = {
            other: len(own & self.commonest(other, _N_COMPARED))
            for other in self.language_to_words
            if other != language
        }
        ranked = sorted(n_shared, key=lambda other: (-n_shared[other], other))
        return [other for other in ranked[:_N_RIVALS] if n_shared[other] > _RIVAL_SHARED]
