"""The sentences that a student learns from when the teacher's word comes from shards.

What the loop calls an epoch is one chunk of shards here (`shard_stream`): the loop cuts the next
one in a thread of its own while it learns from this one, so at most three chunks are in memory.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.packing import DeviceSentences, cut_batches
from mtag_core.training.logits.logit_teachers import labels_digest
from mtag_core.training.loops import distributed
from mtag_core.training.loops.loop import Epoch
from mtag_core.training.networks.model import Batch
from mtag_core.training.run_configs import DistillConfig
from mtag_core.training.runs.shard_stream import (
    ShardStream,
    chunk_ids,
    pass_generator,
    split_chunk_ids,
)
from mtag_core.training.runs.targets import SoftTargets


class StreamedSentences:
    """Gives batches with their targets, chunk after chunk."""

    def __init__(
        self,
        config: DistillConfig,
        feats: list[str],
        *,
        logits: Path,
        pad: int,
        device: torch.device,
    ) -> None:
        """Reads the shards' metadata.

        Raises:
            InputNotFoundError: There is no shard.
            ShardError: A shard does not fit the student or the options.
        """
        self._config = config
        self._pad, self._device = pad, device
        self._stream = ShardStream(
            logits,
            labels=labels_digest(UPOS_LABELS, feats),
            targets=config.targets,
            teacher=config.teacher_digest or None,
        )
        self._ready: dict[int, tuple[DeviceSentences, SoftTargets]] = {}

    @property
    def epochs(self) -> float:
        """Chunks that the run goes through at most."""
        return self._config.epochs * self._stream.n_chunks

    def epoch(self, number: int, generator: np.random.Generator) -> Epoch:
        """Reads, encodes and cuts the chunk of this number; every process takes its share of it."""
        pass_number, chunk = divmod(number, self._stream.n_chunks)
        order = pass_generator(self._config.seed, pass_number)
        rows = self._stream.rows(chunk, order)[distributed.rank() :: distributed.n_ranks()]
        read = self._stream.chunk(rows, self._config.tokenizer, max_pieces=self._config.max_pieces)
        sentences = DeviceSentences(read.packed, pad=self._pad, device=self._device)
        targets = SoftTargets(
            *(
                tensor.to(self._device)
                for tensor in (
                    read.targets.upos_log_probs,
                    read.targets.feats_ids,
                    read.targets.feats_log_probs,
                )
            )
        )
        self._ready[number] = (sentences, targets)
        batches = cut_batches(
            read.packed.n_pieces, piece_budget=self._config.piece_budget, generator=generator
        )
        return [chunk_ids(number, batch) for batch in batches]

    def batch(self, ids: NDArray[np.int64]) -> tuple[Batch, SoftTargets]:
        """The sentences of one batch, and the targets their tokens index; forgets older chunks."""
        number, indices = split_chunk_ids(ids)
        for old in [key for key in tuple(self._ready) if key < number]:
            del self._ready[old]
        sentences, targets = self._ready[number]
        return sentences.batch(indices), targets
