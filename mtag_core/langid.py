"""Names the language of a text with a fastText model.

The model is a supervised one (Joulin et al. 2016, arXiv:1607.01759), quantised to about 1 MB
(arXiv:1612.03651). It reads the text as `normalise` leaves it, in training and here alike. The cut
that quantising needs leaves few n-grams to short lines, so what the model answers is weighed by how
much of the text is in each language's script. This is the only module that imports fasttext.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from copy import copy
from functools import cached_property
from itertools import chain
from pathlib import Path

import fasttext
import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import BundleError
from mtag_core.folding import fold
from mtag_core.language_words import LanguageWords
from mtag_core.languages import written_standards
from mtag_core.scripts import is_latin, script_shares, scripts_of_language

WORDS_NAME = "langid.words.npz"
"""The common words of languages, beside the model in a bundle."""

# So many languages are weighed by common words.
_N_REWEIGHED = 40

# Words are counted up to here.
_BEGINNING_CHARACTERS = 250

# A longer text of which the model is as sure as this needs no words.
_SURE_CHARACTERS = 60
_SURE_PROBABILITY = 0.9

# So many letters in a script of one language name it.
_ONE_SCRIPT = 0.9

_HAN_SHARE = 0.6
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_KANA_SHARE = 0.1
_CANTONESE = re.compile("[嘅咗喺哋唔佢嚟冇啲嗰咁噉俾嘢喇咩嘥攞瞓]")
_CANTONESE_SHARE = 0.03
_SURE_BY_RULE = 0.9

_LABEL_PREFIX = "__label__"

# More characters make a prediction no better, only slower.
_MAX_CHARACTERS = 400

# Digits and addresses look the same in every language. The model would learn from them which
# collection a sentence came from.
_NOISE = re.compile(r"[\d_]+|https?://\S+|\S*@\S+|#\w+")
_DIGITS = re.compile(r"[\d_]+")

# Characters from here on may be words.
_FIRST_SYLLABLE = "\u0900"


def normalise(text: str) -> str:
    """Returns the text as the model reads it: one folded line, no capitals or digits."""
    folded = fold(text[:_MAX_CHARACTERS])
    # Addresses take long to look for.
    noise = _NOISE if "@" in folded or "://" in folded or "#" in folded else _DIGITS
    words = noise.sub(" ", folded).lower().split()
    return " ".join(words) if any(map(_names_language, words)) else ""


def _names_language(word: str) -> bool:
    """Letters that stand alone are in formulas of any language."""
    return len(word) > 1 or word >= _FIRST_SYLLABLE


class LanguageIdentifier:
    """A loaded model. Predictions depend on the text alone.

    Attributes:
        words: Common words of languages; None of a model that has just been trained.
    """

    words: LanguageWords | None = None
    _chosen: frozenset[str] | None = None

    def __init__(
        self, model: fasttext.FastText._FastText, words: LanguageWords | None = None
    ) -> None:
        self._model = model
        self.words = words

    @classmethod
    def load(cls, path: str | Path) -> "LanguageIdentifier":
        """Opens a `.ftz` or `.bin` file and `langid.words.npz` beside it.

        Raises:
            BundleError: One of them is missing or something else.
        """
        words = Path(path).with_name(WORDS_NAME)
        return cls(open_model(Path(path)), LanguageWords.load(words))

    def among(self, languages: Iterable[str]) -> "LanguageIdentifier":
        """The same model, which names these languages, with their written standards, alone."""
        chosen = frozenset(languages)
        standards = {code for language in chosen for code in written_standards(language)}
        identifier = copy(self)
        identifier._chosen = chosen | standards
        return identifier

    def predict(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """Names the language of each text.

        Args:
            texts: Any strings, line breaks included; only the first 400 characters are read.

        Returns:
            One pair a text: an ISO 639 code and its probability from 0 to 1; `("und", 0.0)` where
            no letters are left to read, or none that a language of the model is written in.
        """
        return [pairs[0] if pairs else ("und", 0.0) for pairs in self.predict_top(texts, n_best=1)]

    def predict_top(self, texts: Sequence[str], *, n_best: int) -> list[list[tuple[str, float]]]:
        """Names the most probable languages of each text, `n_best` at most, best first.

        Returns:
            One list a text of codes and probabilities; empty where there is nothing to read.
        """
        if self._chosen is not None:
            return self._predict_chosen(texts, self._chosen, n_best=n_best)
        lines = [normalise(text) for text in texts]
        if self.words is None:
            return self._identify(lines, n_best=n_best)
        found = list(map(self._by_script, lines))
        # Common words cost a tenth of the model's n-grams.
        left = [index for index, guess in enumerate(found) if guess is None]
        beginnings = [lines[index][:_BEGINNING_CHARACTERS] for index in left]
        for index, guess in zip(left, self.words.sure_languages(beginnings), strict=True):
            found[index] = guess
        index_to_guess = {
            index: _with_japanese(guess) for index, guess in enumerate(found) if guess
        }
        rest = [index for index in range(len(lines)) if index not in index_to_guess]
        if rest:
            guesses = self._identify([lines[i] for i in rest], n_best=max(n_best, _N_REWEIGHED))
            index_to_guess |= dict(zip(rest, guesses, strict=True))
        return [index_to_guess[index][:n_best] for index in range(len(lines))]

    def _predict_chosen(
        self, texts: Sequence[str], chosen: frozenset[str], *, n_best: int
    ) -> list[list[tuple[str, float]]]:
        if len(chosen) == 1:
            return [[(next(iter(chosen)), 1.0)] if normalise(text) else [] for text in texts]
        every = copy(self)
        every._chosen = None
        guesses = every.predict_top(texts, n_best=len(self.languages))
        # Common words name one language and say nothing of the others.
        again = [i for i, guess in enumerate(guesses) if not any(c in chosen for c, _ in guess)]
        every.words = None
        rest = every.predict_top([texts[i] for i in again], n_best=len(self.languages))
        for index, guess in zip(again, rest, strict=True):
            guesses[index] = guess
        return [_renormalised(guess, chosen)[:n_best] for guess in guesses]

    def _by_script(self, line: str) -> tuple[str, float] | None:
        if is_latin(line):
            return None
        shares = script_shares(line)
        if shares.get("Han", 0.0) > _HAN_SHARE:
            return _by_characters(line)
        script = max(shares, key=shares.__getitem__, default="")
        language = self._script_to_language.get(script)
        return (language, shares[script]) if language and shares[script] >= _ONE_SCRIPT else None

    @cached_property
    def _script_to_language(self) -> dict[str, str]:
        pairs = [(script, code) for code in self.languages for script in scripts_of_language(code)]
        counts = Counter(script for script, _ in pairs)
        return {script: code for script, code in pairs if counts[script] == 1}

    def _identify(self, lines: Sequence[str], *, n_best: int) -> list[list[tuple[str, float]]]:
        if not lines:
            return []
        readable = self._readable_shares(lines)
        probs = _weighed(self._probabilities(lines, n_best=n_best), readable)
        # The best answers may all be in scripts that the text has no letter of.
        again = np.flatnonzero(readable.any(axis=1) & ~probs.any(axis=1))
        every = self._probabilities([lines[index] for index in again.tolist()], n_best=-1)
        probs[again] = _weighed(every, readable[again])
        if self.words is None or n_best == 1:
            return self._ranked(probs, n_best)
        best = probs.max(axis=1)
        is_short = np.array([len(line) < _SURE_CHARACTERS for line in lines])
        unsure = np.flatnonzero((best > 0) & (is_short | (best < _SURE_PROBABILITY)))
        texts = [lines[index] for index in unsure.tolist()]
        probs[unsure] = self.words.reweigh(texts, self.languages, probs[unsure])
        guesses = self._ranked(probs, n_best)
        for index, (line, guess) in enumerate(zip(lines, guesses, strict=True)):
            if guess and guess[0][0] in ("hr", "sr") and is_latin(line):
                guesses[index] = self.words.part_croatian(line, guess)
        return guesses

    def _readable_shares(self, lines: Sequence[str]) -> NDArray[np.float64]:
        found = np.zeros((len(lines), len(self.languages)))
        for row, line in zip(found, lines, strict=True):
            for script, share in script_shares(line).items():
                row += share * self._is_written[script]
        return found

    def _probabilities(self, lines: Sequence[str], *, n_best: int) -> NDArray[np.float64]:
        found = np.zeros((len(lines), len(self.languages)))
        if lines:
            labels, probs = self._model.predict(list(lines), k=n_best, on_unicode_error="replace")
            of_line = np.arange(len(lines)).repeat(list(map(len, labels)))
            numbers = list(map(self._label_to_number.__getitem__, chain.from_iterable(labels)))
            found[of_line, numbers] = np.minimum(np.concatenate(probs), 1.0)
        return found

    def _ranked(self, probs: NDArray[np.float64], n_best: int) -> list[list[tuple[str, float]]]:
        languages = self.languages
        best = (-probs).argsort(axis=1, kind="stable")[:, :n_best]
        found = zip(best.tolist(), np.take_along_axis(probs, best, axis=1).tolist(), strict=True)
        return [
            [(languages[n], prob) for n, prob in zip(*pair, strict=True) if prob] for pair in found
        ]

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The codes the model can answer, sorted."""
        return tuple(sorted(map(_code, self._model.get_labels())))

    @cached_property
    def _is_written(self) -> defaultdict[str, NDArray[np.float64]]:
        found: defaultdict[str, NDArray[np.float64]] = defaultdict(
            lambda: np.zeros(len(self.languages))
        )
        for number, language in enumerate(self.languages):
            for script in scripts_of_language(language):
                found[script][number] = 1.0
        return found

    @cached_property
    def _label_to_number(self) -> dict[str, int]:
        return {label: self.languages.index(_code(label)) for label in self._model.get_labels()}


def open_model(path: Path) -> fasttext.FastText._FastText:
    """Opens a `.ftz` or `.bin` file.

    Raises:
        BundleError: The file is missing or no supervised fastText model.
    """
    if not path.is_file():
        raise BundleError(f"{path}: expected a fastText model, found no file")
    try:
        model = fasttext.FastText._FastText(str(path))
        model.predict([""])
    except (ValueError, RuntimeError) as error:
        raise BundleError(f"{path}: not a supervised fastText model: {error}") from error
    return model


def _code(label: str) -> str:
    return label.removeprefix(_LABEL_PREFIX)


def _with_japanese(guess: tuple[str, float]) -> list[tuple[str, float]]:
    """A line of ideographs alone may be a Japanese headline, which other lines show."""
    language, probability = guess
    is_chinese = guess == ("zh", _SURE_BY_RULE)
    return [guess, ("ja", 1 - probability)] if is_chinese else [(language, probability)]


def _by_characters(line: str) -> tuple[str, float]:
    """Japanese needs kana, Cantonese its own characters; the rest of their script is Chinese."""
    n_letters = max(1, sum(map(str.isalpha, line)))
    if len(_KANA.findall(line)) >= _KANA_SHARE * n_letters:
        return "ja", _SURE_BY_RULE
    is_cantonese = len(_CANTONESE.findall(line)) > _CANTONESE_SHARE * n_letters
    return "yue" if is_cantonese else "zh", _SURE_BY_RULE


def _weighed(probs: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighs probabilities by the share of the letters that each language could have written.

    What a guess leaves to languages that it does not name counts as theirs in full.
    """
    weights = probs * shares
    left = np.maximum(0.0, 1.0 - probs.sum(axis=1))
    total = (weights.sum(axis=1) + left)[:, None]
    found: NDArray[np.float64] = np.divide(weights, total, out=weights, where=total > 0)
    return found


def _renormalised(
    guess: Sequence[tuple[str, float]], chosen: frozenset[str]
) -> list[tuple[str, float]]:
    kept = [(language, prob) for language, prob in guess if language in chosen]
    total = sum(prob for _, prob in kept)
    return [(language, prob / total) for language, prob in kept] if total else kept
