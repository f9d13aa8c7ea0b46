"""Reads chunks of shards ahead of the learning, in processes of their own.

Reading, encoding and rebuilding the targets of a token cost more time on a core than learning it
does on a GPU.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

from mtag_core.training.recipes.shard_stream import Chunk, ShardStream, pass_generator


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


class Chunks(Protocol):
    """Chunks by number."""

    def read(self, number: int) -> Chunk:
        """A chunk; see `ChunkReader.read`."""


@contextmanager
def reading_ahead(reader: ChunkReader, *, n_processes: int) -> Iterator[Chunks]:
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
