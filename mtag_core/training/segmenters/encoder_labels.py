"""Labels text with fine-tuned encoders, for `train segmenters --labelled`.

What small models can learn from a treebank is limited by its size. A pretrained encoder needs fewer
examples; it marks text for them. For the networks of Japanese, Vietnamese and Chinese a teacher
says where tokens and sentences end; for split models an encoder splits surface tokens
(`split_encoder`).
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.segmentation.languages import GENERIC
from mtag_core.segmentation.spaced import SpacedTokenizer
from mtag_core.segmentation.units import UnitTable
from mtag_core.storage import create_text
from mtag_core.training.data.datasets import NO_NOISE, cut_batches
from mtag_core.training.data.pieces import DeviceSentences
from mtag_core.training.data.treebanks import (
    Surface,
    joined_letters,
    read_lines,
    read_sentences,
    sentence_text,
)
from mtag_core.training.loops.trainer import Trainer, TrainingLog, TrainingTask
from mtag_core.training.networks.model import Batch, end_vectors
from mtag_core.training.networks.model_files import Network
from mtag_core.training.networks.pretrained import hidden_size, load_encoder
from mtag_core.training.options import Noise, Schedule
from mtag_core.training.records import list_files
from mtag_core.training.segmenter_options import LabelBoundariesOptions, LabelSplitsOptions
from mtag_core.training.segmenters import dictionaries, split_encoder, treebanks
from mtag_core.training.segmenters.dictionaries import tagged_units
from mtag_core.training.segmenters.marked_text import span_f1
from mtag_core.training.segmenters.splits import OPEN, log_counts

_LOGGER = logging.getLogger(__name__)
_GROUP_LINES, _GROUP_SENTENCES = 20_000, 2_000
_MOST_JOINED = 4
_PIECES_A_UNIT = 2.5
_GPU_BUDGET, _CPU_BUDGET = 65_536, 4_096

# The heads of splits start from nothing, and a small treebank gives few steps.
_HEAD_FACTOR = 10.0

_Options = LabelBoundariesOptions | LabelSplitsOptions
_TaggedUnits = tuple[list[str], list[str]]


class _Units(NamedTuple):
    """Units on a device, rows of their tags, and how many rows `BoundaryTeacher` has."""

    sentences: DeviceSentences
    tags: Tensor
    n_tags: int


_Labelled = tuple[_Units, NDArray[np.int64]]


class BoundaryTeacher(nn.Module):
    """Gives each unit the logits of 0 inside a token, 1 at its end, 2 at a sentence's too.

    A dictionary's tags are added to the embeddings of units; row 0 of them says nothing.
    """

    def __init__(self, encoder: nn.Module, *, hidden_size: int, n_tags: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.tags = nn.Embedding(n_tags, hidden_size, padding_idx=0)
        nn.init.zeros_(self.tags.weight)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(2 * hidden_size, 3)

    def forward(self, batch: Batch, tags: Tensor) -> Tensor:
        """Labels a batch: rows of its tags, shape (n_units,), to shape (n_units, 3)."""
        vectors = end_vectors(self.encoder, batch, self.tags(tags))
        logits: Tensor = self.head(self.dropout(vectors))
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
    texts = treebanks.texts_of(options.text, options.languages)
    read = [_tagged_treebanks(options, part) for part in ("train", "dev")]
    tags = {tag for _, unit_tags in read[0][0] for tag in unit_tags} - {dictionaries.NOT_ASKED}
    tag_to_row = {tag: row for row, tag in enumerate(sorted(tags), start=1)}
    train, dev = ((_placed(options, some, tag_to_row), labels) for some, labels in read)
    members: list[BoundaryTeacher] = []
    for seed, rate in enumerate(options.peak_rates, start=options.seed):
        members.append(_boundary_teacher(options, train, dev, rate=rate, seed=seed))
        _LOGGER.info("%d members together: %s", len(members), _scores(members, *dev))
    for name, path in texts.items():
        output = options.output / f"{name}{treebanks.SEGMENTED}"
        with create_text(output) as sink:
            lines = tagged_units(treebanks.text_lines(path), path, options.dictionary)
            while group := list(islice(lines, _GROUP_LINES)):
                units = [(_units(text, table), tags) for text, table, tags in group]
                probs = _probabilities(members, _placed(options, units, tag_to_row))
                starts = np.cumsum([len(table.ends) for _, table, _ in group[:-1]])
                for (text, table, _), some in zip(group, np.split(probs, starts), strict=True):
                    is_last = some[:, 2] > 0.5
                    sink.write(treebanks.marked_line(text, table.ends, 1 - some[:, 0], is_last))
                _LOGGER.info("%s: %d lines labelled", name, len(group))
        yield output


def _tagged_treebanks(
    options: LabelBoundariesOptions, part: str
) -> tuple[list[_TaggedUnits], NDArray[np.int64]]:
    units: list[_TaggedUnits] = []
    labels: list[int] = []
    for path in treebanks.files_of(options.treebanks, part, options.languages):
        sentences = list(map(sentence_text, read_sentences(path)))
        tagged = tagged_units((text for text, _ in sentences), path, options.dictionary)
        for (text, table, tags), (_, token_ends) in zip(tagged, sentences, strict=True):
            units.append((_units(text, table), tags))
            labels += [(end in token_ends) + (end == len(text)) for end in table.ends]
    return units, np.array(labels, np.int64)


def _units(text: str, table: UnitTable) -> list[str]:
    return [text[start:end] for start, end in zip(table.starts, table.ends, strict=True)]


def _placed(
    options: LabelBoundariesOptions,
    sentences: Sequence[_TaggedUnits],
    tag_to_row: Mapping[str, int],
) -> _Units:
    # Sentences are joined, as running text does; more units than fit begin another chunk.
    most = max(1, int((options.max_pieces - 2) / _PIECES_A_UNIT))
    chunks = []
    for group in treebanks.neighbours(
        (units for units, _ in sentences), _MOST_JOINED, seed=options.seed
    ):
        units = [*chain.from_iterable(group)]
        chunks += [units[first : first + most] for first in range(0, len(units), most)]
    tokenizer, device = options.teacher / "tokenizer.json", torch.device(options.device)
    rows = [tag_to_row.get(tag, 0) for _, tags in sentences for tag in tags]
    placed = DeviceSentences.of(chunks, tokenizer, device=device)
    return _Units(placed, torch.tensor(rows, device=device), len(tag_to_row) + 1)


def _boundary_teacher(
    options: LabelBoundariesOptions, train: _Labelled, dev: _Labelled, *, rate: float, seed: int
) -> BoundaryTeacher:
    torch.manual_seed(seed)
    (sentences, tags, n_tags), device = train[0], train[0].tags.device
    tagger: Any = Network.load_teacher(options.teacher, device=device).model
    width = tagger.upos.in_features
    model = BoundaryTeacher(tagger.encoder, hidden_size=width, n_tags=n_tags).to(device)
    labels = torch.from_numpy(train[1]).to(device)

    def loss(indices: NDArray[np.int64], noise: Noise) -> tuple[Tensor, int]:
        batch = sentences.batch(indices, noise)
        logits, targets = model(batch, tags[batch.token_index]), labels[batch.token_index]
        return nn.functional.cross_entropy(logits.float(), targets), len(targets)

    minutes = options.minutes / len(options.peak_rates) if options.minutes else None
    schedule = Schedule(minutes=minutes, peak_rate=rate, seed=seed, n_evaluations=6)
    scores = partial(_scores, [model], *dev)
    _train(model, sentences, loss, scores, options, schedule, f"member{seed}")
    return model


def _scores(
    members: Sequence[BoundaryTeacher], dev: _Units, labels: NDArray[np.int64]
) -> dict[str, float]:
    guesses = _probabilities(members, dev).argmax(-1)
    return {
        "dev_tokens": span_f1(guesses > 0, labels > 0),
        "dev_sentences": span_f1(guesses > 1, labels > 1),
    }


@torch.no_grad()
def _probabilities(members: Sequence[BoundaryTeacher], units: _Units) -> NDArray[np.float32]:
    sentences, tags, _ = units
    kind = tags.device.type
    probs = torch.zeros((len(tags), 3), device=tags.device)
    budget = _GPU_BUDGET if kind == "cuda" else _CPU_BUDGET
    generator = np.random.default_rng(0)
    batches = cut_batches(sentences.lengths, piece_budget=budget, generator=generator)
    for member in members:
        member.eval()
        for indices in batches:
            batch = sentences.batch(indices)
            with torch.autocast(kind, torch.bfloat16):
                logits = member(batch, tags[batch.token_index])
            probs[batch.token_index] += logits.float().softmax(-1) / len(members)
    values: NDArray[np.float32] = probs.cpu().numpy()
    return values


def _label_splits(options: LabelSplitsOptions, language: str) -> Iterator[Path]:
    texts = treebanks.texts_of(options.text, [language])
    names = (GENERIC, language)
    layers = [BoundaryLayer.load(options.segmenters / f"{name}.linear.npz") for name in names]
    train, dev = (
        [joined_letters(s) for path in paths for s in read_sentences(path)]
        for paths in (
            treebanks.files_of(options.treebanks, p, [language]) for p in ("train", "dev")
        )
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
