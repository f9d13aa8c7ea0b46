"""Labels text with fine-tuned encoders, for `train segmenters --labelled`.

What small models can learn from a treebank is limited by its size. A pretrained encoder needs fewer
examples; it marks text for them. For the networks of Japanese, Vietnamese and Chinese a teacher
says where tokens and sentences end; for split models an encoder splits surface tokens
(`split_encoder`).
"""

import logging
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
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
from mtag_core.storage import create_text, open_text
from mtag_core.training.data.datasets import NO_NOISE, cut_batches
from mtag_core.training.data.pieces import DeviceSentences
from mtag_core.training.loops.trainer import Trainer, TrainingTask
from mtag_core.training.loops.training_log import TrainingLog
from mtag_core.training.networks.model import Batch, end_vectors
from mtag_core.training.networks.model_files import Network
from mtag_core.training.networks.pretrained import hidden_size, load_encoder
from mtag_core.training.options import Schedule
from mtag_core.training.records import list_files
from mtag_core.training.segmenter_options import LabelBoundariesOptions, LabelSplitsOptions
from mtag_core.training.segmenters.gap_networks import treebank_marks
from mtag_core.training.segmenters.marked_text import n_right_spans
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
    Sentences,
    Surface,
    joined_letters,
    marked_line,
    read_sentences,
    split_line,
    text_language,
    treebank_files_of,
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
        logits: Tensor = self.head(self.dropout(end_vectors(self.encoder, batch)))
        return logits


def run(options: LabelBoundariesOptions | LabelSplitsOptions) -> str:
    """Runs `label boundaries` or `label splits`."""
    if isinstance(options, LabelBoundariesOptions):
        return list_files(label_boundaries(options))
    return list_files(label_splits(options))


def label_boundaries(options: LabelBoundariesOptions) -> list[Path]:
    """Trains boundary teachers and labels all text in their languages.

    Returns:
        The labelled files.

    Raises:
        CheckpointError: The teacher's directory does not fit.
        InputNotFoundError: There is no treebank, or no text.
    """
    more = (_MORE_TEXT.get(language, ()) for language in options.languages)
    wanted = {*options.languages, *chain.from_iterable(more)}
    paths = [p for p in sorted(options.text.glob("*.txt.xz")) if text_language(p) in wanted]
    if not paths:
        raise InputNotFoundError(f"{options.text}: no .txt.xz file of {', '.join(sorted(wanted))}")
    labeller = _BoundaryLabeller(options)
    return [labeller.label(path) for path in paths]


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
        for language in self._options.languages:
            has_spaces = language in SPACED_INSIDE
            for path in treebank_files_of(self._options.treebanks, language, part):
                for text, ends in treebank_marks(read_sentences(path)):
                    table = find_units(text, has_spaces=has_spaces)
                    units.append(_units(text, table))
                    labels += [(end in ends) + (end == len(text)) for end in table.ends]
        if not units:
            languages = ", ".join(self._options.languages)
            raise InputNotFoundError(f"{self._options.treebanks}: no {part} file of {languages}")
        return _Chunks(self._chunked(units), np.array(labels, np.int64))

    def _chunked(self, sentences: Iterable[list[str]]) -> list[list[str]]:
        # Sentences are joined, as running text does; more units than fit begin another chunk.
        generator, rest = random.Random(self._options.seed), iter(sentences)
        most = max(1, int((self._options.max_pieces - 2) / _PIECES_A_UNIT))
        chunks = []
        while group := list(islice(rest, generator.randint(1, _MOST_JOINED))):
            units = [unit for sentence in group for unit in sentence]
            chunks += [units[first : first + most] for first in range(0, len(units), most)]
        return chunks

    def _on_device(self, chunks: list[list[str]]) -> DeviceSentences:
        tokenizer = self._options.teacher / "tokenizer.json"
        return DeviceSentences.of(chunks, tokenizer, device=self._device)

    def _trained(self, train: _Chunks, dev: _Chunks, *, rate: float, seed: int) -> BoundaryTeacher:
        torch.manual_seed(seed)
        tagger: Any = Network.load_teacher(self._options.teacher, device=self._device).model
        model = BoundaryTeacher(tagger.encoder, hidden_size=tagger.upos.in_features)
        model.to(self._device)
        sentences = self._on_device(train.units)
        labels = torch.from_numpy(train.labels).to(self._device)

        noise = replace(NO_NOISE, piece_dropout=self._options.piece_dropout)

        def loss(indices: NDArray[np.int64]) -> tuple[Tensor, int]:
            batch = sentences.batch(indices, noise)
            logits, targets = model(batch), labels[batch.token_index]
            return nn.functional.cross_entropy(logits.float(), targets), len(targets)

        options = self._options
        minutes = options.minutes / len(options.peak_rates) if options.minutes else None
        schedule = Schedule(epochs=options.epochs, minutes=minutes, peak_rate=rate, seed=seed)
        _train(
            model,
            sentences.lengths,
            loss,
            lambda: self._scores([model], dev),
            schedule=replace(schedule, warmup_share=0.1, n_evaluations=6),
            piece_budget=options.piece_budget,
            curves=options.output / f"member{seed}",
        )
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
        batches = cut_batches(
            sentences.lengths,
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


def label_splits(options: LabelSplitsOptions) -> list[Path]:
    """Trains an encoder for each language to split tokens, and labels the language's text.

    Returns:
        The labelled files.

    Raises:
        BundleError: A language has no segmenter to cut its text.
        InputNotFoundError: A language has no treebank or no text.
    """
    return [_label_splits(options, language) for language in options.languages]


def _label_splits(options: LabelSplitsOptions, language: str) -> Path:
    source = options.text / f"{language}.txt.xz"
    if not source.exists():
        raise InputNotFoundError(f"{source}: no text to label")
    names = (GENERIC, language)
    layers = [BoundaryLayer.load(options.segmenters / f"{name}.linear.npz") for name in names]
    train, dev = (_treebank(options.treebanks, part, language) for part in ("train", "dev"))
    with open_text(source) as lines:
        counts = log_counts(lines, n_counts=OPEN.n_counts, min_count=OPEN.min_count)
    tokens = (token for sentence in train for token in sentence)
    table = ChoiceTable(tokens, counts, Path(options.encoder) / "tokenizer.json")

    def placed(sentences: Sequence[Sequence[Surface]]) -> SplitSentences:
        device = torch.device(options.device)
        return SplitSentences(sentences, table, max_pieces=options.max_pieces, device=device)

    encoder = _split_encoder(options, language, placed(train), placed(dev))
    output = options.output / f"{language}{SPLITS}"
    n_tokens = 0
    with create_text(output) as sink, open_text(source) as lines:
        text = _surface_sentences(lines, SpacedTokenizer(layers))
        while group := list(islice(text, _GROUP_SENTENCES)):
            sentences = placed(group)
            sink.writelines(_split_lines(encoder, sentences, options.least_probability))
            n_tokens += len(sentences.tokens)
            _LOGGER.info("%s: %d tokens labelled", language, n_tokens)
    return output


def _split_encoder(
    options: LabelSplitsOptions, language: str, train: SplitSentences, dev: SplitSentences
) -> SplitEncoder:
    torch.manual_seed(options.seed)
    encoder = load_encoder(options.encoder, n_extra_pieces=0, dropout=DROPOUT)
    model = SplitEncoder(encoder, width=hidden_size(encoder), n_parts=train.table.n_parts)
    model.to(torch.device(options.device))
    noise = replace(NO_NOISE, piece_dropout=options.piece_dropout)

    def loss(indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        batch, choices = train.batch(indices, noise)
        scores = model(batch, choices).float()
        return choice_loss(scores, choices, n_tokens=len(batch.token_index))

    schedule = Schedule(epochs=options.epochs, minutes=options.minutes, seed=options.seed)
    _train(
        model,
        train.n_pieces,
        loss,
        lambda: {"dev_words": words_f1(model, dev)},
        schedule=replace(
            schedule, peak_rate=options.peak_rate, warmup_share=0.1, head_factor=_HEAD_FACTOR
        ),
        piece_budget=options.piece_budget,
        curves=options.output / language,
    )
    return model


def _treebank(treebanks: Path, part: str, language: str) -> Sentences:
    paths = treebank_files_of(treebanks, language, part)
    if not paths:
        raise InputNotFoundError(f"{treebanks}: no {part} file of {language}")
    return [joined_letters(sentence) for path in paths for sentence in read_sentences(path)]


def _surface_sentences(lines: Iterable[str], tokenizer: SpacedTokenizer) -> Iterator[list[Surface]]:
    for line in map(str.strip, lines):
        block = tokenizer.tokenize(line, [(0, len(line))])
        first = 0
        for last in block.sentence_ends:
            yield [Surface(form, (), has_space=True) for form in block.forms[first:last]]
            first = last


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


def _train(
    model: nn.Module,
    n_pieces: NDArray[np.int32],
    loss: Callable[[NDArray[np.int64]], tuple[Tensor, int]],
    scores: Callable[[], dict[str, float]],
    *,
    schedule: Schedule,
    piece_budget: int,
    curves: Path,
) -> None:
    def epoch(number: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
        return cut_batches(n_pieces, piece_budget=piece_budget, generator=generator)

    curves.mkdir(parents=True, exist_ok=True)
    with TrainingLog(curves, is_writer=True) as log:
        Trainer(TrainingTask(model, epoch, loss, scores), schedule, log=log).run()


def span_f1(guessed: NDArray[np.bool_], gold: NDArray[np.bool_]) -> float:
    """F1 of the spans between ends, in percent; one is right if both of its ends are.

    Example: ends [F, T, T] guessed, [T, T, T] gold: one span of two and three is right: 40.0.
    """
    n_right = n_right_spans(guessed, gold)
    return 200.0 * n_right / max(1, int(guessed.sum()) + int(gold.sum()))


def _units(text: str, table: UnitTable) -> list[str]:
    return [text[start:end] for start, end in zip(table.starts, table.ends, strict=True)]


def _line_groups(path: Path) -> Iterator[list[str]]:
    with open_text(path, newline="\n") as stream:
        lines = filter(None, (without_marks(line).strip() for line in stream))
        while group := list(islice(lines, _GROUP_LINES)):
            yield group
