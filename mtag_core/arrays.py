"""What numpy lacks: arrays that grow, ranges of indices, codes of texts, tightly packed files."""

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from mtag_core.errors import BundleError

Integers = NDArray[np.int64]

# What reading the arrays of a file raises that is missing, damaged or something else.
_DAMAGE = (
    *(OSError, EOFError, KeyError, TypeError, ValueError, AttributeError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError),
)


@contextmanager
def read_arrays(path: Path, *, what: str) -> Iterator[Mapping[str, NDArray[Any]]]:
    """Opens an `.npz` file; the block reads its arrays and finds faults as a ValueError or so.

    Raises:
        BundleError: The file is missing or holds something else than `what`.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            yield arrays
    except _DAMAGE as error:
        raise BundleError(f"{path}: expected {what}: {error}") from error


def write_arrays(
    path: Path, arrays: Mapping[str, NDArray[Any]], *, compression: int = zipfile.ZIP_LZMA
) -> None:
    """Writes an `.npz` file, no array of objects; the same arrays give the same bytes.

    The compression is one of `zipfile`; LZMA leaves a twelfth less than deflate does.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy")
            archive.writestr(entry, buffer.getvalue(), compress_type=compression)


class GrowingArray:
    """An array that rows are appended to; room doubles, so that appending stays cheap."""

    def __init__(self, dtype: DTypeLike, *shape: int) -> None:
        self._room = np.empty((1024, *shape), dtype)
        self._n_rows = 0

    def __len__(self) -> int:
        """Rows so far."""
        return self._n_rows

    @property
    def values(self) -> NDArray[Any]:
        """The rows so far, until the next call of `extend`."""
        return self._room[: self._n_rows]

    def extend(self, rows: ArrayLike) -> None:
        """Appends rows."""
        more = np.asarray(rows, self._room.dtype)
        end = self._n_rows + len(more)
        if end > len(self._room):
            room = np.empty(
                (max(end, 2 * len(self._room)), *self._room.shape[1:]), self._room.dtype
            )
            room[: self._n_rows] = self.values
            self._room = room
        if len(more):
            self._room[self._n_rows : end] = more
        self._n_rows = end


def spread(counts: Integers, firsts: Integers) -> Integers:
    """Indices from `firsts[i]` on, `counts[i]` of them, for each i, one row after another."""
    sums = counts.cumsum()
    n_all = int(sums[-1]) if len(sums) else 0
    return np.arange(n_all) - (sums - counts - firsts).repeat(counts)


def are_among(codes: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which codes are among known ones, in order: `np.isin` sorts both and imports `numpy.ma`."""
    if not len(known):
        return np.zeros(codes.shape, np.bool_)
    found: NDArray[np.bool_] = known.take(known.searchsorted(codes), mode="clip") == codes
    return found


def text_codes(texts: Iterable[str]) -> list[int]:
    """32 bits of each text, the same everywhere."""
    texts = list(texts)
    # Encoding all at once takes half the time.
    encoded = "\0".join(texts).encode("utf-8", "replace").split(b"\0")
    if len(encoded) != len(texts):
        encoded = [text.encode("utf-8", "replace") for text in texts]
    return list(map(zlib.crc32, encoded))


def text_code(text: str) -> int:
    """As `text_codes`, of one text, in a third of the time."""
    return zlib.crc32(text.encode("utf-8", "replace"))


def packed_steps(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Steps from one code to the next, which pack better than codes. Shape (4, n_codes).

    Better still do all their first bytes before all second ones.
    """
    steps = np.diff(codes, prepend=np.uint32(0)).astype("<u4")
    return np.ascontiguousarray(steps.view(np.uint8).reshape(-1, 4).T)


def codes_of_steps(packed: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The codes of which `packed_steps` made steps."""
    steps = np.ascontiguousarray(packed.T).view("<u4").ravel()
    return np.cumsum(steps, dtype=np.uint32)
