"""What models answer, batch by batch, put together to columns of tags in the tokens' order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtag_core.folding import CHINESE, SERBIAN, lemma_as_written
from mtag_core.labels import Labels
from mtag_core.lemma_tables import has_lemma
from mtag_core.lemmas import apply_rule
from mtag_core.records import Sentence
from mtag_core.tagging.symbols import correct_symbols, is_garbled, is_its_own_lemma
from mtag_core.tagging.tagged import TaggedSentence
from mtag_core.tagging.windows import EncodedSentence
from mtag_core.treebank_style import treebank_language

# Lemmas that are remembered by rule, form, UPOS and treebank; about 8 MB when full.
_MAX_LEMMAS = 32_768


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says about tokens. Every array but the last has shape (n_tokens,).

    Attributes:
        upos: Label ids.
        second_upos: Label ids of the second best.
        feats: Label ids.
        upos_score: Probability of `upos`.
        feats_score: Probability of `feats` among the bundles that occur with `upos`.
        lemmas: Label ids of lemma rules.
        next_lemmas: Those of the next best rules, best first, shape (n_tokens, n_next); the best
            rule stands in the place of rules that are far less likely.
    """

    upos: NDArray[np.int64]
    second_upos: NDArray[np.int64]
    feats: NDArray[np.int64]
    upos_score: NDArray[np.float32]
    feats_score: NDArray[np.float32]
    lemmas: NDArray[np.int64]
    next_lemmas: NDArray[np.int64]


_NO_IDS, _NO_SCORES = np.zeros(0, np.int64), np.zeros(0, np.float32)

NO_ANSWER = Answer(_NO_IDS, _NO_IDS, _NO_IDS, _NO_SCORES, _NO_SCORES, _NO_IDS, _NO_IDS[:, None])
"""For no tokens."""


class _Remembered(dict[tuple[int, str, str, int], str]):
    # A hit takes half as long as in a cache that knows which were used last.
    def __init__(self, make: Callable[[int, str, str, int], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: tuple[int, str, str, int]) -> str:
        if len(self) >= _MAX_LEMMAS:
            self.clear()
        made = self[key] = self._make(*key)
        return made


class Labeller:
    """Gives label ids their tags, and forms their lemmas."""

    def __init__(self, labels: Labels) -> None:
        self._upos, self._feats = (np.array(tags, object) for tags in (labels.upos, labels.feats))
        self._rules, self._exceptions = labels.lemma_rules, labels.exceptions
        # Sentences of treebank 0 are of any language.
        language_to_codes = labels.known_lemmas.language_to_codes
        languages = map(treebank_language, labels.treebanks)
        self._known = [(), *(language_to_codes.get(each, ()) for each in languages)]
        self._remembered = _Remembered(self._new_lemma)
        self._is_known: Callable[[int, str], bool] = lru_cache(_MAX_LEMMAS)(
            lambda treebank, lemma: not (codes := self._known[treebank]) or has_lemma(codes, lemma)
        )

    def tagged(
        self, sentences: Sequence[EncodedSentence], answer: Answer
    ) -> Iterator[TaggedSentence]:
        """Makes records of sentences and the answer for the tokens of all of them in order."""
        upos, feats = self._upos[answer.upos].tolist(), self._feats[answer.feats].tolist()
        scores = [answer.upos_score.tolist(), answer.feats_score.tolist()]
        texts = ((each.sentence.text, each.sentence.forms) for each in sentences)
        correct_symbols(texts, upos, feats, scores)
        second_upos = self._upos[answer.second_upos].tolist()
        columns: list[Sequence[Any]] = [upos, feats, scores[0], second_upos, scores[1]]
        if self._rules:
            columns.append(self._lemmas(sentences, upos, answer.lemmas, answer.next_lemmas))
        # Slices of tuples are tuples.
        return _cut([each.sentence for each in sentences], [*map(tuple, columns)])

    def _lemmas(
        self,
        sentences: Sequence[EncodedSentence],
        upos: Sequence[str],
        best: NDArray[np.int64],
        following: NDArray[np.int64],
    ) -> list[str]:
        read = (each.sentence.forms if each.forms is None else each.forms for each in sentences)
        forms = list(chain.from_iterable(read))
        treebanks = list(chain.from_iterable(map(_treebanks, sentences)))
        keys = zip(best.tolist(), forms, upos, treebanks, strict=True)
        lemmas = list(map(self._remembered.__getitem__, keys))
        self._take_known(lemmas, forms, treebanks, best, following)
        start = 0
        for each in sentences:
            sentence = each.sentence
            end = start + len(sentence.forms)
            # Chinese that is traditional already was read as it is.
            is_rewritten = each.forms is not sentence.forms
            if is_rewritten and sentence.language in (CHINESE, SERBIAN):
                written = partial(lemma_as_written, language=sentence.language)
                lemmas[start:end] = map(written, lemmas[start:end], sentence.forms)
            start = end
        return lemmas

    def _take_known(
        self,
        lemmas: list[str],
        forms: Sequence[str],
        treebanks: Sequence[int],
        best: NDArray[np.int64],
        following: NDArray[np.int64],
    ) -> None:
        (unsure,) = np.nonzero(following[:, 0] != best)
        rows = zip(unsure.tolist(), best[unsure].tolist(), following[unsure].tolist(), strict=True)
        for place, rule, others in rows:
            treebank = treebanks[place]
            # The lemmas of exceptions are known.
            lemma = lemmas[place]
            if not (self._is_known(treebank, lemma) or is_its_own_lemma(lemma)):
                known = self._known_lemma(treebank, forms[place], rule, others)
                lemmas[place] = known or lemma

    def _new_lemma(self, rule: int, form: str, upos: str, treebank: int) -> str:
        known = self._exceptions.find(treebank, form, upos)
        lemma = apply_rule(self._rules[rule] if known is None else known, form)
        return form if known is None and is_garbled(lemma, form) else lemma

    def _known_lemma(
        self, treebank: int, form: str, best: int, following: Iterable[int]
    ) -> str | None:
        for rule in following:
            if rule == best:
                return None
            lemma = apply_rule(self._rules[rule], form)
            if self._is_known(treebank, lemma):
                return lemma
        return None


def _treebanks(encoded: EncodedSentence) -> Iterator[int]:
    return repeat(
        encoded.windows[0].treebank if encoded.windows else 0, len(encoded.sentence.forms)
    )


def _cut(
    sentences: Sequence[Sentence], columns: Sequence[tuple[Any, ...]]
) -> Iterator[TaggedSentence]:
    start = 0
    for sentence in sentences:
        end = start + len(sentence.forms)
        yield TaggedSentence(sentence, *[column[start:end] for column in columns])
        start = end
