"""A pretrained encoder that chooses the edit script of each surface token.

What a small split model (see `mtag_core.segmentation.splits`) can learn from a treebank is limited
by its size. An encoder knows words that the treebank does not show: it reads the sentence, and
what each script leaves of a form. It splits text for the small model (`encoder_labels`).

A small treebank shows few of the ways in which prefixes and pronouns meet. The encoder's scripts
are made of every beginning and every end that the treebank shows, and it learns about the parts.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn

from mtag_core.segmentation.split_features import Counts, count_row
from mtag_core.segmentation.split_scripts import WHOLE, Candidates, Script
from mtag_core.training.data.datasets import NO_NOISE, WordSentences, cut_batches
from mtag_core.training.data.pieces import DeviceSentences, FormPieces, SpecialPieces
from mtag_core.training.data.treebanks import Sentences, Surface
from mtag_core.training.networks.model import Batch, end_vectors
from mtag_core.training.networks.pretrained import hidden_size, piece_table
from mtag_core.training.options import Noise
from mtag_core.training.segmenters.splits import script_of

DROPOUT = 0.1
N_PARTS, N_NUMBERS = 5, 12
_WIDTH = 128
_LABELLING_BUDGET = 4096
# A beginning or an end seen less often is joined with what it was seen with alone.
_MIN_COUNT = 3
# A script seen less often has no weight of its own, only those of its parts.
_MIN_OWN_COUNT = 2
_MOST_STEM_PIECES = 8
# Stands for minus infinity, without its gradients.
_IMPOSSIBLE = -1e4


class Choices(NamedTuple):
    """The scripts of some tokens on a device, those of one after those of another.

    Attributes:
        parts: Ids of what each script is made of. Shape (n_choices, N_PARTS).
        numbers: Lengths, and logarithms of how often forms occur. Shape (n_choices, N_NUMBERS).
        stem: The row of `stem_pieces` of what it leaves of the form. Shape (n_choices,).
        is_right: Whether it makes the token's tokens. Shape (n_choices,).
        token: Index of its token. Shape (n_choices,).
        stem_pieces: The first wordpieces of stems, -1 where there are fewer. Shape (n_stems, 8).
    """

    parts: Tensor
    numbers: Tensor
    stem: Tensor
    is_right: Tensor
    token: Tensor
    stem_pieces: Tensor


class FormChoices(NamedTuple):
    """What the tokens of a form share: of each script the tokens that it makes, and the rest."""

    tokens: list[tuple[str, ...]]
    stems: list[str]
    parts: NDArray[np.int64]
    numbers: NDArray[np.float32]


class SplitSentences(NamedTuple):
    """Sentences, also on a device, and their tokens one after the other."""

    sentences: Sentences
    on_device: DeviceSentences
    tokens: list[Surface]


class ChoiceTable:
    """Finds the scripts of forms and names their parts and stems.

    Args:
        tokens: Of a treebank.
        counts: As in `SplitModel`.
        path: A `tokenizer.json`, for the wordpieces of stems and sentences.
        max_pieces: Longer sentences are left out.
        device: Where batches are.
    """

    def __init__(
        self,
        tokens: Iterable[Surface],
        counts: Counts,
        path: Path,
        max_pieces: int,
        device: torch.device,
    ) -> None:
        script_to_count = Counter(script_of(form, parts) for form, parts, _ in tokens)
        del script_to_count[WHOLE]
        self._candidates = Candidates(composed_scripts(script_to_count))
        self._counts = counts
        self._path, self._max_pieces, self.device = path, max_pieces, device
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        own = {WHOLE, *(s for s, count in script_to_count.items() if count >= _MIN_OWN_COUNT)}
        part_to_id: dict[object, int] = {}
        self._script_to_parts = {
            script: [part_to_id.setdefault(part, len(part_to_id)) for part in _parts(script, own)]
            for script in self._candidates.scripts
        }
        self.n_parts = len(part_to_id)
        self._stem_to_pieces: dict[str, list[int]] = {}
        self._forms: dict[str, FormChoices] = {}

    def place(self, sentences: Sentences) -> SplitSentences:
        """Puts sentences on the device; tokens without parts are asked about only."""
        form_to_id: dict[str, int] = {}
        words = WordSentences.of(([token.form for token in s] for s in sentences), form_to_id)
        forms = FormPieces.of(list(form_to_id), self._path)
        fitting = forms.fitting(words, max_pieces=self._max_pieces)
        special = SpecialPieces.load(self._path)
        placed = DeviceSentences(words.select(fitting), forms, special, device=self.device)
        kept = [sentences[index] for index in fitting.tolist()]
        return SplitSentences(kept, placed, list(chain.from_iterable(kept)))

    def batch(
        self, sentences: SplitSentences, indices: NDArray[np.int64], noise: Noise = NO_NOISE
    ) -> tuple[Batch, Choices]:
        """Gathers some sentences, and the scripts of their tokens."""
        batch = sentences.on_device.batch(indices, noise)
        return batch, self.lay_out([sentences.tokens[i] for i in batch.token_index.tolist()])

    def form(self, form: str) -> FormChoices:
        """The scripts of a form."""
        if form not in self._forms:
            scripts = self._candidates.of(form)
            self._forms[form] = FormChoices(
                [script.apply(form) for script in scripts],
                [script.stem(form) for script in scripts],
                np.array([self._script_to_parts[script] for script in scripts], np.int64),
                np.array([self._numbers(form, script) for script in scripts], np.float32),
            )
        return self._forms[form]

    def lay_out(self, tokens: Sequence[Surface]) -> Choices:
        """Lays out the scripts of tokens; those without parts have no right one."""
        made, stems, parts, numbers = zip(*(self.form(token.form) for token in tokens), strict=True)
        stem_to_row = {stem: i for i, stem in enumerate(dict.fromkeys(chain.from_iterable(stems)))}
        pieces = np.full((len(stem_to_row), _MOST_STEM_PIECES), -1, np.int64)
        for row, ids in zip(pieces, map(self._pieces, stem_to_row), strict=True):
            row[: len(ids)] = ids[:_MOST_STEM_PIECES]
        pairs = zip(made, tokens, strict=True)
        columns = (
            np.concatenate(parts),
            np.concatenate(numbers),
            np.array([stem_to_row[stem] for stem in chain.from_iterable(stems)]),
            np.array([each == token.tokens for of_token, token in pairs for each in of_token]),
            np.repeat(np.arange(len(tokens)), list(map(len, made))),
            pieces,
        )
        return Choices(*(torch.from_numpy(column).to(self.device) for column in columns))

    def _pieces(self, stem: str) -> list[int]:
        if stem not in self._stem_to_pieces:
            pieces = self._tokenizer.encode([stem], is_pretokenized=True, add_special_tokens=False)
            self._stem_to_pieces[stem] = pieces.ids[:_MOST_STEM_PIECES]
        return self._stem_to_pieces[stem]

    def _numbers(self, form: str, script: Script) -> list[float]:
        stem = script.stem(form)
        token = (script.pre + stem + script.post).strip("_")
        rows = (count_row(each, n_counts=len(self._counts)) for each in (form, stem, token))
        n_form, n_stem, n_token = (int(self._counts[row]) for row in rows)
        n_pieces = len(self._pieces(stem))
        return [
            *(n_stem / 8, n_form / 8, (n_stem - n_form) / 8, n_token / 8, len(stem) / 8),
            *(len(stem) < 2, n_pieces == 1, n_pieces / 4),
            *(n_stem == 0, n_form == 0, len(script.before), len(script.after)),
        ]


def composed_scripts(script_to_count: Counter[Script]) -> list[Script]:
    """Joins beginnings with ends, each seen often enough; the treebank's scripts stay. Sorted."""
    beginnings: Counter[tuple[str, tuple[str, ...], str]] = Counter()
    ends: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
    for script, count in script_to_count.items():
        beginnings[script.prefix, script.before, script.pre] += count
        ends[script.suffix, script.post, script.after] += count
    scripts = {
        Script(prefix, suffix, before, pre, post, after)
        for (prefix, before, pre), n_beginning in beginnings.items()
        for (suffix, post, after), n_end in ends.items()
        if min(n_beginning, n_end) >= _MIN_COUNT
    }
    return sorted({*scripts, *script_to_count} - {WHOLE}, key=repr)


def _parts(script: Script, own: set[Script]) -> list[object]:
    return [
        ("beginning", script.prefix, script.before, script.pre),
        ("end", script.suffix, script.post, script.after),
        ("before", script.before),
        ("after", script.after),
        script if script in own else None,
    ]


class SplitEncoder(nn.Module):
    """Scores the scripts of tokens; `n_parts` is the number of ids of parts.

    A script's score is the sum of what a layer of logits says of its parts, and of what a small
    network says of the token, the parts, the stem and the numbers together.
    """

    def __init__(self, encoder: nn.Module, n_parts: int) -> None:
        super().__init__()
        width = hidden_size(encoder)
        self.encoder = encoder
        self.dropout = nn.Dropout(DROPOUT)
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

    def forward(self, batch: Batch, choices: Choices) -> Tensor:
        """Scores the scripts of a batch's tokens: shape (n_choices,)."""
        joined = self.dropout(end_vectors(self.encoder, batch))
        token = self.dropout(torch.tanh(self.combine(joined)))
        logits = self.part_logits(token)[choices.token[:, None], choices.parts].sum(1)
        inner = self.of_token(token)[choices.token] + self.of_part(choices.parts).sum(1)
        inner = inner + self._stems(choices.stem_pieces)[choices.stem]
        inner = inner + self.of_number(choices.numbers.to(inner.dtype))
        scores: Tensor = self.score(self.dropout(torch.relu(inner))).squeeze(-1) + logits
        return scores

    def _stems(self, pieces: Tensor) -> Tensor:
        rows = piece_table(self.encoder)(pieces.clamp(min=0))
        rows = rows * (pieces >= 0).to(rows.dtype)[..., None]
        mean = rows.sum(1) / (pieces >= 0).sum(1, keepdim=True).clamp(min=1)
        both = torch.cat([self.stem_norm(mean), self.stem_norm(rows[:, 0])], dim=-1)
        vectors: Tensor = self.of_stem(self.dropout(both))
        return vectors


def choice_loss(scores: Tensor, choices: Choices, *, n_tokens: int) -> tuple[Tensor, int]:
    """Mean negative log probability of what is right, over tokens that have a right script.

    Returns:
        The loss, shape (), of scores of the shape (n_choices,), and the number of those tokens.
    """
    right = scores.masked_fill(~choices.is_right, _IMPOSSIBLE)
    log_right = _log_sums(right, choices.token, n_tokens)
    losses = _log_sums(scores, choices.token, n_tokens) - log_right
    has_right = log_right > _IMPOSSIBLE / 2
    n_right = int(has_right.sum())
    return (losses * has_right).sum() / max(1, n_right), n_right


def _log_sums(scores: Tensor, token: Tensor, n_tokens: int) -> Tensor:
    most = torch.full((n_tokens,), 2 * _IMPOSSIBLE, device=scores.device)
    most = most.scatter_reduce(0, token, scores.detach(), "amax")
    sums = torch.zeros(n_tokens, device=scores.device)
    return most + sums.index_add(0, token, torch.exp(scores - most[token])).log()


@torch.no_grad()
def guess_splits(
    encoder: SplitEncoder, table: ChoiceTable, sentences: SplitSentences, least: float = 0.0
) -> Sentences:
    """Gives tokens their most probable parts; none where that is less probable than `least`."""
    encoder.eval()
    guesses, placed = list(sentences.tokens), sentences.on_device
    generator = np.random.default_rng(0)
    for indices in cut_batches(placed.lengths, piece_budget=_LABELLING_BUDGET, generator=generator):
        batch, choices = table.batch(sentences, indices)
        scores = encoder(batch, choices).float().cpu()
        of_tokens = scores.split(torch.bincount(choices.token).tolist())
        for index, some in zip(batch.token_index.tolist(), of_tokens, strict=True):
            probs: Counter[tuple[str, ...]] = Counter()
            made = table.form(guesses[index].form).tokens
            for parts, prob in zip(made, some.softmax(0).tolist(), strict=True):
                probs[parts] += prob
            ((parts, prob),) = probs.most_common(1)
            guesses[index] = guesses[index]._replace(tokens=parts if prob >= least else ())
    rest = iter(guesses)
    return [list(islice(rest, len(sentence))) for sentence in sentences.sentences]


def words_f1(gold: Sentences, guesses: Sentences) -> float:
    """F1 of tokens in percent, where the surface tokens are given."""
    n_same = n_all = 0
    pairs = zip(chain.from_iterable(gold), chain.from_iterable(guesses), strict=True)
    for (_, parts, _), (_, guess, _) in pairs:
        n_all += len(parts) + len(guess)
        # A token that is not split has another place than those of one that is.
        if (len(parts) == 1) == (len(guess) == 1):
            n_same += (Counter(parts) & Counter(guess)).total()
    return 200.0 * n_same / max(1, n_all)
