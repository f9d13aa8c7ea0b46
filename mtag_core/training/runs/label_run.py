"""Learning from treebank labels, the treebank told in most sentences: what the loop calls.

The piece that opens a sentence is replaced by a piece of its treebank, so that contradicting
annotations of one language do not blur each other. In some sentences the opening piece stays, so
that the model also does without.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtag_core.training.data.datasets import LabelledDataset, draw_epoch
from mtag_core.training.data.encoding import PieceConvention
from mtag_core.training.data.packing import DeviceSentences, cut_batches
from mtag_core.training.loops.loop import Epoch
from mtag_core.training.loops.losses import label_loss
from mtag_core.training.networks.hiding import with_hidden_pieces
from mtag_core.training.networks.model import Batch, TokenTagger
from mtag_core.training.networks.model_config import ModelCard
from mtag_core.training.networks.openings import opening_pieces, with_opening
from mtag_core.training.runs.scoring import score


@dataclass(frozen=True)
class LabelRunOptions:
    """How sentences are shown.

    Attributes:
        piece_budget: Wordpieces a batch.
        unknown_treebank: Share of sentences that keep the opening piece. At 1 no treebank is ever
            told, not when scoring either.
        piece_dropout: Share of pieces replaced by the mask piece.
        has_autocast: Products in bfloat16, for CPUs that have them; on a GPU they are anyway.
    """

    piece_budget: int
    unknown_treebank: float
    piece_dropout: float
    has_autocast: bool = False


class LabelRun:
    """A model, its treebanks on the device, and their batches."""

    def __init__(
        self,
        model: TokenTagger,
        options: LabelRunOptions,
        *,
        train: LabelledDataset,
        rates: NDArray[np.float64],
        dev: LabelledDataset,
        card: ModelCard,
        pieces: PieceConvention,
    ) -> None:
        """Moves the data to the model's device.

        Args:
            model: What learns.
            options: How.
            train: What it learns from.
            rates: Times an epoch shows each train sentence. Shape (n_sentences,).
            dev: What it is scored on.
            card: The treebanks' pieces.
            pieces: The vocabulary's special pieces.
        """
        device = next(model.parameters()).device
        self._model, self._options, self._rates = model, options, rates
        self._train, self._dev = train, dev
        self._mask_piece = pieces.mask
        self._train_sentences = DeviceSentences(train.packed, pad=pieces.pad, device=device)
        self._dev_sentences = (
            _ToldSentences(dev, card, pad=pieces.pad, device=device)
            if options.unknown_treebank < 1
            else DeviceSentences(dev.packed, pad=pieces.pad, device=device)
        )
        self._opening = _treebank_pieces(train, card, device)
        self._upos_ids = torch.from_numpy(train.upos_ids).to(device)
        self._feats_ids = torch.from_numpy(train.feats_ids).to(device)

    def scores(self) -> dict[str, float]:
        """Macro dev scores."""
        scores = score(self._model, self._dev_sentences, self._dev)
        return {"dev_upos": scores.macro_upos, "dev_feats": scores.macro_feats}

    def epoch(self, number: int, generator: np.random.Generator) -> Epoch:
        """Draws and cuts one epoch."""
        drawn = draw_epoch(self._rates, generator)
        lengths = self._train.packed.n_pieces[drawn]
        batches = cut_batches(lengths, piece_budget=self._options.piece_budget, generator=generator)
        return [drawn[batch] for batch in batches]

    def loss(self, indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        """Loss of one batch, and its number of tokens."""
        batch = self._disturbed(self._train_sentences.batch(indices), indices)
        device = batch.piece_ids.device.type
        with torch.autocast(device, torch.bfloat16, enabled=self._options.has_autocast):
            logits = self._model(batch)
        upos_loss = label_loss(logits.upos, self._upos_ids[batch.token_index])
        feats_loss = label_loss(logits.feats, self._feats_ids[batch.token_index])
        return upos_loss + feats_loss, len(batch.token_index)

    def _disturbed(self, batch: Batch, indices: NDArray[np.int64]) -> Batch:
        """Tells the treebank of most sentences, and hides some pieces."""
        device = batch.piece_ids.device
        opening = self._opening[torch.from_numpy(indices).to(device, non_blocking=True)]
        is_told = torch.rand(len(opening), device=device) >= self._options.unknown_treebank
        return with_hidden_pieces(
            with_opening(batch, opening * is_told),
            share=self._options.piece_dropout,
            mask_piece=self._mask_piece,
        )


class _ToldSentences(DeviceSentences):
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
