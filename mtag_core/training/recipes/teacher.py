"""Trains the teacher: a pretrained multilingual encoder, fine-tuned on all treebanks at once.

Most sentences have their treebank's token (`mtag_core.training.recipes.label_training`), so that
unlabelled text is later annotated in one consistent convention.
"""

import logging
from pathlib import Path

import torch

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.datasets import (
    LabelledDataset,
    encoded_forms,
    labelled_dataset,
    sampling_rates,
)
from mtag_core.training.data.encoding import SpecialPieces
from mtag_core.training.data.train_dev_split import read_dev_sentences, read_training_sentences
from mtag_core.training.data.treebanks import feats_inventory
from mtag_core.training.loops import distributed
from mtag_core.training.loops.trainer import Task, Trainer
from mtag_core.training.loops.training_log import TrainingLog
from mtag_core.training.networks.model import TokenTagger
from mtag_core.training.networks.model_config import ModelMetadata
from mtag_core.training.networks.model_files import load_feats, save_model
from mtag_core.training.networks.pretrained import hidden_size, load_encoder, vocab_size
from mtag_core.training.options import TeacherTrainingOptions
from mtag_core.training.recipes.label_training import LabelTraining, LabelTrainingOptions
from mtag_core.training.recipes.scoring import summary
from mtag_core.training.records import record_training
from mtag_core.training.treebank_facts import facts_of
from mtag_core.treebank_style import treebank_language

_LOGGER = logging.getLogger(__name__)


def run(options: TeacherTrainingOptions) -> str:
    """Runs `train-teacher`."""
    return summary(train_teacher(options), options.output)


def train_teacher(options: TeacherTrainingOptions) -> dict[str, float]:
    """Trains a teacher and writes its model directory.

    Args:
        options: What to do.

    Returns:
        Macro dev scores at the end.

    Raises:
        CheckpointError: The output directory does not fit.
        InputNotFoundError: There is no treebank.
    """
    device = distributed.start()
    record_training(options)
    torch.manual_seed(options.schedule.seed)
    tokenizer_path = Path(options.encoder) / "tokenizer.json"
    train, dev, feats = _datasets(options, tokenizer_path)
    metadata = _metadata(options, train)
    model = _new_teacher(options, n_feats=len(feats), n_treebanks=len(metadata.treebanks)).to(
        device
    )
    rates = sampling_rates(train.tokens_by_treebank(), full_tokens=options.small_treebank, most=8.0)
    training = LabelTraining(
        model,
        LabelTrainingOptions(
            piece_budget=options.piece_budget,
            unknown_treebank=options.unknown_treebank,
            piece_dropout=options.piece_dropout,
        ),
        train=train,
        rates=rates[train.treebank_ids],
        dev=dev,
        metadata=metadata,
        pieces=SpecialPieces.load(tokenizer_path),
    )

    with TrainingLog(options.output, is_writer=distributed.rank() == 0) as log:
        task = Task(model, training.epoch, training.loss, training.scores)
        trainer = Trainer(task, options.schedule, directory=options.output, log=log)
        if options.resume:
            trainer.resume()
        trainer.run()
    if distributed.rank() == 0:
        save_model(
            model, metadata, directory=options.output, tokenizer_path=tokenizer_path, feats=feats
        )
    return training.scores()


def _datasets(
    options: TeacherTrainingOptions, tokenizer_path: Path
) -> tuple[LabelledDataset, LabelledDataset, list[str]]:
    train, dev = (
        read(options.treebanks, train_on_dev=options.train_on_dev, only=options.only)
        for read in (read_training_sentences, read_dev_sentences)
    )
    feats = load_feats(options.feats) if options.feats else feats_inventory(train)
    _LOGGER.info("%d train and %d dev sentences, %d FEATS", len(train), len(dev), len(feats))
    train_set, dev_set = (
        labelled_dataset(
            sentences,
            encoded_forms(sentences, tokenizer_path, n_processes=options.n_processes),
            feats_labels=feats,
            max_pieces=options.max_pieces,
        )
        for sentences in (train, dev)
    )
    return train_set, dev_set, feats


def _metadata(options: TeacherTrainingOptions, train: LabelledDataset) -> ModelMetadata:
    sizes = dict(zip(train.treebanks, train.tokens_by_treebank(), strict=True))
    conventions: dict[str, str] = {}
    for name in sorted(sizes, key=lambda name: sizes[name]):
        facts = facts_of(name)
        if facts.is_edited_text:
            conventions[treebank_language(name)] = name
        if facts.standard is not None:
            conventions[facts.standard] = name
    return ModelMetadata(
        max_pieces=options.max_pieces,
        treebanks=train.treebanks,
        first_treebank_piece=vocab_size(options.encoder),
        conventions=conventions,
        is_trained_on_dev=options.train_on_dev,
    )


def _new_teacher(options: TeacherTrainingOptions, *, n_feats: int, n_treebanks: int) -> TokenTagger:
    encoder = load_encoder(options.encoder, n_extra_pieces=n_treebanks, dropout=options.dropout)
    return TokenTagger(
        encoder,
        hidden_size=hidden_size(encoder),
        n_upos=len(UPOS_LABELS),
        n_feats=n_feats,
        dropout=options.dropout,
    )
