"""Fits what is learnt last of a word student, all else frozen: adapters, styles, temperatures.

Treebanks of one language contradict each other. The adapter of a treebank is a vector that is added
to what the heads read of each token where that treebank's annotation is wanted. Of each vector all,
half or nothing is kept, whichever is best on the treebank's dev sentences. A language's default
style is the treebank whose adapter is best on the dev sentences of all its treebanks. Temperatures
divide logits so that a probability of 0.9 is right nine times in ten (Guo et al. 2017,
arXiv:1706.04599).
"""

import logging
import math
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mtag_core.training.data.datasets import LabelledWords
from mtag_core.training.data.packing import cut_batches
from mtag_core.training.data.treebanks import UNLABELLED
from mtag_core.training.data.word_corpus import TreebankCorpus
from mtag_core.training.data.word_sentences import DeviceForms, DeviceWords, FormTable
from mtag_core.training.loops import distributed
from mtag_core.training.loops.losses import label_loss
from mtag_core.training.loops.trainer import Epoch, Task, Trainer
from mtag_core.training.networks.model import TaggerLogits
from mtag_core.training.networks.word_model_files import load_word_student, save_word_student
from mtag_core.training.networks.word_student import WordStudent
from mtag_core.training.treebank_facts import facts_of
from mtag_core.training.word_options import WordAdapterOptions
from mtag_core.treebank_style import treebank_language

_LOGGER = logging.getLogger(__name__)
_TOKEN_BUDGET = 16_384
_BATCH_TOKENS = 4096
_HEADS = ("upos", "feats", "lemmas")
_SHARES = (0.0, 0.5, 1.0)
_TEMPERATURES = np.geomspace(0.3, 4.0, 53)
_CALIBRATION_TOKENS = 20_000


@dataclass(frozen=True)
class _Tokens:
    """What the heads read, labels by head, and treebanks. First axis n_tokens each."""

    vectors: Tensor
    labels: dict[str, Tensor]
    treebank_ids: Tensor

    def select(self, chosen: Tensor) -> "_Tokens":
        labels = {head: ids[chosen] for head, ids in self.labels.items()}
        return _Tokens(self.vectors[chosen], labels, self.treebank_ids[chosen])


def run(options: WordAdapterOptions) -> str:
    """Runs `fit-adapters`."""
    return "\n".join(
        f"dev, {name}: UPOS {upos:.2f}  FEATS {feats:.2f}  lemmas {lemmas:.2f}"
        for name, (upos, feats, lemmas) in fit_adapters(options).items()
    )


def fit_adapters(options: WordAdapterOptions) -> dict[str, tuple[float, ...]]:
    """Fits adapters, styles and temperatures, and writes the student with them.

    Returns:
        Macro dev accuracies of UPOS, FEATS and lemma rules: `mixed` without adapters, `default
        style`, and `treebank named`.

    Raises:
        CheckpointError: The directory holds no model.
        InputNotFoundError: There is no corpus.
    """
    torch.manual_seed(options.schedule.seed)
    device = distributed.start()
    model, metadata, inventories = load_word_student(options.model, device=device)
    model.eval().requires_grad_(False)
    corpus = TreebankCorpus.load(options.corpus)
    forms = DeviceForms(FormTable.load(options.forms), device=device)
    train = _tokens(_sample(corpus.train, options), model, forms)
    dev = _tokens(corpus.dev, model, forms)
    _learn(train, model, options)
    treebanks = corpus.train.treebanks
    named = _keep_best_shares(dev, model, treebanks)
    styles = _styles(dev, model, corpus)
    row_of = np.array([1 + treebanks.index(styles[treebank_language(n)]) for n in treebanks])
    for name in treebanks:
        standard = facts_of(name).standard
        row_of[treebanks.index(name)] = 1 + treebanks.index(
            styles[standard or treebank_language(name)]
        )
    by_style = torch.from_numpy(row_of).to(device)[dev.treebank_ids]
    metadata = replace(metadata, styles=styles, temperatures=_temperatures(dev, model))
    save_word_student(
        model,
        metadata,
        inventories,
        directory=options.output,
        tokenizer_path=options.model / "tokenizer.json",
    )
    plain = torch.zeros_like(dev.treebank_ids)
    return {
        "mixed": _macro(dev, model, plain),
        "default style": _macro(dev, model, by_style),
        "treebank named": named,
    }


def _sample(dataset: LabelledWords, options: WordAdapterOptions) -> LabelledWords:
    """Some sentences of each treebank, those of its dev file first, which have its own labels."""
    order = np.random.default_rng(options.schedule.seed).permutation(len(dataset.packed))
    order = order[np.lexsort((dataset.is_train[order], dataset.treebank_ids[order]))]
    chosen: list[int] = []
    for _, indices in groupby(order, key=lambda index: dataset.treebank_ids[index]):
        whole = np.array(list(indices))
        sizes = np.cumsum(dataset.packed.n_tokens[whole])
        chosen += whole[: int(np.searchsorted(sizes, options.max_tokens)) + 1].tolist()
    return dataset.select(np.array(chosen, np.int64))


@torch.no_grad()
def _tokens(dataset: LabelledWords, model: WordStudent, forms: DeviceForms) -> _Tokens:
    words = DeviceWords(dataset.packed, forms)
    device = forms.device
    vectors = torch.zeros(len(dataset.upos_ids), model.config.hidden_size, device=device)
    batches = cut_batches(
        dataset.packed.lengths, piece_budget=_TOKEN_BUDGET, generator=np.random.default_rng(0)
    )
    for indices in batches:
        batch = words.batch(indices)
        vectors[batch.token_index] = model.vectors(batch)
    ids = {"upos": dataset.upos_ids, "feats": dataset.feats_ids, "lemmas": dataset.lemma_ids}
    labels = {head: torch.from_numpy(of_head).to(device) for head, of_head in ids.items()}
    treebank_ids = torch.from_numpy(np.repeat(dataset.treebank_ids, dataset.packed.n_tokens))
    return _Tokens(vectors, labels, treebank_ids.to(device))


def _learn(tokens: _Tokens, model: WordStudent, options: WordAdapterOptions) -> None:
    n_tokens = len(tokens.vectors)
    adapters = model.adapters.requires_grad_(True)

    def epoch(number: int, generator: np.random.Generator) -> Epoch:
        order = generator.permutation(n_tokens)
        return np.split(order, range(_BATCH_TOKENS, n_tokens, _BATCH_TOKENS))

    def loss(indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        chosen = tokens.select(torch.from_numpy(indices).to(tokens.vectors.device))
        logits = _logits(model, chosen, chosen.treebank_ids + 1)
        losses = [label_loss(getattr(logits, head), chosen.labels[head]) for head in _HEADS]
        return losses[0] + losses[1] + losses[2], len(indices)

    Trainer(Task(_Only(adapters), epoch, loss, dict, is_half=False), options.schedule).run()
    adapters.requires_grad_(False)


class _Only(nn.Module):
    """A model of adapters alone: what the trainer may change."""

    def __init__(self, adapters: nn.Embedding) -> None:
        super().__init__()
        self.adapters = adapters


def _logits(model: WordStudent, tokens: _Tokens, rows: Tensor) -> TaggerLogits:
    vectors = tokens.vectors + model.adapters(rows)
    return TaggerLogits(model.upos(vectors), model.feats(vectors), model.lemmas(vectors))


@torch.no_grad()
def _accuracies(tokens: _Tokens, model: WordStudent, rows: Tensor) -> tuple[float, ...]:
    """Percentages by head; lemmas of tokens that have one, not a number where none has."""
    n_right, n_scored = dict.fromkeys(_HEADS, 0), dict.fromkeys(_HEADS, 0)
    for chosen in torch.arange(len(rows), device=rows.device).split(_BATCH_TOKENS):
        part = tokens.select(chosen)
        logits = _logits(model, part, rows[chosen])
        for head in _HEADS:
            gold = part.labels[head]
            is_scored = (
                gold != UNLABELLED if head == "lemmas" else torch.ones_like(gold, dtype=torch.bool)
            )
            n_right[head] += int(((getattr(logits, head).argmax(-1) == gold) & is_scored).sum())
            n_scored[head] += int(is_scored.sum())
    return tuple(
        100 * n_right[head] / n_scored[head] if n_scored[head] else math.nan for head in _HEADS
    )


def _macro(tokens: _Tokens, model: WordStudent, rows: Tensor) -> tuple[float, ...]:
    scores = []
    for treebank in tokens.treebank_ids.unique():
        chosen = (tokens.treebank_ids == treebank).nonzero().squeeze(1)
        part = tokens.select(chosen)
        scores.append(_accuracies(part, model, rows[chosen]))
    return _means(scores)


def _means(scores: list[tuple[float, ...]]) -> tuple[float, ...]:
    """Mean of each head, over the treebanks that have its labels."""
    return tuple(float(np.nanmean(of_head)) for of_head in zip(*scores, strict=True))


def _keep_best_shares(
    dev: _Tokens, model: WordStudent, treebanks: tuple[str, ...]
) -> tuple[float, ...]:
    """Scales each adapter in place; gives the macro scores with them."""
    best = []
    for index, name in enumerate(treebanks):
        chosen = (dev.treebank_ids == index).nonzero().squeeze(1)
        if not len(chosen):
            continue
        part, row = dev.select(chosen), torch.full_like(chosen, index + 1)
        whole = model.adapters.weight[index + 1].clone()
        scored = []
        for share in _SHARES:
            model.adapters.weight.data[index + 1] = share * whole
            scored.append((_accuracies(part, model, row), share))
        scores, share = max(scored, key=lambda pair: np.nansum(pair[0]))
        model.adapters.weight.data[index + 1] = share * whole
        _LOGGER.info("%s: %.1f of its adapter, %s -> %s", name, share, scored[0][0], scores)
        best.append(scores)
    return _means(best)


def _styles(dev: _Tokens, model: WordStudent, corpus: TreebankCorpus) -> dict[str, str]:
    """Language to treebank; a written standard has its own treebank's."""
    treebanks, sizes = corpus.train.treebanks, corpus.train.tokens_by_treebank()
    styles: dict[str, str] = {}
    for language, names in groupby(treebanks, key=treebank_language):
        candidates = sorted(names, key=lambda name: -sizes[treebanks.index(name)])
        edited = [name for name in candidates if facts_of(name).is_edited_text]
        styles[language] = _best_style(dev, model, treebanks, edited or candidates)
        styles |= {standard: name for name in candidates if (standard := facts_of(name).standard)}
    return styles


def _best_style(
    dev: _Tokens, model: WordStudent, treebanks: tuple[str, ...], candidates: list[str]
) -> str:
    ids = [treebanks.index(name) for name in candidates]
    wanted = torch.tensor(ids, device=dev.treebank_ids.device)
    chosen = torch.isin(dev.treebank_ids, wanted).nonzero().squeeze(1)
    if len(candidates) == 1 or not len(chosen):
        return candidates[0]
    part = dev.select(chosen)
    scores = [sum(_macro(part, model, torch.full_like(chosen, index + 1))[:2]) for index in ids]
    return candidates[int(np.argmax(scores))]


@torch.no_grad()
def _temperatures(dev: _Tokens, model: WordStudent) -> dict[str, float]:
    """For each head the temperature at which labels are most probable, no treebank named."""
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(dev.vectors), generator=generator)[:_CALIBRATION_TOKENS]
    tokens = dev.select(order.to(dev.vectors.device))
    losses = {head: np.zeros(len(_TEMPERATURES)) for head in _HEADS}
    for chosen in torch.arange(len(order), device=dev.vectors.device).split(_BATCH_TOKENS):
        part = tokens.select(chosen)
        logits = _logits(model, part, torch.zeros_like(chosen))
        for head in _HEADS:
            gold = part.labels[head]
            scored, known = getattr(logits, head)[gold >= 0].float(), gold[gold >= 0]
            for index, temperature in enumerate(_TEMPERATURES):
                loss = functional.cross_entropy(scored / temperature, known, reduction="sum")
                losses[head][index] += float(loss)
    return {head: round(float(_TEMPERATURES[losses[head].argmin()]), 3) for head in _HEADS}
