"""The student that reads words: vectors of forms, then layers over the words of a sentence."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mtag_core.tagging.answers import Answer
from mtag_core.tagging.form_vectors import FormVectors
from mtag_core.tagging.graphs import check_graph, open_session
from mtag_core.tagging.windows import Window, batches, cut

# The longest sentence that the student was trained on.
MAX_WORDS = 128
# Context that both sides of a cut between two windows see.
_OVERLAP_WORDS = 32
_INPUTS = ("vectors", "treebank")
_OUTPUTS = ("upos", "second_upos", "feats", "upos_score", "feats_score", "lemmas", "next_lemmas")


class WordModel:
    """A loaded student, on one thread of the CPU."""

    def __init__(self, vectors: FormVectors, session: onnxruntime.InferenceSession) -> None:
        self._vectors = vectors
        self._session = session

    @classmethod
    def load(cls, bundle: Path, *, graph: bytes | None = None) -> "WordModel":
        """Opens the wordpieces of a bundle's directory, and its graph or another in its place.

        Raises:
            BundleError: One of them is something else.
        """
        path = bundle / "tagger.onnx"
        session = open_session(path if graph is None else graph, source=str(path))
        outputs = _OUTPUTS if graph is None else ()
        check_graph(session, inputs=_INPUTS, outputs=outputs, source=str(path))
        return cls(FormVectors.load(bundle), session)

    def encode(self, forms: Sequence[str], *, treebank: int = 0) -> list[Window]:
        """Cuts a sentence, of one token at least, into windows; nearly always one."""
        if len(forms) <= MAX_WORDS:
            return [Window(forms, 0, len(forms), treebank)]
        cuts = cut([1] * len(forms), max_size=MAX_WORDS, overlap=_OVERLAP_WORDS)
        return [
            Window(forms[start:end], first - start, last - start, treebank)
            for start, end, first, last in cuts
        ]

    def answers(
        self, windows: Sequence[Window], *, budget: int
    ) -> Iterator[tuple[list[int], Answer]]:
        """Tags windows in batches of so many words: yields indices, and the tokens' answer."""
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
                answer = Answer(*self._run(_OUTPUTS, batch, table[rows[places]]))
                yield [start + index for index in indices], answer

    def run(self, outputs: Sequence[str], windows: Sequence[Window]) -> list[NDArray[Any]]:
        """Runs the graph on windows of one size and treebank, no more words than vectors are held.

        Returns:
            The outputs; the first axis of each is the tokens of all windows in order.
        """
        forms = list(chain.from_iterable(window.forms for window in windows))
        table, rows = self._vectors.find(forms)
        return self._run(outputs, windows, table[rows].reshape(len(windows), -1, table.shape[1]))

    def _run(
        self, outputs: Sequence[str], batch: Sequence[Window], vectors: NDArray[np.float16]
    ) -> list[NDArray[Any]]:
        feed = {"vectors": vectors, "treebank": np.array(batch[0].treebank)}
        arrays: list[NDArray[Any]] = self._session.run(outputs, feed)
        n_words = vectors.shape[1]
        if all(window.n_tokens == n_words for window in batch):
            return arrays
        column = np.arange(n_words)
        first = np.array([[window.first] for window in batch])
        last = np.array([[window.last] for window in batch])
        is_tagged = ((first <= column) & (column < last)).ravel()
        return [array[is_tagged] for array in arrays]


def _runs(windows: Sequence[Window], *, max_words: int) -> Iterator[tuple[int, int]]:
    start = n_words = 0
    for index, window in enumerate(windows):
        if n_words + window.size > max_words:
            yield start, index
            start, n_words = index, 0
        n_words += window.size
    if windows:
        yield start, len(windows)
