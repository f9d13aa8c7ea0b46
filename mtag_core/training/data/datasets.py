"""Sentences as arrays of form ids, their labels, and how they are drawn and cut into batches.

Cutting batches out of Python lists costs more time than the model does; here an epoch's order is
one sort on the host, and a batch is gathered from flat arrays on the device by what a model reads
of each form (`data.pieces`, `data.model_input`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import spread
from mtag_core.training.options import Noise

Ints = NDArray[np.int32]
PAD_MULTIPLE = 8
"""Batches are padded to a multiple of this, which attention kernels ask for."""
MAX_TOKENS = 128
"""Of a sentence that a word student reads; treebanks are cut to it."""
SMALL_TREEBANK = 40_000
"""Tokens; smaller treebanks are sampled more often."""
NO_NOISE = Noise(changed_share=0.0, named_share=1.0, piece_dropout=0.0)


@dataclass(frozen=True)
class WordSentences:
    """Sentences: form ids of all tokens (total_tokens,), their numbers (n_sentences,); int32."""

    form_ids: Ints
    n_tokens: Ints

    def __len__(self) -> int:
        """Number of sentences."""
        return len(self.n_tokens)

    @classmethod
    def of(cls, sentences: Iterable[Sequence[str]], form_to_id: dict[str, int]) -> "WordSentences":
        """Makes ids of forms; new forms are added to `form_to_id`."""
        ids = [np.zeros(0, np.int32)]
        for forms in sentences:
            found = [form_to_id.setdefault(form, len(form_to_id)) for form in forms]
            ids.append(np.array(found, np.int32))
        return cls(np.concatenate(ids), np.array(list(map(len, ids[1:])), np.int32))

    @classmethod
    def concatenate(cls, parts: Sequence["WordSentences"]) -> "WordSentences":
        """Puts the parts one after the other."""
        return cls(
            np.concatenate([part.form_ids for part in parts]),
            np.concatenate([part.n_tokens for part in parts]),
        )

    def select(self, chosen: NDArray[np.int64]) -> "WordSentences":
        """Keeps the chosen sentences, in that order."""
        return WordSentences(
            self.form_ids[ragged_rows(self.n_tokens, chosen)], self.n_tokens[chosen]
        )

    def texts(self, forms: Sequence[str]) -> list[list[str]]:
        """The forms of each sentence."""
        ids = self.form_ids.tolist()
        bounds = pairwise([0, *np.cumsum(self.n_tokens).tolist()])
        return [[forms[i] for i in ids[start:end]] for start, end in bounds]


@dataclass(frozen=True)
class SourcedWords:
    """Sentences of treebanks and of text, with what is known of their tokens.

    `source_ids`, int64, are indices into `sources`, names of treebanks and languages. `origins` say
    in a treebank corpus whether a sentence is of a train file; in text its index among the corpus'
    train sentences, -1 for none. Shape (n_sentences,) both. Labels are ids by head, `upos`,
    `feats`, `lemmas`, `UNLABELLED` where unknown or faulty, or arrays of soft targets, the first
    axis total_tokens each.
    """

    words: WordSentences
    sources: tuple[str, ...]
    source_ids: NDArray[np.int64]
    origins: NDArray[Any]
    labels: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def concatenate(cls, parts: Sequence["SourcedWords"]) -> "SourcedWords":
        """Puts parts with the same sources and labels one after the other."""
        return cls(
            WordSentences.concatenate([part.words for part in parts]),
            parts[0].sources,
            np.concatenate([part.source_ids for part in parts]),
            np.concatenate([part.origins for part in parts]),
            {name: np.concatenate([p.labels[name] for p in parts]) for name in parts[0].labels},
        )

    def select(self, chosen: NDArray[np.int64]) -> "SourcedWords":
        """Keeps the chosen sentences, in that order."""
        tokens = ragged_rows(self.words.n_tokens, chosen)
        return SourcedWords(
            self.words.select(chosen),
            self.sources,
            self.source_ids[chosen],
            self.origins[chosen],
            {name: of_tokens[tokens] for name, of_tokens in self.labels.items()},
        )

    @property
    def token_sources(self) -> NDArray[np.int64]:
        """Index into `sources` of each token. Shape (total_tokens,)."""
        return np.repeat(self.source_ids, self.words.n_tokens)

    def tokens_by_source(self) -> NDArray[np.int64]:
        """Number of tokens of each source. Shape (n_sources,)."""
        return np.bincount(self.token_sources, minlength=len(self.sources))


def sampling_rates(
    n_tokens: NDArray[np.int64], *, full_tokens: int, most: float = 8.0
) -> NDArray[np.float64]:
    """How often an epoch goes through sources of some sizes. Shape (n_sources,).

    By the square root of how much one is smaller than `full_tokens`, and not more than `most`.

    Example: 10,000 tokens of 40,000 -> twice.
    """
    rates: NDArray[np.float64] = np.sqrt(full_tokens / np.maximum(n_tokens, 1))
    return np.clip(rates, 1.0, most)


def drawn_batches(
    rates: NDArray[np.float64], lengths: Ints, budget: int, generator: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Draws an epoch's sentences and cuts them into batches of `budget` positions.

    An epoch goes through a sentence `floor(rate)` or `ceil(rate)` times, its rate on average.
    """
    times = np.floor(rates + generator.random(len(rates))).astype(np.int64)
    drawn = np.repeat(np.arange(len(rates)), times)
    batches = cut_batches(lengths[drawn], piece_budget=budget, generator=generator)
    return [drawn[batch] for batch in batches]


def cut_batches(
    n_pieces: Ints, *, piece_budget: int, generator: np.random.Generator | None = None
) -> list[NDArray[np.int64]]:
    """Cuts sentences into batches of like length, in random order.

    `n_pieces` are their lengths, of shape (n_sentences,); a batch holds `piece_budget`, padding
    included, or one longer sentence. Without a generator the order is always the same.
    """
    generator = np.random.default_rng(0) if generator is None else generator
    jittered = n_pieces + generator.random(len(n_pieces)) * PAD_MULTIPLE / 2
    order = np.argsort(jittered, kind="stable")
    padded = -(-n_pieces[order] // PAD_MULTIPLE) * PAD_MULTIPLE
    batches: list[NDArray[np.int64]] = []
    end = len(order)
    while end > 0:
        # Jitter leaves the order a little off: the longest of the batch need not be its last.
        start = max(0, end - max(1, piece_budget // int(padded[end - 1])))
        longest = int(padded[start:end].max())
        start = max(start, end - max(1, piece_budget // longest))
        batches.append(order[start:end])
        end = start
    return [batches[index] for index in generator.permutation(len(batches))]


def cut_long(n_tokens: int) -> list[slice]:
    """Cuts a sentence into parts of at most `MAX_TOKENS`, of about the same length; none of 0."""
    n_parts = -(-n_tokens // MAX_TOKENS)
    bounds = [round(n_tokens * part / max(1, n_parts)) for part in range(n_parts + 1)]
    return [slice(*pair) for pair in pairwise(bounds)]


def ragged_rows(lengths: Ints, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Flat positions of chosen rows of a ragged array: lengths [2, 3], row [1] -> [2, 3, 4]."""
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    rows: NDArray[np.int64] = spread(lengths[chosen].astype(np.int64), starts[chosen])
    return rows
