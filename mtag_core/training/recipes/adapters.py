"""Fits what is learnt last of a word student, all else frozen: adapters, styles, temperatures.

Treebanks of one language contradict each other. The adapter of a treebank is a vector that is added
to what the heads read of each token where that treebank's annotation is wanted. Of each vector all,
half or nothing is kept, whichever is best on the treebank's dev sentences. A language's default
style is the treebank whose adapter is best on the dev sentences of all its treebanks, or the
largest of those that are nearly as good. Temperatures divide logits so that a probability of 0.9 is
right nine times in ten (Guo et al. 2017, arXiv:1706.04599).
"""

import logging
import math
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mtag_core.errors import UsageError
from mtag_core.training.data.corpus import TreebankCorpus
from mtag_core.training.data.datasets import SourcedWords, cut_batches
from mtag_core.training.data.model_input import ModelInput, OnDevice
from mtag_core.training.data.train_dev_split import read_split
from mtag_core.training.loops import distributed
from mtag_core.training.loops.trainer import Epoch, Trainer, TrainingTask
from mtag_core.training.networks.model import TaggerLogits
from mtag_core.training.networks.model_files import Network
from mtag_core.training.networks.word_student import WordStudent
from mtag_core.training.options import AdapterOptions
from mtag_core.training.recipes.label_training import device_labels, labels_loss, macro_accuracies
from mtag_core.training.treebank_facts import facts_of
from mtag_core.treebank_style import treebank_language

_LOGGER = logging.getLogger(__name__)
_BUDGET = 16_384
_BATCH_TOKENS = 4096
_SHARES = (0.0, 0.5, 1.0)
# A language's style is its largest treebank's where dev scores, UPOS + FEATS, are so close.
_STYLE_MARGIN = 1.0
_TEMPERATURES = np.geomspace(0.3, 4.0, 53)
_CALIBRATION_TOKENS = 20_000


@dataclass(frozen=True)
class TokenVectors:
    """What the heads read, labels by head, and treebanks. First axis n_tokens each."""

    vectors: Tensor
    labels: dict[str, Tensor]
    treebank_ids: Tensor

    def select(self, chosen: Tensor) -> "TokenVectors":
        """Those of some tokens, in that order."""
        labels = {head: ids[chosen] for head, ids in self.labels.items()}
        return TokenVectors(self.vectors[chosen], labels, self.treebank_ids[chosen])


def run(options: AdapterOptions) -> str:
    """Runs `train adapters`: writes the student with adapters, styles and temperatures.

    Raises:
        UsageError: The model reads wordpieces, or there are no treebanks.
    """
    torch.manual_seed(options.schedule.seed)
    device = distributed.start()
    network = Network.load(options.model, device=device)
    model = network.model
    if not isinstance(model, WordStudent):
        raise UsageError(f"--model: {options.model} reads wordpieces, expected a student of words")
    corpus = _corpus(options, network)
    treebanks = _add_adapters(model, network.metadata.treebanks, corpus.train.sources)
    reader = ModelInput(network.tokenizer, network.has_words, device, max_pieces=0)
    forms = reader.forms_of_text(options.text) if options.text else reader.forms(corpus.forms)
    train, dev = (
        _vectors(*reader.dataset(dataset, forms), model, treebanks)
        for dataset in (_sample(corpus.train, options), corpus.dev)
    )
    _learn(train, model, options)
    named = _keep_best_shares(dev, model, treebanks)
    styles = network.metadata.styles | _styles(dev, model, corpus, treebanks)
    followed = [styles.get(facts_of(n).standard or treebank_language(n), n) for n in treebanks]
    row_of = np.array([1 + treebanks.index(name) for name in followed])
    by_style = torch.from_numpy(row_of).to(device)[dev.treebank_ids]
    metadata = replace(
        network.metadata, treebanks=treebanks, styles=styles, temperatures=_temperatures(dev, model)
    )
    replace(network, metadata=metadata).save(options.output)
    mixed = _accuracies(dev, model, torch.zeros_like(dev.treebank_ids))
    scores = (mixed, _accuracies(dev, model, by_style), named)
    return "\n".join(map(_shown, ("mixed", "default style", "treebank named"), scores))


def _shown(name: str, scores: tuple[float, ...]) -> str:
    named = zip(("UPOS", "FEATS", "lemmas"), scores, strict=True)
    shown = (f"{head} {score:.2f}" for head, score in named if not math.isnan(score))
    return f"dev, {name}: {'  '.join(shown)}"


def _corpus(options: AdapterOptions, network: Network) -> TreebankCorpus:
    if options.corpus is not None:
        return TreebankCorpus.load(options.corpus)
    if options.treebanks is None:
        raise UsageError("train adapters needs --treebanks or --corpus")
    is_trained_on_dev = network.metadata.is_trained_on_dev
    split = read_split(options.treebanks, train_on_dev=is_trained_on_dev, hold_out_tenth=True)
    return TreebankCorpus.of(split, feats=network.feats, lemma_rules=network.lemma_rules)


def _add_adapters(
    model: WordStudent, known: tuple[str, ...], names: tuple[str, ...]
) -> tuple[str, ...]:
    treebanks = (*known, *(name for name in names if name not in known))
    if treebanks != known:
        rows = model.adapters.weight.data
        model.set_adapters(len(treebanks))
        model.adapters.to(rows.device).weight.data[: len(rows)] = rows
    model.eval().requires_grad_(False)
    return treebanks


def _sample(dataset: SourcedWords, options: AdapterOptions) -> SourcedWords:
    """Some sentences of each treebank, those of its dev file first, which have its own labels."""
    order = np.random.default_rng(options.schedule.seed).permutation(len(dataset.words))
    order = order[np.lexsort((dataset.origins[order], dataset.source_ids[order]))]
    chosen: list[int] = []
    for _, indices in groupby(order, key=lambda index: dataset.source_ids[index]):
        whole = np.array(list(indices))
        sizes = np.cumsum(dataset.words.n_tokens[whole])
        chosen += whole[: int(np.searchsorted(sizes, options.max_tokens)) + 1].tolist()
    return dataset.select(np.array(chosen, np.int64))


@torch.no_grad()
def _vectors(
    dataset: SourcedWords, sentences: OnDevice, model: WordStudent, treebanks: tuple[str, ...]
) -> TokenVectors:
    device = sentences.device
    vectors = torch.zeros(len(dataset.words.form_ids), model.upos.in_features, device=device)
    for indices in cut_batches(sentences.lengths, piece_budget=_BUDGET):
        batch: Any = sentences.batch(indices)
        vectors[batch.token_index] = model.vectors(batch)
    places = np.array([treebanks.index(name) for name in dataset.sources], np.int64)
    treebank_ids = torch.from_numpy(places[dataset.token_sources])
    return TokenVectors(vectors, device_labels(dataset, device), treebank_ids.to(device))


def _learn(tokens: TokenVectors, model: WordStudent, options: AdapterOptions) -> None:
    n_tokens = len(tokens.vectors)
    adapters = model.adapters.requires_grad_(True)
    before = adapters.weight.detach().clone()

    def epoch(number: int, generator: np.random.Generator) -> Epoch:
        order = generator.permutation(n_tokens)
        return np.split(order, range(_BATCH_TOKENS, n_tokens, _BATCH_TOKENS))

    def loss(indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        chosen = tokens.select(torch.from_numpy(indices).to(tokens.vectors.device))
        logits = _logits(model, chosen, chosen.treebank_ids + 1)
        return labels_loss(logits, chosen.labels), len(indices)

    Trainer(
        TrainingTask(nn.ModuleDict({"adapters": adapters}), epoch, loss, dict, is_half=False),
        options.schedule,
    ).run()
    adapters.requires_grad_(False)
    # Weight decay changes those of other treebanks, too.
    is_learnt = torch.zeros(len(before), dtype=torch.bool, device=before.device)
    is_learnt[tokens.treebank_ids.unique() + 1] = True
    adapters.weight.data[~is_learnt] = before[~is_learnt]


def _logits(model: WordStudent, tokens: TokenVectors, rows: Tensor) -> TaggerLogits:
    vectors = tokens.vectors + model.adapters(rows)
    return {head: getattr(model, head)(vectors) for head in tokens.labels}


@torch.no_grad()
def _accuracies(tokens: TokenVectors, model: WordStudent, rows: Tensor) -> tuple[float, ...]:
    is_right: dict[str, list[NDArray[np.bool_]]] = {}
    for chosen in torch.arange(len(rows), device=rows.device).split(_BATCH_TOKENS):
        part = tokens.select(chosen)
        for head, scored in _logits(model, part, rows[chosen]).items():
            right = (scored.argmax(-1) == part.labels[head]).cpu().numpy()
            is_right.setdefault(head, []).append(right)
    means = macro_accuracies(
        {head: np.concatenate(parts) for head, parts in is_right.items()},
        {head: ids.cpu().numpy() for head, ids in tokens.labels.items()},
        tokens.treebank_ids.cpu().numpy(),
    )
    return tuple(means.get(head, math.nan) for head in tokens.labels)


def _keep_best_shares(
    dev: TokenVectors, model: WordStudent, treebanks: tuple[str, ...]
) -> tuple[float, ...]:
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
    return _accuracies(dev, model, dev.treebank_ids + 1)


def _styles(
    dev: TokenVectors, model: WordStudent, corpus: TreebankCorpus, treebanks: tuple[str, ...]
) -> dict[str, str]:
    """Language to treebank; a written standard has its own treebank's."""
    known, sizes = corpus.train.sources, corpus.train.tokens_by_source()
    styles: dict[str, str] = {}
    for language, names in groupby(known, key=treebank_language):
        candidates = sorted(names, key=lambda name: -sizes[known.index(name)])
        edited = [name for name in candidates if facts_of(name).is_edited_text]
        styles[language] = _best_style(dev, model, treebanks, edited or candidates)
        styles |= {standard: name for name in candidates if (standard := facts_of(name).standard)}
    return styles


def _best_style(
    dev: TokenVectors, model: WordStudent, treebanks: tuple[str, ...], candidates: list[str]
) -> str:
    ids = [treebanks.index(name) for name in candidates]
    wanted = torch.tensor(ids, device=dev.treebank_ids.device)
    chosen = torch.isin(dev.treebank_ids, wanted).nonzero().squeeze(1)
    if len(candidates) == 1 or not len(chosen):
        return candidates[0]
    part = dev.select(chosen)
    rows = (torch.full_like(chosen, index + 1) for index in ids)
    scores = [sum(_accuracies(part, model, row)[:2]) for row in rows]
    # Largest first: a large treebank says more of what its language looks like.
    return candidates[int(np.argmax(np.array(scores) >= max(scores) - _STYLE_MARGIN))]


@torch.no_grad()
def _temperatures(dev: TokenVectors, model: WordStudent) -> dict[str, float]:
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(dev.vectors), generator=generator)[:_CALIBRATION_TOKENS]
    tokens = dev.select(order.to(dev.vectors.device))
    losses = {head: np.zeros(len(_TEMPERATURES)) for head in tokens.labels}
    for chosen in torch.arange(len(order), device=dev.vectors.device).split(_BATCH_TOKENS):
        part = tokens.select(chosen)
        logits = _logits(model, part, torch.zeros_like(chosen))
        for head, of_head in logits.items():
            gold = part.labels[head]
            scored, known = of_head[gold >= 0].float(), gold[gold >= 0]
            for index, temperature in enumerate(_TEMPERATURES):
                loss = functional.cross_entropy(scored / temperature, known, reduction="sum")
                losses[head][index] += float(loss)
    return {
        head: round(float(_TEMPERATURES[of_head.argmin()]), 3) if of_head.any() else 1.0
        for head, of_head in losses.items()
    }
