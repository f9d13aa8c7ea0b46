"""Learns the conventions of treebanks: a small correction for each, while all else is frozen.

Treebanks of one language contradict each other. A tagger that knows whose labels are wanted
corrects the vector of each token before the heads read it:

    vector + bias + (vector @ down) @ up

with a bias, a `down` and an `up` for each treebank. What is tagged without a treebank stays
exactly as it was, and a correction is learnt from some thousand tokens in seconds. The form is an
adapter with a linear bottleneck (Houlsby et al. 2019, arXiv:1902.00751; Hu et al. 2021,
arXiv:2106.09685), behind the encoder alone.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mtag_core.training.data.datasets import encoded_forms, labelled_dataset
from mtag_core.training.data.encoding import SpecialPieces
from mtag_core.training.data.packing import DeviceSentences, cut_batches
from mtag_core.training.data.train_dev_split import read_dev_sentences, read_training_sentences
from mtag_core.training.data.treebanks import UNLABELLED, LabelledSentence
from mtag_core.training.graphs.conventions import Conventions
from mtag_core.training.loops.losses import label_loss
from mtag_core.training.loops.trainer import Epoch, Task, Trainer
from mtag_core.training.networks.model import TokenTagger
from mtag_core.training.networks.model_files import load_feats, load_model
from mtag_core.training.options import ConventionsOptions

_LOGGER = logging.getLogger(__name__)
_CPU = torch.device("cpu")
_PIECE_BUDGET = 8192
_BATCH_TOKENS = 512
# Labels of other treebanks that compete: the most probable ones of so many tokens.
_RIVAL_TOKENS = 3000
_N_RIVALS = 5

# How much of a correction is kept: what is right for the sentences it was learnt from may be too
# much for others. The first of equally good ones is taken.
_SHARES = (0.0, 0.5, 1.0)

Scores = dict[str, tuple[float, float]]


def run(options: ConventionsOptions) -> str:
    """Runs `learn-conventions`."""
    lines = []
    for name, treebank_to_scores in learn_conventions(options).items():
        upos, feats = (fmean(values) for values in zip(*treebank_to_scores.values(), strict=True))
        lines.append(f"dev, {name}: UPOS {upos:.2f}  FEATS {feats:.2f}")
    return "\n".join(lines)


def learn_conventions(options: ConventionsOptions) -> dict[str, Scores]:
    """Learns the convention of every treebank and writes them into the model's directory.

    Of each correction all, half or nothing is kept, whichever is best on the treebank's dev
    sentences; all of it where there are none.

    Args:
        options: What to do.

    Returns:
        Dev accuracies of UPOS and FEATS by treebank, in percent, under `plain` and `with
        treebank`, on held-out sentences.

    Raises:
        CheckpointError: The directory holds no model.
        InputNotFoundError: There is no treebank.
    """
    torch.manual_seed(options.schedule.seed)
    model, metadata = load_model(options.model, device=_CPU)
    model.eval().requires_grad_(False)
    train, dev = (
        _by_treebank(read(options.treebanks, train_on_dev=metadata.is_trained_on_dev))
        for read in (read_training_sentences, read_dev_sentences)
    )
    corrections: dict[str, Correction] = {}
    scores: dict[str, Scores] = {"plain": {}, "with treebank": {}}
    for name, sentences in sorted(train.items()):
        chosen = _sample(sentences, n_tokens=options.max_tokens, seed=options.schedule.seed)
        corrections[name] = _learn(_tokens(chosen, model, options), model, options)
        if name in dev:
            tokens = _tokens(dev[name], model, options)
            scores["plain"][name] = _accuracies(tokens, tokens.vectors, model)
            corrections[name], scores["with treebank"][name] = _best_share(
                corrections[name], tokens, model
            )
            _LOGGER.info("%s: %s -> %s", name, scores["plain"][name], scores["with treebank"][name])
    _joined(corrections).save(options.model)
    return scores


class Correction(nn.Module):
    """What one treebank changes about the vectors of tokens."""

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))
        self.down = nn.Parameter(torch.randn(width, rank) * 0.02)
        self.up = nn.Parameter(torch.zeros(rank, width))

    def forward(self, vectors: Tensor) -> Tensor:
        """Shape (n_tokens, width) in and out."""
        return vectors + self.bias + vectors @ self.down @ self.up

    def scaled(self, share: float) -> "Correction":
        """A correction that changes so much of what this one does."""
        scaled = Correction(len(self.bias), self.down.shape[1]).requires_grad_(False)
        scaled.bias.copy_(share * self.bias)
        scaled.down.copy_(self.down)
        scaled.up.copy_(share * self.up)
        return scaled


@dataclass(frozen=True)
class _Tokens:
    """What the heads read, and labels. Shapes (n_tokens, width), (n_tokens,), (n_tokens,)."""

    vectors: Tensor
    upos_ids: Tensor
    feats_ids: Tensor


@torch.no_grad()
def _tokens(
    sentences: list[LabelledSentence], model: TokenTagger, options: ConventionsOptions
) -> _Tokens:
    tokenizer = options.model / "tokenizer.json"
    dataset = labelled_dataset(
        sentences,
        encoded_forms(sentences, tokenizer, n_processes=1),
        feats_labels=load_feats(options.model / "feats.json"),
        max_pieces=options.max_pieces,
    )
    pad = SpecialPieces.load(tokenizer).pad
    packed = DeviceSentences(dataset.packed, pad=pad, device=_CPU)
    vectors = torch.zeros(len(dataset.upos_ids), model.upos.in_features)
    order = np.random.default_rng(0)
    lengths = dataset.packed.n_pieces
    for indices in cut_batches(lengths, piece_budget=_PIECE_BUDGET, generator=order):
        batch = packed.batch(indices)
        vectors[batch.token_index] = model.vectors(batch)
    return _Tokens(vectors, torch.from_numpy(dataset.upos_ids), torch.from_numpy(dataset.feats_ids))


def _learn(tokens: _Tokens, model: TokenTagger, options: ConventionsOptions) -> Correction:
    correction = Correction(model.upos.in_features, options.rank)
    heads = _Heads(tokens, model)
    n_tokens = len(tokens.upos_ids)

    def epoch(number: int, generator: np.random.Generator) -> Epoch:
        order = generator.permutation(n_tokens)
        return np.split(order, range(_BATCH_TOKENS, n_tokens, _BATCH_TOKENS))

    def loss(indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        return heads.loss(correction, torch.from_numpy(indices)), len(indices)

    Trainer(Task(correction, epoch, loss, dict), options.schedule).run()
    return correction.requires_grad_(False)


class _Heads:
    """The loss of some tokens; FEATS among the labels that the treebank has or that compete.

    A dozenth of all labels as a rule, hence a dozenth of the time.
    """

    def __init__(self, tokens: _Tokens, model: TokenTagger) -> None:
        self._tokens, self._upos = tokens, model.upos
        rivals = model.feats(tokens.vectors[:_RIVAL_TOKENS]).topk(_N_RIVALS, dim=-1).indices
        is_labelled = tokens.feats_ids != UNLABELLED
        chosen = torch.cat([rivals.flatten(), tokens.feats_ids[is_labelled]]).unique()
        self._weight, self._bias = model.feats.weight[chosen], model.feats.bias[chosen]
        place = torch.full((model.feats.out_features,), UNLABELLED)
        place[chosen] = torch.arange(len(chosen))
        self._feats_ids = torch.where(
            is_labelled, place[tokens.feats_ids.clamp(min=0)], tokens.feats_ids
        )

    def loss(self, correction: Correction, indices: Tensor) -> Tensor:
        """Summed cross-entropy of both heads, a mean over tokens. Shape ()."""
        vectors = correction(self._tokens.vectors[indices])
        feats = functional.linear(vectors, self._weight, self._bias)
        upos_loss = functional.cross_entropy(self._upos(vectors), self._tokens.upos_ids[indices])
        return upos_loss + label_loss(feats, self._feats_ids[indices])


@torch.no_grad()
def _accuracies(tokens: _Tokens, vectors: Tensor, model: TokenTagger) -> tuple[float, float]:
    right = (
        model.upos(vectors).argmax(-1) == tokens.upos_ids,
        model.feats(vectors).argmax(-1) == tokens.feats_ids,
    )
    upos, feats = (100 * float(is_right.float().mean()) for is_right in right)
    return upos, feats


def _best_share(
    correction: Correction, tokens: _Tokens, model: TokenTagger
) -> tuple[Correction, tuple[float, float]]:
    scaled = [correction.scaled(share) for share in _SHARES]
    scored = [(one, _accuracies(tokens, one(tokens.vectors), model)) for one in scaled]
    return max(scored, key=lambda pair: sum(pair[1]))


def _by_treebank(sentences: Iterable[LabelledSentence]) -> dict[str, list[LabelledSentence]]:
    groups: dict[str, list[LabelledSentence]] = defaultdict(list)
    for sentence in sentences:
        groups[sentence.treebank].append(sentence)
    return groups


def _sample(
    sentences: list[LabelledSentence], *, n_tokens: int, seed: int
) -> list[LabelledSentence]:
    """Some sentences of a treebank in random order, those of its dev file first.

    Dev files have the treebank's own labels; some train files are projections.
    """
    order = np.random.default_rng(seed).permutation(len(sentences))
    shuffled = sorted((sentences[index] for index in order), key=lambda s: s.part == "train")
    sizes = np.cumsum([len(sentence.forms) for sentence in shuffled])
    return shuffled[: int(np.searchsorted(sizes, n_tokens)) + 1]


def _joined(corrections: dict[str, Correction]) -> Conventions:
    bias, down, up = (
        np.stack([getattr(correction, name).numpy() for correction in corrections.values()])
        for name in ("bias", "down", "up")
    )
    return Conventions(tuple(corrections), bias, down, up)
