"""A pretrained encoder that chooses the edit script of each surface token: `label splits`.

What a small split model (see `mtag_core.segmentation.splits`) can learn from a treebank is limited
by its size. An encoder knows words that the treebank does not show: it reads the sentence, and
what each script leaves of a form.

A small treebank shows few of the ways in which prefixes and pronouns meet. The encoder's scripts
are made of every beginning and every end that the treebank shows, and it learns about the parts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, islice, pairwise
from math import inf
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn

from mtag_core.languages import GENERIC
from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.segmentation.spaced import SpacedTokenizer
from mtag_core.segmentation.split_features import Counts, count_row
from mtag_core.segmentation.splits import WHOLE, Candidates, Script
from mtag_core.training.data.pieces import DeviceSentences
from mtag_core.training.data.treebanks import (
    Sentences,
    Surface,
    joined_letters,
    read_lines,
    read_sentences,
)
from mtag_core.training.networks.model import Batch, end_vectors
from mtag_core.training.networks.pretrained import hidden_size, load_encoder, piece_table
from mtag_core.training.records import list_files
from mtag_core.training.segmenter_options import LabelSplitsOptions
from mtag_core.training.segmenters import encoder_labels, treebanks
from mtag_core.training.segmenters.encoder_labels import Members, Questions
from mtag_core.training.segmenters.splits import OPEN, log_counts, script_of

N_PARTS, N_NUMBERS = 5, 12
_DROPOUT, _WIDTH = 0.1, 128
_GROUP_SENTENCES = 2_000
# A beginning or an end seen less often is joined with what it was seen with alone.
_MIN_COUNT = 3
# A script seen less often has no weight of its own, only those of its parts.
_MIN_OWN_COUNT = 2
_MOST_STEM_PIECES = 8
# The heads start from nothing, and a small treebank gives few steps.
_HEAD_FACTOR = 10.0


class SplitAnswers(NamedTuple):
    """The scripts of some tokens on a device, those of one after those of another.

    Attributes:
        parts: Ids of what each script is made of. Shape (n_scripts, N_PARTS).
        numbers: Lengths, and logarithms of how often forms occur. Shape (n_scripts, N_NUMBERS).
        stem: The row of `stem_pieces` of what it leaves of the form. Shape (n_scripts,).
        stem_pieces: The first wordpieces of stems, -1 where there are fewer. Shape (n_stems, 8).
        is_script: Whether a token has so many. Shape (n_tokens, n_answers).
        is_right: Whether each makes the token's tokens. Shape (n_tokens, n_answers).
    """

    parts: Tensor
    numbers: Tensor
    stem: Tensor
    stem_pieces: Tensor
    is_script: Tensor
    is_right: Tensor


class FormScripts(NamedTuple):
    """Of each script that fits a form: the tokens that it makes, its stem, and the rest."""

    tokens: list[tuple[str, ...]]
    stems: list[str]
    parts: NDArray[np.int64]
    numbers: NDArray[np.float32]


class ScriptTable:
    """Finds the scripts of forms and names their parts and stems.

    Args:
        tokens: Of a treebank.
        counts: As in `SplitModel`.
        tokenizer: A `tokenizer.json`, for the wordpieces of stems and sentences.
        device: Where answers are.
    """

    def __init__(
        self, tokens: Iterable[Surface], counts: Counts, tokenizer: Path, device: torch.device
    ) -> None:
        self._counts, self._path, self._device = counts, tokenizer, device
        script_to_count = Counter(script_of(form, parts) for form, parts, _ in tokens)
        del script_to_count[WHOLE]
        self._candidates = Candidates(composed_scripts(script_to_count))
        own = {WHOLE, *(s for s, count in script_to_count.items() if count >= _MIN_OWN_COUNT)}
        part_to_id: dict[object, int] = {}
        self._script_to_parts = {
            script: [part_to_id.setdefault(part, len(part_to_id)) for part in _parts(script, own)]
            for script in self._candidates.scripts
        }
        self.n_parts = len(part_to_id)
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.form, self._pieces = cache(self._scripts_of), cache(self._pieces_of)

    def fitting(self, sentences: Sentences, max_pieces: int) -> Sentences:
        """The sentences that have at most so many wordpieces."""
        lengths = self._placed(sentences).lengths
        return [s for s, n_pieces in zip(sentences, lengths, strict=True) if n_pieces <= max_pieces]

    def ask(self, sentences: Sentences) -> Questions:
        """Asks about the tokens of sentences; those without parts have no right script."""
        tokens, placed = [*chain.from_iterable(sentences)], self._placed(sentences)
        return Questions(placed, lambda ids: self.answers([tokens[i] for i in ids.tolist()]))

    def _placed(self, sentences: Sentences) -> DeviceSentences:
        forms = ([token.form for token in sentence] for sentence in sentences)
        return DeviceSentences.of(forms, self._path, device=self._device)

    def answers(self, tokens: Sequence[Surface]) -> SplitAnswers:
        """Lays out the scripts of tokens."""
        made, stems, parts, numbers = zip(*(self.form(token.form) for token in tokens), strict=True)
        stem_to_row = {stem: i for i, stem in enumerate(dict.fromkeys(chain.from_iterable(stems)))}
        pieces = np.full((len(stem_to_row), _MOST_STEM_PIECES), -1, np.int64)
        for row, ids in zip(pieces, map(self._pieces, stem_to_row), strict=True):
            row[: len(ids)] = ids
        sizes = np.array(list(map(len, made)))
        is_script = np.arange(sizes.max()) < sizes[:, None]
        is_right = np.zeros_like(is_script)
        pairs = zip(made, tokens, strict=True)
        is_right[is_script] = [each == token.tokens for some, token in pairs for each in some]
        columns = (
            *(np.concatenate(parts), np.concatenate(numbers)),
            *(np.array([stem_to_row[stem] for stem in chain.from_iterable(stems)]), pieces),
            *(is_script, is_right),
        )
        return SplitAnswers(*(torch.from_numpy(column).to(self._device) for column in columns))

    def _scripts_of(self, form: str) -> FormScripts:
        scripts = self._candidates.of(form)
        return FormScripts(
            [script.apply(form) for script in scripts],
            [script.stem(form) for script in scripts],
            np.array([self._script_to_parts[script] for script in scripts], np.int64),
            np.array([self._numbers(form, script) for script in scripts], np.float32),
        )

    def _pieces_of(self, stem: str) -> list[int]:
        encoded = self._tokenizer.encode([stem], is_pretokenized=True, add_special_tokens=False)
        return encoded.ids[:_MOST_STEM_PIECES]

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

    def forward(self, batch: Batch, answers: SplitAnswers) -> Tensor:
        """Scores the scripts of a batch's tokens: shape (n_tokens, n_answers)."""
        joined = self.dropout(end_vectors(self.encoder, batch))
        vectors = self.dropout(torch.tanh(self.combine(joined)))
        token = answers.is_script.nonzero()[:, 0]
        logits = self.part_logits(vectors)[token[:, None], answers.parts].sum(1)
        inner = self.of_token(vectors)[token] + self.of_part(answers.parts).sum(1)
        inner = inner + self._stems(answers.stem_pieces)[answers.stem]
        inner = inner + self.of_number(answers.numbers.to(inner.dtype))
        scores = self.score(self.dropout(torch.relu(inner))).squeeze(-1) + logits
        none: Tensor = scores.new_full(answers.is_script.shape, -inf)
        return none.masked_scatter(answers.is_script, scores)

    def _stems(self, pieces: Tensor) -> Tensor:
        rows = piece_table(self.encoder)(pieces.clamp(min=0))
        rows = rows * (pieces >= 0).to(rows.dtype)[..., None]
        mean = rows.sum(1) / (pieces >= 0).sum(1, keepdim=True).clamp(min=1)
        both = torch.cat([self.stem_norm(mean), self.stem_norm(rows[:, 0])], dim=-1)
        vectors: Tensor = self.of_stem(self.dropout(both))
        return vectors


def run(options: LabelSplitsOptions) -> str:
    """Runs `label splits`, one language after another.

    Raises:
        BundleError: A language has no segmenter to cut its text.
        InputNotFoundError: There is no treebank, or no text.
    """
    labelled = (_label(options, language) for language in options.languages)
    return list_files(chain.from_iterable(labelled))


def _label(options: LabelSplitsOptions, language: str) -> Iterator[Path]:
    texts = treebanks.texts_of(options.text, [language])
    layers = (options.segmenters / f"{name}.linear.npz" for name in (GENERIC, language))
    segmenter = SpacedTokenizer(list(map(BoundaryLayer.load, layers)))
    paths = (treebanks.files_of(options.treebanks, part, [language]) for part in ("train", "dev"))
    train, dev = ([joined_letters(s) for p in some for s in read_sentences(p)] for some in paths)
    counts = log_counts(chain.from_iterable(map(read_lines, texts.values())), OPEN)
    tokenizer, device = Path(options.encoder) / "tokenizer.json", torch.device(options.device)
    table = ScriptTable(chain.from_iterable(train), counts, tokenizer, device)
    train, dev = (table.fitting(some, options.max_pieces) for some in (train, dev))

    def build() -> SplitEncoder:
        encoder = load_encoder(options.encoder, n_extra_pieces=0, dropout=_DROPOUT)
        return SplitEncoder(encoder, table.n_parts).to(device)

    def evaluate(members: Members) -> dict[str, float]:
        pairs = zip(chain(*guess_splits(members, table, dev)), chain(*dev), strict=True)
        return {"dev_surfaces": 100 * float(np.mean([guess == gold for guess, gold in pairs]))}

    questions = table.ask(train)
    members = encoder_labels.fine_tune(
        build, questions, evaluate, options, name=language, head_factor=_HEAD_FACTOR
    )

    def label(sentences: Sentences) -> Iterator[str]:
        fitting, least = table.fitting(sentences, options.max_pieces), options.least_probability
        return map(treebanks.split_line, guess_splits(members, table, fitting, least))

    surfaces = {
        f"{name}{treebanks.SPLITS}": _surface_sentences(read_lines(path), segmenter)
        for name, path in texts.items()
    }
    files = encoder_labels.write_labels(options.output, surfaces, label, n_at_once=_GROUP_SENTENCES)
    yield from files


def guess_splits(
    members: Members, table: ScriptTable, sentences: Sentences, least: float = 0.0
) -> Sentences:
    """Gives tokens their most probable parts; none where that is less probable than `least`."""
    guesses = list(chain.from_iterable(sentences))
    for tokens, probs in encoder_labels.probabilities(members, table.ask(sentences)):
        for index, some in zip(tokens, probs.tolist(), strict=True):
            parts_to_prob: Counter[tuple[str, ...]] = Counter()
            for parts, prob in zip(table.form(guesses[index].form).tokens, some, strict=False):
                parts_to_prob[parts] += prob
            ((parts, prob),) = parts_to_prob.most_common(1)
            guesses[index] = guesses[index]._replace(tokens=parts if prob >= least else ())
    rest = iter(guesses)
    return [list(islice(rest, len(sentence))) for sentence in sentences]


def _surface_sentences(lines: Iterable[str], tokenizer: SpacedTokenizer) -> Iterator[list[Surface]]:
    for line in map(str.strip, lines):
        block = tokenizer.tokenize(line, [(0, len(line))])
        for first, last in pairwise([0, *block.sentence_ends]):
            yield [Surface(form, ()) for form in block.forms[first:last]]
