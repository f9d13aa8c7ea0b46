"""Word vectors of the Meta-LSTM: trained with fastText, kept as one array of float16.

The vectors of several languages are put together form by form; a form of two languages keeps the
vector of the language named first.
"""

import json
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import fasttext
import numpy as np
from numpy.typing import NDArray

from mtag_core.storage import open_text


@dataclass(frozen=True, slots=True)
class WordVectors:
    """Fixed vectors of forms.

    Attributes:
        rows: The row of each form, from 1; row 0 is zero.
        matrix: Shape (n_vectors, vector_width), float32.
    """

    rows: dict[str, int]
    matrix: NDArray[np.float32]

    def save(self, directory: Path) -> None:
        """Writes `vectors.npy` (float16) and `vectors.json` into a directory."""
        # fastText's vectors of a small text may leave the range of float16.
        largest = np.finfo(np.float16).max
        matrix = np.clip(self.matrix, -largest, largest).astype(np.float16)
        np.save(directory / "vectors.npy", matrix, allow_pickle=False)
        text = json.dumps(list(self.rows), ensure_ascii=False)
        (directory / "vectors.json").write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> "WordVectors":
        """Reads what `save` wrote."""
        forms = json.loads((directory / "vectors.json").read_text(encoding="utf-8"))
        matrix = np.load(directory / "vectors.npy", allow_pickle=False).astype(np.float32)
        return cls({form: row for row, form in enumerate(forms, start=1)}, matrix)


def train_vectors(
    texts: Sequence[Path],
    *,
    width: int,
    n_epochs: int,
    max_sentences: int,
    min_count: int = 2,
) -> WordVectors:
    """Trains skip-gram vectors, one model a file, and unites them.

    Args:
        texts: One language each; a sentence a line, plain or `.xz`.
        width: Width of a vector.
        n_epochs: Passes over a text.
        max_sentences: Lines read of a text at most.
        min_count: Occurrences that a form needs.

    Returns:
        The union; empty but for the zero row when `texts` is.

    Raises:
        InputNotFoundError: A text does not exist.
    """
    rows: dict[str, int] = {}
    found: list[NDArray[np.float32]] = [np.zeros((1, width), np.float32)]
    for path in texts:
        model = _train(
            path, max_sentences=max_sentences, dim=width, epoch=n_epochs, minCount=min_count
        )
        new = [form for form in model.get_words() if form not in rows]
        rows |= {form: row for row, form in enumerate(new, start=len(rows) + 1)}
        if new:
            found.append(np.stack([model.get_word_vector(form) for form in new]))
    return WordVectors(rows, np.concatenate(found))


def _train(path: Path, *, max_sentences: int, **options: int) -> "fasttext.FastText._FastText":
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as stream:
        stream.writelines(_lines(path, max_sentences=max_sentences))
        stream.flush()
        # One thread, so that the same text gives the same vectors: fastText's seed is fixed.
        return fasttext.train_unsupervised(
            stream.name, model="skipgram", thread=1, verbose=0, **options
        )


def _lines(path: Path, *, max_sentences: int) -> Iterator[str]:
    with open_text(path) as stream:
        for index, line in enumerate(stream):
            if index >= max_sentences:
                break
            yield "".join(f" {c} " if unicodedata.category(c)[0] in "PS" else c for c in line)
