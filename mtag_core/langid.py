"""Names the language of a text with a fastText model.

The model is a supervised one (Joulin et al. 2016, arXiv:1607.01759), quantised to about 1 MB
(arXiv:1612.03651). It reads the text as `normalise` leaves it, in training and here alike. This is
the only module that imports fasttext.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import fasttext

from mtag_core.errors import BundleError

_LABEL_PREFIX = "__label__"

# More characters make a prediction no better, only slower.
_MAX_CHARACTERS = 400

# Digits and addresses look the same in every language. The model would learn from them which
# collection a sentence came from.
_NOISE = re.compile(r"[\d_]+|https?://\S+|\S+@\S+")


def normalise(text: str) -> str:
    """Returns the text as the model reads it: one line, lower case, no digits, no addresses."""
    return " ".join(_NOISE.sub(" ", text[:_MAX_CHARACTERS]).lower().split())


class LanguageIdentifier:
    """A loaded model. Predictions depend on the text alone."""

    def __init__(self, model: fasttext.FastText._FastText) -> None:
        """Wraps a supervised fastText model; `load` is the usual way."""
        self._model = model

    @classmethod
    def load(cls, path: str | Path) -> "LanguageIdentifier":
        """Opens a `.ftz` or `.bin` file.

        Raises:
            BundleError: The file is missing or no supervised fastText model.
        """
        path = Path(path)
        if not path.is_file():
            raise BundleError(f"{path}: expected a fastText model, found no file")
        try:
            model = fasttext.FastText._FastText(str(path))
            model.predict([""])
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"{path}: not a supervised fastText model: {error}") from error
        return cls(model)

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes the model can answer, sorted."""
        return tuple(sorted(_code(label) for label in self._model.get_labels()))

    def predict(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """Names the language of each text.

        Args:
            texts: Any strings, line breaks included; only the first 400 characters are read.

        Returns:
            One pair a text: an ISO 639 code and its probability from 0 to 1; `("und", 0.0)` where
            nothing but spaces, digits and addresses is left to read.
        """
        return [pairs[0] if pairs else ("und", 0.0) for pairs in self.predict_top(texts, n_best=1)]

    def predict_top(self, texts: Sequence[str], *, n_best: int) -> list[list[tuple[str, float]]]:
        """Names the most probable languages of each text, best first.

        Args:
            texts: As in `predict`.
            n_best: How many languages a text, at most.

        Returns:
            One list a text of codes and probabilities; empty where there is nothing to read.
        """
        lines = [normalise(text) for text in texts]
        if not lines:
            return []
        all_labels, all_probs = self._model.predict(lines, k=n_best, on_unicode_error="replace")
        return [
            [(_code(label), min(float(prob), 1.0)) for label, prob in zip(*row, strict=True)]
            if line
            else []
            for line, *row in zip(lines, all_labels, all_probs, strict=True)
        ]


def _code(label: str) -> str:
    """Takes fastText's prefix off a label."""
    return label.removeprefix(_LABEL_PREFIX)
