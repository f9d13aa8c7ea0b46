"""A teacher's FEATS logits in a few hundred bytes a token, and the soft targets rebuilt from them.

Dense logits over thousands of FEATS bundles would be 37 TB a billion tokens. What is kept of a
token: the top K logits, for each temperature the log-sum-exp of all others, and optionally a sketch
of the others' shape. Logits are kept relative to the largest, where float16 is finest; a softmax
does not see the difference. Needs numpy only.

At temperature 3 most of the probability lies outside the top 32 of 11,583 labels, and sharing it
out evenly is wrong by a fifth of it. The logits of a linear head vary in no more directions than
its input is wide; the sketch's basis holds those that matter most where the probability is. It is
found once on a sample, kept by a run, and named in its shards by its digest.
"""

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import ShardError
from mtag_core.options import not_negative, option, positive, positive_numbers

# What float16 holds of a logit that far below the largest is worth nothing at any temperature used.
LOWEST = -30000.0


# Part of the weight that every label gets whatever its probability in the sample.
_EVEN_SHARE = 0.1
LARGEST_CODE = 127
# A coefficient this many standard deviations out is clipped.
_CLIP_DEVIATIONS = 6.0
Unpacked = TypeVar("Unpacked")


@dataclass(frozen=True, slots=True)
class TailBasis:
    """Directions in the space of FEATS logits, float16, shape (rank, n_labels).

    Labels' logits count by `weights`, which sum to 1; `mean` is of logits less their weighted mean.
    Both have the shape (n_labels,), float32. `scales` are the steps of each direction's int8 code.
    Shape (rank,), float32.
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
        return pack(asdict(self))

    @property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of its bytes."""
        return hashlib.sha256(self.to_bytes()).hexdigest()[:16]


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as an npz file, the same bytes for the same arrays."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def unpack(kind: Callable[..., Unpacked], content: bytes, *, source: str) -> Unpacked:
    """Calls what takes arrays by name with those that `pack` wrote.

    Raises:
        ShardError: The content is something else; the message names `source`.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return kind(**arrays)
    except (OSError, TypeError, ValueError) as error:
        raise ShardError(f"{source}: damaged: {error}") from error


@dataclass(frozen=True, slots=True)
class SummaryOptions:
    """What is kept of the logits."""

    top_k: int = option("FEATS logits kept a token", 32, metavar="K", parse=positive)
    temperatures: tuple[float, ...] = option(
        "the log-sum-exp of the rest is kept for each of these, above 0; several with commas",
        (1.0, 2.0, 3.0),
        metavar="T",
        parse=positive_numbers,
        split=lambda values: tuple(chain.from_iterable(values)),
    )
    tail_rank: int = option(
        "bytes a token for a sketch of the rest, 0 for none", 32, parse=not_negative
    )


class FeatsSummary(NamedTuple):
    """What is kept of the FEATS logits of some tokens.

    Of the top labels, most probable first, the ids, uint16, and logits less the largest, float16:
    shape (n_tokens, top_k). Of the others `rest`, the log-sum-exp of (logits less the largest) /
    temperature, -inf when there are none: shape (n_tokens, n_temperatures), float32; and a sketch
    of their logits, `tail`: shape (n_tokens, rank), int8, rank 0 for none.
    """

    label_ids: NDArray[np.uint16]
    logits: NDArray[np.float16]
    rest: NDArray[np.float32]
    tail: NDArray[np.int8]


def summarise_feats(
    logits: NDArray[np.float32], options: SummaryOptions, *, basis: TailBasis | None = None
) -> FeatsSummary:
    """Keeps the top of finite logits (n_tokens, up to 65,536) and a summary of the rest."""
    label_ids = top_labels(logits, min(options.top_k, logits.shape[1]))
    relative = logits - logits.max(axis=1, keepdims=True)
    top = np.take_along_axis(relative, label_ids.astype(np.int64), axis=1)
    others = relative.copy()
    np.put_along_axis(others, label_ids.astype(np.int64), -np.inf, axis=1)
    rest = np.stack([_log_sum_exp(others / np.float32(t)) for t in options.temperatures], axis=1)
    tail = np.zeros((len(logits), 0), np.int8) if basis is None else basis.sketch(logits)
    return FeatsSummary(label_ids, np.maximum(top, LOWEST).astype(np.float16), rest, tail)


def top_labels(logits: NDArray[np.float32], top_k: int) -> NDArray[np.uint16]:
    """The `top_k` labels with the largest logits, the largest first; of equals the lower label."""
    bound = -np.partition(-logits, top_k - 1, axis=1)[:, top_k - 1 : top_k]
    is_above, is_equal = logits > bound, logits == bound
    n_missing = top_k - is_above.sum(axis=1, keepdims=True)
    is_chosen = is_above | (is_equal & (np.cumsum(is_equal, axis=1) <= n_missing))
    chosen = np.nonzero(is_chosen)[1].reshape(len(logits), top_k)
    order = np.argsort(-np.take_along_axis(logits, chosen, axis=1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1).astype(np.uint16)


def relative_logits(logits: NDArray[np.float32]) -> NDArray[np.float16]:
    """UPOS logits less the largest, as float16. Shape as given."""
    relative = logits - logits.max(axis=1, keepdims=True)
    return np.maximum(relative, LOWEST).astype(np.float16)


def top_log_probs(
    summary: FeatsSummary, *, temperature: float, temperatures: tuple[float, ...]
) -> NDArray[np.float32]:
    """Log-probabilities of the top labels; what they lack to 1 is the rest's. (n_tokens, top_k).

    Raises:
        ShardError: The temperature is not among those that were kept.
    """
    if temperature not in temperatures:
        raise ShardError(
            f"temperature {temperature}: the shards keep {', '.join(map(str, temperatures))}"
        )
    scaled = summary.logits.astype(np.float32) / np.float32(temperature)
    rest = summary.rest[:, temperatures.index(temperature)]
    total = np.logaddexp(_log_sum_exp(scaled), rest)
    result: NDArray[np.float32] = scaled - total[:, None]
    return result


def rebuild_feats_probs(
    summary: FeatsSummary,
    *,
    n_labels: int,
    temperature: float,
    temperatures: tuple[float, ...],
    basis: TailBasis | None = None,
) -> NDArray[np.float32]:
    """The teacher's whole softmax, rebuilt. Shape (n_tokens, n_labels).

    Top labels have their own probability; the tail's sketch, if any, says how to share out the
    rest.

    Raises:
        ShardError: The temperature is not among those that were kept.
    """
    label_ids = summary.label_ids.astype(np.int64)
    top = np.exp(top_log_probs(summary, temperature=temperature, temperatures=temperatures))
    if basis is None or not summary.tail.shape[1]:
        shape = np.zeros((len(label_ids), n_labels), np.float32)
    else:
        shape = basis.rebuild(summary.tail) / np.float32(temperature)
    np.put_along_axis(shape, label_ids, -np.inf, axis=1)
    log_total = _log_sum_exp(shape)
    share = np.clip(1.0 - top.sum(axis=1, dtype=np.float64), 0.0, 1.0).astype(np.float32)
    has_rest = np.isfinite(log_total)
    shift = np.where(has_rest, log_total, 0.0)[:, None]
    probs: NDArray[np.float32] = np.exp(shape - shift) * np.where(has_rest, share, 0.0)[:, None]
    np.put_along_axis(probs, label_ids, top, axis=1)
    return probs


def _log_sum_exp(values: NDArray[np.float32]) -> NDArray[np.float32]:
    largest = values.max(axis=1, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):
        result: NDArray[np.float32] = (
            np.log(np.exp(values - shift).sum(axis=1)) + shift[:, 0]
        ).astype(np.float32)
    return result


def fit_tail_basis(logits: NDArray[np.float32], options: SummaryOptions) -> TailBasis:
    """Finds the directions in which the logits of a sample vary outside the top.

    The sample has a few times as many tokens as there are directions. Shape (n_tokens, n_labels).
    """
    weights = _tail_weights(logits, options)
    centred = logits - (logits @ weights)[:, None]
    mean = centred.mean(axis=0)
    scaled = (centred - mean) * np.sqrt(weights)
    # The sample is smaller than the inventory, so its Gram matrix is the cheaper side.
    values, vectors = np.linalg.eigh(scaled.astype(np.float64) @ scaled.T.astype(np.float64))
    order = np.argsort(-values)[: options.tail_rank]
    order = order[values[order] > values.max(initial=0.0) * 1e-9]
    directions = (vectors[:, order].T @ scaled) / np.sqrt(values[order])[:, None]
    deviations = np.sqrt(values[order] / len(logits))
    return TailBasis(
        weights=weights,
        mean=mean.astype(np.float32),
        directions=(directions / np.sqrt(weights)).astype(np.float16),
        scales=(deviations * _CLIP_DEVIATIONS / LARGEST_CODE).astype(np.float32),
    )


def _tail_weights(logits: NDArray[np.float32], options: SummaryOptions) -> NDArray[np.float32]:
    n_labels, top_k = logits.shape[1], options.top_k
    total = np.zeros(n_labels)
    for temperature in options.temperatures:
        probs = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
        probs /= probs.sum(axis=1, keepdims=True)
        if top_k < n_labels:
            top = np.argpartition(-logits, top_k, axis=1)[:, :top_k]
            np.put_along_axis(probs, top, 0.0, axis=1)
        total += probs.sum(axis=0) / max(float(probs.sum()), 1e-12)
    total = (1 - _EVEN_SHARE) * total / total.sum() + _EVEN_SHARE / n_labels
    return (total / total.sum()).astype(np.float32)
