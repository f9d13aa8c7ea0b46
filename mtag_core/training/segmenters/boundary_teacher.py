"""Teachers that mark where tokens and sentences of text end: `label boundaries`."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.training.data.pieces import DeviceSentences
from mtag_core.training.data.treebanks import read_sentences, sentence_text
from mtag_core.training.networks.model import Batch, end_vectors
from mtag_core.training.networks.model_files import Network
from mtag_core.training.records import list_files
from mtag_core.training.segmenter_options import LabelBoundariesOptions
from mtag_core.training.segmenters import encoder_labels, treebanks
from mtag_core.training.segmenters.dictionaries import NOT_ASKED, TaggedText, tagged_texts
from mtag_core.training.segmenters.encoder_labels import Members, Questions
from mtag_core.training.segmenters.layers import span_f1

_GROUP_LINES, _MOST_JOINED = 20_000, 4
_PIECES_A_UNIT = 2.5


class UnitAnswers(NamedTuple):
    """Of units on a device: 0 inside a token, 1 at its end, 2 at a sentence's too.

    Attributes:
        tags: Rows of what a dictionary says of them. Shape (n_units,).
        is_right: Shape (n_units, 3).
    """

    tags: Tensor
    is_right: Tensor


class BoundaryTeacher(nn.Module):
    """Scores the answers of units.

    A dictionary's tags are added to the embeddings of units; row 0 of them says nothing.
    """

    def __init__(self, encoder: nn.Module, *, hidden_size: int, n_tags: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.tags = nn.Embedding(n_tags, hidden_size, padding_idx=0)
        nn.init.zeros_(self.tags.weight)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(2 * hidden_size, 3)

    def forward(self, batch: Batch, answers: UnitAnswers) -> Tensor:
        """Scores the answers of a batch's units: shape (n_units, 3)."""
        device = answers.tags.device.type
        with torch.autocast(device, torch.bfloat16, enabled=not self.training):
            vectors = end_vectors(self.encoder, batch, self.tags(answers.tags))
            logits: Tensor = self.head(self.dropout(vectors))
        return logits


def run(options: LabelBoundariesOptions) -> str:
    """Runs `label boundaries`, whose teachers learn all languages.

    Raises:
        CheckpointError: The teacher's directory does not fit.
        InputNotFoundError: There is no treebank, or no text.
    """
    texts = treebanks.texts_of(options.text, options.languages)
    (train, train_labels), (dev, dev_labels) = (_read(options, part) for part in ("train", "dev"))
    tags = sorted({tag for text in train for tag in text.tags} - {NOT_ASKED})
    ask = partial(_ask, options, {tag: row for row, tag in enumerate(tags, start=1)})
    held_out, gold = ask(dev, dev_labels), np.array(dev_labels)

    def build() -> BoundaryTeacher:
        device = torch.device(options.device)
        tagger: Any = Network.load_teacher(options.teacher, device=device).model
        width = tagger.upos.in_features
        return BoundaryTeacher(tagger.encoder, hidden_size=width, n_tags=len(tags) + 1).to(device)

    def evaluate(members: Members) -> dict[str, float]:
        ends = _probabilities(members, held_out, len(gold)).argmax(-1)
        names = ("dev_tokens", "dev_sentences")
        return {name: span_f1(ends > n, gold > n) for n, name in enumerate(names)}

    members = encoder_labels.fine_tune(build, ask(train, train_labels), evaluate, options)

    def label(lines: Sequence[TaggedText]) -> Iterator[str]:
        lasts = np.cumsum([len(line.ends) for line in lines])
        probs = _probabilities(members, ask(lines, [0] * lasts[-1]), lasts[-1])
        for line, some in zip(lines, np.split(probs, lasts[:-1]), strict=True):
            yield treebanks.marked_line(line.text, line.ends, some)

    tagged = {
        f"{name}{treebanks.SEGMENTED}": tagged_texts(
            treebanks.text_lines(path), path, options.dictionary
        )
        for name, path in texts.items()
    }
    files = encoder_labels.write_labels(options.output, tagged, label, n_at_once=_GROUP_LINES)
    return list_files(files)


def _read(options: LabelBoundariesOptions, part: str) -> tuple[list[TaggedText], list[int]]:
    texts: list[TaggedText] = []
    labels: list[int] = []
    for path in treebanks.files_of(options.treebanks, part, options.languages):
        known = list(map(sentence_text, read_sentences(path)))
        tagged = tagged_texts((text for text, _ in known), path, options.dictionary)
        for sentence, (text, token_ends) in zip(tagged, known, strict=True):
            texts.append(sentence)
            labels += [(end in token_ends) + (end == len(text)) for end in sentence.ends]
    return texts, labels


def _ask(
    options: LabelBoundariesOptions,
    tag_to_row: Mapping[str, int],
    texts: Sequence[TaggedText],
    labels: Sequence[int],
) -> Questions:
    # Sentences are joined, as running text does; more units than fit begin another chunk.
    most = max(1, int((options.max_pieces - 2) / _PIECES_A_UNIT))
    chunks: list[list[str]] = []
    for group in treebanks.neighbours(texts, _MOST_JOINED, seed=options.seed):
        units = [*chain.from_iterable(text.units for text in group)]
        chunks += [units[first : first + most] for first in range(0, len(units), most)]
    rows = [tag_to_row.get(tag, 0) for text in texts for tag in text.tags]
    device = torch.device(options.device)
    tags, ids = (torch.tensor(column, device=device) for column in (rows, labels))
    is_right = nn.functional.one_hot(ids, 3).bool()
    sentences = DeviceSentences.of(chunks, options.teacher / "tokenizer.json", device=device)
    return Questions(sentences, lambda units: UnitAnswers(tags[units], is_right[units]))


def _probabilities(members: Members, asked: Questions, n_units: int) -> NDArray[np.float32]:
    found = np.zeros((n_units, 3), np.float32)
    for units, probs in encoder_labels.probabilities(members, asked):
        found[units] = probs
    return found
