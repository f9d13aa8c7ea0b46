"""A sketch of the many small logits of a token: a few hundred bytes for their common directions.

At temperature 3 most of the probability lies outside the top 32 of 11,583 labels, and sharing it
out evenly is wrong by a fifth of it. The logits of a linear head vary in no more directions than
its input is wide; the basis holds the directions that matter most where the probability is, found
once on a sample. It depends on teacher and sample, so a run keeps one and records its digest.
"""

import hashlib
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import ShardError

# Part of the weight that every label gets whatever its probability in the sample.
_EVEN_SHARE = 0.1
LARGEST_CODE = 127
# A coefficient this many standard deviations out is clipped.
_CLIP_DEVIATIONS = 6.0
_ARRAYS = ("weights", "mean", "directions", "scales")


@dataclass(frozen=True, slots=True)
class TailBasis:
    """Directions in the space of FEATS logits.

    Attributes:
        weights: What each label's logit counts; sums to 1. Shape (n_labels,), float32.
        mean: Mean logits, less their weighted mean. Shape (n_labels,), float32.
        directions: Shape (rank, n_labels), float16.
        scales: Size of one step of each direction's int8 code. Shape (rank,), float32.
    """

    weights: NDArray[np.float32]
    mean: NDArray[np.float32]
    directions: NDArray[np.float16]
    scales: NDArray[np.float32]

    @property
    def rank(self) -> int:
        """Number of directions."""
        return len(self.scales)

    def sketch(self, logits: NDArray[np.float32]) -> NDArray[np.int8]:
        """Codes of some tokens' logits. (n_tokens, n_labels) -> (n_tokens, rank)."""
        centred = logits - (logits @ self.weights)[:, None] - self.mean
        coefficients = (centred * self.weights) @ self.directions.astype(np.float32).T
        codes = np.rint(coefficients / self.scales)
        return np.clip(codes, -LARGEST_CODE, LARGEST_CODE).astype(np.int8)

    def rebuild(self, tail: NDArray[np.int8]) -> NDArray[np.float32]:
        """Logits up to a constant a token. (n_tokens, rank) -> (n_tokens, n_labels).

        Raises:
            ShardError: The sketch has another rank.
        """
        if tail.shape[1] != self.rank:
            raise ShardError(f"tail of rank {tail.shape[1]}, the basis has {self.rank}")
        coefficients = tail.astype(np.float32) * self.scales
        result: NDArray[np.float32] = coefficients @ self.directions.astype(np.float32) + self.mean
        return result

    def to_bytes(self) -> bytes:
        """The basis as an npz file, the same bytes for the same basis."""
        stream = io.BytesIO()
        np.savez(stream, **{name: getattr(self, name) for name in _ARRAYS})  # type: ignore[arg-type]
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, *, source: str) -> "TailBasis":
        """Reads `to_bytes` back.

        Raises:
            ShardError: The content is no basis; the message names `source`.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                return cls(*(arrays[name] for name in _ARRAYS))
        except (OSError, ValueError, KeyError) as error:
            raise ShardError(f"{source}: not a tail basis: {error}") from error

    @property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of its bytes."""
        return hashlib.sha256(self.to_bytes()).hexdigest()[:16]


def fit_tail_basis(
    logits: NDArray[np.float32], *, rank: int, top_k: int, temperatures: tuple[float, ...]
) -> TailBasis:
    """Finds the directions in which the logits outside the top vary.

    Args:
        logits: A sample of tokens; a few times `rank`. Shape (n_tokens, n_labels).
        rank: Directions at most; fewer when the sample has no more.
        top_k: Logits a token that are kept as they are and need no sketch.
        temperatures: Those whose distributions are to be rebuilt.
    """
    weights = _tail_weights(logits, top_k=top_k, temperatures=temperatures)
    centred = logits - (logits @ weights)[:, None]
    mean = centred.mean(axis=0)
    scaled = (centred - mean) * np.sqrt(weights)
    # The sample is smaller than the inventory, so its Gram matrix is the cheaper side.
    values, vectors = np.linalg.eigh(scaled.astype(np.float64) @ scaled.T.astype(np.float64))
    order = np.argsort(-values)[:rank]
    order = order[values[order] > values.max(initial=0.0) * 1e-9]
    directions = (vectors[:, order].T @ scaled) / np.sqrt(values[order])[:, None]
    deviations = np.sqrt(values[order] / len(logits))
    return TailBasis(
        weights=weights,
        mean=mean.astype(np.float32),
        directions=(directions / np.sqrt(weights)).astype(np.float16),
        scales=(deviations * _CLIP_DEVIATIONS / LARGEST_CODE).astype(np.float32),
    )


def _tail_weights(
    logits: NDArray[np.float32], *, top_k: int, temperatures: tuple[float, ...]
) -> NDArray[np.float32]:
    """How much probability each label has where it is not among the top, plus an even share."""
    n_labels = logits.shape[1]
    total = np.zeros(n_labels)
    for temperature in temperatures:
        probs = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
        probs /= probs.sum(axis=1, keepdims=True)
        if top_k < n_labels:
            top = np.argpartition(-logits, top_k, axis=1)[:, :top_k]
            np.put_along_axis(probs, top, 0.0, axis=1)
        total += probs.sum(axis=0) / max(float(probs.sum()), 1e-12)
    total = (1 - _EVEN_SHARE) * total / total.sum() + _EVEN_SHARE / n_labels
    return (total / total.sum()).astype(np.float32)
