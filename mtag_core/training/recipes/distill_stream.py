"""The sentences that a student learns from when targets come from shards.

What the trainer calls an epoch is one chunk of shards here (`shard_stream`): the loop cuts the next
one in a thread of its own while it learns from this one, so two chunks are on the device.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
from mtag_core.training.recipes.chunk_pool import ChunkReader, Chunks, reading_ahead
from mtag_core.training.recipes.shard_stream import ShardStream, chunk_ids, split_chunk_ids
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
        self, chunks: Chunks, *, epochs: float, piece_budget: int, pad: int, device: torch.device
    ) -> None:
        """Takes chunks; none is read yet."""
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
