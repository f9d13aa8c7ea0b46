"""Distils teachers into a student, and fine-tunes it: the same recipe with other shares.

Distilling goes through all the text; fine-tuning starts from a distilled student and goes through
little of it. On treebank tokens part of the target is the label itself. Some treebank sentences of
a word student have their treebank's adapter, so that the network knows what it is for; its final
values are learnt afterwards (`adapters`). Where targets come from shards of logits
(`shard_stream`), treebanks are learnt from their labels alone.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from mtag_core.errors import InputNotFoundError, UsageError
from mtag_core.training.data.corpus import TreebankCorpus
from mtag_core.training.data.datasets import drawn_batches, ragged_rows, sampling_rates
from mtag_core.training.data.model_input import Forms, ModelInput
from mtag_core.training.data.pieces import SpecialPieces
from mtag_core.training.data.text import as_read, train_vocabulary
from mtag_core.training.loops import distributed
from mtag_core.training.loops.trainer import TrainingTask, begin, train
from mtag_core.training.networks.model_files import (
    Network,
    make_plain,
    new_student,
    set_dropout,
    share_weights,
)
from mtag_core.training.options import DistillOptions
from mtag_core.training.recipes.label_training import (
    DeviceLabels,
    TrainingSentences,
    score,
    summary,
)
from mtag_core.training.recipes.shard_stream import (
    Batch,
    ChunkReader,
    ShardStream,
    StreamedSentences,
    pass_generator,
    reading_ahead,
)
from mtag_core.training.recipes.targets import SoftTargets, TargetShard, blend_labels

_LOGGER = logging.getLogger(__name__)


def run(options: DistillOptions) -> str:
    """Runs `train distill` or `train finetune`.

    Raises:
        UsageError: There is not one source of soft targets.
    """
    if (options.labelled is None) == (options.logits is None):
        raise UsageError("expected either --labelled, with --text, or --logits")
    if options.labelled is not None and options.text is None:
        raise UsageError("--labelled needs --text, the directory whose sentences were labelled")
    return summary(distill(options), options.output)


def distill(options: DistillOptions) -> dict[str, float]:
    """Distils or fine-tunes a student and writes its model directory.

    Args:
        options: What to do.

    Returns:
        Macro dev scores at the end, no treebank named.

    Raises:
        CheckpointError: A directory does not fit.
        InputNotFoundError: There is no corpus or no shard.
        ShardError: A shard is of another teacher or other labels.
    """
    device = begin(options)
    corpus = TreebankCorpus.load(options.corpus)
    network = _student(options, corpus)
    network.model.to(device)
    distributed.share_weights(network.model)
    reader = ModelInput(
        network.tokenizer, network.has_words, device, options.max_pieces, options.n_processes
    )
    if options.text is not None and options.logits is None:
        forms = reader.forms_of_text(options.text)
    else:
        forms = reader.forms(corpus.forms)
    dev, dev_sentences = reader.dataset(corpus.dev, forms)

    def scores() -> dict[str, float]:
        return score(network.model, dev_sentences, dev)

    with _source(options, corpus, reader, forms) as source:
        torch.manual_seed(options.schedule.seed + distributed.rank())
        task = TrainingTask(
            network.model,
            source.epoch,
            lambda batch: batch[0].loss(network.model, batch[1]),
            scores,
        )
        train(task, options, epochs=source.epochs)
    make_plain(network.model)
    if distributed.rank() == 0:
        network.save(options.output)
    distributed.wait_for_all()
    return scores() if distributed.rank() == 0 else {}


class _Source(Protocol):
    """Sentences with their targets."""

    @property
    def epochs(self) -> float:
        """Epochs of the loop at most."""

    def epoch(self, number: int, generator: np.random.Generator) -> list[Batch]:
        """Cuts one epoch into batches."""


@contextmanager
def _source(
    options: DistillOptions, corpus: TreebankCorpus, reader: ModelInput, forms: Forms
) -> Iterator[_Source]:
    if options.labelled is not None:
        yield _LabelledSentences(options, _shard(options.labelled), corpus, reader, forms)
        return
    dataset, sentences = reader.dataset(corpus.train, forms)
    by_treebank = sampling_rates(
        dataset.tokens_by_treebank(), full_tokens=options.small_treebank, most=8.0
    )
    rates = options.treebank_rate * by_treebank[dataset.treebank_ids]
    labels = DeviceLabels(dataset, reader.device)
    treebanks = TrainingSentences(sentences, labels.loss, options.noise)
    chunks = ChunkReader.of(_stream(options, corpus), reader, seed=options.schedule.seed)
    with reading_ahead(chunks, n_processes=options.n_processes) as read:
        yield StreamedSentences(options, read, reader, treebanks, rates, n_chunks=chunks.n_chunks)


def _stream(options: DistillOptions, corpus: TreebankCorpus) -> ShardStream:
    if options.logits is None:
        raise InputNotFoundError("no shards of logits named: --logits")
    return ShardStream(options.logits, corpus.inventories.feats, options.targets)


class _LabelledSentences:
    """What teachers labelled, all in memory, with treebanks' labels mixed in."""

    def __init__(
        self,
        options: DistillOptions,
        shard: TargetShard,
        corpus: TreebankCorpus,
        reader: ModelInput,
        forms: Forms,
    ) -> None:
        self._options = options
        self.epochs = options.schedule.epochs
        is_treebank = shard.source_ids < len(corpus.train.treebanks)
        rows = np.where(is_treebank, shard.source_ids + 1, 0)
        sentences = reader.sentences(shard.words, forms, treebank_rows=rows)
        self._lengths = sentences.lengths
        # Teachers read no longer sentences, but their wordpieces may be others.
        is_read = self._lengths <= options.max_pieces
        self._rates = _rates(shard, is_treebank, options) * is_read
        targets = _blended(shard, corpus, options, device=reader.device)
        self._train = TrainingSentences(sentences, targets.loss_at(options.targets), options.noise)
        n_tokens = len(shard.words.form_ids)
        _LOGGER.info("%d tokens, epoch of %d sentences", n_tokens, self._rates.sum())

    def epoch(self, number: int, generator: np.random.Generator) -> list[Batch]:
        """Draws and cuts one epoch."""
        drawn = drawn_batches(self._rates, self._lengths, self._options.budget, generator)
        return [(self._train, batch) for batch in drawn]


def _shard(directory: Path) -> TargetShard:
    paths = sorted(directory.glob("shard-*"))[distributed.rank() :: distributed.n_ranks()]
    if not paths:
        raise InputNotFoundError(f"{directory}: no shard for each process; label more")
    return TargetShard.concatenate([TargetShard.load(path) for path in paths])


def _rates(
    shard: TargetShard, is_treebank: NDArray[np.bool_], options: DistillOptions
) -> NDArray[np.float64]:
    is_own = (shard.labelled >= 0) | ~is_treebank
    weights = np.where(is_own, shard.words.n_tokens, 0)
    n_tokens = np.bincount(shard.source_ids, weights=weights, minlength=len(shard.sources))
    n_tokens = (n_tokens * distributed.n_ranks()).astype(np.int64)
    by_treebank = sampling_rates(n_tokens, full_tokens=options.small_treebank, most=8.0)
    by_language = sampling_rates(n_tokens, full_tokens=options.small_text, most=4.0)
    rates: NDArray[np.float64] = np.where(
        is_treebank,
        options.treebank_rate * by_treebank[shard.source_ids],
        options.text_rate * by_language[shard.source_ids],
    )
    return rates


def _blended(
    shard: TargetShard, corpus: TreebankCorpus, options: DistillOptions, *, device: torch.device
) -> SoftTargets:
    targets = shard.targets.to(device)
    sentences = np.flatnonzero(shard.labelled >= 0)
    gold = ragged_rows(corpus.train.words.n_tokens, shard.labelled[sentences])
    tokens, upos, feats, lemmas = (
        torch.from_numpy(array).to(device)
        for array in (
            ragged_rows(shard.words.n_tokens, sentences),
            corpus.train.upos_ids[gold],
            corpus.train.feats_ids[gold],
            corpus.train.lemma_ids[gold],
        )
    )
    blend_labels(
        targets,
        token_indices=tokens,
        upos_ids=upos,
        feats_ids=feats,
        lemma_ids=lemmas,
        label_share=options.label_share,
    )
    return targets


def _student(options: DistillOptions, corpus: TreebankCorpus) -> Network:
    labels = corpus.inventories
    if options.student is not None:
        network = Network.load(options.student, device=torch.device("cpu"))
    else:
        tokenizer = _tokenizer(options, corpus)
        pieces = SpecialPieces.load(tokenizer)
        network = new_student(
            options.shape,
            labels.feats,
            labels.lemma_rules,
            corpus.train.treebanks,
            tokenizer=tokenizer,
            n_pieces=pieces.n_pieces,
            pad=pieces.pad,
        )
        metadata = replace(network.metadata, is_trained_on_dev=corpus.is_trained_on_dev)
        network = replace(network, metadata=metadata)
    if options.share_feats:
        share_weights(network.model, labels.feats)
    set_dropout(network.model, options.dropout)
    return network


def _tokenizer(options: DistillOptions, corpus: TreebankCorpus) -> Path:
    if options.text is not None:
        return options.text / "tokenizer.json"
    path = options.output / "tokenizer.json"
    if distributed.rank() == 0 and not path.exists():
        stream, passes = _stream(options, corpus), pass_generator(options.schedule.seed, 0)
        sentences = corpus.train.words.texts(corpus.forms)
        for block in stream.blocks(0, passes):
            sentences += block.forms
        read = (as_read(forms, options.shape.architecture) for forms in sentences)
        train_vocabulary(read, n_pieces=options.n_pieces).save(str(path))
    distributed.wait_for_all()
    return path
