"""Distillation from shards of teacher logits, a few row groups in memory at a time.

A pass goes through all row groups of all shards in a random order. Some row groups together make a
chunk; a chunk is encoded in the student's wordpieces while the ones before it are being learnt. So
memory does not grow with the corpus.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import InputNotFoundError, ShardError
from mtag_core.training.data.encoding import encode_sentences
from mtag_core.training.data.packing import PackedSentences, fits
from mtag_core.training.logits.logit_shards import (
    LogitBlock,
    ShardInfo,
    read_info,
    read_row_group,
    row_group_sizes,
)
from mtag_core.training.logits.soft_targets import top_log_probs
from mtag_core.training.options import TargetOptions

_LOGGER = logging.getLogger(__name__)
_CHUNK_SENTENCES = 16384
# The lowest log-probability kept; float16 holds it.
_LOWEST = -30.0


@dataclass(frozen=True)
class Chunk:
    """Sentences of a few row groups and the targets of their tokens.

    Attributes:
        packed: In the student's wordpieces.
        upos_log_probs: Of the sentences' tokens in order, as `SoftTargets` has them.
            Shape (total_tokens, n_upos), float16.
        feats_ids: Likewise. Shape (total_tokens, top_k), int16.
        feats_log_probs: Likewise. Shape (total_tokens, top_k), float16.
    """

    packed: PackedSentences
    upos_log_probs: NDArray[np.float16]
    feats_ids: NDArray[np.int16]
    feats_log_probs: NDArray[np.float16]


class ShardStream:
    """All shards under a directory.

    Args:
        directory: Holds `*.parquet` files that `pipelines.teacher_logits` wrote.
        labels: Digest of the student's inventories.
        targets: The temperatures asked for.
        teacher: Digest of the teacher expected; None takes the first shard's.

    Raises:
        InputNotFoundError: There is no shard.
        ShardError: A shard is of another teacher or other labels than asked for, or does not
            keep the FEATS temperature.
    """

    def __init__(
        self, directory: Path, *, labels: str, targets: TargetOptions, teacher: str | None = None
    ) -> None:
        self._targets = targets
        self._infos: dict[Path, ShardInfo] = {}
        groups: list[tuple[Path, int]] = []
        sizes: list[int] = []
        for path in sorted(directory.rglob("*.parquet")):
            with path.open("rb") as stream:
                info = read_info(str(path), stream)
                in_shard = row_group_sizes(stream)
            teacher = teacher or info.teacher
            _check(path, info, labels=labels, teacher=teacher, targets=targets)
            self._infos[path] = info
            _check_equal(path, info, next(iter(self._infos.values())))
            groups += [(path, group) for group in range(len(in_shard))]
            sizes += in_shard
        if not groups:
            raise InputNotFoundError(f"{directory}: no *.parquet file with sentences in it")
        self._groups = groups
        per_chunk = max(1, _CHUNK_SENTENCES * len(groups) // max(1, sum(sizes)))
        self._per_chunk = min(per_chunk, len(groups))
        self.n_sentences = sum(sizes)
        _LOGGER.info("%d shards, %d sentences", len(self._infos), self.n_sentences)

    @property
    def n_chunks(self) -> int:
        """Chunks of one pass."""
        return -(-len(self._groups) // self._per_chunk)

    def blocks(self, chunk: int, generator: np.random.Generator) -> list[LogitBlock]:
        """Reads the row groups of one chunk.

        Args:
            chunk: Its number in the pass, from 0.
            generator: Orders the pass; the same for all its chunks.
        """
        order = generator.permutation(len(self._groups))
        chosen = order[chunk * self._per_chunk : (chunk + 1) * self._per_chunk]
        blocks: list[LogitBlock] = []
        for index in sorted(chosen):
            path, group = self._groups[index]
            with path.open("rb") as stream:
                blocks.append(read_row_group(stream, group, info=self._infos[path]))
        return blocks

    def chunk(self, blocks: list[LogitBlock], tokenizer: Path, *, max_pieces: int) -> Chunk:
        """Encodes sentences; those of more than `max_pieces` wordpieces are left out.

        Raises:
            ShardError: None is left.
        """
        packed = encode_sentences([forms for block in blocks for forms in block.forms], tokenizer)
        is_short = fits(packed, max_pieces=max_pieces)
        if not is_short.any():
            raise ShardError(f"{len(packed)} sentences, none of at most {max_pieces} wordpieces")
        is_kept = np.repeat(is_short, packed.n_tokens)
        ends = np.cumsum([len(block.upos_logits) for block in blocks])[:-1]
        parts = [
            self._soft_targets(block, kept)
            for block, kept in zip(blocks, np.split(is_kept, ends), strict=True)
        ]
        targets = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Chunk(packed.select(np.flatnonzero(is_short)), *targets)

    def _soft_targets(
        self, block: LogitBlock, is_kept: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float16], NDArray[np.int16], NDArray[np.float16]]:
        summary = block.feats_summary.select(is_kept)
        upos = block.upos_logits[is_kept].astype(np.float32) / self._targets.upos_temperature
        feats = top_log_probs(
            summary,
            temperature=self._targets.feats_temperature,
            temperatures=next(iter(self._infos.values())).temperatures,
        )
        upos -= np.log(np.exp(upos).sum(axis=1, keepdims=True))
        return _kept(upos), summary.label_ids.astype(np.int16), _kept(feats)


def pass_generator(seed: int, pass_number: int) -> np.random.Generator:
    """The generator that orders one pass, from its start."""
    return np.random.default_rng((seed, pass_number, 7))


def chunk_ids(chunk: int, sentences: NDArray[np.int64]) -> NDArray[np.int64]:
    """Marks sentence numbers with their chunk's number. Shape as given."""
    return (chunk << 32) + sentences


def split_chunk_ids(ids: NDArray[np.int64]) -> tuple[int, NDArray[np.int64]]:
    """Takes `chunk_ids` apart; all ids are of one chunk."""
    return int(ids[0]) >> 32, ids & 0xFFFFFFFF


def _kept(log_probs: NDArray[np.float32]) -> NDArray[np.float16]:
    return np.maximum(log_probs, _LOWEST).astype(np.float16)


def _check(
    path: Path, info: ShardInfo, *, labels: str, teacher: str, targets: TargetOptions
) -> None:
    for name, found, expected in (
        ("labels", info.labels, labels),
        ("teacher", info.teacher, teacher),
    ):
        if found != expected:
            raise ShardError(f"{path}: {name} digest {found}, expected {expected}")
    if targets.feats_temperature not in info.temperatures:
        kept = ", ".join(map(str, info.temperatures))
        raise ShardError(
            f"{path}: keeps the temperatures {kept}, not {targets.feats_temperature}; "
            "make shards with --temperatures or choose another --feats_temperature"
        )


def _check_equal(path: Path, info: ShardInfo, first: ShardInfo) -> None:
    if (info.top_k, info.temperatures) != (first.top_k, first.temperatures):
        raise ShardError(
            f"{path}: top_k {info.top_k} and temperatures {info.temperatures}, "
            f"expected {first.top_k} and {first.temperatures} as in the first shard"
        )
