"""Reads shards of teacher logits for distillation, a few row groups in memory at a time.

A pass goes through all row groups of all shards in a random order. Some row groups together make a
chunk; what the trainer calls an epoch is one chunk here: the loop cuts the next one in a thread of
its own while it learns from this one, so two chunks are on the device. Chunks are read ahead in
processes of their own: reading, encoding and rebuilding the targets of a token cost more time on a
core than learning it does on a GPU. So memory does not grow with the corpus.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import InputNotFoundError, ShardError
from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.datasets import SourcedWords, WordSentences
from mtag_core.training.data.model_input import Forms, ModelInput
from mtag_core.training.logits.logit_shards import (
    LogitBlock,
    ShardInfo,
    read_info,
    read_row_group,
    row_group_sizes,
)
from mtag_core.training.logits.logit_teachers import labels_digest
from mtag_core.training.logits.soft_targets import top_log_probs
from mtag_core.training.options import Temperatures
from mtag_core.training.recipes.labelling import LOWEST

_LOGGER = logging.getLogger(__name__)
_CHUNK_SENTENCES = 16384

Chunk = tuple[SourcedWords, Forms]
"""Sentences of a few row groups, their labels soft targets as `SoftTargets` takes them."""
ReadChunk = Callable[[int], Chunk]
"""Gives chunks by their numbers, counted through all passes from 0, which rise."""


class ShardStream:
    """All shards that `pipelines.teacher_logits` wrote below a directory; it can be pickled.

    `feats` are the student's bundles, `targets` the temperatures asked for; `seed` orders each
    pass. Each of the processes that train one model (`rank` of `n_ranks`) learns other chunks,
    `n_chunks` a pass.

    Raises:
        InputNotFoundError: There is no shard.
        ShardError: A shard is of another teacher than the first or of other labels than the
            student's, or does not keep the FEATS temperature.
    """

    def __init__(
        self,
        directory: Path,
        feats: Sequence[str],
        targets: Temperatures,
        *,
        seed: int,
        rank: int = 0,
        n_ranks: int = 1,
    ) -> None:
        self._targets, self._seed, self._rank, self._n_ranks = targets, seed, rank, n_ranks
        labels, temperature = labels_digest(UPOS_LABELS, feats), targets.feats_temperature
        self._infos: dict[Path, ShardInfo] = {}
        self._groups: list[tuple[Path, int]] = []
        n_sentences = 0
        for path in sorted(directory.rglob("*.parquet")):
            with path.open("rb") as stream:
                info = read_info(str(path), stream)
                sizes = row_group_sizes(stream)
            self._infos[path] = info
            first = next(iter(self._infos.values()))
            _check(path, info, first, labels=labels, temperature=temperature)
            self._groups += [(path, group) for group in range(len(sizes))]
            n_sentences += sum(sizes)
        if not self._groups:
            raise InputNotFoundError(f"{directory}: no *.parquet file with sentences in it")
        n_groups = len(self._groups)
        self._per_chunk = min(max(1, _CHUNK_SENTENCES * n_groups // max(1, n_sentences)), n_groups)
        self._n_in_pass = -(-n_groups // self._per_chunk)
        self.n_chunks = -(-self._n_in_pass // n_ranks)
        _LOGGER.info("%d shards, %d sentences", len(self._infos), n_sentences)

    def blocks(self, number: int) -> list[LogitBlock]:
        """The row groups of a chunk, by its number."""
        pass_number, index = divmod(number, self.n_chunks)
        # The last ranks of a pass may find no chunk of their own left, and repeat the first.
        place = (index * self._n_ranks + self._rank) % self._n_in_pass
        order = np.random.default_rng((self._seed, pass_number, 7)).permutation(len(self._groups))
        blocks: list[LogitBlock] = []
        for group in sorted(order[place * self._per_chunk : (place + 1) * self._per_chunk]):
            path, in_shard = self._groups[group]
            with path.open("rb") as stream:
                blocks.append(read_row_group(stream, in_shard, info=self._infos[path]))
        return blocks

    def read(self, number: int, reader: ModelInput) -> Chunk:
        """Reads a chunk as a student does.

        Raises:
            ShardError: None of its sentences is short enough.
        """
        blocks = self.blocks(number)
        form_to_id: dict[str, int] = {}
        parts = [
            SourcedWords(
                WordSentences.of(block.forms, form_to_id),
                ("",),
                np.zeros(len(block.forms), np.int64),
                np.full(len(block.forms), -1),
                self._targets_of(block),
            )
            for block in blocks
        ]
        text, forms = SourcedWords.concatenate(parts), reader.forms(list(form_to_id))
        fitting = reader.fitting(text.words, forms)
        if not len(fitting):
            raise ShardError(f"{len(text.words)} sentences, none short enough for the student")
        return text.select(fitting), forms

    def _targets_of(self, block: LogitBlock) -> dict[str, NDArray[Any]]:
        summary = block.feats_summary
        upos = block.upos_logits.astype(np.float32) / self._targets.upos_temperature
        feats = top_log_probs(
            summary,
            temperature=self._targets.feats_temperature,
            temperatures=next(iter(self._infos.values())).temperatures,
        )
        upos -= np.log(np.exp(upos).sum(axis=1, keepdims=True))
        return {
            "upos_log_probs": np.maximum(upos, LOWEST).astype(np.float16),
            "feats_ids": summary.label_ids.astype(np.int16),
            "feats_log_probs": np.maximum(feats, LOWEST).astype(np.float16),
        }


@contextmanager
def reading_ahead(read: ReadChunk, *, n_processes: int) -> Iterator[ReadChunk]:
    """Lets processes read as many chunks ahead; a single one reads when asked."""
    if n_processes == 1:
        yield read
        return
    # A process that uses CUDA must not be forked.
    pool = ProcessPoolExecutor(n_processes, mp_context=get_context("spawn"))
    coming: dict[int, Future[Chunk]] = {}

    def read_ahead(number: int) -> Chunk:
        for ahead in range(number, number + n_processes + 1):
            if ahead not in coming:
                coming[ahead] = pool.submit(read, ahead)
        return coming.pop(number).result()

    try:
        yield read_ahead
    finally:
        pool.shutdown(cancel_futures=True)


def _check(
    path: Path, info: ShardInfo, first: ShardInfo, *, labels: str, temperature: float
) -> None:
    expected = replace(first, labels=labels)
    for name in ("labels", "teacher", "top_k", "temperatures"):
        found, wanted = getattr(info, name), getattr(expected, name)
        if found != wanted:
            raise ShardError(f"{path}: {name} {found}, expected {wanted}")
    if temperature not in info.temperatures:
        kept = ", ".join(map(str, info.temperatures))
        raise ShardError(
            f"{path}: keeps the temperatures {kept}, not {temperature}; "
            "make shards with --temperatures or choose another --feats_temperature"
        )
