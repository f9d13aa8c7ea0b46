"""The student that reads words: vectors of forms, then layers over the words of a sentence.

Layers run in batches of windows of one length. What they give of each token is scored by the heads
afterwards, many more tokens at once: a token's labels do not depend on the tokens beside it.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mtag_core.tagging.answers import NO_ANSWER, Answer
from mtag_core.tagging.bundle import HEADS, TAGGER
from mtag_core.tagging.form_vectors import FormVectors
from mtag_core.tagging.graphs import check_graph, open_session
from mtag_core.tagging.tagged import BatchReport
from mtag_core.tagging.windows import Window, batches, cut

# The longest sentence that the student was trained on.
MAX_WORDS = 128
# Context that both sides of a cut between two windows see.
_OVERLAP_WORDS = 32
# Tokens of a treebank that wait for the heads: the logits of more would not stay in its caches.
_HEADS_TOKENS = 2048
# Of no treebank: they have the labels of all languages.
_ANY_TOKENS = 512
_INPUTS, _TOKENS = ("vectors", "treebanks"), "tokens"
_LABELS = ("upos", "second_upos", "feats", "upos_score", "feats_score", "lemmas", "next_lemmas")


class WordModel:
    """A loaded student, on one thread of the CPU."""

    def __init__(
        self,
        vectors: FormVectors,
        layers: onnxruntime.InferenceSession,
        heads: onnxruntime.InferenceSession,
    ) -> None:
        self._vectors = vectors
        self._layers, self._heads = layers, heads

    @classmethod
    def load(cls, bundle: Path, *, heads: bytes | None = None) -> "WordModel":
        """Opens the wordpieces of a bundle's directory, its graphs, or other heads in their place.

        Raises:
            BundleError: One of them is something else.
        """
        path = bundle / TAGGER
        layers = open_session(path, source=str(path))
        check_graph(layers, inputs=_INPUTS, outputs=(_TOKENS,), source=str(path))
        path = bundle / HEADS
        session = open_session(path if heads is None else heads, source=str(path))
        outputs = _LABELS if heads is None else ()
        check_graph(session, inputs=(_TOKENS, "treebank"), outputs=outputs, source=str(path))
        return cls(FormVectors.load(bundle), layers, session)

    def encode(self, forms: Sequence[str], *, treebank: int = 0) -> list[Window]:
        """Cuts a sentence, of one token at least, into windows; nearly always one."""
        if len(forms) <= MAX_WORDS:
            return [Window(forms, 0, len(forms), treebank)]
        cuts = cut([1] * len(forms), max_size=MAX_WORDS, overlap=_OVERLAP_WORDS)
        return [
            Window(forms[start:end], first - start, last - start, treebank)
            for start, end, first, last in cuts
        ]

    def answer(
        self,
        windows: Sequence[Window],
        *,
        budget: int,
        on_batch: Callable[[BatchReport], None] | None = None,
    ) -> Answer:
        """Tags windows in batches of so many words; the answer is for their tokens in order.

        Batches are reported when all have run, with their shares of the time in the heads.
        """
        if not windows:
            return NO_ANSWER
        sizes = np.fromiter((window.n_tokens for window in windows), np.int64, len(windows))
        starts = np.cumsum(sizes) - sizes
        heads = _Heads(self._heads, int(sizes.sum()))
        reports: list[BatchReport] = []
        started_s = last_s = time.perf_counter()
        for indices, tokens in self._read(windows, budget=budget):
            own = sizes[indices]
            shift = starts[indices] - (np.cumsum(own) - own)
            places = np.repeat(shift, own) + np.arange(len(tokens))
            end = 0
            for treebank, group in groupby(indices, lambda index: windows[index].treebank):
                start, end = end, end + int(sizes[list(group)].sum())
                heads.add(treebank, places[start:end], tokens[start:end])
            n_pieces = len(indices) * windows[indices[0]].size
            now_s = time.perf_counter()
            reports.append(BatchReport(len(indices), n_pieces, budget, now_s - last_s))
            last_s = now_s
        answer = heads.answer()
        if on_batch is not None:
            all_s = (time.perf_counter() - started_s) / (last_s - started_s)
            for report in reports:
                on_batch(replace(report, duration_s=report.duration_s * all_s))
        return answer

    def run(self, outputs: Sequence[str], windows: Sequence[Window]) -> list[NDArray[Any]]:
        """Runs the graphs on windows of one size and treebank, no more words than vectors are held.

        Returns:
            The outputs; the first axis of each is the tokens of all windows in order.
        """
        forms = list(chain.from_iterable(window.forms for window in windows))
        table, rows = self._vectors.find(forms)
        vectors = table[rows].reshape(len(windows), -1, table.shape[1])
        feed = _heads_feed(self._layered(windows, vectors), windows[0].treebank)
        arrays: list[NDArray[Any]] = self._heads.run(outputs, feed)
        return arrays

    def _read(
        self, windows: Sequence[Window], *, budget: int
    ) -> Iterator[tuple[list[int], NDArray[Any]]]:
        for start, end in _runs(windows, max_words=self._vectors.capacity):
            run = windows[start:end]
            forms = list(chain.from_iterable(window.forms for window in run))
            table, rows = self._vectors.find(forms)
            sizes = np.fromiter((window.size for window in run), np.int64, len(run))
            starts = np.cumsum(sizes) - sizes
            for indices in batches(run, piece_budget=budget):
                size = run[indices[0]].size
                places = starts[indices][:, None] + np.arange(size)
                batch = [run[index] for index in indices]
                yield [start + i for i in indices], self._layered(batch, table[rows[places]])

    def _layered(self, batch: Sequence[Window], vectors: NDArray[np.float16]) -> NDArray[Any]:
        treebanks = np.array([window.treebank for window in batch])
        feed = {"vectors": vectors, "treebanks": treebanks}
        tokens: NDArray[Any] = self._layers.run((_TOKENS,), feed)[0]
        n_words = vectors.shape[1]
        if all(window.n_tokens == n_words for window in batch):
            return tokens
        column = np.arange(n_words)
        first = np.array([[window.first] for window in batch])
        last = np.array([[window.last] for window in batch])
        return tokens[((first <= column) & (column < last)).ravel()]


class _Heads:
    def __init__(self, session: onnxruntime.InferenceSession, n_tokens: int) -> None:
        self._session = session
        self._n_tokens = n_tokens
        self._waiting: dict[int, list[tuple[NDArray[np.int64], NDArray[Any]]]] = {}
        self._n_waiting: Counter[int] = Counter()
        self._arrays: dict[str, NDArray[Any]] = {}

    def add(self, treebank: int, places: NDArray[np.int64], tokens: NDArray[Any]) -> None:
        """Takes tokens of a treebank and their places in the answer."""
        self._waiting.setdefault(treebank, []).append((places, tokens))
        self._n_waiting[treebank] += len(places)
        if self._n_waiting[treebank] >= (_HEADS_TOKENS if treebank else _ANY_TOKENS):
            self._score(treebank)

    def answer(self) -> Answer:
        """The labels of all tokens."""
        for treebank in list(self._waiting):
            self._score(treebank)
        return Answer(**self._arrays)

    def _score(self, treebank: int) -> None:
        places, tokens = map(np.concatenate, zip(*self._waiting.pop(treebank), strict=True))
        del self._n_waiting[treebank]
        found = self._session.run(_LABELS, _heads_feed(tokens, treebank))
        for name, values in zip(_LABELS, found, strict=True):
            if name not in self._arrays:
                self._arrays[name] = np.empty((self._n_tokens, *values.shape[1:]), values.dtype)
            self._arrays[name][places] = values


def _heads_feed(tokens: NDArray[Any], treebank: int) -> dict[str, NDArray[Any]]:
    return {_TOKENS: tokens, "treebank": np.array(treebank)}


def _runs(windows: Sequence[Window], *, max_words: int) -> Iterator[tuple[int, int]]:
    start = n_words = 0
    for index, window in enumerate(windows):
        if n_words + window.size > max_words:
            yield start, index
            start, n_words = index, 0
        n_words += window.size
    if windows:
        yield start, len(windows)
