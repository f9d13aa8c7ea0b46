"""The sentences that a student learns from when targets come from shards.

What the trainer calls an epoch is one chunk of shards here (`shard_stream`): the loop cuts the next
one in a thread of its own while it learns from this one, so two chunks are on the device. Chunks
are read ahead in processes of their own: reading, encoding and rebuilding the targets of a token
cost more time on a core than learning it does on a GPU.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.packing import DeviceSentences, cut_batches
from mtag_core.training.logits.logit_teachers import labels_digest
from mtag_core.training.loops import distributed
from mtag_core.training.loops.trainer import Epoch
from mtag_core.training.networks.model import Batch
from mtag_core.training.options import DistillOptions
from mtag_core.training.recipes.shard_stream import (
    Chunk,
    ShardStream,
    chunk_ids,
    pass_generator,
    split_chunk_ids,
)
from mtag_core.training.recipes.teacher_ensemble import SoftTargets


@contextmanager
def streamed_sentences(
    options: DistillOptions, feats: list[str], *, logits: Path, pad: int, device: torch.device
) -> Iterator["StreamedSentences"]:
    """Opens shards.

    Args:
        options: The recipe's.
        feats: The student's FEATS inventory.
        logits: Directory of the shards.
        pad: The student's padding piece.
        device: Gets the batches.

    Raises:
        InputNotFoundError: There is no shard.
        ShardError: A shard does not fit the student or the options.
    """
    stream = ShardStream(
        logits,
        labels=labels_digest(UPOS_LABELS, feats),
        targets=options.targets,
        teacher=options.teacher_digest or None,
    )
    reader = ChunkReader(
        stream,
        options.tokenizer,
        options.max_pieces,
        options.schedule.seed,
        rank=distributed.rank(),
        n_ranks=distributed.n_ranks(),
    )
    with reading_ahead(reader, n_processes=options.n_processes) as chunks:
        yield StreamedSentences(
            chunks,
            epochs=options.schedule.epochs * reader.n_chunks,
            piece_budget=options.piece_budget,
            pad=pad,
            device=device,
        )


class StreamedSentences:
    """Gives batches with their targets, chunk after chunk.

    Attributes:
        epochs: Chunks to go through at most.
    """

    def __init__(
        self,
        chunks: "ChunkSource",
        *,
        epochs: float,
        piece_budget: int,
        pad: int,
        device: torch.device,
    ) -> None:
        self.epochs = epochs
        self._chunks, self._piece_budget = chunks, piece_budget
        self._pad, self._device = pad, device
        self._ready: dict[int, tuple[DeviceSentences, SoftTargets]] = {}

    def epoch(self, number: int, generator: np.random.Generator) -> Epoch:
        """Moves the chunk of this number to the device and cuts it into batches."""
        chunk = self._chunks.read(number)
        sentences = DeviceSentences(chunk.packed, pad=self._pad, device=self._device)
        arrays = (chunk.upos_log_probs, chunk.feats_ids, chunk.feats_log_probs)
        targets = SoftTargets(*(torch.from_numpy(array).to(self._device) for array in arrays))
        self._ready[number] = (sentences, targets)
        batches = cut_batches(
            chunk.packed.n_pieces, piece_budget=self._piece_budget, generator=generator
        )
        return [chunk_ids(number, batch) for batch in batches]

    def batch(self, ids: NDArray[np.int64]) -> tuple[Batch, SoftTargets]:
        """The sentences of one batch, and the targets their tokens index; forgets older chunks."""
        number, indices = split_chunk_ids(ids)
        for old in [key for key in tuple(self._ready) if key < number]:
            del self._ready[old]
        sentences, targets = self._ready[number]
        return sentences.batch(indices), targets


@dataclass(frozen=True)
class ChunkReader:
    """Reads any chunk of a run; travels to other processes.

    Attributes:
        stream: All shards.
        tokenizer: The student's.
        max_pieces: Longer sentences are left out.
        seed: Orders each pass.
        rank: Of this process among those that train one model.
        n_ranks: How many those are; each learns another chunk.
    """

    stream: ShardStream
    tokenizer: Path
    max_pieces: int
    seed: int
    rank: int
    n_ranks: int

    @property
    def n_chunks(self) -> int:
        """Chunks of one pass for this rank."""
        return -(-self.stream.n_chunks // self.n_ranks)

    def read(self, number: int) -> Chunk:
        """Reads a chunk.

        Args:
            number: Counted through all passes, from 0.

        Raises:
            ShardError: None of its sentences is short enough.
        """
        pass_number, index = divmod(number, self.n_chunks)
        blocks = self.stream.blocks(
            # The last ranks of a pass may find no chunk of their own left, and repeat the first.
            (index * self.n_ranks + self.rank) % self.stream.n_chunks,
            pass_generator(self.seed, pass_number),
        )
        return self.stream.chunk(blocks, self.tokenizer, max_pieces=self.max_pieces)


class ChunkSource(Protocol):
    """Chunks by number."""

    def read(self, number: int) -> Chunk:
        """A chunk; see `ChunkReader.read`."""


@contextmanager
def reading_ahead(reader: ChunkReader, *, n_processes: int) -> Iterator[ChunkSource]:
    """Lets processes read the chunks that will be asked for next.

    Args:
        reader: Reads one.
        n_processes: As many chunks are read ahead; 1 reads in this process, when asked.
    """
    if n_processes == 1:
        yield reader
        return
    # A process that uses CUDA must not be forked.
    pool = ProcessPoolExecutor(n_processes, mp_context=get_context("spawn"))
    try:
        yield _ReadingAhead(reader, pool, n_processes)
    finally:
        pool.shutdown(cancel_futures=True)


class _ReadingAhead:
    """Chunks out of a pool, asked for in order."""

    def __init__(self, reader: ChunkReader, pool: ProcessPoolExecutor, n_ahead: int) -> None:
        self._reader, self._pool, self._n_ahead = reader, pool, n_ahead
        self._coming: dict[int, Future[Chunk]] = {}

    def read(self, number: int) -> Chunk:
        """Waits for a chunk and lets those behind it be read."""
        for ahead in range(number, number + self._n_ahead + 1):
            if ahead not in self._coming:
                self._coming[ahead] = self._pool.submit(self._reader.read, ahead)
        return self._coming.pop(number).result()
