"""Treebank style: which treebank's annotation the tags of a language follow.

Treebanks of one language contradict each other, and a model that does not know which one is meant
has to guess. A style goes by its treebank's name, such as `pl_lfg`; a bundle lists those that its
model can follow (`mtag_core.labels`). Some have a segmenter, too (`mtag_core.segmentation`). A
bundle also names the style that a language's tags have where the user names none. With `mixed` each
document has the style of the treebank whose text it is most like.

Each distinct word of a sentence, in small letters, and the sentence's length have a weight for each
treebank; a document is like the treebank with the largest sum over its sentences. Weights are
hashed, and clipped so that no word decides alone; they are a table in a bundle.
"""

import hashlib
import json
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import read_arrays, text_codes, write_arrays
from mtag_core.errors import UsageError
from mtag_core.folding import fold
from mtag_core.languages import STANDARD_TO_CODE, written_standards
from mtag_core.records import Sentence

MIXED = "mixed"
"""In the place of treebanks: each document has its own; none where the bundle cannot tell."""

TREEBANK_CLASSIFIER = "treebanks.npz"
"""The file's name in a bundle."""
N_BUCKETS = 4096
MAX_WEIGHT = 15
# Of a document, from a language's first on, that its style is chosen by. On dev files 200 are as
# good as all, 50 nearly so.
_MAX_SENTENCES = 200

Weights = NDArray[np.int8]


def treebank_language(treebank: str) -> str:
    """The language of a treebank: what stands in its name before the first `_`."""
    return treebank.partition("_")[0]


def languages_of(treebank: str) -> tuple[str, ...]:
    """The codes of the sentences that a treebank's style applies to."""
    language = treebank_language(treebank)
    return (language, *written_standards(language))


def split_names(values: Iterable[str]) -> tuple[str, ...]:
    """The treebanks that a flag names, split at commas, sorted, each once.

    Raises:
        UsageError: There are none.
    """
    names = {name.strip() for value in values for name in value.split(",")} - {""}
    if not names:
        raise UsageError("--treebank_style is empty; name a treebank, such as pl_lfg")
    return tuple(sorted(names))


def check_treebank_style(names: Iterable[str], *, treebanks: Collection[str]) -> None:
    """Checks that a bundle can follow treebanks' styles.

    Raises:
        UsageError: The bundle does not know one, two are of one language, or `MIXED` is not alone.
    """
    names = tuple(names)
    if MIXED in names:
        if set(names) != {MIXED}:
            raise UsageError(
                f"treebank style {MIXED!r} is chosen by document; name no other beside it"
            )
        return
    language_to_name: dict[str, str] = {}
    for name in names:
        if name not in treebanks:
            raise UsageError(f"treebank style {name!r}: {_expected(treebanks)}")
        other = language_to_name.setdefault(treebank_language(name), name)
        if other != name:
            raise UsageError(
                f"treebank styles {other!r} and {name!r} are of one language, expected one a "
                "language"
            )


def unused_styles(names: Iterable[str], *, languages: Collection[str]) -> list[str]:
    """The treebanks' styles that nothing followed: no sentence was in their language."""
    treebanks = [name for name in names if name != MIXED]
    return [name for name in treebanks if not set(languages_of(name)) & set(languages)]


def style_digest(bundle_digest: str, treebanks: Iterable[str]) -> str:
    """One digest for a bundle and the styles it follows; without any, the bundle's own."""
    names = sorted(set(treebanks))
    if not names:
        return bundle_digest
    return hashlib.sha256("\n".join([bundle_digest, *names]).encode()).hexdigest()


def _expected(treebanks: Collection[str]) -> str:
    if not treebanks:
        return "the model knows no treebanks; name none, or another model"
    return f"no treebank of the model, expected one of {', '.join(sorted(treebanks))}, or {MIXED}"


def buckets(forms: Sequence[str]) -> list[int]:
    """Places of a sentence's weights, each once."""
    words = {(fold(form) or form).lower() for form in forms}
    # Twice the logarithm of the length, rounded down.
    length = f"length {(len(forms) ** 2).bit_length()}"
    return sorted({code % N_BUCKETS for code in text_codes([*words, length])})


class TreebankClassifier:
    """Chooses among the treebanks of its languages, by their weights, shape (N_BUCKETS,) each."""

    def __init__(self, treebank_to_weights: Mapping[str, Weights]) -> None:
        self.treebank_to_weights = treebank_to_weights
        self._language_to_names: dict[str, list[str]] = {}
        for name in treebank_to_weights:
            self._language_to_names.setdefault(treebank_language(name), []).append(name)
        self._language_to_weights = {
            language: np.stack([treebank_to_weights[name] for name in names], axis=1)
            for language, names in self._language_to_names.items()
        }
        self.languages = frozenset(self._language_to_names)

    @classmethod
    def load(cls, path: Path, *, treebanks: Sequence[str]) -> "TreebankClassifier":
        """Opens a file that `save` wrote.

        Raises:
            BundleError: The file holds something else.
        """
        with read_arrays(path, what="weights of treebanks") as arrays:
            names, weights = json.loads(arrays["names"].tobytes()), arrays["weights"]
            if weights.dtype != np.int8 or weights.shape != (len(names), N_BUCKETS):
                raise ValueError(f"{weights.dtype} {weights.shape} of {len(names)} treebanks")
            if unknown := set(names) - set(treebanks):
                raise ValueError(f"{min(unknown)!r} is no treebank of the bundle")
        return cls(dict(zip(names, weights, strict=True)))

    def save(self, path: Path) -> None:
        """Writes the weights for `load`; the same weights give the same bytes."""
        names = json.dumps(list(self.treebank_to_weights)).encode()
        weights = np.array(list(self.treebank_to_weights.values()), np.int8)
        weights = weights.reshape(-1, N_BUCKETS)
        write_arrays(path, {"names": np.frombuffer(names, np.uint8), "weights": weights})

    def find(self, language: str, sentences: Iterable[Sequence[str]]) -> str:
        """The treebank that sentences of one of `languages`, by their forms, are most like."""
        places = [place for forms in sentences for place in buckets(forms)]
        sums = self._language_to_weights[language][places].sum(axis=0, dtype=np.int64)
        return self._language_to_names[language][int(sums.argmax())]


NO_CLASSIFIER = TreebankClassifier({})
"""Of labels that no treebank is chosen for."""


class Styles:
    """The styles of a tagger: those the user names, or the default of each language.

    The treebanks are those that the bundle knows, by their numbers from 1.
    """

    def __init__(
        self,
        treebank_style: Sequence[str],
        *,
        treebanks: Sequence[str],
        default: Mapping[str, str],
        classifier: TreebankClassifier,
    ) -> None:
        is_mixed = MIXED in treebank_style
        self._classifier = classifier if is_mixed else NO_CLASSIFIER
        styles = {} if is_mixed else dict(default)
        named = treebank_style
        if is_mixed:
            n_of_language = Counter(map(treebank_language, treebanks))
            named = [name for name in treebanks if n_of_language[treebank_language(name)] == 1]
        styles |= {language: name for name in named for language in languages_of(name)}
        self._number_of = {name: number for number, name in enumerate(treebanks, start=1)}
        self._language_to_number = {
            language: self._number_of[name] for language, name in styles.items()
        }

    def of_document(self, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
        """Gives the sentences of a document the treebanks that the document is most like.

        One treebank a language. Some sentences are read ahead, however long the document is; where
        nothing is to be chosen they pass as they are.
        """
        return self._chosen(iter(sentences)) if self._classifier.languages else iter(sentences)

    def number(self, sentence: Sentence) -> int:
        """The number of the treebank that a sentence's tags follow, 0 for none."""
        if self._classifier.languages and sentence.treebank is not None:
            return self._number_of[sentence.treebank]
        return self._language_to_number.get(sentence.language, 0)

    def _chosen(self, sentences: Iterator[Sentence]) -> Iterator[Sentence]:
        ahead: deque[Sentence] = deque()
        language_to_treebank: dict[str, str] = {}
        while ahead or (ahead := deque(islice(sentences, 1))):
            language = _language(ahead[0])
            if language not in self._classifier.languages:
                yield ahead.popleft()
                continue
            if language not in language_to_treebank:
                ahead.extend(islice(sentences, _MAX_SENTENCES - len(ahead)))
                own = [each.forms for each in ahead if _language(each) == language]
                language_to_treebank[language] = self._classifier.find(language, own)
            yield replace(ahead.popleft(), treebank=language_to_treebank[language])


def _language(sentence: Sentence) -> str:
    return STANDARD_TO_CODE.get(sentence.language, sentence.language)
