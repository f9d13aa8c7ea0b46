"""Fine-tunes a pretrained encoder to choose the edit script of each surface token.

What a small split model (see `mtag_core.segmentation.splits`) can learn from a treebank is limited
by its size. An encoder knows words that the treebank does not show: it reads the sentence, and
what each script leaves of a form. It splits text for the small model.
"""

import logging
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtag_core.training.data.pieces import (
    NO_NOISE,
    DeviceSentences,
    SpecialPieces,
    cut_batches,
    encode_sentences,
    fits,
)
from mtag_core.training.loops.trainer import Epoch, Task, Trainer
from mtag_core.training.loops.training_log import TrainingLog
from mtag_core.training.networks.model import Batch
from mtag_core.training.networks.pretrained import hidden_size, load_encoder, piece_table
from mtag_core.training.options import Noise, Schedule
from mtag_core.training.segmenter_options import LabelSplitsOptions
from mtag_core.training.segmenters.split_choices import N_NUMBERS, ChoiceTable
from mtag_core.training.segmenters.treebanks import Surface

_LOGGER = logging.getLogger(__name__)
_LABELLING_BUDGET = 4096
_WIDTH = 128
_DROPOUT = 0.1

# The heads start from nothing, and a small treebank gives few steps.
_HEAD_FACTOR = 10.0

# Stands for minus infinity, without its gradients.
_IMPOSSIBLE = -1e4


class DeviceChoices(NamedTuple):
    """Scripts of a batch's tokens, on the device.

    Attributes:
        parts: As in `Choices`.
        stem: The row of `stem_pieces` of each script. Shape (n_choices,).
        numbers: As in `Choices`.
        is_right: As in `Choices`.
        token: Index of each script's token in the batch. Shape (n_choices,).
        stem_pieces: As `ChoiceTable.stem_pieces`. Shape (n_stems, 8).
    """

    parts: Tensor
    stem: Tensor
    numbers: Tensor
    is_right: Tensor
    token: Tensor
    stem_pieces: Tensor


class SplitTeacher(nn.Module):
    """Scores the scripts of tokens.

    A script's score is the sum of what a layer of logits says of its parts, and of what a small
    network says of the token, the parts, the stem and the numbers together.
    """

    def __init__(self, encoder: nn.Module, *, width: int, n_parts: int) -> None:
        """Puts fresh heads on an encoder.

        Args:
            encoder: Called with (piece_ids, is_piece), gives (n_sentences, n_pieces, width).
            width: Of its output.
            n_parts: Number of ids of parts.
        """
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(_DROPOUT)
        self.combine = nn.Linear(2 * width, width)
        self.part_logits = nn.Linear(width, n_parts)
        self.of_token = nn.Linear(width, _WIDTH)
        self.of_part = nn.Embedding(n_parts, _WIDTH)
        self.of_stem = nn.Linear(2 * width, _WIDTH)
        self.of_number = nn.Linear(N_NUMBERS, _WIDTH)
        self.stem_norm = nn.LayerNorm(width)
        self.score = nn.Linear(_WIDTH, 1)
        nn.init.normal_(self.part_logits.weight, std=0.02)
        nn.init.zeros_(self.part_logits.bias)
        nn.init.normal_(self.of_part.weight, std=0.1)
        # Text has pieces that the treebank does not show; those that it shows stay among them.
        piece_table(encoder).weight.requires_grad_(False)

    def forward(self, batch: Batch, choices: DeviceChoices) -> Tensor:
        """Scores the scripts of a batch's tokens: shape (n_choices,)."""
        hidden = self.encoder(batch.piece_ids, batch.is_piece).flatten(0, 1)
        first = hidden.index_select(0, batch.first_piece_index)
        last = hidden.index_select(0, batch.last_piece_index)
        joined = self.dropout(torch.cat([first, last], dim=-1))
        token = self.dropout(torch.tanh(self.combine(joined)))
        logits = self.part_logits(token)[choices.token[:, None], choices.parts].sum(1)
        inner = self.of_token(token)[choices.token] + self.of_part(choices.parts).sum(1)
        inner = inner + self._stems(choices.stem_pieces)[choices.stem]
        inner = inner + self.of_number(choices.numbers.to(inner.dtype))
        scores: Tensor = self.score(self.dropout(torch.relu(inner))).squeeze(-1) + logits
        return scores

    def _stems(self, pieces: Tensor) -> Tensor:
        """Vectors of stems, from the first piece and the mean: (n_stems, 8) to (n_stems, 128)."""
        rows = piece_table(self.encoder)(pieces.clamp(min=0))
        rows = rows * (pieces >= 0).to(rows.dtype)[..., None]
        mean = rows.sum(1) / (pieces >= 0).sum(1, keepdim=True).clamp(min=1)
        both = torch.cat([self.stem_norm(mean), self.stem_norm(rows[:, 0])], dim=-1)
        vectors: Tensor = self.of_stem(self.dropout(both))
        return vectors


class SplitSentences:
    """Sentences on a device, with the scripts of their tokens."""

    def __init__(
        self,
        sentences: Sequence[Sequence[Surface]],
        table: ChoiceTable,
        config: LabelSplitsOptions,
    ) -> None:
        """Encodes sentences; those of more than `max_pieces` are left out.

        Args:
            sentences: Tokens without parts are asked about only.
            table: Finds the scripts.
            config: Names the encoder and the device.
        """
        tokenizer = tokenizer_path(config)
        packed = encode_sentences([[token.form for token in s] for s in sentences], tokenizer)
        fitting = np.flatnonzero(fits(packed, max_pieces=config.max_pieces))
        self.sentences = [sentences[index] for index in fitting.tolist()]
        self.tokens = [token for sentence in self.sentences for token in sentence]
        self.table = table
        self.n_pieces = packed.n_pieces[fitting]
        self._on_device = DeviceSentences(
            packed.select(fitting),
            SpecialPieces.load(tokenizer),
            device=torch.device(config.device),
        )

    def batch(
        self, indices: NDArray[np.int64], noise: Noise = NO_NOISE
    ) -> tuple[Batch, DeviceChoices]:
        """Gathers some sentences, and the scripts of their tokens."""
        batch = self._on_device.batch(indices, noise)
        choices = self.table.lay_out([self.tokens[i] for i in batch.token_index.tolist()])
        stems, stem = np.unique(choices.stems, return_inverse=True)
        arrays = (
            choices.parts,
            stem,
            choices.numbers,
            choices.is_right,
            np.repeat(np.arange(len(choices.sizes)), choices.sizes),
            self.table.stem_pieces(stems),
        )
        return batch, DeviceChoices(
            *(torch.from_numpy(array).to(self._on_device.device) for array in arrays)
        )


def tokenizer_path(config: LabelSplitsOptions) -> Path:
    """Where the encoder's wordpieces are."""
    return Path(config.encoder) / "tokenizer.json"


def train_split_teacher(
    config: LabelSplitsOptions, language: str, train: SplitSentences, dev: SplitSentences
) -> SplitTeacher:
    """Fine-tunes the encoder, and logs dev scores.

    Args:
        config: What to do.
        language: Names the folder of curves.
        train: To learn from.
        dev: To be scored on.

    Returns:
        The teacher, on its device.
    """
    torch.manual_seed(config.seed)
    encoder = load_encoder(config.encoder, n_extra_pieces=0, dropout=_DROPOUT)
    teacher = SplitTeacher(encoder, width=hidden_size(encoder), n_parts=train.table.n_parts)
    teacher.to(torch.device(config.device))
    noise = replace(NO_NOISE, piece_dropout=config.piece_dropout)

    def epoch(number: int, generator: np.random.Generator) -> Epoch:
        return cut_batches(train.n_pieces, piece_budget=config.piece_budget, generator=generator)

    def loss(indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        batch, choices = train.batch(indices, noise)
        scores = teacher(batch, choices).float()
        return choice_loss(scores, choices, n_tokens=len(batch.token_index))

    curves = config.output / language
    curves.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, TrainingLog(curves, is_writer=True) as log:
        task = Task(teacher, epoch, loss, lambda: {"dev_words": words_f1(teacher, dev)})
        Trainer(task, _loop_config(config), directory=Path(scratch), log=log).run()
    return teacher


def choice_loss(scores: Tensor, choices: DeviceChoices, *, n_tokens: int) -> tuple[Tensor, int]:
    """Mean negative log probability of what is right, over tokens that have a right script.

    Args:
        scores: Of the scripts. Shape (n_choices,).
        choices: The scripts of a batch.
        n_tokens: Of the batch.

    Returns:
        The loss, shape (), and the number of tokens that it is a mean of.
    """
    right = scores.masked_fill(~choices.is_right, _IMPOSSIBLE)
    losses = _log_sums(scores, choices.token, n_tokens) - _log_sums(right, choices.token, n_tokens)
    has_right = torch.zeros(n_tokens, device=scores.device)
    has_right = has_right.index_add(0, choices.token, choices.is_right.float()) > 0
    n_right = int(has_right.sum())
    return (losses * has_right).sum() / max(1, n_right), n_right


def _log_sums(scores: Tensor, token: Tensor, n_tokens: int) -> Tensor:
    """Log of the sum of the exponentials of each token's scores. Shape (n_tokens,)."""
    most = torch.full((n_tokens,), 2 * _IMPOSSIBLE, device=scores.device)
    most = most.scatter_reduce(0, token, scores.detach(), "amax")
    sums = torch.zeros(n_tokens, device=scores.device)
    return most + sums.index_add(0, token, torch.exp(scores - most[token])).log()


@torch.no_grad()
def guess_splits(
    teacher: SplitTeacher, sentences: SplitSentences
) -> list[tuple[tuple[str, ...], float]]:
    """Gives each token of the sentences its most probable tokens, and their probability."""
    teacher.eval()
    guesses: list[tuple[tuple[str, ...], float]] = [((), 0.0)] * len(sentences.tokens)
    for indices in cut_batches(
        sentences.n_pieces,
        piece_budget=_LABELLING_BUDGET,
        generator=np.random.default_rng(0),
    ):
        batch, choices = sentences.batch(indices)
        scores = teacher(batch, choices).float()
        sizes = torch.bincount(choices.token).tolist()
        tokens = batch.token_index.tolist()
        for index, some in zip(tokens, scores.cpu().split(sizes), strict=True):
            made = sentences.table.tokens_of(sentences.tokens[index].form)
            guesses[index] = _most_probable(made, some.softmax(0).tolist())
    return guesses


def _most_probable(
    made: Sequence[tuple[str, ...]], probs: Sequence[float]
) -> tuple[tuple[str, ...], float]:
    """Adds up the probabilities of scripts that make the same tokens; gives the most probable."""
    tokens_to_prob: dict[tuple[str, ...], float] = {}
    for tokens, prob in zip(made, probs, strict=True):
        tokens_to_prob[tokens] = tokens_to_prob.get(tokens, 0.0) + prob
    return max(tokens_to_prob.items(), key=lambda item: item[1])


def words_f1(teacher: SplitTeacher, sentences: SplitSentences) -> float:
    """F1 of tokens in percent, where the surface tokens are given."""
    n_same = n_gold = n_guessed = 0
    guesses = guess_splits(teacher, sentences)
    for (_, parts, _), (guess, _) in zip(sentences.tokens, guesses, strict=True):
        n_gold += len(parts)
        n_guessed += len(guess)
        # A token that is not split has another place than those of one that is.
        if (len(parts) == 1) == (len(guess) == 1):
            n_same += (Counter(parts) & Counter(guess)).total()
    return 200.0 * n_same / max(1, n_gold + n_guessed)


def _loop_config(config: LabelSplitsOptions) -> Schedule:
    return Schedule(
        peak_rate=config.peak_rate,
        warmup_share=0.1,
        epochs=config.epochs,
        minutes=config.minutes,
        n_evaluations=4,
        checkpoint_minutes=float("inf"),
        seed=config.seed,
        head_factor=_HEAD_FACTOR,
    )
