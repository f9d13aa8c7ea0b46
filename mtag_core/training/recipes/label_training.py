"""Training on treebank labels, most sentences with their treebank's token.

The token names whose labels are wanted, so that contradicting annotations of one language do not
blur each other. Some sentences have none, so that the model also does without.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtag_core.training.data.augmentation import mask_pieces
from mtag_core.training.data.datasets import LabelledPieces, draw_epoch
from mtag_core.training.data.encoding import SpecialPieces
from mtag_core.training.data.packing import DeviceSentences, cut_batches
from mtag_core.training.loops.losses import label_loss
from mtag_core.training.loops.trainer import Epoch
from mtag_core.training.networks.model import Batch, TokenTagger
from mtag_core.training.networks.model_config import ModelMetadata
from mtag_core.training.networks.treebank_tokens import treebank_token_ids, with_treebank_tokens
from mtag_core.training.recipes.scoring import score


@dataclass(frozen=True)
class LabelTrainingOptions:
    """How sentences are batched and masked.

    Attributes:
        piece_budget: Wordpieces a batch.
        unknown_treebank: Share of sentences without a treebank token; at 1 dev sentences have none
            either.
        piece_dropout: Share of pieces replaced by the mask piece.
        has_autocast: Products in bfloat16, for CPUs that have them; on a GPU they are anyway.
    """

    piece_budget: int
    unknown_treebank: float
    piece_dropout: float
    has_autocast: bool = False


class LabelTraining:
    """A model, its treebanks on the device, and their batches."""

    def __init__(
        self,
        model: TokenTagger,
        options: LabelTrainingOptions,
        *,
        train: LabelledPieces,
        rates: NDArray[np.float64],
        dev: LabelledPieces,
        metadata: ModelMetadata,
        pieces: SpecialPieces,
    ) -> None:
        """Moves the data to the model's device.

        Args:
            model: What learns.
            options: How.
            train: What it learns from.
            rates: Times an epoch goes through each train sentence. Shape (n_sentences,).
            dev: What it is scored on.
            metadata: Of the model; its treebanks.
            pieces: The vocabulary's special pieces.
        """
        device = next(model.parameters()).device
        self._model, self._options, self._rates = model, options, rates
        self._train, self._dev = train, dev
        self._mask_piece = pieces.mask
        self._train_sentences = DeviceSentences(train.packed, pad=pieces.pad, device=device)
        self._dev_sentences = (
            _TreebankSentences(dev, metadata, pad=pieces.pad, device=device)
            if options.unknown_treebank < 1
            else DeviceSentences(dev.packed, pad=pieces.pad, device=device)
        )
        self._treebank_tokens = treebank_token_ids(
            train.treebanks, train.treebank_ids, metadata, device=device
        )
        self._upos_ids = torch.from_numpy(train.upos_ids).to(device)
        self._feats_ids = torch.from_numpy(train.feats_ids).to(device)
        self._lemma_ids = torch.from_numpy(train.lemma_ids).to(device)

    def scores(self) -> dict[str, float]:
        """Macro dev scores."""
        scores = score(self._model, self._dev_sentences, self._dev)
        return scores.macro()

    def epoch(self, number: int, generator: np.random.Generator) -> Epoch:
        """Draws and cuts one epoch."""
        drawn = draw_epoch(self._rates, generator)
        lengths = self._train.packed.lengths[drawn]
        batches = cut_batches(lengths, piece_budget=self._options.piece_budget, generator=generator)
        return [drawn[batch] for batch in batches]

    def loss(self, indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        """Loss of one batch, and its number of tokens."""
        batch = self._augmented(self._train_sentences.batch(indices), indices)
        device = batch.piece_ids.device.type
        with torch.autocast(device, torch.bfloat16, enabled=self._options.has_autocast):
            logits = self._model(batch)
        upos_loss = label_loss(logits.upos, self._upos_ids[batch.token_index])
        feats_loss = label_loss(logits.feats, self._feats_ids[batch.token_index])
        loss = upos_loss + feats_loss
        if logits.lemmas is not None:
            loss = loss + label_loss(logits.lemmas, self._lemma_ids[batch.token_index])
        return loss, len(batch.token_index)

    def _augmented(self, batch: Batch, indices: NDArray[np.int64]) -> Batch:
        device = batch.piece_ids.device
        token_ids = self._treebank_tokens[torch.from_numpy(indices).to(device, non_blocking=True)]
        is_known = torch.rand(len(token_ids), device=device) >= self._options.unknown_treebank
        return mask_pieces(
            with_treebank_tokens(batch, token_ids * is_known),
            share=self._options.piece_dropout,
            mask_piece=self._mask_piece,
        )


class _TreebankSentences(DeviceSentences):
    """A labelled dataset whose sentences have their treebanks' tokens, for scoring."""

    def __init__(
        self, dataset: LabelledPieces, metadata: ModelMetadata, *, pad: int, device: torch.device
    ) -> None:
        super().__init__(dataset.packed, pad=pad, device=device)
        self._treebank_tokens = treebank_token_ids(
            dataset.treebanks, dataset.treebank_ids, metadata, device=device
        )

    def batch(self, sentence_indices: NDArray[np.int64]) -> Batch:
        """Gathers sentences into one padded batch."""
        chosen = torch.from_numpy(sentence_indices).to(self.device)
        return with_treebank_tokens(super().batch(sentence_indices), self._treebank_tokens[chosen])
