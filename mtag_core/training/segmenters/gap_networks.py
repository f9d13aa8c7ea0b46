"""The networks of `mtag_core.segmentation.gap_network` in torch, and their training: ja, vi, zh."""

import logging
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.segmentation.gap_inputs import N_KINDS, InputTables, padded_codes
from mtag_core.segmentation.gap_network import LAYER_GAPS, UNITS_SEEN, GapNetwork, Quantised
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.units import find_units
from mtag_core.training.loops.trainer import Epoch, Trainer, TrainingTask
from mtag_core.training.options import Schedule
from mtag_core.training.segmenters.treebanks import UNMARKED, MarkedSentence, Sentences

_LOGGER = logging.getLogger(__name__)
_WINDOW_GAPS = 128
_N_HASHED = 256
_BATCH_WINDOWS = 32
_DROPOUT = 0.1
# Share of known units taken for unknown ones, and of pairs taken for others.
_UNIT_DROPOUT, _PAIR_DROPOUT = 0.01, 0.05
# Units that are rarer share rows; so many have rows of their own at most.
_MIN_COUNT, _MOST_KNOWN = 5, 5000
# Largest whole numbers in the tables of units and pairs; fewer levels make smaller files.
_LEVELS = {"units": 24, "pairs": 6}
# A treebank's gap counts as so many gaps of labelled text.
_TREEBANK_WEIGHT = 8.0
# Share of the steps, at the end, that use rounded weights.
_QUANTISED_SHARE = 0.25

# Sentences that follow one another without a break, at most.
_MOST_JOINED = 8

# Weights further from 0 than so many standard deviations are cut: levels are not spent on them.
_MOST_DEVIATIONS = 4.5


@dataclass(frozen=True)
class GapShape:
    """How large a network is.

    Attributes:
        unit_width: Numbers that stand for a unit.
        pair_width: Numbers that stand for a pair of units.
        width: Outputs of a layer.
        n_layers: Layers, the first one included.
        n_pairs: Rows that all pairs share, a power of 2.
    """

    unit_width: int = 48
    pair_width: int = 16
    width: int = 64
    n_layers: int = 4
    n_pairs: int = 1 << 16


class GapModel(nn.Module):
    """Gives windows of units the two logits of each gap."""

    def __init__(self, tables: InputTables, shape: GapShape, *, dropout: float) -> None:
        super().__init__()
        self.tables, self.shape = tables, shape
        self.is_quantised = False
        # A window loses a number wherever it occurs: fewer draws than one for each unit.
        self.dropout = nn.Dropout1d(dropout)
        n_seen = UNITS_SEEN * shape.unit_width + (UNITS_SEEN - 1) * shape.pair_width
        self.matrices = nn.ParameterDict(
            {
                "units": 0.3 * torch.randn(tables.n_units, shape.unit_width),
                "kinds": 0.3 * torch.randn(N_KINDS, shape.unit_width),
                "pairs": 0.1 * torch.randn(tables.n_pairs, shape.pair_width),
            }
        )
        self.biases = nn.ParameterDict()
        for number in range(shape.n_layers):
            self._add_layer(f"layer{number}", n_seen, shape.width)
            n_seen = LAYER_GAPS * shape.width
        self._add_layer("output", shape.width, 2)

    def forward(self, units: Tensor, kinds: Tensor, pairs: Tensor) -> Tensor:
        """Scores the gaps of windows, all but those at their ends.

        Args:
            units: Rows. Shape (n_windows, n).
            kinds: Shape (n_windows, n).
            pairs: Rows. Shape (n_windows, n - 1).

        Returns:
            Shape (n_windows, n - 2 * n_layers - 1, 2).
        """
        of_units = nn.functional.embedding(units, self._matrix("units"))
        of_units = of_units + nn.functional.embedding(kinds, self._matrix("kinds"))
        of_pairs = nn.functional.embedding(pairs, self._matrix("pairs"))
        of_units, of_pairs = self._dropped(of_units), self._dropped(of_pairs)
        seen = torch.cat([_joined(of_units, UNITS_SEEN), _joined(of_pairs, UNITS_SEEN - 1)], dim=-1)
        hidden = torch.relu(self._product(seen, "layer0"))
        for number in range(1, self.shape.n_layers):
            seen = _joined(self._dropped(hidden), LAYER_GAPS)
            hidden = hidden[:, 1:-1] + torch.relu(self._product(seen, f"layer{number}"))
        return self._product(self._dropped(hidden), "output")

    @torch.no_grad()
    def network(self) -> GapNetwork:
        """The network with whole numbers for weights, to run and to save."""
        matrices: dict[str, Quantised | np.ndarray] = {}
        for name, matrix in self.matrices.items():
            scale = self._scale(name, matrix)
            levels = self._levels(name, matrix, scale).to(torch.int8)
            matrices[name] = Quantised(levels.cpu().numpy(), scale.cpu().numpy())
        for name, bias in self.biases.items():
            matrices[f"{name}_bias"] = bias.float().cpu().numpy()
        return GapNetwork(self.tables, matrices)

    def _add_layer(self, name: str, n_inputs: int, n_outputs: int) -> None:
        self.matrices[name] = (2 / n_inputs) ** 0.5 * torch.randn(n_inputs, n_outputs)
        self.biases[name] = torch.zeros(n_outputs)

    def _product(self, seen: Tensor, name: str) -> Tensor:
        return seen @ self._matrix(name) + self.biases[name]

    def _dropped(self, rows: Tensor) -> Tensor:
        dropped: Tensor = self.dropout(rows.transpose(1, 2)).transpose(1, 2)
        return dropped

    def _matrix(self, name: str) -> Tensor:
        matrix: Tensor = self.matrices[name]
        if not self.is_quantised:
            return matrix
        with torch.no_grad():
            scale = self._scale(name, matrix)
            change = self._levels(name, matrix, scale) * scale - matrix
        return matrix + change

    def _levels(self, name: str, matrix: Tensor, scale: Tensor) -> Tensor:
        most = _LEVELS.get(name, 127)
        return (matrix / scale).round().clamp(-most, most)

    def _scale(self, name: str, matrix: Tensor) -> Tensor:
        largest = matrix.abs().amax(0)
        usual = _MOST_DEVIATIONS * matrix.square().mean(0).sqrt()
        return (torch.minimum(largest, usual) / _LEVELS.get(name, 127)).clamp(min=1e-8)


def _joined(rows: Tensor, n_seen: int) -> Tensor:
    n_windows = rows.shape[1] - n_seen + 1
    return torch.cat([rows[:, start : start + n_windows] for start in range(n_seen)], dim=-1)


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
    *,
    schedule: Schedule,
    device: str,
    has_spaces: bool,
) -> GapNetwork:
    """Trains a network.

    Args:
        treebank: Sentences, at least one; where they end matters too.
        labelled: Text to learn token ends from too.
        schedule: Of the training.
        device: A torch device.
        has_spaces: As in `BoundaryModel`.
    """
    torch.manual_seed(schedule.seed)
    shape = GapShape()
    stream = read_stream(treebank, labelled, n_beyond=shape.n_layers, has_spaces=has_spaces)
    known = frequent_codes(stream, min_count=_MIN_COUNT, n_most=_MOST_KNOWN)
    tables = InputTables(known, _N_HASHED, shape.n_pairs)
    model = GapModel(tables, shape, dropout=_DROPOUT).to(device)
    _LOGGER.info("%d units, %d known", len(stream.codes), len(known))
    training = _GapTraining(model, stream, n_epochs=schedule.epochs, device=device)
    Trainer(training.task(), schedule).run()
    return model.eval().network()


def read_stream(
    treebank: Iterable[MarkedSentence],
    labelled: Iterable[MarkedSentence],
    *,
    n_beyond: int,
    has_spaces: bool,
) -> GapStream:
    """Makes a stream of sentences, some of them joined to running text.

    Args:
        treebank: As in `train_gap_network`.
        labelled: As there.
        n_beyond: Empty units behind each text.
        has_spaces: As there.
    """
    texts = [
        _read_text(group, n_beyond, has_spaces=has_spaces, is_treebank=is_treebank)
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
    group: Sequence[MarkedSentence], n_beyond: int, *, has_spaces: bool, is_treebank: bool
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
    weight = _TREEBANK_WEIGHT if is_treebank else 1.0
    targets = np.stack([token_ends, [end in sentence_ends for end in units.ends]], axis=1)
    weights = weight * np.stack([[*is_asked, False], is_known], axis=1)
    codes, kinds = padded_codes(units, n_beyond)
    padded = (
        np.pad(pair, ((0, n_beyond), (0, 0))).astype(np.float32) for pair in (targets, weights)
    )
    return GapStream(codes[n_beyond:], kinds[n_beyond:], *padded)


class _GapTraining:
    """Windows of a stream, and what a model gets wrong in them."""

    def __init__(self, model: GapModel, stream: GapStream, *, n_epochs: float, device: str) -> None:
        self._model, self._n_epochs, self._device = model, n_epochs, device
        self._n_beyond = model.shape.n_layers
        # The first gap of a stream has units before it, a last window any number behind.
        padding = (self._n_beyond, _WINDOW_GAPS + self._n_beyond)
        codes, kinds = np.pad(stream.codes, padding), np.pad(stream.kinds, padding)
        inputs = model.tables.inputs(codes, kinds)
        self._n_gaps = len(stream.codes)
        self._n_batches = -(-self._n_gaps // (_WINDOW_GAPS * _BATCH_WINDOWS))
        hashed = np.where(kinds == 0, 0, model.tables.hashed_rows(codes))
        self._units, self._hashed = self._tensor(inputs.units), self._tensor(hashed)
        self._kinds, self._pairs = self._tensor(inputs.kinds), self._tensor(inputs.pairs)
        self._targets = self._tensor(np.pad(stream.targets, (padding, (0, 0))))
        self._weights = self._tensor(np.pad(stream.weights, (padding, (0, 0))))
        self._step = 0

    def task(self) -> TrainingTask:
        """What the trainer calls."""
        return TrainingTask(self._model, self._epoch, self._loss, dict, is_half=False)

    def _epoch(self, number: int, generator: np.random.Generator) -> Epoch:
        first = int(generator.integers(_WINDOW_GAPS))
        starts = np.arange(-first, self._n_gaps, _WINDOW_GAPS).clip(0)
        return np.array_split(generator.permutation(starts), self._n_batches)

    def _loss(self, starts: NDArray[np.int64]) -> tuple[Tensor, int]:
        n_steps = self._n_epochs * self._n_batches
        self._model.is_quantised = self._step >= (1 - _QUANTISED_SHARE) * n_steps
        self._step += 1
        begin = self._tensor(starts)[:, None]
        n_read = _WINDOW_GAPS + 2 * self._n_beyond + 1
        places = begin + torch.arange(n_read, device=begin.device)
        units, pairs = self._units[places], self._pairs[places[:, :-1]]
        is_hidden = torch.rand(units.shape, device=begin.device) < _UNIT_DROPOUT
        units = torch.where(is_hidden, self._hashed[places], units)
        is_hidden = torch.rand(pairs.shape, device=begin.device) < _PAIR_DROPOUT
        others = torch.randint_like(pairs, self._model.shape.n_pairs)
        logits = self._model(units, self._kinds[places], torch.where(is_hidden, others, pairs))
        asked = begin + self._n_beyond + torch.arange(_WINDOW_GAPS, device=begin.device)
        weights = self._weights[asked]
        losses = nn.functional.binary_cross_entropy_with_logits(
            logits, self._targets[asked], weights, reduction="sum"
        )
        return losses / weights[..., 0].sum().clamp(min=1.0), len(starts) * _WINDOW_GAPS

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(self._device)
