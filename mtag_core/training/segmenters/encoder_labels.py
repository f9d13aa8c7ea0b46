"""Fine-tunes encoders that choose an answer for each token, and labels text with them.

What small models can learn from a treebank is limited by its size. A pretrained encoder needs fewer
examples; it labels text for `train segmenters --labelled`. For the networks of Japanese,
Vietnamese and Chinese the encoder of a teacher marks where tokens and sentences end: `label
boundaries`. For split models any encoder chooses edit scripts of surface tokens, of which it reads
the features that the small model reads: `label splits`.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice, pairwise
from math import inf
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.languages import GENERIC, language_of
from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.segmentation.gap_network import find_units
from mtag_core.segmentation.spaced import SpacedTokenizer
from mtag_core.segmentation.split_features import Counts, script_rows
from mtag_core.segmentation.splits import Candidates
from mtag_core.storage import create_text
from mtag_core.training.data.datasets import NO_NOISE, cut_batches
from mtag_core.training.data.pieces import DeviceSentences
from mtag_core.training.data.treebanks import Sentences, Surface, sentence_text
from mtag_core.training.loops.trainer import Trainer, TrainingLog, TrainingTask
from mtag_core.training.networks.model import Batch, end_vectors
from mtag_core.training.networks.model_files import Network
from mtag_core.training.networks.pretrained import hidden_size, load_encoder, piece_table
from mtag_core.training.options import Schedule
from mtag_core.training.records import list_files
from mtag_core.training.segmenter_options import LabelBoundariesOptions, LabelSplitsOptions
from mtag_core.training.segmenters import splits, treebanks
from mtag_core.training.segmenters.dictionaries import ANALYSERS, unit_tags
from mtag_core.training.segmenters.layers import span_f1

_LOGGER = logging.getLogger(__name__)
_LABELLING_BUDGET = 4_096
# The heads start from nothing, and a small treebank gives few steps.
_HEAD_FACTOR = 10.0
_WIDTH, _N_FEATURES = 128, 1 << 16
# Lines or sentences that are labelled together, and lines that are joined at most.
_N_TOGETHER, _MOST_JOINED = 5_000, 4
_PIECES_A_UNIT = 2.5

_Options = LabelBoundariesOptions | LabelSplitsOptions
_Members = Sequence[nn.Module]
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Questions:
    """Sentences on a device, and what gives some tokens, by their numbers, their answers.

    These are tensors that models read beside a batch, and last which are right, of the shape
    (n_tokens, n_answers). Models give scores of that shape, minus infinity where a token has fewer
    answers; the probabilities of several are averaged.
    """

    sentences: DeviceSentences
    answers: Callable[[Tensor], Sequence[Tensor]]


def _fine_tune(
    build: Callable[[], nn.Module], known: Questions, options: _Options, head_factor: float = 1.0
) -> _Members:
    noise = replace(NO_NOISE, piece_dropout=options.piece_dropout)
    minutes = options.minutes / len(options.peak_rates) if options.minutes else None
    lengths, members = known.sentences.lengths, list[nn.Module]()
    options.output.mkdir(parents=True, exist_ok=True)

    def epoch(number: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
        return cut_batches(lengths, piece_budget=options.piece_budget, generator=generator)

    def loss(indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        batch = known.sentences.batch(indices, noise)
        *inputs, is_right = known.answers(batch.token_index)
        # Tokens without a right answer are there for their neighbours.
        has_right = is_right.any(dim=-1)
        scores = members[-1](batch, *inputs)[has_right].float()
        right = scores.log_softmax(dim=-1).masked_fill(~is_right[has_right], -inf).logsumexp(dim=-1)
        return -right.sum() / max(1, len(right)), len(right)

    for seed, rate in enumerate(options.peak_rates, start=options.seed):
        torch.manual_seed(seed)
        members.append(build())
        schedule = Schedule(epochs=options.epochs, minutes=minutes, peak_rate=rate, seed=seed)
        schedule = replace(schedule, warmup_share=0.1, head_factor=head_factor)
        task = TrainingTask(members[-1], epoch, loss, evaluate=dict)
        Trainer(task, schedule, log=TrainingLog(options.output)).run()
    return members


@torch.no_grad()
def _probabilities(members: _Members, asked: Questions) -> list[NDArray[np.float32]]:
    for member in members:
        member.eval()
    found: dict[int, NDArray[np.float32]] = {}
    for indices in cut_batches(asked.sentences.lengths, piece_budget=_LABELLING_BUDGET):
        batch = asked.sentences.batch(indices)
        *inputs, _ = asked.answers(batch.token_index)
        probs = [member(batch, *inputs).float().softmax(dim=-1) for member in members]
        means = torch.stack(probs).mean(dim=0).cpu().numpy()
        found.update(zip(batch.token_index.tolist(), means, strict=True))
    return [found[token] for token in range(len(found))]


def _write_labels(
    output: Path,
    texts: Mapping[str, Iterator[_Item]],
    label: Callable[[list[_Item]], Iterable[str]],
) -> str:
    for name, items in texts.items():
        with create_text(output / name) as sink:
            while group := list(islice(items, _N_TOGETHER)):
                sink.writelines(label(group))
                _LOGGER.info("%s: %d labelled", name, len(group))
    return list_files(map(output.joinpath, texts))


def run(options: _Options) -> str:
    """Runs `label boundaries`, or `label splits`, one language after another.

    Raises:
        BundleError: A language has no segmenter to cut its text.
        CheckpointError: The teacher's directory does not fit.
        InputNotFoundError: There is no treebank, or no text.
    """
    if isinstance(options, LabelBoundariesOptions):
        return _label_boundaries(options)
    return "\n".join(_label_splits(options, language) for language in options.languages)


class UnitText(NamedTuple):
    """The units of a sentence or line with the spaces before them, their tags and labels.

    A tag is a dictionary's, `""` where none was asked. A label is 0 inside a token, 1 at its end
    and 2 at a sentence's, too; 0 where none is known.
    """

    units: list[str]
    tags: list[str]
    labels: list[int]


def read_units(path: Path) -> Iterator[UnitText]:
    """Yields the sentences of a treebank, or the lines of a text."""
    language = treebanks.text_language(path)
    analyse = ANALYSERS[language]() if language in ANALYSERS else None
    texts: Iterable[tuple[str, list[int]]] = ((line, []) for line in treebanks.text_lines(path))
    if ".conllu" in path.suffixes:
        texts = map(sentence_text, treebanks.read_all(path))
    for text, token_ends in texts:
        ends = find_units(text, has_spaces=language_of(language).spacing == "syllables").ends
        units = [text[start:end] for start, end in pairwise([0, *ends])]
        tags = unit_tags(analyse(text), ends) if analyse else [""] * len(ends)
        labels = [(end in token_ends) * (1 + (end == len(text))) for end in ends]
        yield UnitText(units, tags, labels)


class BoundaryTeacher(nn.Module):
    """Scores the answers of units.

    A dictionary's tags are added to the embeddings of units; row 0 of them says nothing.
    """

    def __init__(self, encoder: nn.Module, *, n_tags: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.tags = nn.Embedding(n_tags, hidden_size(encoder), padding_idx=0)
        nn.init.zeros_(self.tags.weight)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(2 * hidden_size(encoder), 3)

    def forward(self, batch: Batch, tags: Tensor) -> Tensor:
        """Scores the answers of units from rows of their tags: (n_units,) to (n_units, 3)."""
        with torch.autocast(tags.device.type, torch.bfloat16, enabled=not self.training):
            vectors = end_vectors(self.encoder, batch, self.tags(tags))
            logits: Tensor = self.head(self.dropout(vectors))
        return logits


def _label_boundaries(options: LabelBoundariesOptions) -> str:
    files, *known = treebanks.label_sources(options, options.languages)
    train, dev = ([*chain.from_iterable(map(read_units, paths))] for paths in known)
    tags = sorted({tag for text in train for tag in text.tags} - {""})
    ask = partial(_ask, options, {tag: row for row, tag in enumerate(tags, start=1)})

    def build() -> BoundaryTeacher:
        teacher: Any = Network.load_teacher(options.teacher, device=torch.device("cpu")).model
        return BoundaryTeacher(teacher.encoder, n_tags=len(tags) + 1).to(options.device)

    members = _fine_tune(build, ask(train), options)
    found = np.array(_probabilities(members, ask(dev))).argmax(-1)
    gold = np.array([*chain.from_iterable(text.labels for text in dev)])
    both = ([np.flatnonzero(ends > n) for ends in (found, gold)] for n in range(2))
    _LOGGER.info("dev: %.2f F1 of tokens, %.2f of sentences", *(span_f1(*ends) for ends in both))

    def label(lines: Sequence[UnitText]) -> Iterator[str]:
        probs = iter(_probabilities(members, ask(lines)))
        for units, _, _ in lines:
            yield treebanks.marked_line(units, np.array([*islice(probs, len(units))]))

    texts = {treebanks.text_name(path) + treebanks.SEGMENTED: read_units(path) for path in files}
    return _write_labels(options.output, texts, label)


def _ask(
    options: LabelBoundariesOptions, tag_to_row: Mapping[str, int], texts: Sequence[UnitText]
) -> Questions:
    # Sentences are joined, as running text does; more units than fit begin another chunk.
    most = max(1, int((options.max_pieces - 2) / _PIECES_A_UNIT))
    chunks: list[list[str]] = []
    for group in treebanks.neighbours(texts, _MOST_JOINED, seed=options.seed):
        units = [unit.strip() for text in group for unit in text.units]
        chunks += [units[first : first + most] for first in range(0, len(units), most)]
    rows = [tag_to_row.get(tag, 0) for text in texts for tag in text.tags]
    labels = [*chain.from_iterable(text.labels for text in texts)]
    device = torch.device(options.device)
    tags, ids = (torch.tensor(column, device=device) for column in (rows, labels))
    is_right = nn.functional.one_hot(ids, 3).bool()
    sentences = DeviceSentences.of(chunks, options.teacher / "tokenizer.json", device=device)
    return Questions(sentences, lambda units: (tags[units], is_right[units]))


class SplitEncoder(nn.Module):
    """Scores scripts by their features and by what an encoder says of the token.

    A score is the sum of a small network's and of a product of both vectors. Features that were
    never seen add nothing.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(0.1)
        self.of_token = nn.Linear(2 * hidden_size(encoder), 2 * _WIDTH)
        self.of_feature = nn.EmbeddingBag(_N_FEATURES, 2 * _WIDTH, mode="sum")
        self.score = nn.Linear(_WIDTH, 1)
        nn.init.zeros_(self.of_feature.weight)
        # Text has pieces that the treebank does not show; those that it shows stay among them.
        piece_table(encoder).weight.requires_grad_(False)

    def forward(self, batch: Batch, features: Tensor, is_script: Tensor) -> Tensor:
        """Scores (n_tokens, n_answers), minus infinity where a token has fewer answers.

        Features are those of one token's scripts after those of another's, (n_scripts, n);
        `is_script`, (n_tokens, n_answers), says whether a token has so many.
        """
        vectors = self.of_token(self.dropout(end_vectors(self.encoder, batch)))
        token = vectors[is_script.nonzero()[:, 0]]
        weights = self.dropout(self.of_feature.weight.new_ones(features.shape))
        answer = self.of_feature(features, per_sample_weights=weights)
        inner = self.dropout(torch.relu((token + answer)[:, :_WIDTH]))
        scores = self.score(inner).squeeze(-1) + (token * answer)[:, _WIDTH:].sum(-1)
        none: Tensor = scores.new_full(is_script.shape, -inf)
        return none.masked_scatter(is_script, scores)


@dataclass(frozen=True)
class Splitter:
    """Asks about the scripts of surface tokens; `counts` as in `SplitModel`."""

    candidates: Candidates
    counts: Counts
    options: LabelSplitsOptions

    def fitting(self, sentences: Sentences) -> Sentences:
        """The sentences that are short enough."""
        pairs = zip(sentences, self._placed(sentences).lengths, strict=True)
        return [sentence for sentence, n_pieces in pairs if n_pieces <= self.options.max_pieces]

    def ask(self, sentences: Sentences) -> tuple[Questions, splits.Choices]:
        """Asks about the tokens of sentences; those without parts have no right script."""
        surfaces = [*chain.from_iterable(sentences)]
        choices = splits.choices_of(surfaces, self.candidates, self.counts)

        def answers(tokens: Tensor) -> list[Tensor]:
            some = choices.some(tokens.cpu().numpy())
            is_script = np.arange(some.sizes.max()) < some.sizes[:, None]
            is_right = np.zeros_like(is_script)
            is_right[is_script] = some.is_right
            columns = (script_rows(some.codes, n_rows=2 * _N_FEATURES), is_script, is_right)
            return [torch.from_numpy(column).to(self.options.device) for column in columns]

        return Questions(self._placed(sentences), answers), choices

    def split(self, members: _Members, sentences: Sentences, least: float = 0.0) -> Sentences:
        """Gives tokens their most probable parts; none where that is less probable than `least`."""
        questions, choices = self.ask(sentences)
        made, tokens = iter(choices.tokens), []
        probs = _probabilities(members, questions)
        for token, size, some in zip(chain(*sentences), choices.sizes, probs, strict=True):
            parts_to_prob = Counter[tuple[str, ...]]()
            for parts, prob in zip(islice(made, int(size)), some.tolist(), strict=False):
                parts_to_prob[parts] += prob
            ((parts, prob),) = parts_to_prob.most_common(1)
            tokens.append(token._replace(tokens=parts if prob >= least else ()))
        rest = iter(tokens)
        return [list(islice(rest, len(sentence))) for sentence in sentences]

    def _placed(self, sentences: Sentences) -> DeviceSentences:
        forms = ([token.form for token in sentence] for sentence in sentences)
        tokenizer, device = Path(self.options.encoder) / "tokenizer.json", self.options.device
        return DeviceSentences.of(forms, tokenizer, device=torch.device(device))


def _label_splits(options: LabelSplitsOptions, language: str) -> str:
    files, *known = treebanks.label_sources(options, [language])
    layers = (options.segmenters / f"{name}.linear.npz" for name in (GENERIC, language))
    segmenter = SpacedTokenizer(list(map(BoundaryLayer.load, layers)))
    train, dev = ([*chain.from_iterable(map(treebanks.read_all, paths))] for paths in known)
    shape = splits.LANGUAGE_TO_SHAPE.get(language, splits.OPEN)
    counts = splits.log_counts(chain.from_iterable(map(treebanks.text_lines, files)), shape)
    splitter = Splitter(Candidates(splits.learn_scripts(train, shape)), counts, options)
    train, dev = map(splitter.fitting, (train, dev))

    def build() -> SplitEncoder:
        encoder = load_encoder(options.encoder, n_extra_pieces=0, dropout=0.1)
        return SplitEncoder(encoder).to(options.device)

    members = _fine_tune(build, splitter.ask(train)[0], options, _HEAD_FACTOR)
    pairs = zip(chain(*splitter.split(members, dev)), chain(*dev), strict=True)
    share = np.mean([found == gold for found, gold in pairs])
    _LOGGER.info("dev of %s: %.2f %% of surface tokens", language, 100 * share)

    def surfaces(path: Path) -> Iterator[list[Surface]]:
        for line in treebanks.text_lines(path):
            # Hardly a line holds two sentences.
            yield [Surface(form, ()) for form in segmenter.tokenize(line, [(0, len(line))]).forms]

    def label(sentences: Sentences) -> Iterator[str]:
        some = splitter.fitting(sentences)
        return map(treebanks.split_line, splitter.split(members, some, options.least_probability))

    texts = {treebanks.text_name(path) + treebanks.SPLITS: surfaces(path) for path in files}
    return _write_labels(options.output, texts, label)
