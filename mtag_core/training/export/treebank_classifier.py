"""Learns to tell the treebanks of a language apart by their text.

Multinomial logistic regression on runs of neighbouring sentences, as many runs of each treebank.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mtag_core.training.data.treebanks import LabelledSentence
from mtag_core.training.loops.linear import Floats, descend
from mtag_core.treebank_style import (
    MAX_WEIGHT,
    N_BUCKETS,
    TreebankClassifier,
    Weights,
    buckets,
    treebank_language,
)

# All chosen on dev files.
_RUN_SENTENCES = (1, 2, 3, 5, 10)
_RUNS = 3000
_N_STEPS, _RATE = 60, 0.05
_L2 = 6e-3
# What one step of a whole-number weight is worth, in nats.
_STEP = 0.1

Places = NDArray[np.int64]


def fit_classifier(
    treebanks: Collection[str], sentences: Iterable[LabelledSentence], known: Mapping[str, Weights]
) -> TreebankClassifier:
    """Learns the weights of each language that has several treebanks.

    Where sentences of a treebank are missing, those of its language keep the weights `known` from
    before. Sentences that are neighbours are next to each other.
    """
    places: dict[str, list[Places]] = {}
    for sentence in sentences:
        own = places.setdefault(sentence.treebank, [])
        own.append(np.array(buckets(sentence.forms), np.int64))
    language_to_names: dict[str, list[str]] = {}
    for name in sorted(treebanks):
        language_to_names.setdefault(treebank_language(name), []).append(name)
    weights: dict[str, Weights] = {}
    for names in language_to_names.values():
        if len(names) > 1 and places.keys() >= set(names):
            learnt = _fit([places[name] for name in names])
            # Only differences matter: those of the last treebank are 0, which packs best.
            steps = np.rint((learnt - learnt[-1]) / _STEP).clip(-MAX_WEIGHT, MAX_WEIGHT)
            weights |= zip(names, steps.astype(np.int8), strict=True)
        elif len(names) > 1 and known.keys() >= set(names):
            weights |= {name: known[name] for name in names}
    return TreebankClassifier(weights)


def _fit(treebanks: Sequence[Sequence[Places]]) -> Floats:
    runs = list(_runs(treebanks))
    n_treebanks, n_runs = len(treebanks), len(runs)
    places = np.concatenate(runs)
    run_of_place = np.repeat(np.arange(n_runs), list(map(len, runs)))
    wanted = np.repeat(np.eye(n_treebanks), _RUNS, axis=0)

    def gradient_at(weights: Floats) -> NDArray[np.float64]:
        rows = weights.reshape(n_treebanks, N_BUCKETS)
        scores = [np.bincount(run_of_place, row[places], minlength=n_runs) for row in rows]
        probs = np.exp(scores - np.max(scores, axis=0))
        errors = probs / probs.sum(axis=0) - wanted.T
        gradients = [np.bincount(places, row[run_of_place], minlength=N_BUCKETS) for row in errors]
        return np.ravel(gradients) / n_runs + _L2 * weights

    weights = descend(gradient_at, n_treebanks * N_BUCKETS, n_steps=_N_STEPS, rate=_RATE)
    return weights.reshape(n_treebanks, N_BUCKETS)


def _runs(treebanks: Sequence[Sequence[Places]]) -> Iterator[Places]:
    generator = np.random.default_rng(0)
    for sentences in treebanks:
        starts = generator.integers(len(sentences), size=_RUNS)
        for start, size in zip(starts, generator.choice(_RUN_SENTENCES, _RUNS), strict=True):
            yield np.concatenate(sentences[start : start + size])
