"""Trains the teacher: a pretrained multilingual encoder, fine-tuned on all treebanks at once.

The teacher, and only the teacher, is told which treebank a sentence is from: the piece that opens
the sentence is replaced by a piece of that treebank, so that contradicting annotations of one
language do not blur each other, and unlabelled text is later annotated in one consistent
convention. In some sentences the opening piece stays, so that the teacher also does without.
"""

import logging
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtag_core.labels import UPOS_LABELS
from mtag_core.training import distributed
from mtag_core.training.datasets import (
    LabelledDataset,
    draw_epoch,
    encoded_forms,
    labelled_dataset,
    read_dev_sentences,
    read_training_sentences,
    sampling_rates,
)
from mtag_core.training.encoding import PieceConvention
from mtag_core.training.loop import Epoch, LoopConfig, Task, Trainer
from mtag_core.training.losses import label_loss
from mtag_core.training.model import Batch, TokenTagger
from mtag_core.training.model_files import ModelCard, load_feats, save_model
from mtag_core.training.openings import opening_pieces, with_opening
from mtag_core.training.packing import DeviceSentences, cut_batches
from mtag_core.training.pretrained import hidden_size, load_encoder, vocab_size
from mtag_core.training.run_configs import TeacherConfig
from mtag_core.training.run_log import RunLog, record_config
from mtag_core.training.scoring import score
from mtag_core.training.treebanks import feats_inventory

_LOGGER = logging.getLogger(__name__)
# Speech and tweets follow conventions of their own; text is annotated like edited prose.
_UNUSUAL_TREEBANKS = frozenset({"fr_spoken", "it_postwita", "no_nynorsklia", "sl_sst"})
# Wikipedia's codes for languages that UD names together.
_SPECIAL_CONVENTIONS = {"nb": "no_bokmaal", "nn": "no_nynorsk"}


def train_teacher(config: TeacherConfig, *, is_resumed: bool = False) -> dict[str, float]:
    """Trains a teacher and writes its model directory.

    Args:
        config: What to do.
        is_resumed: Go on from the checkpoint in the output directory.

    Returns:
        Macro dev scores at the end.

    Raises:
        CheckpointError: The output directory does not fit.
        InputNotFoundError: There is no treebank.
    """
    device = distributed.start()
    record_config(config, config.output, is_resumed=is_resumed)
    torch.manual_seed(config.seed)
    tokenizer_path = Path(config.encoder) / "tokenizer.json"
    train, dev, feats = _datasets(config, tokenizer_path)
    card = _card(config, train)
    model = _new_teacher(config, n_feats=len(feats), n_treebanks=len(card.treebanks)).to(device)
    run = _Run(config, model, train=train, dev=dev, card=card, device=device)
    with RunLog(config.output, is_writer=distributed.rank() == 0) as log:
        trainer = Trainer(run.task(), _loop_config(config), directory=config.output, log=log)
        if is_resumed:
            trainer.resume()
        trainer.run()
    if distributed.rank() == 0:
        save_model(model, card, directory=config.output, tokenizer_path=tokenizer_path, feats=feats)
    return run.scores()


class _Run:
    """One training run: its data on the device, and what the loop calls."""

    def __init__(
        self,
        config: TeacherConfig,
        model: TokenTagger,
        *,
        train: LabelledDataset,
        dev: LabelledDataset,
        card: ModelCard,
        device: torch.device,
    ) -> None:
        self._config = config
        self._model = model
        self._train, self._dev = train, dev
        pieces = PieceConvention.load(Path(config.encoder) / "tokenizer.json")
        self._mask_piece = pieces.mask
        self._train_sentences = DeviceSentences(train.packed, pad=pieces.pad, device=device)
        self._dev_sentences = _MarkedSentences(dev, card, pad=pieces.pad, device=device)
        self._opening = _treebank_pieces(train, card, device)
        self._upos_ids = torch.from_numpy(train.upos_ids).to(device)
        self._feats_ids = torch.from_numpy(train.feats_ids).to(device)
        rates = sampling_rates(
            train.tokens_by_treebank(), full_tokens=config.small_treebank, most=8.0
        )
        self._rates = rates[train.treebank_ids]

    def task(self) -> Task:
        """What the loop needs."""
        return Task(self._model, self._epoch, self._loss, self.scores)

    def scores(self) -> dict[str, float]:
        """Macro dev scores, the treebank told."""
        scores = score(self._model, self._dev_sentences, self._dev)
        return {"dev_upos": scores.macro_upos, "dev_feats": scores.macro_feats}

    def _epoch(self, epoch: int, generator: np.random.Generator) -> Epoch:
        """Cuts one epoch."""
        drawn = draw_epoch(self._rates, generator)
        lengths = self._train.packed.n_pieces[drawn]
        batches = cut_batches(lengths, piece_budget=self._config.piece_budget, generator=generator)
        return [drawn[batch] for batch in batches]

    def _loss(self, indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        """Loss of one batch."""
        batch = self._disturbed(self._train_sentences.batch(indices), indices)
        logits = self._model(batch)
        upos_loss = label_loss(logits.upos, self._upos_ids[batch.token_index])
        feats_loss = label_loss(logits.feats, self._feats_ids[batch.token_index])
        return upos_loss + feats_loss, len(batch.token_index)

    def _disturbed(self, batch: Batch, indices: NDArray[np.int64]) -> Batch:
        """Tells the treebank of most sentences, and hides some pieces."""
        device = batch.piece_ids.device
        opening = self._opening[torch.from_numpy(indices).to(device, non_blocking=True)]
        is_told = torch.rand(len(opening), device=device) >= self._config.unknown_treebank
        batch = with_opening(batch, opening * is_told)
        if self._config.piece_dropout == 0:
            return batch
        is_hidden = torch.rand(batch.piece_ids.shape, device=device) < self._config.piece_dropout
        is_hidden[:, 0] = False
        hidden = batch.piece_ids.masked_fill(is_hidden & batch.is_piece, self._mask_piece)
        return batch._replace(piece_ids=hidden)


class _MarkedSentences(DeviceSentences):
    """A labelled dataset whose batches tell the treebank, for scoring."""

    def __init__(
        self, dataset: LabelledDataset, card: ModelCard, *, pad: int, device: torch.device
    ) -> None:
        super().__init__(dataset.packed, pad=pad, device=device)
        self._opening = _treebank_pieces(dataset, card, device)

    def batch(self, sentence_indices: NDArray[np.int64]) -> Batch:
        """Gathers sentences into one padded batch."""
        chosen = torch.from_numpy(sentence_indices).to(self.device)
        return with_opening(super().batch(sentence_indices), self._opening[chosen])


def _treebank_pieces(dataset: LabelledDataset, card: ModelCard, device: torch.device) -> Tensor:
    """The piece that tells each sentence's treebank, 0 where unknown. Shape (n_sentences,)."""
    return opening_pieces(
        dataset.treebanks,
        dataset.treebank_ids,
        treebanks=card.treebanks,
        conventions={},
        first_piece=card.first_treebank_piece,
        device=device,
    )


def _datasets(
    config: TeacherConfig, tokenizer_path: Path
) -> tuple[LabelledDataset, LabelledDataset, list[str]]:
    """Reads train and dev treebanks and the FEATS inventory."""
    train, dev = (
        [sentence for sentence in read(config.treebanks) if _is_wanted(sentence.treebank, config)]
        for read in (read_training_sentences, read_dev_sentences)
    )
    feats = load_feats(config.feats) if config.feats else feats_inventory(train)
    _LOGGER.info("%d train and %d dev sentences, %d FEATS", len(train), len(dev), len(feats))
    train_set, dev_set = (
        labelled_dataset(
            sentences,
            encoded_forms(sentences, tokenizer_path, n_processes=config.n_processes),
            feats_labels=feats,
            max_pieces=config.max_pieces,
            is_training=is_training,
        )
        for sentences, is_training in ((train, True), (dev, False))
    )
    return train_set, dev_set, feats


def _is_wanted(treebank: str, config: TeacherConfig) -> bool:
    """Whether to train on a treebank."""
    return not config.only or treebank in config.only


def _card(config: TeacherConfig, train: LabelledDataset) -> ModelCard:
    """Gives treebanks their pieces, and languages the convention of their largest treebank."""
    sizes = dict(zip(train.treebanks, train.tokens_by_treebank(), strict=True))
    conventions: dict[str, str] = {}
    for name in sorted(sizes, key=lambda name: sizes[name]):
        if name not in _UNUSUAL_TREEBANKS:
            conventions[name.split("_")[0]] = name
    conventions |= {
        language: name for language, name in _SPECIAL_CONVENTIONS.items() if name in sizes
    }
    return ModelCard(
        max_pieces=config.max_pieces,
        treebanks=train.treebanks,
        first_treebank_piece=vocab_size(config.encoder),
        conventions=conventions,
    )


def _new_teacher(config: TeacherConfig, *, n_feats: int, n_treebanks: int) -> TokenTagger:
    """The pretrained encoder with fresh heads."""
    encoder = load_encoder(config.encoder, n_extra_pieces=n_treebanks, dropout=config.dropout)
    return TokenTagger(
        encoder,
        hidden_size=hidden_size(encoder),
        n_upos=len(UPOS_LABELS),
        n_feats=n_feats,
        dropout=config.dropout,
    )


def _loop_config(config: TeacherConfig) -> LoopConfig:
    """The loop's part of the options."""
    return LoopConfig(
        peak_rate=config.peak_rate,
        warmup_share=0.06,
        epochs=config.epochs,
        minutes=config.minutes,
        weight_decay=0.01,
        clip_norm=1.0,
        n_evaluations=config.n_evaluations,
        checkpoint_minutes=config.checkpoint_minutes,
        seed=config.seed,
    )
