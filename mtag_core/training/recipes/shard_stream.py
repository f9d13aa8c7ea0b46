"""Distillation from shards of teacher logits, a few row groups in memory at a time.

A pass goes through all row groups of all shards in a random order. Some row groups together make a
chunk; what the trainer calls an epoch is one chunk here: the loop cuts the next one in a thread of
its own while it learns from this one, so two chunks are on the device. Chunks are read ahead in
processes of their own: reading, encoding and rebuilding the targets of a token cost more time on a
core than learning it does on a GPU. So memory does not grow with the corpus.

Between the batches of a chunk are some of the treebanks, whose labels are learnt: lemmas are in no
shard.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import InputNotFoundError, ShardError
from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.datasets import WordSentences, cut_batches, drawn_batches
from mtag_core.training.data.model_input import FormArrays, ModelInput
from mtag_core.training.logits.logit_shards import (
    LogitBlock,
    ShardInfo,
    read_info,
    read_row_group,
    row_group_sizes,
)
from mtag_core.training.logits.logit_teachers import labels_digest
from mtag_core.training.logits.soft_targets import top_log_probs
from mtag_core.training.loops import distributed
from mtag_core.training.options import DistillOptions, Temperatures
from mtag_core.training.recipes.label_training import TrainingSentences
from mtag_core.training.recipes.targets import LOWEST, SoftTargets

_LOGGER = logging.getLogger(__name__)
_CHUNK_SENTENCES = 16384
# What all shards have alike, as an error names it and as `ShardInfo` does.
_SHARED = {
    "labels digest": "labels",
    "teacher digest": "teacher",
    "top_k": "top_k",
    "temperatures": "temperatures",
}

ReadChunk = Callable[[int], "Chunk"]
"""Gives chunks by their numbers, which rise; see `ChunkReader.read`."""

Batch = tuple[TrainingSentences, NDArray[np.int64]]
"""Sentences and which of them."""


@dataclass(frozen=True)
class Chunk:
    """Sentences of a few row groups and the targets of their tokens.

    Attributes:
        sentences: As ids of their forms.
        forms: What the student reads of the forms.
        targets: Of the sentences' tokens in order, by the names that `SoftTargets` has.
    """

    sentences: WordSentences
    forms: FormArrays
    targets: dict[str, NDArray[Any]]


class ShardStream:
    """All shards under a directory.

    Args:
        directory: Holds `*.parquet` files that `pipelines.teacher_logits` wrote.
        feats: The student's FEATS bundles in label order.
        targets: The temperatures asked for.

    Raises:
        InputNotFoundError: There is no shard.
        ShardError: A shard is of another teacher than the first or of other labels than the
            student's, or does not keep the FEATS temperature.
    """

    def __init__(self, directory: Path, feats: Sequence[str], targets: Temperatures) -> None:
        self._targets = targets
        labels, temperature = labels_digest(UPOS_LABELS, feats), targets.feats_temperature
        self._infos: dict[Path, ShardInfo] = {}
        groups: list[tuple[Path, int]] = []
        sizes: list[int] = []
        for path in sorted(directory.rglob("*.parquet")):
            with path.open("rb") as stream:
                info = read_info(str(path), stream)
                in_shard = row_group_sizes(stream)
            self._infos[path] = info
            first = next(iter(self._infos.values()))
            _check(path, info, first, labels=labels, temperature=temperature)
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

    def chunk(self, blocks: list[LogitBlock], reader: ModelInput) -> Chunk:
        """Encodes sentences.

        Args:
            blocks: From `blocks`.
            reader: Of the student, which says what is too long.

        Raises:
            ShardError: None is left.
        """
        form_to_id: dict[str, int] = {}
        every = (forms for block in blocks for forms in block.forms)
        sentences = WordSentences.of(every, form_to_id)
        forms = reader.encoded(list(form_to_id))
        fitting = reader.fitting(sentences, forms)
        if not len(fitting):
            raise ShardError(f"{len(sentences)} sentences, none of at most {reader.limit}")
        is_kept = np.repeat(np.isin(np.arange(len(sentences)), fitting), sentences.n_tokens)
        ends = np.cumsum([len(block.upos_logits) for block in blocks])[:-1]
        parts = [
            self._targets_of(block, kept)
            for block, kept in zip(blocks, np.split(is_kept, ends), strict=True)
        ]
        targets = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return Chunk(sentences.select(fitting), forms, targets)

    def _targets_of(self, block: LogitBlock, is_kept: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        summary = block.feats_summary.select(is_kept)
        upos = block.upos_logits[is_kept].astype(np.float32) / self._targets.upos_temperature
        feats = top_log_probs(
            summary,
            temperature=self._targets.feats_temperature,
            temperatures=next(iter(self._infos.values())).temperatures,
        )
        upos -= np.log(np.exp(upos).sum(axis=1, keepdims=True))
        return {
            "upos_log_probs": _kept(upos),
            "feats_ids": summary.label_ids.astype(np.int16),
            "feats_log_probs": _kept(feats),
        }


class StreamedSentences:
    """Gives batches with their targets, chunk after chunk; treebank batches among them.

    Args:
        options: The recipe's.
        read: Gives chunks.
        reader: Of the student.
        treebanks: What is learnt from labels.
        rates: How often all text once goes through each treebank sentence.
        n_chunks: Of all text for this process.

    Attributes:
        epochs: Chunks to go through at most.
    """

    def __init__(
        self,
        options: DistillOptions,
        read: ReadChunk,
        reader: ModelInput,
        treebanks: TrainingSentences,
        rates: NDArray[np.float64],
        *,
        n_chunks: int,
    ) -> None:
        self.epochs = options.schedule.epochs * n_chunks
        self._options, self._read, self._reader = options, read, reader
        self._treebanks = treebanks
        self._rates = rates / (n_chunks * distributed.n_ranks())

    def epoch(self, number: int, generator: np.random.Generator) -> list[Batch]:
        """Moves the chunk of this number to the device and cuts it into batches."""
        chunk, options = self._read(number), self._options
        sentences = self._reader.sentences(chunk.sentences, self._reader.placed(chunk.forms))
        targets = SoftTargets.of(chunk.targets, device=self._reader.device)
        text = TrainingSentences(sentences, targets.loss_at(options.targets), options.noise)
        batches = [
            (text, batch)
            for batch in cut_batches(
                sentences.lengths, piece_budget=options.budget, generator=generator
            )
        ]
        lengths = self._treebanks.sentences.lengths
        drawn = drawn_batches(self._rates, lengths, options.budget, generator)
        batches += [(self._treebanks, batch) for batch in drawn]
        return [batches[index] for index in generator.permutation(len(batches))]


@dataclass(frozen=True)
class ChunkReader:
    """Reads any chunk of a run; travels to other processes.

    Attributes:
        stream: All shards.
        reader: Of the student.
        seed: Orders each pass.
        rank: Of this process among those that train one model.
        n_ranks: How many those are; each learns another chunk.
    """

    stream: ShardStream
    reader: ModelInput
    seed: int
    rank: int
    n_ranks: int

    @classmethod
    def of(cls, stream: ShardStream, reader: ModelInput, *, seed: int) -> "ChunkReader":
        """That of this process; what reads ahead encodes in one process."""
        reader = replace(reader, n_processes=1)
        return cls(stream, reader, seed, distributed.rank(), distributed.n_ranks())

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
        return self.stream.chunk(blocks, self.reader)


@contextmanager
def reading_ahead(reader: ChunkReader, *, n_processes: int) -> Iterator[ReadChunk]:
    """Lets processes read the chunks that will be asked for next.

    Args:
        reader: Reads one.
        n_processes: As many chunks are read ahead; 1 reads in this process, when asked.
    """
    if n_processes == 1:
        yield reader.read
        return
    # A process that uses CUDA must not be forked.
    pool = ProcessPoolExecutor(n_processes, mp_context=get_context("spawn"))
    coming: dict[int, Future[Chunk]] = {}

    def read(number: int) -> Chunk:
        for ahead in range(number, number + n_processes + 1):
            if ahead not in coming:
                coming[ahead] = pool.submit(reader.read, ahead)
        return coming.pop(number).result()

    try:
        yield read
    finally:
        pool.shutdown(cancel_futures=True)


def pass_generator(seed: int, pass_number: int) -> np.random.Generator:
    """The generator that orders one pass, from its start."""
    return np.random.default_rng((seed, pass_number, 7))


def _kept(log_probs: NDArray[np.float32]) -> NDArray[np.float16]:
    return np.maximum(log_probs, LOWEST).astype(np.float16)


def _check(
    path: Path, info: ShardInfo, first: ShardInfo, *, labels: str, temperature: float
) -> None:
    expected = replace(first, labels=labels)
    for name, field in _SHARED.items():
        found, wanted = getattr(info, field), getattr(expected, field)
        if found != wanted:
            raise ShardError(f"{path}: {name} {found}, expected {wanted}")
    if temperature not in info.temperatures:
        kept = ", ".join(map(str, info.temperatures))
        raise ShardError(
            f"{path}: keeps the temperatures {kept}, not {temperature}; "
            "make shards with --temperatures or choose another --feats_temperature"
        )
