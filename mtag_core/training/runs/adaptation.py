"""Goes on with a student on treebank labels alone.

For a student that has learnt from teachers: no teacher is needed any more, and a CPU will do. Dev
sentences can teach too (see `mtag_core.training.data.train_dev_split`).
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from mtag_core.training.data.datasets import (
    LabelledDataset,
    encoded_forms,
    labelled_dataset,
    sampling_rates,
)
from mtag_core.training.data.encoding import SpecialPieces
from mtag_core.training.data.train_dev_split import read_dev_sentences, read_training_sentences
from mtag_core.training.data.treebanks import LabelledSentence
from mtag_core.training.loops.loop import Task, Trainer, loop_config
from mtag_core.training.loops.run_log import RunLog, record_config
from mtag_core.training.networks.model_files import load_feats, load_model, save_model
from mtag_core.training.networks.student import set_dropout
from mtag_core.training.run_configs import AdaptConfig
from mtag_core.training.runs.label_run import LabelRun, LabelRunOptions


def adapt(config: AdaptConfig, *, is_resumed: bool = False) -> dict[str, float]:
    """Trains and writes a model directory.

    Args:
        config: What to do.
        is_resumed: Go on from the checkpoint in the output directory.

    Returns:
        Macro dev scores at the end.

    Raises:
        CheckpointError: A directory does not fit.
        InputNotFoundError: There is no treebank.
    """
    record_config(config, config.output, is_resumed=is_resumed)
    torch.manual_seed(config.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model, metadata = load_model(config.student, device=device)
    metadata = replace(
        metadata, is_trained_on_dev=metadata.is_trained_on_dev or config.train_on_dev
    )
    train = _dataset(
        config, read_training_sentences(config.treebanks, train_on_dev=config.train_on_dev)
    )
    dev = _dataset(
        config, read_dev_sentences(config.treebanks, train_on_dev=metadata.is_trained_on_dev)
    )
    set_dropout(model, config.dropout)
    tokenizer = config.student / "tokenizer.json"
    run = LabelRun(
        model,
        LabelRunOptions(
            piece_budget=config.piece_budget,
            unknown_treebank=1.0,
            piece_dropout=config.piece_dropout,
            has_autocast=config.has_autocast,
        ),
        train=train,
        rates=_rates(config, train),
        dev=dev,
        metadata=metadata,
        pieces=SpecialPieces.load(tokenizer),
    )

    with RunLog(config.output, is_writer=True) as log:
        task = Task(model, run.epoch, run.loss, run.scores)
        loop = loop_config(config, warmup_share=0.06, average_decay=config.average_decay)
        trainer = Trainer(task, loop, directory=config.output, log=log)
        if is_resumed:
            trainer.resume()
        trainer.run()
    save_model(
        model,
        metadata,
        directory=config.output,
        tokenizer_path=tokenizer,
        feats=load_feats(config.student / "feats.json"),
    )
    return run.scores()


def _dataset(config: AdaptConfig, sentences: list[LabelledSentence]) -> LabelledDataset:
    """Encodes sentences."""
    tokenizer = config.student / "tokenizer.json"
    return labelled_dataset(
        sentences,
        encoded_forms(sentences, tokenizer, n_processes=config.n_processes),
        feats_labels=load_feats(config.student / "feats.json"),
        max_pieces=config.max_pieces,
    )


def _rates(config: AdaptConfig, train: LabelledDataset) -> NDArray[np.float64]:
    """Times an epoch shows each sentence. Shape (n_sentences,)."""
    by_treebank = sampling_rates(
        train.tokens_by_treebank(), full_tokens=config.small_treebank, most=8.0
    )
    return by_treebank[train.treebank_ids] * np.where(train.is_train, config.train_rate, 1.0)
