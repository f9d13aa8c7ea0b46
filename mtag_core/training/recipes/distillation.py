"""Distils teachers into a student, and fine-tunes it: the same recipe with other shares.

The teachers annotate text and treebanks once (`teacher_ensemble`); then the student learns from
those targets for many epochs. On treebank tokens part of the target is the label itself.
Distillation goes through all the text; fine-tuning starts from a distilled student and goes through
little text. Where targets come from shards (`distill_stream`), the student learns from them alone.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtag_core.errors import UsageError
from mtag_core.training.data.augmentation import mask_pieces
from mtag_core.training.data.datasets import draw_epoch, encoded_forms, labelled_dataset
from mtag_core.training.data.encoding import SpecialPieces
from mtag_core.training.data.packing import DeviceSentences, cut_batches
from mtag_core.training.data.train_dev_split import read_dev_sentences
from mtag_core.training.loops import distributed
from mtag_core.training.loops.trainer import Epoch, Task, Trainer
from mtag_core.training.loops.training_log import TrainingLog
from mtag_core.training.networks.model import Batch, TokenTagger
from mtag_core.training.networks.model_config import ModelMetadata
from mtag_core.training.networks.model_files import (
    load_feats,
    load_metadata,
    load_model,
    save_model,
)
from mtag_core.training.networks.student import make_plain, new_student, set_dropout, share_weights
from mtag_core.training.options import DistillOptions
from mtag_core.training.recipes.distill_corpus import DistillationCorpus
from mtag_core.training.recipes.distill_stream import streamed_sentences
from mtag_core.training.recipes.scoring import score, summary
from mtag_core.training.recipes.teacher_ensemble import SoftTargets, target_loss
from mtag_core.training.records import record_training

_LOGGER = logging.getLogger(__name__)


def run(options: DistillOptions) -> str:
    """Runs `distill` or `finetune`.

    Raises:
        UsageError: There is not one source of soft targets.
    """
    has_teachers = bool(options.teachers and options.text)
    if options.logits is None and not has_teachers:
        raise UsageError("distill needs --logits and --feats, or --teachers and --text")
    if options.logits is not None and (options.teachers or options.text):
        raise UsageError("--logits takes the place of --teachers and --text; leave those out")
    if options.logits is not None and options.feats is None:
        raise UsageError("--logits needs --feats, the feats.json of the teacher that made them")
    return summary(distill(options), options.output)


def distill(options: DistillOptions) -> dict[str, float]:
    """Distils or fine-tunes a student and writes its model directory.

    Args:
        options: What to do.

    Returns:
        Macro dev scores at the end, without treebank tokens.

    Raises:
        CheckpointError: A directory does not fit.
        InputNotFoundError: There is no treebank, or no encoded text or shard.
        ShardError: A shard is of another teacher or other labels.
    """
    device = distributed.start()
    if distributed.rank() == 0:
        record_training(options)
    distributed.wait_for_all()
    torch.manual_seed(options.schedule.seed)
    feats = load_feats(options.feats_path)
    pieces = SpecialPieces.load(options.tokenizer)
    model = _student(options, feats, pieces).to(device)
    distributed.share_weights(model)
    with _source(options, feats, pad=pieces.pad, device=device) as source:
        task = _DistillationTask(options, model, source, pieces=pieces, device=device)
        _learn(options, task)
    make_plain(model)
    if distributed.rank() == 0:
        metadata = ModelMetadata(
            max_pieces=options.max_pieces, is_trained_on_dev=is_trained_on_dev(options)
        )
        save_model(
            model, metadata, directory=options.output, tokenizer_path=options.tokenizer, feats=feats
        )
    distributed.wait_for_all()
    return task.scores() if distributed.rank() == 0 else {}


def is_trained_on_dev(options: DistillOptions) -> bool:
    """Whether the student, or a model that it learns from, is trained on dev sentences."""
    models = [*options.teachers, *([options.student] if options.student else [])]
    return options.train_on_dev or any(load_metadata(model).is_trained_on_dev for model in models)


def _learn(options: DistillOptions, task: "_DistillationTask") -> None:
    torch.manual_seed(options.schedule.seed + distributed.rank())
    with TrainingLog(options.output, is_writer=distributed.rank() == 0) as log:
        schedule = replace(options.schedule, epochs=task.epochs)
        trainer = Trainer(task.task(), schedule, directory=options.output, log=log)
        if options.resume:
            trainer.resume()
        trainer.run()


class _Source(Protocol):
    """Sentences with their targets."""

    @property
    def epochs(self) -> float:
        """Epochs of the loop at most."""

    def epoch(self, number: int, generator: np.random.Generator) -> Epoch:
        """Cuts one epoch into batches."""

    def batch(self, ids: NDArray[np.int64]) -> tuple[Batch, SoftTargets]:
        """The sentences of one batch and the targets that their tokens index."""


class _CorpusSentences:
    """Text and treebanks, all in memory, annotated by the recipe itself."""

    def __init__(self, options: DistillOptions, corpus: DistillationCorpus, *, pad: int) -> None:
        self._options, self._corpus = options, corpus
        device = corpus.targets.upos_log_probs.device
        self._sentences = DeviceSentences(corpus.student, pad=pad, device=device)
        self.epochs = options.schedule.epochs

    def epoch(self, number: int, generator: np.random.Generator) -> Epoch:
        """Draws and cuts one epoch."""
        drawn = draw_epoch(self._corpus.rates, generator)
        lengths = self._corpus.student.n_pieces[drawn]
        batches = cut_batches(lengths, piece_budget=self._options.piece_budget, generator=generator)
        return [drawn[batch] for batch in batches]

    def batch(self, ids: NDArray[np.int64]) -> tuple[Batch, SoftTargets]:
        """Gathers one batch."""
        return self._sentences.batch(ids), self._corpus.targets


@contextmanager
def _source(
    options: DistillOptions, feats: list[str], *, pad: int, device: torch.device
) -> Iterator[_Source]:
    if options.logits is None:
        yield _CorpusSentences(options, DistillationCorpus(options, feats, device=device), pad=pad)
        return
    with streamed_sentences(
        options, feats, logits=options.logits, pad=pad, device=device
    ) as sentences:
        yield sentences


class _DistillationTask:
    def __init__(
        self,
        options: DistillOptions,
        model: TokenTagger,
        source: _Source,
        *,
        pieces: SpecialPieces,
        device: torch.device,
    ) -> None:
        self._options, self._model, self._source = options, model, source
        self._mask_piece = pieces.mask
        self.epochs = source.epochs
        dev = read_dev_sentences(options.treebanks, train_on_dev=is_trained_on_dev(options))
        self._dev = labelled_dataset(
            dev,
            encoded_forms(dev, options.tokenizer, n_processes=options.n_processes),
            feats_labels=load_feats(options.feats_path),
            max_pieces=options.max_pieces,
        )
        self._dev_sentences = DeviceSentences(self._dev.packed, pad=pieces.pad, device=device)

    def task(self) -> Task:
        """What the trainer calls."""
        return Task(self._model, self._source.epoch, self._loss, self.scores)

    def scores(self) -> dict[str, float]:
        """Macro dev scores."""
        return score(self._model, self._dev_sentences, self._dev).macro()

    def _loss(self, ids: NDArray[np.int64]) -> tuple[Tensor, int]:
        batch, targets = self._source.batch(ids)
        masked = mask_pieces(batch, share=self._options.piece_dropout, mask_piece=self._mask_piece)
        logits = self._model(masked)
        loss = target_loss(logits, targets, batch.token_index, self._options.targets)
        return loss, len(batch.token_index)


def _student(options: DistillOptions, feats: list[str], pieces: SpecialPieces) -> TokenTagger:
    if options.student is None:
        model = new_student(
            options.shape,
            n_pieces=pieces.n_pieces,
            n_feats=len(feats),
            pad=pieces.pad,
            dropout=options.dropout,
        )
    else:
        model, _ = load_model(options.student, device=torch.device("cpu"))
    if options.share_feats:
        share_weights(model, feats)
    set_dropout(model, options.dropout)
    return model
