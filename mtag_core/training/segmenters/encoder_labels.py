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
from mtag_core.training.networks.pretrained import load_encoder
from mtag_core.training.options import Noise, Schedule
from mtag_core.training.records import list_files
from mtag_core.training.segmenter_options import LabelBoundariesOptions, LabelSplitsOptions
from mtag_core.training.segmenters import split_encoder, treebanks
from mtag_core.training.segmenters.dictionaries import NOT_ASKED, tagged_units
from mtag_core.training.segmenters.layers import span_f1
from mtag_core.training.segmenters.splits import OPEN, log_counts

_LOGGER = logging.getLogger(__name__)
_GROUP_LINES, _GROUP_SENTENCES = 20_000, 2_000
_MOST_JOINED = 4
_PIECES_A_UNIT = 2.5
_GPU_BUDGET, _CPU_BUDGET = 65_536, 4_096
# The heads of splits start from nothing, and a small treebank gives few steps.
_HEAD_FACTOR = 10.0

_Options = LabelBoundariesOptions | LabelSplitsOptions
_Loss = Callable[[NDArray[np.int64], Noise], tuple[Tensor, int]]


class _Units(NamedTuple):
    """Units on a device, rows of their tags, and labels, where they are known."""

    sentences: DeviceSentences
    tags: Tensor
    labels: Tensor


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
    (train, train_labels), (dev, dev_labels) = (_read(options, part) for part in ("train", "dev"))
    tags = sorted({tag for _, tag in chain.from_iterable(train)} - {NOT_ASKED})
    place = partial(_placed, options, {tag: row for row, tag in enumerate(tags, start=1)})
    on_device, held_out = place(train, train_labels), place(dev, dev_labels)
    members: list[BoundaryTeacher] = []
    for seed, rate in enumerate(options.peak_rates, start=options.seed):
        torch.manual_seed(seed)
        tagger: Any = Network.load_teacher(options.teacher, device=on_device.tags.device).model
        width = tagger.upos.in_features
        member = BoundaryTeacher(tagger.encoder, hidden_size=width, n_tags=len(tags) + 1)
        member.to(on_device.tags.device)
        minutes = options.minutes / len(options.peak_rates) if options.minutes else None
        schedule = Schedule(minutes=minutes, peak_rate=rate, seed=seed, n_evaluations=6)
        loss, scores = partial(_loss, member, on_device), partial(_scores, [member], held_out)
        _train(member, on_device.sentences, loss, scores, options, schedule, f"member{seed}")
        members.append(member)
        _LOGGER.info("%d members together: %s", len(members), _scores(members, held_out))

    def labelled(path: Path) -> Iterator[str]:
        lines = tagged_units(treebanks.text_lines(path), path, options.dictionary)
        while group := list(islice(lines, _GROUP_LINES)):
            probs = _probabilities(members, place([units for _, _, units in group]))
            starts = np.cumsum([len(ends) for _, ends, _ in group[:-1]])
            for (text, ends, _), some in zip(group, np.split(probs, starts), strict=True):
                yield treebanks.marked_line(text, ends, some)
            _LOGGER.info("%s: %d lines labelled", path.name, len(group))

    yield from _written(options, texts, treebanks.SEGMENTED, labelled)


def _read(
    options: LabelBoundariesOptions, part: str
) -> tuple[list[list[tuple[str, str]]], list[int]]:
    sentences, labels = [], []
    for path in treebanks.files_of(options.treebanks, part, options.languages):
        known = list(map(sentence_text, read_sentences(path)))
        tagged = tagged_units((text for text, _ in known), path, options.dictionary)
        for (text, ends, units), (_, token_ends) in zip(tagged, known, strict=True):
            sentences.append(units)
            labels += [(end in token_ends) + (end == len(text)) for end in ends]
    return sentences, labels


def _placed(
    options: LabelBoundariesOptions,
    tag_to_row: Mapping[str, int],
    sentences: Sequence[list[tuple[str, str]]],
    labels: Sequence[int] = (),
) -> _Units:
    # Sentences are joined, as running text does; more units than fit begin another chunk.
    most = max(1, int((options.max_pieces - 2) / _PIECES_A_UNIT))
    chunks = []
    for group in treebanks.neighbours(sentences, _MOST_JOINED, seed=options.seed):
        units = [*chain.from_iterable(group)]
        chunks += [units[first : first + most] for first in range(0, len(units), most)]
    tokenizer, device = options.teacher / "tokenizer.json", torch.device(options.device)
    forms = ([form for form, _ in chunk] for chunk in chunks)
    rows = [tag_to_row.get(tag, 0) for _, tag in chain.from_iterable(chunks)]
    placed = DeviceSentences.of(forms, tokenizer, device=device)
    return _Units(placed, *(torch.tensor(c, device=device) for c in (rows, labels)))


def _loss(
    member: BoundaryTeacher, units: _Units, indices: NDArray[np.int64], noise: Noise
) -> tuple[Tensor, int]:
    batch = units.sentences.batch(indices, noise)
    logits, targets = member(batch, units.tags[batch.token_index]), units.labels[batch.token_index]
    return nn.functional.cross_entropy(logits.float(), targets), len(targets)


def _scores(members: Sequence[BoundaryTeacher], dev: _Units) -> dict[str, float]:
    guesses, labels = _probabilities(members, dev).argmax(-1), dev.labels.cpu().numpy()
    names = ("dev_tokens", "dev_sentences")
    return {name: span_f1(guesses > n, labels > n) for n, name in enumerate(names)}


@torch.no_grad()
def _probabilities(members: Sequence[BoundaryTeacher], units: _Units) -> NDArray[np.float32]:
    kind = units.tags.device.type
    probs = torch.zeros((len(units.tags), 3), device=units.tags.device)
    budget = _GPU_BUDGET if kind == "cuda" else _CPU_BUDGET
    batches = _batches(units.sentences, budget, np.random.default_rng(0))
    for member in members:
        member.eval()
        for indices in batches:
            batch = units.sentences.batch(indices)
            with torch.autocast(kind, torch.bfloat16):
                logits = member(batch, units.tags[batch.token_index])
            probs[batch.token_index] += logits.float().softmax(-1) / len(members)
    values: NDArray[np.float32] = probs.cpu().numpy()
    return values


def _label_splits(options: LabelSplitsOptions, language: str) -> Iterator[Path]:
    texts = treebanks.texts_of(options.text, [language])
    names = (GENERIC, language)
    layers = [BoundaryLayer.load(options.segmenters / f"{name}.linear.npz") for name in names]
    paths = (treebanks.files_of(options.treebanks, part, [language]) for part in ("train", "dev"))
    train, dev = ([joined_letters(s) for p in some for s in read_sentences(p)] for some in paths)
    counts = log_counts(chain.from_iterable(map(read_lines, texts.values())), OPEN)
    tokenizer, tokens = Path(options.encoder) / "tokenizer.json", chain.from_iterable(train)
    device, max_pieces = torch.device(options.device), options.max_pieces
    table = split_encoder.ChoiceTable(tokens, counts, tokenizer, max_pieces, device)
    on_device, held_out = table.place(train), table.place(dev)
    torch.manual_seed(options.seed)
    encoder = load_encoder(options.encoder, n_extra_pieces=0, dropout=split_encoder.DROPOUT)
    model = split_encoder.SplitEncoder(encoder, table.n_parts).to(device)

    def loss(indices: NDArray[np.int64], noise: Noise) -> tuple[Tensor, int]:
        batch, choices = table.batch(on_device, indices, noise)
        scores = model(batch, choices).float()
        return split_encoder.choice_loss(scores, choices, n_tokens=len(batch.token_index))

    def scores() -> dict[str, float]:
        guesses = split_encoder.guess_splits(model, table, held_out)
        return {"dev_words": split_encoder.words_f1(held_out.sentences, guesses)}

    schedule = Schedule(minutes=options.minutes, peak_rate=options.peak_rate, seed=options.seed)
    schedule = replace(schedule, head_factor=_HEAD_FACTOR)
    _train(model, on_device.on_device, loss, scores, options, schedule, language)

    def labelled(path: Path) -> Iterator[str]:
        text = _surface_sentences(read_lines(path), SpacedTokenizer(layers))
        while group := list(islice(text, _GROUP_SENTENCES)):
            least = options.least_probability
            guesses = split_encoder.guess_splits(model, table, table.place(group), least)
            yield from map(treebanks.split_line, guesses)
            _LOGGER.info("%s: %d sentences labelled", path.name, len(guesses))

    yield from _written(options, texts, treebanks.SPLITS, labelled)


def _surface_sentences(lines: Iterable[str], tokenizer: SpacedTokenizer) -> Iterator[list[Surface]]:
    for line in map(str.strip, lines):
        block = tokenizer.tokenize(line, [(0, len(line))])
        for first, last in pairwise([0, *block.sentence_ends]):
            yield [Surface(form, ()) for form in block.forms[first:last]]


def _written(
    options: _Options,
    texts: Mapping[str, Path],
    suffix: str,
    labelled: Callable[[Path], Iterable[str]],
) -> Iterator[Path]:
    for name, path in texts.items():
        output = options.output / f"{name}{suffix}"
        with create_text(output) as sink:
            sink.writelines(labelled(path))
        yield output


def _batches(
    sentences: DeviceSentences, budget: int, generator: np.random.Generator
) -> list[NDArray[np.int64]]:
    return cut_batches(sentences.lengths, piece_budget=budget, generator=generator)


def _train(
    model: nn.Module,
    sentences: DeviceSentences,
    loss: _Loss,
    scores: Callable[[], dict[str, float]],
    options: _Options,
    schedule: Schedule,
    name: str,
) -> None:
    noise = replace(NO_NOISE, piece_dropout=options.piece_dropout)

    def epoch(number: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
        return _batches(sentences, options.piece_budget, generator)

    task = TrainingTask(model, epoch, lambda indices: loss(indices, noise), scores)
    schedule = replace(schedule, epochs=options.epochs, warmup_share=0.1)
    directory = options.output / name
    directory.mkdir(parents=True, exist_ok=True)
    with TrainingLog(directory) as log:
        Trainer(task, schedule, log=log).run()
