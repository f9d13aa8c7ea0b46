"""Labels text with fine-tuned encoders, for `train segmenters --labelled`: ja, vi and zh.

What the small networks (see `mtag_core.segmentation.boundaries`) can learn from a treebank is
limited by its size. A pretrained encoder needs fewer examples; it marks text for them.
"""

import itertools
import logging
import random
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.errors import InputNotFoundError
from mtag_core.segmentation.units import UnitTable, find_units
from mtag_core.storage import create_text, open_text
from mtag_core.training.data.pieces import (
    NO_NOISE,
    DeviceSentences,
    SpecialPieces,
    cut_batches,
    encode_sentences,
)
from mtag_core.training.data.treebanks import treebank_files
from mtag_core.training.loops.trainer import Epoch, Task, Trainer
from mtag_core.training.loops.training_log import TrainingLog
from mtag_core.training.networks.model import Batch
from mtag_core.training.networks.model_files import Network
from mtag_core.training.options import Schedule
from mtag_core.training.segmenter_options import LabelBoundariesOptions
from mtag_core.training.segmenters.gap_networks import treebank_marks
from mtag_core.training.segmenters.labelled_text import SEGMENTED, marked_line, without_marks
from mtag_core.training.segmenters.training import SPACED_INSIDE, listed
from mtag_core.training.segmenters.treebanks import read_sentences, text_language

_MORE_TEXT = {"zh": ("yue",)}
"""Text that is labelled besides a language's own: in the other script."""

_LOGGER = logging.getLogger(__name__)
_GROUP_LINES = 20_000
_MOST_JOINED = 4
_PIECES_A_UNIT = 2.5
_GPU_LABELLING_BUDGET = 65_536
_CPU_LABELLING_BUDGET = 4_096


class _Chunks(NamedTuple):
    """Some sentences together, as an encoder reads them; each unit is a token of its own.

    Attributes:
        units: Of each chunk.
        labels: Of each unit of all chunks: 0 inside a token, 1 at its end, 2 at a sentence's too.
    """

    units: list[list[str]]
    labels: NDArray[np.int64]


class BoundaryTeacher(nn.Module):
    """Gives each unit the logits of the three labels."""

    def __init__(self, encoder: nn.Module, *, hidden_size: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * hidden_size, 3)

    def forward(self, batch: Batch) -> Tensor:
        """Labels a batch: shape (n_units, 3)."""
        hidden = self.encoder(batch.piece_ids, batch.is_piece).flatten(0, 1)
        first = hidden.index_select(0, batch.first_piece_index)
        last = hidden.index_select(0, batch.last_piece_index)
        logits: Tensor = self.head(self.dropout(torch.cat([first, last], dim=-1)))
        return logits


def run(options: LabelBoundariesOptions) -> str:
    """Runs `label boundaries`."""
    return listed(label_boundaries(options))


def label_boundaries(options: LabelBoundariesOptions) -> list[Path]:
    """Trains boundary teachers and labels all text in their languages.

    Returns:
        The labelled files.

    Raises:
        CheckpointError: The teacher's directory does not fit.
        InputNotFoundError: There is no treebank, or no text.
    """
    more = (_MORE_TEXT.get(language, ()) for language in options.languages)
    wanted = {*options.languages, *itertools.chain.from_iterable(more)}
    paths = [p for p in sorted(options.text.glob("*.txt.xz")) if text_language(p) in wanted]
    if not paths:
        raise InputNotFoundError(f"{options.text}: no .txt.xz file of {', '.join(sorted(wanted))}")
    labeller = _Labeller(options)
    return [labeller.label(path) for path in paths]


class _Labeller:
    """Members with a learning rate each, whose probabilities are averaged."""

    def __init__(self, options: LabelBoundariesOptions) -> None:
        self._options = options
        self._device = torch.device(options.device)
        self._tokenizer = options.teacher / "tokenizer.json"
        self._pieces = SpecialPieces.load(self._tokenizer)
        train, dev = (self._treebanks(part) for part in ("train", "dev"))
        self._members: list[BoundaryTeacher] = []
        for seed, rate in enumerate(options.peak_rates, start=options.seed):
            self._members.append(self._trained(train, dev, rate=rate, seed=seed))
            scores = self._scores(self._members, dev)
            _LOGGER.info("%d members together: %s", len(self._members), scores)

    def label(self, path: Path) -> Path:
        """Labels one file; the output appears when it is whole."""
        name = path.name.removesuffix(".txt.xz")
        output = self._options.output / f"{name}{SEGMENTED}"
        has_spaces = text_language(path) in SPACED_INSIDE
        with create_text(output) as sink:
            for lines in _line_groups(path):
                tables = [find_units(line, has_spaces=has_spaces) for line in lines]
                sink.writelines(self._labelled(lines, tables))
                _LOGGER.info("%s: %d lines labelled", name, len(lines))
        return output

    def _labelled(self, lines: Sequence[str], tables: Sequence[UnitTable]) -> Iterator[str]:
        units = [_units(line, table) for line, table in zip(lines, tables, strict=True)]
        probs = self._probabilities(self._members, self._on_device(self._chunked(units)))
        start = 0
        for line, table in zip(lines, tables, strict=True):
            some = probs[start : start + len(table.ends)]
            start += len(table.ends)
            yield marked_line(line, table.ends, 1 - some[:, 0], some[:, 2] > 0.5)

    def _treebanks(self, part: str) -> _Chunks:
        units: list[list[str]] = []
        labels: list[int] = []
        for path in treebank_files(self._options.treebanks, part):
            language = text_language(path)
            if language in self._options.languages:
                for text, ends in treebank_marks(read_sentences(path)):
                    table = find_units(text, has_spaces=language in SPACED_INSIDE)
                    units.append(_units(text, table))
                    labels += [(end in ends) + (end == len(text)) for end in table.ends]
        return _Chunks(self._chunked(units), np.array(labels, np.int64))

    def _chunked(self, sentences: Iterable[list[str]]) -> list[list[str]]:
        """Joins some sentences, as running text does; more units than fit begin another chunk."""
        generator, rest = random.Random(self._options.seed), iter(sentences)
        most = max(1, int((self._options.max_pieces - 2) / _PIECES_A_UNIT))
        chunks = []
        while group := list(itertools.islice(rest, generator.randint(1, _MOST_JOINED))):
            units = [unit for sentence in group for unit in sentence]
            chunks += [units[first : first + most] for first in range(0, len(units), most)]
        return chunks

    def _on_device(self, chunks: list[list[str]]) -> DeviceSentences:
        packed = encode_sentences(chunks, self._tokenizer)
        return DeviceSentences(packed, self._pieces, device=self._device)

    def _trained(self, train: _Chunks, dev: _Chunks, *, rate: float, seed: int) -> BoundaryTeacher:
        torch.manual_seed(seed)
        tagger: Any = Network.load(self._options.teacher, device=self._device).model
        model = BoundaryTeacher(tagger.encoder, hidden_size=tagger.upos.in_features)
        model.to(self._device)
        sentences = self._on_device(train.units)
        labels = torch.from_numpy(train.labels).to(self._device)

        noise = replace(NO_NOISE, piece_dropout=self._options.piece_dropout)

        def epoch(number: int, generator: np.random.Generator) -> Epoch:
            budget = self._options.piece_budget
            n_pieces = sentences.packed.n_pieces
            return cut_batches(n_pieces, piece_budget=budget, generator=generator)

        def loss(indices: NDArray[np.int64]) -> tuple[Tensor, int]:
            batch = sentences.batch(indices, noise)
            logits = model(batch)
            targets = labels[batch.token_index]
            return nn.functional.cross_entropy(logits.float(), targets), len(targets)

        curves = self._options.output / f"member{seed}"
        curves.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch, TrainingLog(curves, is_writer=True) as log:
            task = Task(model, epoch, loss, lambda: self._scores([model], dev))
            schedule = _schedule(self._options, rate=rate, seed=seed)
            Trainer(task, schedule, directory=Path(scratch), log=log).run()
        return model

    def _scores(self, members: Sequence[BoundaryTeacher], dev: _Chunks) -> dict[str, float]:
        guesses = self._probabilities(members, self._on_device(dev.units)).argmax(-1)
        return {
            "dev_tokens": span_f1(guesses > 0, dev.labels > 0),
            "dev_sentences": span_f1(guesses > 1, dev.labels > 1),
        }

    @torch.no_grad()
    def _probabilities(
        self, members: Sequence[BoundaryTeacher], sentences: DeviceSentences
    ) -> NDArray[np.float32]:
        """The mean of the members' probabilities for each unit: shape (n_units, 3)."""
        probs = torch.zeros((int(sentences.packed.n_tokens.sum()), 3), device=self._device)
        is_gpu = self._device.type == "cuda"
        batches = cut_batches(
            sentences.packed.n_pieces,
            piece_budget=_GPU_LABELLING_BUDGET if is_gpu else _CPU_LABELLING_BUDGET,
            generator=np.random.default_rng(0),
        )
        for member in members:
            member.eval()
            for indices in batches:
                batch = sentences.batch(indices)
                with torch.autocast(self._device.type, torch.bfloat16):
                    logits = member(batch)
                probs[batch.token_index] += logits.float().softmax(-1) / len(members)
        values: NDArray[np.float32] = probs.cpu().numpy()
        return values


def span_f1(guessed: NDArray[np.bool_], gold: NDArray[np.bool_]) -> float:
    """F1 of the spans between ends, in percent; one is right if both of its ends are.

    Example: ends [F, T, T] guessed, [T, T, T] gold: one span of two and three is right: 40.0.
    """
    both = guessed & gold
    # Nothing but shared ends may be between the two ends of a span that is right.
    n_alone = np.cumsum(guessed ^ gold)[both]
    n_right = int((np.diff(n_alone, prepend=0) == 0).sum())
    return 200.0 * n_right / max(1, int(guessed.sum()) + int(gold.sum()))


def _units(text: str, table: UnitTable) -> list[str]:
    return [text[start:end] for start, end in zip(table.starts, table.ends, strict=True)]


def _line_groups(path: Path) -> Iterator[list[str]]:
    """Yields the lines of a file that are not empty, some thousands together."""
    with open_text(path, newline="\n") as stream:
        lines = filter(None, (without_marks(line).strip() for line in stream))
        while group := list(itertools.islice(lines, _GROUP_LINES)):
            yield group


def _schedule(options: LabelBoundariesOptions, *, rate: float, seed: int) -> Schedule:
    return Schedule(
        peak_rate=rate,
        warmup_share=0.1,
        epochs=options.epochs,
        minutes=options.minutes / len(options.peak_rates) if options.minutes else None,
        n_evaluations=6,
        checkpoint_minutes=float("inf"),
        seed=seed,
    )
