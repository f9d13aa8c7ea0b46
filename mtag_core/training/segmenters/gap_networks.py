"""Trains gap networks (see `mtag_core.segmentation.gap_network`): ja, vi and zh."""

import logging
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.segmentation.gap_inputs import InputTables, padded_codes
from mtag_core.segmentation.gap_network import GapNetwork
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.units import find_units
from mtag_core.training.segmenters.gap_model import GapModel, GapShape
from mtag_core.training.segmenters.labelled_text import UNMARKED, MarkedSentence
from mtag_core.training.segmenters.treebanks import Sentences

_LOGGER = logging.getLogger(__name__)
_WINDOW_GAPS = 128
_N_HASHED = 256
_WARMUP_SHARE = 0.05

# Sentences that follow one another without a break, at most.
_MOST_JOINED = 8


@dataclass(frozen=True)
class GapOptions:
    """Options of a training.

    Attributes:
        shape: Of the network.
        epochs: Passes over all of the text.
        batch_windows: Windows of 128 gaps a step.
        peak_rate: AdamW's learning rate after the warm-up.
        weight_decay: AdamW's.
        dropout: Of what a layer reads.
        unit_dropout: Share of known units that are taken for unknown ones.
        pair_dropout: Share of pairs that are taken for others.
        treebank_weight: A treebank's gap counts as some gaps of labelled text.
        min_count: Units that are rarer share rows.
        n_known: Units with a row of their own, at most.
        quantised_share: Share of the steps, at the end, that use rounded weights.
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


@dataclass(frozen=True, slots=True)
class GapStream:
    """Texts one after the other, a gap after each unit. All arrays begin with n_units.

    Attributes:
        codes: As `padded_codes` gives them: empty units stand between texts. Shape (n_units,).
        kinds: Likewise.
        targets: Probability that a token, and that a sentence ends after the unit. Shape
            (n_units, 2).
        weights: How much each matters; 0 where nothing is to decide. Shape (n_units, 2).
    """

    codes: Codes
    kinds: NDArray[np.int64]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]


def treebank_marks(sentences: Sentences) -> Iterator[MarkedSentence]:
    """The text of each sentence and where its tokens end."""
    for sentence in sentences:
        text, ends = "", {}
        for index, surface in enumerate(sentence):
            text += surface.form
            ends[len(text)] = 1.0
            text += " " * (surface.has_space and index < len(sentence) - 1)
        yield text, ends


def train_gap_network(
    treebank: Iterable[MarkedSentence],
    labelled: Iterable[MarkedSentence],
    options: GapOptions,
    *,
    has_spaces: bool,
) -> GapNetwork:
    """Trains a network.

    Args:
        treebank: Sentences, at least one; where they end matters too.
        labelled: Text to learn token ends from too.
        options: How.
        has_spaces: As in `BoundaryModel`.
    """
    torch.manual_seed(options.seed)
    stream = read_stream(treebank, labelled, options, has_spaces=has_spaces)
    known = frequent_codes(stream, min_count=options.min_count, n_most=options.n_known)
    tables = InputTables(known, _N_HASHED, options.shape.n_pairs)
    model = GapModel(tables, options.shape, dropout=options.dropout).to(options.device)
    _LOGGER.info("%d units, %d known", len(stream.codes), len(known))
    _Run(model, stream, options).train()
    return model.eval().network()


def read_stream(
    treebank: Iterable[MarkedSentence],
    labelled: Iterable[MarkedSentence],
    options: GapOptions,
    *,
    has_spaces: bool,
) -> GapStream:
    """Makes a stream of sentences, some of them joined to running text."""
    texts = [
        _read_text(group, options, has_spaces=has_spaces, is_treebank=is_treebank)
        for sentences, is_treebank in ((treebank, True), (labelled, False))
        for group in _groups(sentences)
    ]
    columns = zip(*((t.codes, t.kinds, t.targets, t.weights) for t in texts), strict=True)
    return GapStream(*map(np.concatenate, columns))


def frequent_codes(stream: GapStream, *, min_count: int, n_most: int) -> NDArray[np.uint32]:
    """The codes of the most frequent units, in order."""
    codes, counts = np.unique(stream.codes[stream.kinds > 0], return_counts=True)
    frequent = np.argsort(-counts, kind="stable")[: min(n_most, int((counts >= min_count).sum()))]
    return np.sort(codes[frequent]).astype(np.uint32)


def _groups(sentences: Iterable[MarkedSentence]) -> Iterator[list[MarkedSentence]]:
    generator, rest = random.Random(1), iter(sentences)
    while group := list(islice(rest, generator.randint(1, _MOST_JOINED))):
        yield group


def _read_text(
    group: Sequence[MarkedSentence], options: GapOptions, *, has_spaces: bool, is_treebank: bool
) -> GapStream:
    separator = " " if has_spaces else ""
    text = separator.join(sentence for sentence, _ in group)
    probs: dict[int, float] = {}
    sentence_ends: set[int] = set()
    offset = 0
    for sentence, offsets in group:
        probs |= {offset + end: prob for end, prob in offsets.items()}
        sentence_ends.add(offset + len(sentence))
        offset += len(sentence) + len(separator)
    units = find_units(text, has_spaces=has_spaces)
    # A space parts tokens by itself, but where tokens hold spaces.
    is_asked = [has_spaces or not after_space for after_space in units.is_after_space[1:]]
    is_inside = np.arange(len(units.ends)) < len(units.ends) - 1
    token_ends = np.array([probs.get(e, 0.0 if is_treebank else UNMARKED) for e in units.ends])
    # Of the sentences of labelled text it is only known that none ends inside a token.
    is_known = is_inside & (is_treebank | (token_ends < 0.5))
    weight = options.treebank_weight if is_treebank else 1.0
    targets = np.stack([token_ends, [end in sentence_ends for end in units.ends]], axis=1)
    weights = weight * np.stack([[*is_asked, False], is_known], axis=1)
    n_beyond = options.shape.n_layers
    codes, kinds = padded_codes(units, n_beyond)
    padded = (
        np.pad(pair, ((0, n_beyond), (0, 0))).astype(np.float32) for pair in (targets, weights)
    )
    return GapStream(codes[n_beyond:], kinds[n_beyond:], *padded)


class _Run:
    """A training."""

    def __init__(self, model: GapModel, stream: GapStream, options: GapOptions) -> None:
        self._model, self._options = model, options
        self._n_beyond = options.shape.n_layers
        # The first gap of a stream has units before it, a last window any number behind.
        padding = (self._n_beyond, _WINDOW_GAPS + self._n_beyond)
        codes, kinds = np.pad(stream.codes, padding), np.pad(stream.kinds, padding)
        inputs = model.tables.inputs(codes, kinds)
        self._n_gaps = len(stream.codes)
        hashed = np.where(kinds == 0, 0, model.tables.hashed_rows(codes))
        self._units, self._hashed = self._tensor(inputs.units), self._tensor(hashed)
        self._kinds, self._pairs = self._tensor(inputs.kinds), self._tensor(inputs.pairs)
        self._targets = self._tensor(np.pad(stream.targets, (padding, (0, 0))))
        self._weights = self._tensor(np.pad(stream.weights, (padding, (0, 0))))
        self._generator = np.random.default_rng(options.seed)
        decayed = {"weight_decay": options.weight_decay, "params": list(model.matrices.values())}
        others = {"weight_decay": 0.0, "params": list(model.biases.values())}
        self._optimizer = torch.optim.AdamW([decayed, others], lr=options.peak_rate, fused=True)

    def train(self) -> None:
        """Trains to the end of the schedule."""
        batch_gaps = _WINDOW_GAPS * self._options.batch_windows
        n_steps = math.ceil(self._options.epochs * -(-self._n_gaps // batch_gaps))
        self._model.train()
        for step, starts in zip(range(n_steps), self._batches(), strict=False):
            self._model.is_quantised = step >= (1 - self._options.quantised_share) * n_steps
            for group in self._optimizer.param_groups:
                group["lr"] = self._options.peak_rate * _rate(step / n_steps)
            loss = self._loss(starts)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
            self._optimizer.step()
            if step % 1000 == 999:
                _LOGGER.info("step %d of %d: %.4f", step + 1, n_steps, loss.item())

    def _batches(self) -> Iterator[NDArray[np.int64]]:
        n_batches = -(-self._n_gaps // (_WINDOW_GAPS * self._options.batch_windows))
        while True:
            first = int(self._generator.integers(_WINDOW_GAPS))
            starts = np.arange(-first, self._n_gaps, _WINDOW_GAPS).clip(0)
            yield from np.array_split(self._generator.permutation(starts), n_batches)

    def _loss(self, starts: NDArray[np.int64]) -> Tensor:
        begin = torch.from_numpy(starts).to(self._options.device)[:, None]
        n_read = _WINDOW_GAPS + 2 * self._n_beyond + 1
        places = begin + torch.arange(n_read, device=begin.device)
        units, pairs = self._units[places], self._pairs[places[:, :-1]]
        is_hidden = torch.rand(units.shape, device=begin.device) < self._options.unit_dropout
        units = torch.where(is_hidden, self._hashed[places], units)
        is_hidden = torch.rand(pairs.shape, device=begin.device) < self._options.pair_dropout
        others = torch.randint_like(pairs, self._options.shape.n_pairs)
        logits = self._model(units, self._kinds[places], torch.where(is_hidden, others, pairs))
        asked = begin + self._n_beyond + torch.arange(_WINDOW_GAPS, device=begin.device)
        weights = self._weights[asked]
        losses = nn.functional.binary_cross_entropy_with_logits(
            logits, self._targets[asked], weights, reduction="sum"
        )
        return losses / weights[..., 0].sum().clamp(min=1.0)

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(self._options.device)


def _rate(share: float) -> float:
    """The share of the peak rate after a share of the steps: up in a line, down as a cosine."""
    if share < _WARMUP_SHARE:
        return (share + 1e-3) / _WARMUP_SHARE
    return 0.5 * (1 + math.cos(math.pi * (share - _WARMUP_SHARE) / (1 - _WARMUP_SHARE)))
