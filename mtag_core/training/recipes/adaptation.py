"""Trains a student further, on treebank labels alone.

For a student that has learnt from teachers: no teacher is needed any more, and a CPU will do.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from mtag_core.training.data.datasets import (
    LabelledPieces,
    encoded_forms,
    labelled_dataset,
    sampling_rates,
)
from mtag_core.training.data.encoding import SpecialPieces
from mtag_core.training.data.train_dev_split import read_dev_sentences, read_training_sentences
from mtag_core.training.data.treebanks import LabelledSentence
from mtag_core.training.loops.trainer import Task, Trainer
from mtag_core.training.loops.training_log import TrainingLog
from mtag_core.training.networks.model import TokenTagger
from mtag_core.training.networks.model_config import ModelMetadata
from mtag_core.training.networks.model_files import load_feats, load_model, save_model
from mtag_core.training.networks.student import set_dropout
from mtag_core.training.options import AdaptOptions
from mtag_core.training.recipes.label_training import LabelTraining, LabelTrainingOptions
from mtag_core.training.recipes.scoring import summary
from mtag_core.training.records import record_training


def run(options: AdaptOptions) -> str:
    """Runs `adapt`."""
    before, after, n_steps = adapt(options)
    return f"{n_steps} steps\nbefore: {summary(before, options.student)}\nafter: " + summary(
        after, options.output
    )


def adapt(options: AdaptOptions) -> tuple[dict[str, float], dict[str, float], int]:
    """Trains and writes a model directory.

    Args:
        options: What to do.

    Returns:
        Macro scores on held-out sentences before and after, and the number of steps. A treebank
        without a dev file has every tenth sentence held out.

    Raises:
        CheckpointError: A directory does not fit.
        InputNotFoundError: There is no treebank.
    """
    record_training(options)
    torch.manual_seed(options.schedule.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model, metadata = load_model(options.student, device=device)
    metadata = replace(
        metadata, is_trained_on_dev=metadata.is_trained_on_dev or options.train_on_dev
    )
    set_dropout(model, options.dropout)
    training = _training(options, model, metadata)
    before = training.scores()
    with TrainingLog(options.output, is_writer=True) as log:
        task = Task(model, training.epoch, training.loss, training.scores)
        trainer = Trainer(task, options.schedule, directory=options.output, log=log)
        if options.resume:
            trainer.resume()
        trainer.run()
    save_model(
        model,
        metadata,
        directory=options.output,
        tokenizer_path=options.student / "tokenizer.json",
        feats=load_feats(options.student / "feats.json"),
    )
    return before, training.scores(), trainer.n_steps


def _training(options: AdaptOptions, model: TokenTagger, metadata: ModelMetadata) -> LabelTraining:
    train, dev = (
        _dataset(options, sentences)
        for sentences in (
            read_training_sentences(
                options.treebanks, train_on_dev=options.train_on_dev, hold_out_tenth=True
            ),
            read_dev_sentences(
                options.treebanks, train_on_dev=metadata.is_trained_on_dev, hold_out_tenth=True
            ),
        )
    )
    return LabelTraining(
        model,
        LabelTrainingOptions(
            piece_budget=options.piece_budget,
            unknown_treebank=1.0,
            piece_dropout=options.piece_dropout,
            has_autocast=options.bfloat16,
        ),
        train=train,
        rates=_rates(options, train),
        dev=dev,
        metadata=metadata,
        pieces=SpecialPieces.load(options.student / "tokenizer.json"),
    )


def _dataset(options: AdaptOptions, sentences: list[LabelledSentence]) -> LabelledPieces:
    tokenizer = options.student / "tokenizer.json"
    return labelled_dataset(
        sentences,
        encoded_forms(sentences, tokenizer, n_processes=options.n_processes),
        feats_labels=load_feats(options.student / "feats.json"),
        max_pieces=options.max_pieces,
    )


def _rates(options: AdaptOptions, train: LabelledPieces) -> NDArray[np.float64]:
    by_treebank = sampling_rates(
        train.tokens_by_treebank(), full_tokens=options.small_treebank, most=8.0
    )
    return by_treebank[train.treebank_ids] * np.where(train.is_train, options.train_rate, 1.0)
