"""Trains the teacher: a pretrained multilingual encoder, fine-tuned on all treebanks at once.

Most sentences have their treebank's token (`mtag_core.training.recipes.label_training`), so that
unlabelled text is later annotated in one consistent convention.
"""

from dataclasses import fields
from pathlib import Path

import numpy as np
import torch

from mtag_core.errors import UsageError
from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.datasets import (
    LabelledDataset,
    LabelledPieces,
    LabelledWords,
    sampling_rates,
)
from mtag_core.training.data.encoding import SpecialPieces, encode_sentences
from mtag_core.training.data.packing import fits
from mtag_core.training.data.word_corpus import TreebankCorpus, WordInventories
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
    if distributed.rank() == 0:
        record_training(options)
    distributed.wait_for_all()
    torch.manual_seed(options.schedule.seed)
    tokenizer_path = Path(options.encoder) / "tokenizer.json"
    corpus = _corpus(options)
    # Each process learns from its own share.
    share = np.arange(distributed.rank(), len(corpus.train.packed), distributed.n_ranks())
    train, dev = (
        _encoded(dataset, corpus, options, tokenizer_path)
        for dataset in (corpus.train.select(share), corpus.dev)
    )
    metadata = _metadata(options, corpus)
    model = _new_teacher(options, corpus.inventories, n_treebanks=len(metadata.treebanks)).to(
        device
    )
    sizes = corpus.train.tokens_by_treebank()
    rates = sampling_rates(sizes, full_tokens=options.small_treebank, most=8.0)
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
            model,
            metadata,
            directory=options.output,
            tokenizer_path=tokenizer_path,
            feats=list(corpus.inventories.feats),
        )
    distributed.wait_for_all()
    return training.scores() if distributed.rank() == 0 else {}


def _corpus(options: TeacherTrainingOptions) -> TreebankCorpus:
    if options.corpus is not None:
        return TreebankCorpus.load(options.corpus)
    if options.treebanks is None:
        raise UsageError("train teacher needs --treebanks or --corpus")
    return TreebankCorpus.read(
        options.treebanks,
        train_on_dev=options.train_on_dev,
        only=options.only,
        feats=load_feats(options.feats) if options.feats else (),
    )


def _encoded(
    dataset: LabelledWords, corpus: TreebankCorpus, options: TeacherTrainingOptions, path: Path
) -> LabelledPieces:
    packed = encode_sentences(
        dataset.packed.texts(corpus.forms), path, n_processes=options.n_processes
    )
    chosen = np.flatnonzero(fits(packed, max_pieces=options.max_pieces))
    values = {each.name: getattr(dataset, each.name) for each in fields(dataset)}
    return LabelledDataset(**{**values, "packed": packed}).select(chosen)


def _metadata(options: TeacherTrainingOptions, corpus: TreebankCorpus) -> ModelMetadata:
    train = corpus.train
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
        is_trained_on_dev=corpus.is_trained_on_dev,
    )


def _new_teacher(
    options: TeacherTrainingOptions, inventories: WordInventories, *, n_treebanks: int
) -> TokenTagger:
    encoder = load_encoder(options.encoder, n_extra_pieces=n_treebanks, dropout=options.dropout)
    return TokenTagger(
        encoder,
        hidden_size=hidden_size(encoder),
        n_upos=len(UPOS_LABELS),
        n_feats=len(inventories.feats),
        dropout=options.dropout,
        n_lemma_rules=inventories.n_lemma_rules,
    )
