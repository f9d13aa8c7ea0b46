"""The networks of `mtag_core.segmentation.gap_network` in torch, and their training: ja, vi, zh."""

import logging
from collections.abc import Iterable
from itertools import count
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.languages import language_of
from mtag_core.segmentation import gap_network
from mtag_core.segmentation.boundaries import BoundaryModel
from mtag_core.segmentation.gap_network import UNITS_SEEN, GapNetwork, InputTables, Quantised
from mtag_core.segmentation.hashing import Codes
from mtag_core.training.data.treebanks import Sentences, sentence_text
from mtag_core.training.loops.trainer import Epoch, Trainer, TrainingTask
from mtag_core.training.options import Schedule
from mtag_core.training.segmenter_options import TrainSegmentersOptions
from mtag_core.training.segmenters.treebanks import UNMARKED, MarkedSentence, neighbours

_LOGGER = logging.getLogger(__name__)
_WINDOW_GAPS, _BATCH_WINDOWS = 128, 32
# Numbers that stand for a unit, for a pair of units, outputs of a layer, and layers.
_UNIT_WIDTH, _PAIR_WIDTH, _WIDTH, N_LAYERS = 48, 16, 64, 4
# Rows of units that are rare, and those that all pairs share, a power of 2.
_N_HASHED, _N_PAIRS = 256, 1 << 16
# Share of known units taken for unknown ones, of pairs taken for others, of numbers left out.
_UNIT_DROPOUT, _PAIR_DROPOUT, _DROPOUT = 0.01, 0.05, 0.1
# Units that are rarer share rows; so many have rows of their own at most.
_MIN_COUNT, _MOST_KNOWN = 5, 5000
# Largest whole numbers in the tables of units and pairs; fewer levels make smaller files.
_LEVELS = {"units": 24, "pairs": 6}
# Weights further from 0 than so many standard deviations are cut: levels are not spent on them.
_MOST_DEVIATIONS = 4.5
# A treebank's gap counts as so many gaps of labelled text.
_TREEBANK_WEIGHT = 8.0
# Share of the steps, at the end, that use rounded weights.
_QUANTISED_SHARE = 0.25
# Sentences that follow one another without a break, at most.
_MOST_JOINED = 8


class GapStream(NamedTuple):
    """Texts one after the other, a gap after each unit.

    Codes and kinds, (n_units,), are those of `padded_codes`: empty units stand between texts.
    Targets, (n_units, 2), are the probabilities that a token and that a sentence ends there;
    weights, of that shape, say how much each matters, 0 where nothing is to decide.
    """

    codes: Codes
    kinds: NDArray[np.int64]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]


class GapModel(nn.Module):
    """Gives windows of units the two logits of each gap."""

    def __init__(self, tables: InputTables) -> None:
        super().__init__()
        self.tables = tables
        self.is_quantised = False
        # A window loses a number wherever it occurs: fewer draws than one for each unit.
        self.dropout = nn.Dropout1d(_DROPOUT)
        n_seen = UNITS_SEEN * _UNIT_WIDTH + (UNITS_SEEN - 1) * _PAIR_WIDTH
        names = (f"layer{number}" for number in range(N_LAYERS))
        shapes = dict.fromkeys(names, (gap_network.LAYER_GAPS * _WIDTH, _WIDTH))
        shapes |= {"layer0": (n_seen, _WIDTH), "output": (_WIDTH, 2)}
        self.matrices = nn.ParameterDict(
            {
                "units": 0.3 * torch.randn(tables.n_units, _UNIT_WIDTH),
                "kinds": 0.3 * torch.randn(gap_network.N_KINDS, _UNIT_WIDTH),
                "pairs": 0.1 * torch.randn(tables.n_pairs, _PAIR_WIDTH),
            }
        )
        self.biases = nn.ParameterDict()
        for name, shape in shapes.items():
            self.matrices[name] = (2 / shape[0]) ** 0.5 * torch.randn(shape)
            self.biases[name] = torch.zeros(shape[1])

    def forward(self, units: Tensor, kinds: Tensor, pairs: Tensor) -> Tensor:
        """Scores the gaps of windows, all but those at their ends.

        Rows of units and kinds have the shape (n_windows, n), those of pairs (n_windows, n - 1),
        the scores (n_windows, n - 2 * N_LAYERS - 1, 2).
        """
        embed, matrix = nn.functional.embedding, self._matrix
        of_units = embed(units, matrix("units")) + embed(kinds, matrix("kinds"))
        of_units = self._joined(of_units, UNITS_SEEN)
        of_pairs = self._joined(embed(pairs, matrix("pairs")), UNITS_SEEN - 1)
        hidden = self._layer("layer0", torch.cat([of_units, of_pairs], dim=-1))
        for number in range(1, N_LAYERS):
            seen = self._joined(hidden, gap_network.LAYER_GAPS)
            hidden = hidden[:, 1:-1] + self._layer(f"layer{number}", seen)
        return self._joined(hidden, 1) @ matrix("output") + self.biases["output"]

    @torch.no_grad()
    def network(self) -> GapNetwork:
        """The network with whole numbers for weights, to run and to save."""
        matrices: dict[str, Quantised | np.ndarray] = {}
        for name in self.matrices:
            levels, scale = self._quantised(name)
            matrices[name] = Quantised(levels.to(torch.int8).cpu().numpy(), scale.cpu().numpy())
        for name, bias in self.biases.items():
            matrices[f"{name}_bias"] = bias.float().cpu().numpy()
        return GapNetwork(self.tables, matrices)

    def _layer(self, name: str, seen: Tensor) -> Tensor:
        return torch.relu(seen @ self._matrix(name) + self.biases[name])

    def _joined(self, rows: Tensor, n_seen: int) -> Tensor:
        rows = self.dropout(rows.transpose(1, 2)).transpose(1, 2)
        # Places that follow one another, side by side.
        return rows.unfold(1, n_seen, 1).transpose(2, 3).flatten(2)

    def _matrix(self, name: str) -> Tensor:
        matrix: Tensor = self.matrices[name]
        if not self.is_quantised:
            return matrix
        # The gradient is that of the matrix as it is.
        with torch.no_grad():
            levels, scale = self._quantised(name)
            change = levels * scale - matrix
        return matrix + change

    def _quantised(self, name: str) -> tuple[Tensor, Tensor]:
        matrix, most = self.matrices[name], _LEVELS.get(name, 127)
        usual = _MOST_DEVIATIONS * matrix.square().mean(0).sqrt()
        scale = (torch.minimum(matrix.abs().amax(0), usual) / most).clamp(min=1e-8)
        return (matrix / scale).round().clamp(-most, most), scale


def train_gap_network(
    treebank: Sentences,
    labelled: Iterable[MarkedSentence],
    language: str,
    options: TrainSegmentersOptions,
) -> BoundaryModel:
    """Trains a model on a treebank, where sentences end too, and labelled text."""
    has_spaces = language_of(language).spacing == "syllables"
    schedule = Schedule(epochs=options.gap_epochs, peak_rate=3e-3, warmup_share=0.05)
    torch.manual_seed(schedule.seed)
    texts = ((text, dict.fromkeys(ends, 1.0)) for text, ends in map(sentence_text, treebank))
    stream = read_stream(texts, labelled, has_spaces=has_spaces)
    known = frequent_codes(stream)
    model = GapModel(InputTables(known, _N_HASHED, _N_PAIRS)).to(options.device)
    _LOGGER.info("%d units, %d known", len(stream.codes), len(known))
    Trainer(_task(model, stream, options), schedule).run()
    return BoundaryModel(model.network(), has_spaces=has_spaces)


def read_stream(
    treebank: Iterable[MarkedSentence], labelled: Iterable[MarkedSentence], *, has_spaces: bool
) -> GapStream:
    """Makes a stream of sentences, some of them joined to running text."""
    texts = [
        _read_text(group, has_spaces=has_spaces, is_treebank=is_treebank)
        for sentences, is_treebank in ((treebank, True), (labelled, False))
        for group in neighbours(sentences, _MOST_JOINED)
    ]
    return GapStream(*map(np.concatenate, zip(*texts, strict=True)))


def frequent_codes(stream: GapStream) -> NDArray[np.uint32]:
    """The codes of the most frequent units, in order."""
    codes, counts = np.unique(stream.codes[stream.kinds > 0], return_counts=True)
    frequent = np.argsort(-counts, kind="stable")[: (counts >= _MIN_COUNT).sum()]
    return np.sort(codes[frequent[:_MOST_KNOWN]]).astype(np.uint32)


def _read_text(group: list[MarkedSentence], *, has_spaces: bool, is_treebank: bool) -> GapStream:
    separator = " " * has_spaces
    text, probs, sentence_ends = "", dict[int, float](), set[int]()
    for sentence, end_to_prob in group:
        probs |= {len(text) + end: prob for end, prob in end_to_prob.items()}
        text += sentence + separator
        sentence_ends.add(len(text) - len(separator))
    units = gap_network.find_units(text, has_spaces=has_spaces)
    # A space parts tokens by itself, but where tokens hold spaces.
    is_asked = [has_spaces or not after_space for after_space in units.is_after_space[1:]]
    is_inside = np.arange(len(units.ends)) < len(units.ends) - 1
    token_ends = np.array([probs.get(e, 0.0 if is_treebank else UNMARKED) for e in units.ends])
    # Of the sentences of labelled text it is only known that none ends inside a token.
    is_known = is_inside & (is_treebank | (token_ends < 0.5))
    targets = np.stack([token_ends, [end in sentence_ends for end in units.ends]], axis=1)
    weights = np.stack([[*is_asked, False], is_known], axis=1)
    weights = weights * (_TREEBANK_WEIGHT if is_treebank else 1.0)
    codes, kinds = gap_network.padded_codes(units, N_LAYERS)
    pairs = (np.pad(c, ((0, N_LAYERS), (0, 0))).astype(np.float32) for c in (targets, weights))
    return GapStream(codes[N_LAYERS:], kinds[N_LAYERS:], *pairs)


def _task(model: GapModel, stream: GapStream, options: TrainSegmentersOptions) -> TrainingTask:
    n_gaps = len(stream.codes)
    n_batches = -(-n_gaps // (_WINDOW_GAPS * _BATCH_WINDOWS))
    n_plain_steps, steps = (1 - _QUANTISED_SHARE) * options.gap_epochs * n_batches, count()
    # The first gap of a stream has units before it, a last window any number behind.
    padding = (N_LAYERS, _WINDOW_GAPS + N_LAYERS)
    codes, kind_column = np.pad(stream.codes, padding), np.pad(stream.kinds, padding)
    pairs_of_numbers = (np.pad(pair, (padding, (0, 0))) for pair in stream[2:])
    inputs = model.tables.inputs(codes, kind_column)
    hashed_rows = np.where(kind_column == 0, 0, model.tables.hashed_rows(codes))
    columns = (inputs.units, hashed_rows, inputs.kinds, inputs.pairs, *pairs_of_numbers)
    on_device = [torch.from_numpy(column).to(options.device) for column in columns]
    all_units, hashed, kinds, all_pairs, targets, weights = on_device

    def epoch(number: int, generator: np.random.Generator) -> Epoch:
        first = int(generator.integers(_WINDOW_GAPS))
        starts = np.arange(-first, n_gaps, _WINDOW_GAPS).clip(0)
        return np.array_split(generator.permutation(starts), n_batches)

    def loss(starts: NDArray[np.int64]) -> tuple[Tensor, int]:
        model.is_quantised = next(steps) >= n_plain_steps
        begin = torch.from_numpy(starts).to(kinds.device)[:, None]
        places = begin + torch.arange(_WINDOW_GAPS + 2 * N_LAYERS + 1, device=begin.device)
        units, pairs = all_units[places], all_pairs[places[:, :-1]]
        is_hidden = torch.rand(units.shape, device=begin.device) < _UNIT_DROPOUT
        units = torch.where(is_hidden, hashed[places], units)
        is_hidden = torch.rand(pairs.shape, device=begin.device) < _PAIR_DROPOUT
        others = torch.randint_like(pairs, _N_PAIRS)
        logits = model(units, kinds[places], torch.where(is_hidden, others, pairs))
        asked = places[:, N_LAYERS : N_LAYERS + _WINDOW_GAPS]
        losses = nn.functional.binary_cross_entropy_with_logits(
            logits, targets[asked], weights[asked], reduction="sum"
        )
        return losses / weights[asked][..., 0].sum().clamp(min=1.0), len(starts) * _WINDOW_GAPS

    return TrainingTask(model, epoch, loss, dict, is_half=False)
