"""Labels text with fine-tuned encoders, for `train segmenters --labelled`.

What small models can learn from a treebank is limited by its size. A pretrained encoder needs fewer
examples; it marks text for them. For the networks of Japanese, Vietnamese and Chinese a teacher
says where tokens and sentences end; for split models an encoder splits surface tokens
(`split_encoder`).
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.errors import InputNotFoundError
from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.segmentation.languages import GENERIC
from mtag_core.segmentation.spaced import SpacedTokenizer
from mtag_core.segmentation.units import UnitTable, find_units
from mtag_core.storage import create_text
from mtag_core.training.data.datasets import NO_NOISE, cut_batches
from mtag_core.training.data.pieces import DeviceSentences
from mtag_core.training.data.text_files import read_lines, text_files
from mtag_core.training.loops.trainer import Trainer, TrainingTask
from mtag_core.training.loops.training_log import TrainingLog
from mtag_core.training.networks.model import Batch, end_vectors
from mtag_core.training.networks.model_files import Network
from mtag_core.training.networks.pretrained import hidden_size, load_encoder
from mtag_core.training.options import Noise, Schedule
from mtag_core.training.records import list_files
from mtag_core.training.segmenter_options import LabelBoundariesOptions, LabelSplitsOptions
from mtag_core.training.segmenters.marked_text import span_f1
from mtag_core.training.segmenters.split_encoder import (
    DROPOUT,
    ChoiceTable,
    SplitEncoder,
    SplitSentences,
    choice_loss,
    guess_splits,
    words_f1,
)
from mtag_core.training.segmenters.splits import OPEN, log_counts
from mtag_core.training.segmenters.treebanks import (
    SEGMENTED,
    SPACED_INSIDE,
    SPLITS,
    Surface,
    Treebanks,
    joined_letters,
    marked_line,
    neighbours,
    read_sentences,
    sentence_text,
    split_line,
    text_language,
    without_marks,
)

# Text that is labelled besides a language's own: in the other script.
_MORE_TEXT = {"zh": ("yue",)}
_LOGGER = logging.getLogger(__name__)
_GROUP_LINES = 20_000
_GROUP_SENTENCES = 2000
_MOST_JOINED = 4
_PIECES_A_UNIT = 2.5
_GPU_LABELLING_BUDGET = 65_536
_CPU_LABELLING_BUDGET = 4_096

# The heads of splits start from nothing, and a small treebank gives few steps.
_HEAD_FACTOR = 10.0

_Options = LabelBoundariesOptions | LabelSplitsOptions


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

    def __init__(self, encoder: nn.Module, *, hidden_size: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(2 * hidden_size, 3)

    def forward(self, batch: Batch) -> Tensor:
        """Labels a batch: shape (n_units, 3)."""
        logits: Tensor = self.head(self.dropout(end_vectors(self.encoder, batch)))
        return logits


def run(options: _Options) -> str:
    """Runs `label boundaries`, whose teachers learn all languages, or `label splits`, one by one.

    Raises:
        BundleError: A language has no segmenter to cut its text.
        CheckpointError: The teacher's directory does not fit.
        InputNotFoundError: There is no treebank, or no text.
    """
    options.output.mkdir(parents=True, exist_ok=True)
    if isinstance(options, LabelSplitsOptions):
        return list_files(
            p for language in options.languages for p in _label_splits(options, language)
        )
    more = chain.from_iterable(_MORE_TEXT.get(language, ()) for language in options.languages)
    paths = _texts(options, {*options.languages, *more})
    labeller = _BoundaryLabeller(options)
    return list_files([labeller.label(path) for path in paths])


class _BoundaryLabeller:
    """Members with a learning rate each, whose probabilities are averaged."""

    def __init__(self, options: LabelBoundariesOptions) -> None:
        self._options = options
        self._device = torch.device(options.device)
        train, dev = (self._treebanks(part) for part in ("train", "dev"))
        self._members: list[BoundaryTeacher] = []
        for seed, rate in enumerate(options.peak_rates, start=options.seed):
            self._members.append(self._trained(train, dev, rate=rate, seed=seed))
            scores = self._scores(self._members, dev)
            _LOGGER.info("%d members together: %s", len(self._members), scores)

    def label(self, path: Path) -> Path:
        """Labels one file; the output appears when it is whole."""
        name = path.name.split(".")[0]
        output = self._options.output / f"{name}{SEGMENTED}"
        with create_text(output) as sink:
            lines = filter(None, (without_marks(line).strip() for line in read_lines(path)))
            while group := list(islice(lines, _GROUP_LINES)):
                sink.writelines(self._labelled(group, has_spaces=name in SPACED_INSIDE))
                _LOGGER.info("%s: %d lines labelled", name, len(group))
        return output

    def _labelled(self, lines: Sequence[str], *, has_spaces: bool) -> Iterator[str]:
        tables = [find_units(line, has_spaces=has_spaces) for line in lines]
        units = map(_units, lines, tables)
        probs = self._probabilities(self._members, self._on_device(self._chunked(units)))
        start = 0
        for line, table in zip(lines, tables, strict=True):
            some = probs[start : start + len(table.ends)]
            start += len(table.ends)
            yield marked_line(line, table.ends, 1 - some[:, 0], some[:, 2] > 0.5)

    def _treebanks(self, part: str) -> _Chunks:
        units: list[list[str]] = []
        labels: list[int] = []
        for path in _treebanks(self._options, part, *self._options.languages):
            for text, ends in map(sentence_text, read_sentences(path)):
                table = find_units(text, has_spaces=text_language(path) in SPACED_INSIDE)
                units.append(_units(text, table))
                labels += [(end in ends) + (end == len(text)) for end in table.ends]
        return _Chunks(self._chunked(units), np.array(labels, np.int64))

    def _chunked(self, sentences: Iterable[list[str]]) -> list[list[str]]:
        # Sentences are joined, as running text does; more units than fit begin another chunk.
        most = max(1, int((self._options.max_pieces - 2) / _PIECES_A_UNIT))
        chunks = []
        for group in neighbours(sentences, _MOST_JOINED, seed=self._options.seed):
            units = [*chain.from_iterable(group)]
            chunks += [units[first : first + most] for first in range(0, len(units), most)]
        return chunks

    def _on_device(self, chunks: list[list[str]]) -> DeviceSentences:
        tokenizer = self._options.teacher / "tokenizer.json"
        return DeviceSentences.of(chunks, tokenizer, device=self._device)

    def _trained(self, train: _Chunks, dev: _Chunks, *, rate: float, seed: int) -> BoundaryTeacher:
        options = self._options
        torch.manual_seed(seed)
        tagger: Any = Network.load_teacher(options.teacher, device=self._device).model
        model = BoundaryTeacher(tagger.encoder, hidden_size=tagger.upos.in_features)
        model.to(self._device)
        sentences = self._on_device(train.units)
        labels = torch.from_numpy(train.labels).to(self._device)

        def loss(indices: NDArray[np.int64], noise: Noise) -> tuple[Tensor, int]:
            batch = sentences.batch(indices, noise)
            logits, targets = model(batch), labels[batch.token_index]
            return nn.functional.cross_entropy(logits.float(), targets), len(targets)

        minutes = options.minutes / len(options.peak_rates) if options.minutes else None
        schedule = Schedule(minutes=minutes, peak_rate=rate, seed=seed, n_evaluations=6)
        curves = options.output / f"member{seed}"
        lengths = sentences.lengths
        _train(model, lengths, loss, lambda: self._scores([model], dev), options, schedule, curves)
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
        probs = torch.zeros((int(sentences.words.n_tokens.sum()), 3), device=self._device)
        is_gpu = self._device.type == "cuda"
        budget = _GPU_LABELLING_BUDGET if is_gpu else _CPU_LABELLING_BUDGET
        generator = np.random.default_rng(0)
        batches = cut_batches(sentences.lengths, piece_budget=budget, generator=generator)
        for member in members:
            member.eval()
            for indices in batches:
                batch = sentences.batch(indices)
                with torch.autocast(self._device.type, torch.bfloat16):
                    logits = member(batch)
                probs[batch.token_index] += logits.float().softmax(-1) / len(members)
        values: NDArray[np.float32] = probs.cpu().numpy()
        return values


def _units(text: str, table: UnitTable) -> list[str]:
    return [text[start:end] for start, end in zip(table.starts, table.ends, strict=True)]


def _label_splits(options: LabelSplitsOptions, language: str) -> Iterator[Path]:
    sources = _texts(options, {language})
    names = (GENERIC, language)
    layers = [BoundaryLayer.load(options.segmenters / f"{name}.linear.npz") for name in names]
    train, dev = (
        [joined_letters(sentence) for path in paths for sentence in read_sentences(path)]
        for paths in (_treebanks(options, part, language) for part in ("train", "dev"))
    )
    counts = log_counts(chain.from_iterable(map(read_lines, sources)), OPEN)
    tokens = chain.from_iterable(train)
    table = ChoiceTable(tokens, counts, Path(options.encoder) / "tokenizer.json")

    def placed(sentences: list[list[Surface]]) -> SplitSentences:
        device = torch.device(options.device)
        return SplitSentences(sentences, table, max_pieces=options.max_pieces, device=device)

    encoder = _split_encoder(options, language, placed(train), placed(dev))
    for source in sources:
        name = source.name.split(".")[0]
        output = options.output / f"{name}{SPLITS}"
        with create_text(output) as sink:
            text = _surface_sentences(read_lines(source), SpacedTokenizer(layers))
            while group := list(islice(text, _GROUP_SENTENCES)):
                sentences = placed(group)
                sink.writelines(_split_lines(encoder, sentences, options.least_probability))
                _LOGGER.info("%s: %d tokens labelled", name, len(sentences.tokens))
        yield output


def _split_encoder(
    options: LabelSplitsOptions, language: str, train: SplitSentences, dev: SplitSentences
) -> SplitEncoder:
    torch.manual_seed(options.seed)
    encoder = load_encoder(options.encoder, n_extra_pieces=0, dropout=DROPOUT)
    model = SplitEncoder(encoder, width=hidden_size(encoder), n_parts=train.table.n_parts)
    model.to(torch.device(options.device))

    def loss(indices: NDArray[np.int64], noise: Noise) -> tuple[Tensor, int]:
        batch, choices = train.batch(indices, noise)
        scores = model(batch, choices).float()
        return choice_loss(scores, choices, n_tokens=len(batch.token_index))

    def scores() -> dict[str, float]:
        return {"dev_words": words_f1(model, dev)}

    schedule = Schedule(minutes=options.minutes, peak_rate=options.peak_rate, seed=options.seed)
    schedule = replace(schedule, head_factor=_HEAD_FACTOR)
    _train(model, train.n_pieces, loss, scores, options, schedule, options.output / language)
    return model


def _surface_sentences(lines: Iterable[str], tokenizer: SpacedTokenizer) -> Iterator[list[Surface]]:
    for line in map(str.strip, lines):
        block = tokenizer.tokenize(line, [(0, len(line))])
        for first, last in pairwise([0, *block.sentence_ends]):
            yield [Surface(form, ()) for form in block.forms[first:last]]


def _split_lines(
    encoder: SplitEncoder, sentences: SplitSentences, least_probability: float
) -> Iterator[str]:
    guesses = iter(guess_splits(encoder, sentences))
    for sentence in sentences.sentences:
        # The sentence ends first, and leaves the other guesses where they are.
        yield split_line(
            [
                token._replace(tokens=parts if probability >= least_probability else ())
                for token, (parts, probability) in zip(sentence, guesses, strict=False)
            ]
        )


def _texts(options: _Options, languages: set[str]) -> list[Path]:
    paths = [path for path in text_files(options.text) if text_language(path) in languages]
    if not paths:
        raise InputNotFoundError(f"{options.text}: no text of {', '.join(sorted(languages))}")
    return paths


def _treebanks(options: _Options, part: str, *languages: str) -> list[Path]:
    files = Treebanks(options.treebanks).part(part)
    paths = [path for language in languages for path in files.get(language, ())]
    if not paths:
        names = ", ".join(languages)
        raise InputNotFoundError(f"{options.treebanks}: no {part} file of {names}")
    return paths


def _train(
    model: nn.Module,
    n_pieces: NDArray[np.int32],
    loss: Callable[[NDArray[np.int64], Noise], tuple[Tensor, int]],
    scores: Callable[[], dict[str, float]],
    options: _Options,
    schedule: Schedule,
    curves: Path,
) -> None:
    noise = replace(NO_NOISE, piece_dropout=options.piece_dropout)

    def epoch(number: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
        return cut_batches(n_pieces, piece_budget=options.piece_budget, generator=generator)

    curves.mkdir(exist_ok=True)
    schedule = replace(schedule, epochs=options.epochs, warmup_share=0.1)
    with TrainingLog(curves, is_writer=True) as log:
        task = TrainingTask(model, epoch, lambda indices: loss(indices, noise), scores)
        Trainer(task, schedule, log=log).run()
