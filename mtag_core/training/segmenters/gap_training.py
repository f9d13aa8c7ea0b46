"""Trains gap networks (see `mtag_core.segmentation.gap_network`)."""

import logging
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.segmentation.gap_inputs import InputTables
from mtag_core.segmentation.gap_network import GapNetwork
from mtag_core.training.segmenters.boundary_marks import UNMARKED
from mtag_core.training.segmenters.gap_model import GapModel, GapShape
from mtag_core.training.segmenters.gap_stream import (
    GapStream,
    MarkedSentence,
    frequent_codes,
    read_stream,
)

_LOGGER = logging.getLogger(__name__)
_WINDOW_GAPS = 128
_N_HASHED = 256
_WARMUP_SHARE = 0.05


@dataclass(frozen=True)
class GapConfig:
    """Options of a training.

    Attributes:
        shape: Of the network.
        epochs: Passes over all of the text.
        batch_windows: Windows of 128 gaps a step.
        peak_rate: AdamW's learning rate after the warm-up.
        weight_decay: AdamW's.
        dropout: Of what a layer sees.
        unit_dropout: Share of known units that are taken for unknown ones.
        pair_dropout: Share of pairs that are taken for others.
        treebank_weight: A treebank's gap counts as some gaps of labelled text.
        min_count: Units seen less often share rows.
        n_known: Units with a row of their own, at most.
        quantised_share: Share of the steps, at the end, that see rounded weights.
        device: A torch device.
        seed: Of everything random.
    """

    shape: GapShape = field(default_factory=GapShape)
    epochs: float = 6.0
    batch_windows: int = 32
    peak_rate: float = 3e-3
    weight_decay: float = 0.01
    dropout: float = 0.1
    unit_dropout: float = 0.01
    pair_dropout: float = 0.05
    treebank_weight: float = 8.0
    min_count: int = 5
    n_known: int = 5000
    quantised_share: float = 0.25
    device: str = "cpu"
    seed: int = 1


def train_gap_network(
    treebank: Sequence[MarkedSentence],
    labelled: Iterable[MarkedSentence],
    config: GapConfig,
    *,
    has_spaces: bool,
) -> GapNetwork:
    """Trains a network.

    Args:
        treebank: Sentences, at least one; where they end matters too.
        labelled: Text to learn token ends from too.
        config: What to do.
        has_spaces: As in `BoundaryModel`.
    """
    torch.manual_seed(config.seed)
    stream = _read_all(treebank, list(labelled), config, has_spaces=has_spaces)
    known = frequent_codes(stream, min_count=config.min_count, n_most=config.n_known)
    tables = InputTables(known, _N_HASHED, config.shape.n_pairs)
    model = GapModel(tables, config.shape, dropout=config.dropout).to(config.device)
    _LOGGER.info("%d units, %d known", len(stream.codes), len(known))
    _Run(model, stream, config).train()
    return model.eval().network()


def _read_all(
    treebank: Sequence[MarkedSentence],
    labelled: Sequence[MarkedSentence],
    config: GapConfig,
    *,
    has_spaces: bool,
) -> GapStream:
    def read(sentences: Sequence[MarkedSentence], *, is_treebank: bool) -> GapStream:
        return read_stream(
            sentences,
            has_spaces=has_spaces,
            n_beyond=config.shape.n_layers,
            other=0.0 if is_treebank else UNMARKED,
            weight=config.treebank_weight if is_treebank else 1.0,
            knows_sentences=is_treebank,
        )

    own = read(treebank, is_treebank=True)
    return GapStream.joined([own, read(labelled, is_treebank=False)]) if labelled else own


class _Run:
    """A training."""

    def __init__(self, model: GapModel, stream: GapStream, config: GapConfig) -> None:
        self._model, self._config = model, config
        self._n_beyond = config.shape.n_layers
        # The first gap of a stream sees units before it, a last window any number behind.
        padding = (self._n_beyond, _WINDOW_GAPS + self._n_beyond)
        columns = GapStream(*(np.pad(column, padding) for column in stream.columns()))
        inputs = model.tables.inputs(columns.codes, columns.kinds)
        self._n_gaps = len(stream.codes)
        hashed = np.where(columns.kinds == 0, 0, model.tables.hashed_rows(columns.codes))
        self._units, self._hashed = self._tensor(inputs.units), self._tensor(hashed)
        self._kinds, self._pairs = self._tensor(inputs.kinds), self._tensor(inputs.pairs)
        self._targets = self._tensor(np.stack([columns.token_ends, columns.sentence_ends], 1))
        self._weights = self._tensor(np.stack([columns.token_weights, columns.sentence_weights], 1))
        self._generator = np.random.default_rng(config.seed)
        decayed = {"weight_decay": config.weight_decay, "params": list(model.matrices.values())}
        others = {"weight_decay": 0.0, "params": list(model.biases.values())}
        self._optimizer = torch.optim.AdamW([decayed, others], lr=config.peak_rate, fused=True)

    def train(self) -> None:
        """Takes all steps."""
        steps_an_epoch = -(-self._n_gaps // (_WINDOW_GAPS * self._config.batch_windows))
        n_steps = math.ceil(self._config.epochs * steps_an_epoch)
        start_s, total = time.monotonic(), torch.zeros((), device=self._config.device)
        self._model.train()
        for step, starts in zip(range(n_steps), self._batches(), strict=False):
            self._model.is_quantised = step >= (1 - self._config.quantised_share) * n_steps
            for group in self._optimizer.param_groups:
                group["lr"] = self._config.peak_rate * _rate(step / n_steps)
            loss = self._loss(starts)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
            self._optimizer.step()
            total += loss.detach()
            if (step + 1) % steps_an_epoch == 0:
                epoch, spent_s = (step + 1) // steps_an_epoch, time.monotonic() - start_s
                _LOGGER.info(
                    "epoch %d: %.4f, %.0f s", epoch, total.item() / steps_an_epoch, spent_s
                )
                total.zero_()

    def _batches(self) -> Iterator[NDArray[np.int64]]:
        while True:
            first = int(self._generator.integers(_WINDOW_GAPS))
            starts = np.arange(-first, self._n_gaps, _WINDOW_GAPS).clip(0)
            order = self._generator.permutation(starts)
            n_batches = -(-self._n_gaps // (_WINDOW_GAPS * self._config.batch_windows))
            yield from np.array_split(order, n_batches)

    def _loss(self, starts: NDArray[np.int64]) -> Tensor:
        begin = torch.from_numpy(starts).to(self._config.device)[:, None]
        n_seen = _WINDOW_GAPS + 2 * self._n_beyond + 1
        seen = begin + torch.arange(n_seen, device=begin.device)
        units, pairs = self._units[seen], self._pairs[seen[:, :-1]]
        is_hidden = torch.rand(units.shape, device=begin.device) < self._config.unit_dropout
        units = torch.where(is_hidden, self._hashed[seen], units)
        is_hidden = torch.rand(pairs.shape, device=begin.device) < self._config.pair_dropout
        pairs = torch.where(is_hidden, torch.randint_like(pairs, self._config.shape.n_pairs), pairs)
        logits = self._model(units, self._kinds[seen], pairs)
        asked = begin + self._n_beyond + torch.arange(_WINDOW_GAPS, device=begin.device)
        weights = self._weights[asked]
        losses = nn.functional.binary_cross_entropy_with_logits(
            logits, self._targets[asked], weights, reduction="sum"
        )
        return losses / weights[..., 0].sum().clamp(min=1.0)

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(self._config.device)


def _rate(share: float) -> float:
    """The share of the peak rate after a share of the steps: up in a line, down as a cosine."""
    if share < _WARMUP_SHARE:
        return (share + 1e-3) / _WARMUP_SHARE
    return 0.5 * (1 + math.cos(math.pi * (share - _WARMUP_SHARE) / (1 - _WARMUP_SHARE)))
