"""Labels text with fine-tuned encoders, for `train segmenters --labelled`.

What small models can learn from a treebank is limited by its size. A pretrained encoder needs fewer
examples; it marks text for them. For the networks of Japanese, Vietnamese and Chinese a teacher
says where tokens and sentences end; for split models an encoder splits surface tokens
(`split_encoder`).
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

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
from mtag_core.training.data.treebanks import (
    Surface,
    joined_letters,
    read_lines,
    read_sentences,
    sentence_text,
    text_files,
)
from mtag_core.training.loops.trainer import Trainer, TrainingLog, TrainingTask
from mtag_core.training.networks.model import Batch, end_vectors
from mtag_core.training.networks.model_files import Network
from mtag_core.training.networks.pretrained import hidden_size, load_encoder
from mtag_core.training.options import Noise, Schedule
from mtag_core.training.records import list_files
from mtag_core.training.segmenter_options import LabelBoundariesOptions, LabelSplitsOptions
from mtag_core.training.segmenters import split_encoder, treebanks
from mtag_core.training.segmenters.marked_text import span_f1
from mtag_core.training.segmenters.splits import OPEN, log_counts

# Text that is labelled besides a language's own: in the other script.
_MORE_TEXT = {"zh": ("yue",)}
_LOGGER = logging.getLogger(__name__)
_GROUP_LINES, _GROUP_SENTENCES = 20_000, 2_000
_MOST_JOINED = 4
_PIECES_A_UNIT = 2.5
_GPU_BUDGET, _CPU_BUDGET = 65_536, 4_096

# The heads of splits start from nothing, and a small treebank gives few steps.
_HEAD_FACTOR = 10.0

_Options = LabelBoundariesOptions | LabelSplitsOptions
_Labelled = tuple[DeviceSentences, NDArray[np.int64]]


class BoundaryTeacher(nn.Module):
    """Gives each unit the logits of 0 inside a token, 1 at its end, 2 at a sentence's too."""

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
    if isinstance(options, LabelBoundariesOptions):
        return list_files(_label_boundaries(options))
    labelled = (_label_splits(options, language) for language in options.languages)
    return list_files(chain.from_iterable(labelled))


def _label_boundaries(options: LabelBoundariesOptions) -> Iterator[Path]:
    more = chain.from_iterable(_MORE_TEXT.get(language, ()) for language in options.languages)
    texts = _texts(options, *options.languages, *more)
    train, dev = (_boundaries(options, part) for part in ("train", "dev"))
    members: list[BoundaryTeacher] = []
    for seed, rate in enumerate(options.peak_rates, start=options.seed):
        members.append(_boundary_teacher(options, train, dev, rate=rate, seed=seed))
        _LOGGER.info("%d members together: %s", len(members), _scores(members, *dev))
    for name, path in texts.items():
        has_spaces = _has_spaces(path)
        output = options.output / f"{name}{treebanks.SEGMENTED}"
        with create_text(output) as sink:
            lines = filter(None, (treebanks.without_marks(s).strip() for s in read_lines(path)))
            while group := list(islice(lines, _GROUP_LINES)):
                tables = [find_units(line, has_spaces=has_spaces) for line in group]
                probs = _probabilities(members, _placed(options, map(_units, group, tables)))
                starts = np.cumsum([len(table.ends) for table in tables[:-1]])
                for line, table, some in zip(group, tables, np.split(probs, starts), strict=True):
                    is_last = some[:, 2] > 0.5
                    sink.write(treebanks.marked_line(line, table.ends, 1 - some[:, 0], is_last))
                _LOGGER.info("%s: %d lines labelled", name, len(group))
        yield output


def _boundaries(options: LabelBoundariesOptions, part: str) -> _Labelled:
    units: list[list[str]] = []
    labels: list[int] = []
    for path in _treebanks(options, part, *options.languages):
        for text, ends in map(sentence_text, read_sentences(path)):
            table = find_units(text, has_spaces=_has_spaces(path))
            units.append(_units(text, table))
            labels += [(end in ends) + (end == len(text)) for end in table.ends]
    return _placed(options, units), np.array(labels, np.int64)


def _has_spaces(path: Path) -> bool:
    return treebanks.text_language(path) in treebanks.SPACED_INSIDE


def _units(text: str, table: UnitTable) -> list[str]:
    return [text[start:end] for start, end in zip(table.starts, table.ends, strict=True)]


def _placed(options: LabelBoundariesOptions, sentences: Iterable[list[str]]) -> DeviceSentences:
    # Sentences are joined, as running text does; more units than fit begin another chunk.
    most = max(1, int((options.max_pieces - 2) / _PIECES_A_UNIT))
    chunks = []
    for group in treebanks.neighbours(sentences, _MOST_JOINED, seed=options.seed):
        units = [*chain.from_iterable(group)]
        chunks += [units[first : first + most] for first in range(0, len(units), most)]
    tokenizer, device = options.teacher / "tokenizer.json", torch.device(options.device)
    return DeviceSentences.of(chunks, tokenizer, device=device)


def _boundary_teacher(
    options: LabelBoundariesOptions, train: _Labelled, dev: _Labelled, *, rate: float, seed: int
) -> BoundaryTeacher:
    torch.manual_seed(seed)
    sentences, device = train[0], train[0].device
    tagger: Any = Network.load_teacher(options.teacher, device=device).model
    model = BoundaryTeacher(tagger.encoder, hidden_size=tagger.upos.in_features).to(device)
    labels = torch.from_numpy(train[1]).to(device)

    def loss(indices: NDArray[np.int64], noise: Noise) -> tuple[Tensor, int]:
        batch = sentences.batch(indices, noise)
        logits, targets = model(batch), labels[batch.token_index]
        return nn.functional.cross_entropy(logits.float(), targets), len(targets)

    minutes = options.minutes / len(options.peak_rates) if options.minutes else None
    schedule = Schedule(minutes=minutes, peak_rate=rate, seed=seed, n_evaluations=6)
    scores = partial(_scores, [model], *dev)
    _train(model, sentences, loss, scores, options, schedule, f"member{seed}")
    return model


def _scores(
    members: Sequence[BoundaryTeacher], dev: DeviceSentences, labels: NDArray[np.int64]
) -> dict[str, float]:
    guesses = _probabilities(members, dev).argmax(-1)
    return {
        "dev_tokens": span_f1(guesses > 0, labels > 0),
        "dev_sentences": span_f1(guesses > 1, labels > 1),
    }


@torch.no_grad()
def _probabilities(
    members: Sequence[BoundaryTeacher], sentences: DeviceSentences
) -> NDArray[np.float32]:
    kind = sentences.device.type
    probs = torch.zeros((len(sentences.words.form_ids), 3), device=sentences.device)
    budget = _GPU_BUDGET if kind == "cuda" else _CPU_BUDGET
    generator = np.random.default_rng(0)
    batches = cut_batches(sentences.lengths, piece_budget=budget, generator=generator)
    for member in members:
        member.eval()
        for indices in batches:
            batch = sentences.batch(indices)
            with torch.autocast(kind, torch.bfloat16):
                logits = member(batch)
            probs[batch.token_index] += logits.float().softmax(-1) / len(members)
    values: NDArray[np.float32] = probs.cpu().numpy()
    return values


def _label_splits(options: LabelSplitsOptions, language: str) -> Iterator[Path]:
    texts = _texts(options, language)
    names = (GENERIC, language)
    layers = [BoundaryLayer.load(options.segmenters / f"{name}.linear.npz") for name in names]
    train, dev = (
        [joined_letters(s) for path in paths for s in read_sentences(path)]
        for paths in (_treebanks(options, part, language) for part in ("train", "dev"))
    )
    counts = log_counts(chain.from_iterable(map(read_lines, texts.values())), OPEN)
    tokenizer, tokens = Path(options.encoder) / "tokenizer.json", chain.from_iterable(train)
    device, max_pieces = torch.device(options.device), options.max_pieces
    table = split_encoder.ChoiceTable(tokens, counts, tokenizer, max_pieces, device)
    encoder = _split_encoder(options, language, table.place(train), table.place(dev))
    for name, path in texts.items():
        output = options.output / f"{name}{treebanks.SPLITS}"
        with create_text(output) as sink:
            text = _surface_sentences(read_lines(path), SpacedTokenizer(layers))
            while group := list(islice(text, _GROUP_SENTENCES)):
                sentences = table.place(group)
                guesses = iter(split_encoder.guess_splits(encoder, sentences))
                for sentence in sentences.sentences:
                    some = zip(sentence, islice(guesses, len(sentence)), strict=True)
                    sure = [
                        (t, p if prob >= options.least_probability else ()) for t, (p, prob) in some
                    ]
                    sink.write(treebanks.split_line([t._replace(tokens=p) for t, p in sure]))
                _LOGGER.info("%s: %d tokens labelled", name, len(sentences.tokens))
        yield output


def _split_encoder(
    options: LabelSplitsOptions,
    language: str,
    train: split_encoder.SplitSentences,
    dev: split_encoder.SplitSentences,
) -> split_encoder.SplitEncoder:
    torch.manual_seed(options.seed)
    table = train.table
    encoder = load_encoder(options.encoder, n_extra_pieces=0, dropout=split_encoder.DROPOUT)
    width, n_parts = hidden_size(encoder), table.n_parts
    model = split_encoder.SplitEncoder(encoder, width=width, n_parts=n_parts).to(table.device)

    def loss(indices: NDArray[np.int64], noise: Noise) -> tuple[Tensor, int]:
        batch, choices = train.batch(indices, noise)
        scores = model(batch, choices).float()
        return split_encoder.choice_loss(scores, choices, n_tokens=len(batch.token_index))

    def scores() -> dict[str, float]:
        return {"dev_words": split_encoder.words_f1(model, dev)}

    schedule = Schedule(minutes=options.minutes, peak_rate=options.peak_rate, seed=options.seed)
    schedule = replace(schedule, head_factor=_HEAD_FACTOR)
    _train(model, train.on_device, loss, scores, options, schedule, language)
    return model


def _surface_sentences(lines: Iterable[str], tokenizer: SpacedTokenizer) -> Iterator[list[Surface]]:
    for line in map(str.strip, lines):
        block = tokenizer.tokenize(line, [(0, len(line))])
        for first, last in pairwise([0, *block.sentence_ends]):
            yield [Surface(form, ()) for form in block.forms[first:last]]


def _texts(options: _Options, *languages: str) -> dict[str, Path]:
    texts = text_files(options.text)
    texts = {n: p for n, p in texts.items() if treebanks.text_language(p) in languages}
    if not texts:
        raise InputNotFoundError(f"{options.text}: no text of {', '.join(sorted(languages))}")
    return texts


def _treebanks(options: _Options, part: str, *languages: str) -> list[Path]:
    files = treebanks.Treebanks(options.treebanks).part(part)
    paths = [path for language in languages for path in files.get(language, ())]
    if not paths:
        names = ", ".join(languages)
        raise InputNotFoundError(f"{options.treebanks}: no {part} file of {names}")
    return paths


def _train(
    model: nn.Module,
    sentences: DeviceSentences,
    loss: Callable[[NDArray[np.int64], Noise], tuple[Tensor, int]],
    scores: Callable[[], dict[str, float]],
    options: _Options,
    schedule: Schedule,
    name: str,
) -> None:
    noise = replace(NO_NOISE, piece_dropout=options.piece_dropout)

    def epoch(number: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
        budget = options.piece_budget
        return cut_batches(sentences.lengths, piece_budget=budget, generator=generator)

    task = TrainingTask(model, epoch, lambda indices: loss(indices, noise), scores)
    schedule = replace(schedule, epochs=options.epochs, warmup_share=0.1)
    directory = options.output / name
    directory.mkdir(parents=True, exist_ok=True)
    with TrainingLog(directory, is_writer=True) as log:
        Trainer(task, schedule, log=log).run()
