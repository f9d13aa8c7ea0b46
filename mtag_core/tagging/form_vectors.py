"""Vectors of forms, computed once a distinct form and remembered.

Nine of ten tokens of running text have been read before. A form's vector does not depend on the
forms that are computed with it (see `mtag_core.training.export.student_graph`), so neither do tags
depend on what is remembered.
"""

from collections.abc import Iterator, Sequence
from itertools import compress, repeat
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mtag_core.tagging.bundle import FORMS
from mtag_core.tagging.forms import FormArrays, FormFeatures
from mtag_core.tagging.graphs import check_graph, open_session

DEFAULT_CAPACITY = 49_152
"""Forms that are remembered: 24 MB of vectors 256 wide, and about 8 MB of forms."""

_INPUTS = ("piece_ids", "ends", "ngrams", "ngram_offsets", "case")
# Forms that the graph reads in one call; bounds its memory.
_CALL_FORMS = 256


class FormVectors:
    """Looks up vectors of forms; beyond the capacity the least recently used are forgotten."""

    def __init__(
        self,
        features: FormFeatures,
        session: onnxruntime.InferenceSession,
        *,
        capacity: int = DEFAULT_CAPACITY,
    ) -> None:
        self.capacity = capacity
        self._features = features
        self._session = session
        self._form_to_row: dict[str, int] = {}
        # Memory is taken as rows are written.
        width = session.get_outputs()[0].shape[1]
        self._table: NDArray[np.float16] = np.empty((capacity, width), np.float16)
        self._row_to_form: list[str] = []
        self._last_use = np.zeros(capacity, np.int64)
        self._n_lookups = 0

    @classmethod
    def load(cls, bundle: Path) -> "FormVectors":
        """Opens the `forms.onnx` and `tokenizer.json` of a bundle's directory.

        Raises:
            BundleError: One of them is something else.
        """
        path = bundle / FORMS
        session = open_session(path, source=str(path))
        check_graph(session, inputs=_INPUTS, outputs=("vectors",), source=str(path))
        return cls(FormFeatures(bundle / "tokenizer.json"), session)

    def __len__(self) -> int:
        """Forms that are remembered."""
        return len(self._form_to_row)

    def find(self, forms: Sequence[str]) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
        """Finds or computes the vectors of some forms, no more than the capacity.

        Returns:
            A table of vectors, which the next call changes, shape (capacity, hidden_width), and the
            row of each form in it, shape (n_forms,).
        """
        self._n_lookups += 1
        known = self._form_to_row
        rows = np.fromiter(map(known.get, forms, repeat(-1)), np.int64, len(forms))
        is_missing = rows < 0
        self._last_use[rows[~is_missing]] = self._n_lookups
        if is_missing.any():
            self._remember(list(dict.fromkeys(compress(forms, is_missing))))
            missing = compress(forms, is_missing)
            rows[is_missing] = np.fromiter(map(known.__getitem__, missing), np.int64)
        return self._table, rows

    def _remember(self, forms: list[str]) -> None:
        rows = self._free_rows(len(forms))
        for indices, feed in feeds(self._features(forms)):
            (self._table[rows[indices]],) = self._session.run(["vectors"], feed)
        self._last_use[rows] = self._n_lookups
        for form, row in zip(forms, rows.tolist(), strict=True):
            self._form_to_row[form] = row
            self._row_to_form[row] = form

    def _free_rows(self, n_rows: int) -> NDArray[np.int64]:
        used = len(self._row_to_form)
        new = min(n_rows, self.capacity - used)
        self._row_to_form += [""] * new
        rows = np.arange(used, used + new)
        if new == n_rows:
            return rows
        # Forgets what was not used for longest; rows of this call were all used after it.
        n_old = n_rows - new
        oldest = np.argpartition(self._last_use[:used], n_old - 1)[:n_old]
        for row in oldest.tolist():
            # A row has no form where its vector could not be computed.
            self._form_to_row.pop(self._row_to_form[row], None)
            self._row_to_form[row] = ""
        return np.concatenate([rows, oldest])


def feeds(
    arrays: FormArrays,
) -> Iterator[tuple[NDArray[np.int64], dict[str, NDArray[np.int64]]]]:
    """Groups forms by their number of wordpieces: yields their indices and the graph's inputs."""
    order = np.argsort(arrays.n_pieces, kind="stable")
    lengths = arrays.n_pieces[order]
    counts = np.diff(arrays.ngram_offsets)
    for length in np.unique(lengths).tolist():
        of_length = order[slice(*np.searchsorted(lengths, (length, length + 1)))]
        for start in range(0, len(of_length), _CALL_FORMS):
            indices = of_length[start : start + _CALL_FORMS]
            own = counts[indices]
            offsets = np.concatenate([[0], np.cumsum(own)])
            places = np.repeat(arrays.ngram_offsets[indices] - offsets[:-1], own)
            ngrams = arrays.ngrams[places + np.arange(offsets[-1])]
            yield (
                indices,
                {
                    "piece_ids": arrays.pieces[indices, :length].astype(np.int64),
                    "ends": np.unique([0, length - 1]),
                    # Sums are differences of sums up to a place, one of them behind the last.
                    "ngrams": np.append(ngrams, 0).astype(np.int64),
                    "ngram_offsets": offsets,
                    "case": arrays.case[indices].astype(np.int64),
                },
            )
