"""Distils teachers into a student, and fine-tunes it: the same run with other shares.

The teachers annotate text and treebanks once (`targets`); then the student learns from those
targets for many epochs. On treebank tokens part of the target is the label itself. Distillation
shows all the text; fine-tuning starts from a distilled student and shows mostly treebanks.
"""

import logging

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtag_core.training import distributed
from mtag_core.training.datasets import (
    draw_epoch,
    encoded_forms,
    labelled_dataset,
    read_dev_sentences,
)
from mtag_core.training.distill_corpus import DistillationCorpus
from mtag_core.training.encoding import PieceConvention
from mtag_core.training.loop import Epoch, LoopConfig, Task, Trainer
from mtag_core.training.losses import top_k_target_loss
from mtag_core.training.model import TokenTagger
from mtag_core.training.model_files import (
    ModelCard,
    load_feats,
    load_model,
    save_model,
)
from mtag_core.training.packing import DeviceSentences, cut_batches
from mtag_core.training.run_configs import DistillConfig
from mtag_core.training.run_log import RunLog, record_config
from mtag_core.training.scoring import score
from mtag_core.training.student import new_student, set_dropout

_LOGGER = logging.getLogger(__name__)


def distill(config: DistillConfig, *, is_resumed: bool = False) -> dict[str, float]:
    """Distils or fine-tunes a student and writes its model directory.

    Args:
        config: What to do.
        is_resumed: Go on from the checkpoint in the output directory.

    Returns:
        Macro dev scores at the end; the student is not told the treebank.

    Raises:
        CheckpointError: A directory does not fit.
        InputNotFoundError: There is no treebank or no encoded text.
    """
    device = distributed.start()
    if distributed.rank() == 0:
        record_config(config, config.output, is_resumed=is_resumed)
    distributed.wait_for_all()
    torch.manual_seed(config.seed)
    feats = load_feats(config.teachers[0] / "feats.json")
    pieces = PieceConvention.load(config.tokenizer)
    model = _student(config, len(feats), pieces).to(device)
    distributed.share_weights(model)
    corpus = DistillationCorpus(config, feats, device=device)
    run = _Run(config, model, corpus, pad=pieces.pad, device=device)
    torch.manual_seed(config.seed + distributed.rank())
    with RunLog(config.output, is_writer=distributed.rank() == 0) as log:
        trainer = Trainer(run.task(), _loop_config(config), directory=config.output, log=log)
        if is_resumed:
            trainer.resume()
        trainer.run()
    if distributed.rank() == 0:
        card = ModelCard(max_pieces=config.max_pieces)
        save_model(
            model, card, directory=config.output, tokenizer_path=config.tokenizer, feats=feats
        )
    distributed.wait_for_all()
    return run.scores() if distributed.rank() == 0 else {}


class _Run:
    """What the loop calls."""

    def __init__(
        self,
        config: DistillConfig,
        model: TokenTagger,
        corpus: DistillationCorpus,
        *,
        pad: int,
        device: torch.device,
    ) -> None:
        self._config = config
        self._model = model
        self._corpus = corpus
        self._sentences = DeviceSentences(corpus.student, pad=pad, device=device)
        dev = read_dev_sentences(config.treebanks)
        self._dev = labelled_dataset(
            dev,
            encoded_forms(dev, config.tokenizer, n_processes=config.n_processes),
            feats_labels=load_feats(config.teachers[0] / "feats.json"),
            max_pieces=config.max_pieces,
            is_training=False,
        )
        self._dev_sentences = DeviceSentences(self._dev.packed, pad=pad, device=device)

    def task(self) -> Task:
        """What the loop needs."""
        return Task(self._model, self._epoch, self._loss, self.scores)

    def scores(self) -> dict[str, float]:
        """Macro dev scores."""
        scores = score(self._model, self._dev_sentences, self._dev)
        return {"dev_upos": scores.macro_upos, "dev_feats": scores.macro_feats}

    def _epoch(self, epoch: int, generator: np.random.Generator) -> Epoch:
        """Cuts one epoch."""
        drawn = draw_epoch(self._corpus.rates, generator)
        lengths = self._corpus.student.n_pieces[drawn]
        batches = cut_batches(lengths, piece_budget=self._config.piece_budget, generator=generator)
        return [drawn[batch] for batch in batches]

    def _loss(self, indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        """Loss of one batch, times the squared temperatures, which keeps gradients' size."""
        batch = self._sentences.batch(indices)
        logits = self._model(batch)
        targets, config = self._corpus.targets, self._config.targets
        upos_loss = top_k_target_loss(
            logits.upos,
            label_ids=torch.arange(logits.upos.shape[-1], device=logits.upos.device).expand(
                len(batch.token_index), -1
            ),
            log_probs=targets.upos_log_probs[batch.token_index].float(),
            temperature=config.upos_temperature,
        )
        feats_loss = top_k_target_loss(
            logits.feats,
            label_ids=targets.feats_ids[batch.token_index].long(),
            log_probs=targets.feats_log_probs[batch.token_index].float(),
            temperature=config.feats_temperature,
        )
        loss = config.upos_temperature**2 * upos_loss + config.feats_temperature**2 * feats_loss
        return loss, len(batch.token_index)


def _student(config: DistillConfig, n_feats: int, pieces: PieceConvention) -> TokenTagger:
    """The student to train."""
    if config.student is None:
        model = new_student(config.shape, n_pieces=pieces.n_pieces, n_feats=n_feats, pad=pieces.pad)
    else:
        model, _ = load_model(config.student, device=torch.device("cpu"))
    set_dropout(model, config.dropout)
    return model


def _loop_config(config: DistillConfig) -> LoopConfig:
    """The loop's part of the options."""
    return LoopConfig(
        peak_rate=config.peak_rate,
        warmup_share=config.warmup_share,
        epochs=config.epochs,
        minutes=config.minutes,
        weight_decay=0.01,
        clip_norm=1.0,
        n_evaluations=config.n_evaluations,
        checkpoint_minutes=config.checkpoint_minutes,
        seed=config.seed,
    )
