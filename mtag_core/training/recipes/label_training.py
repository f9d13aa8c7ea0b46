"""Training on labels alone, of teachers and of students that are adapted, and scores on the way.

A teacher is a pretrained multilingual encoder, fine-tuned on all treebanks at once. Most sentences
have their treebank's token, which names whose labels are wanted, so that contradicting annotations
of one language do not blur each other. Some have none, so that the model also does without.

A student is adapted when it has learnt from teachers: none is needed any more, and a CPU will do.

Scores are accuracies from gold tokens, by treebank. The CoNLL 2018 metric, which compares
segmentations too, is in `mtag_core.evaluation`; from gold tokens its UPOS is this accuracy, and its
UFeats is at least the FEATS accuracy here, which asks for the whole bundle.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mtag_core.training.data.corpus import TreebankCorpus
from mtag_core.training.data.datasets import (
    SMALL_TREEBANK,
    SourcedWords,
    cut_batches,
    drawn_batches,
    sampling_rates,
)
from mtag_core.training.data.model_input import ModelInput, OnDevice
from mtag_core.training.data.train_dev_split import read_split
from mtag_core.training.data.treebanks import UNLABELLED
from mtag_core.training.loops import distributed
from mtag_core.training.loops.trainer import Epoch, TrainingTask, begin, train
from mtag_core.training.networks.model import TaggerLogits, TokenTagger
from mtag_core.training.networks.model_files import Network, set_dropout
from mtag_core.training.networks.trained_model import ModelMetadata
from mtag_core.training.options import AdaptOptions, Noise, TeacherTrainingOptions
from mtag_core.training.treebank_facts import facts_of
from mtag_core.treebank_style import treebank_language

_PIECE_BUDGET = 32768


def run(options: AdaptOptions | TeacherTrainingOptions) -> str:
    """Runs `train adapt` or `train teacher`."""
    if isinstance(options, TeacherTrainingOptions):
        return summary(train_teacher(options), options.output)
    before, after, n_steps = adapt(options)
    shown = summary(before, options.student), summary(after, options.output)
    return "{} steps\nbefore: {}\nafter: {}".format(n_steps, *shown)


def train_teacher(options: TeacherTrainingOptions) -> dict[str, float]:
    """Trains a teacher and writes its model directory; returns macro dev scores."""
    # Other recipes that train on labels need no transformers.
    from mtag_core.training.networks.pretrained import hidden_size, load_encoder, piece_table

    device = begin(options)
    corpus = TreebankCorpus.load(options.corpus)
    tokenizer, treebanks = Path(options.encoder) / "tokenizer.json", corpus.train.sources
    encoder = load_encoder(options.encoder, n_extra_pieces=len(treebanks), dropout=options.dropout)
    conventions: dict[str, str] = {}
    for index in np.argsort(corpus.train.tokens_by_source(), kind="stable"):
        facts = facts_of(treebanks[index])
        # The largest treebank of a language says how its text is annotated.
        if facts.is_edited_text:
            conventions[treebank_language(facts.name)] = facts.name
        if facts.standard is not None:
            conventions[facts.standard] = facts.name
    model = TokenTagger(
        encoder,
        hidden_size=hidden_size(encoder),
        n_feats=len(corpus.feats),
        dropout=options.dropout,
        # One alone is that of tokens without a lemma.
        n_lemma_rules=len(corpus.lemma_rules) if len(corpus.lemma_rules) > 1 else 0,
    ).to(device)
    metadata = ModelMetadata(
        max_pieces=options.max_pieces,
        treebanks=treebanks,
        first_treebank_piece=piece_table(encoder).num_embeddings - len(treebanks),
        conventions=conventions,
        is_trained_on_dev=corpus.is_trained_on_dev,
    )
    # Where no sentence names its treebank, no treebank's token is learnt.
    known = metadata if options.unknown_treebank < 1 else None
    reader = ModelInput(tokenizer, False, device, options.max_pieces, options.n_processes, known)
    noise = Noise(named_share=1 - options.unknown_treebank, piece_dropout=options.piece_dropout)
    scores = train(_task(model, corpus, reader, noise, options.piece_budget), options).scores
    if distributed.rank() == 0:
        Network(model, metadata, corpus.feats, tokenizer).save(options.output)
    distributed.wait_for_all()
    return scores


def adapt(options: AdaptOptions) -> tuple[dict[str, float], dict[str, float], int]:
    """Trains and writes a model directory.

    Returns macro scores on held-out sentences, every tenth where a treebank has no dev file, before
    and after, and the number of steps.
    """
    device = begin(options)
    network = Network.load(options.student, device=device)
    is_trained_on_dev = network.metadata.is_trained_on_dev or options.train_on_dev
    split = read_split(
        options.treebanks,
        train_on_dev=options.train_on_dev,
        hold_out_tenth=True,
        score_held_out=is_trained_on_dev,
    )
    corpus = TreebankCorpus.of(split, feats=network.feats, lemma_rules=network.lemma_rules)
    set_dropout(network.model, options.dropout)
    reader = ModelInput(
        network.tokenizer, network.has_words, device, options.max_pieces, options.n_processes
    )
    task = _task(network.model, corpus, reader, options.noise, options.budget)
    before = task.evaluate()
    trainer = train(task, options)
    metadata = replace(network.metadata, is_trained_on_dev=is_trained_on_dev)
    replace(network, metadata=metadata).save(options.output)
    return before, trainer.scores, trainer.n_steps


def _task(
    model: nn.Module, corpus: TreebankCorpus, reader: ModelInput, noise: Noise, budget: int
) -> TrainingTask:
    forms = reader.forms(corpus.forms)
    # Each process learns from its own share.
    share = np.arange(distributed.rank(), len(corpus.train.words), distributed.n_ranks())
    train, dev = (reader.dataset(each, forms) for each in (corpus.train.select(share), corpus.dev))
    sizes = corpus.train.tokens_by_source()
    rates = sampling_rates(sizes, full_tokens=SMALL_TREEBANK)[train[0].source_ids]
    learnt = TrainingSentences.of(*train, noise)

    def epoch(number: int, generator: np.random.Generator) -> Epoch:
        return drawn_batches(rates, learnt.sentences.lengths, budget, generator)

    return TrainingTask(
        model, epoch, lambda indices: learnt.loss(model, indices), lambda: score(model, *dev)
    )


def device_labels(dataset: SourcedWords, device: torch.device) -> dict[str, Tensor]:
    """The labels of a dataset's tokens by head, on a device."""
    return {head: torch.from_numpy(ids).to(device) for head, ids in dataset.labels.items()}


def labels_loss(logits: TaggerLogits, labels: Mapping[str, Tensor]) -> Tensor:
    """Sum over the model's heads of the mean cross-entropy on labels. Shape ()."""
    losses = [label_loss(scored, labels[head]) for head, scored in logits.items()]
    return torch.stack(losses).sum()


def label_loss(logits: Tensor, label_ids: Tensor) -> Tensor:
    """Mean cross-entropy on labels, in nats; -100 is not learnt, 0 where nothing is. Shape ()."""
    total = functional.cross_entropy(logits.float(), label_ids, ignore_index=-100, reduction="sum")
    return total / (label_ids != -100).sum().clamp(min=1)


@dataclass(frozen=True)
class TrainingSentences:
    """Sentences, changed by noise, and the loss of the logits of tokens by their places."""

    sentences: OnDevice
    loss_of: Callable[[TaggerLogits, Tensor], Tensor]
    noise: Noise

    @classmethod
    def of(cls, dataset: SourcedWords, sentences: OnDevice, noise: Noise) -> "TrainingSentences":
        """The sentences of a dataset, learnt from their labels."""
        labels = device_labels(dataset, sentences.device)

        def loss(logits: TaggerLogits, tokens: Tensor) -> Tensor:
            return labels_loss(logits, {head: ids[tokens] for head, ids in labels.items()})

        return cls(sentences, loss, noise)

    def loss(self, model: nn.Module, indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        """Loss of a batch of sentences, and its number of tokens."""
        batch: Any = self.sentences.batch(indices, self.noise)
        return self.loss_of(model(batch), batch.token_index), len(batch.token_index)


def summary(scores: Mapping[str, float], output: Path) -> str:
    """What a recipe prints at its end; nothing where another process scores."""
    if not scores:
        return ""
    lemmas = f"  lemmas {scores['dev_lemmas']:.2f}" if "dev_lemmas" in scores else ""
    return f"dev UPOS {scores['dev_upos']:.2f}  FEATS {scores['dev_feats']:.2f}{lemmas}  {output}"


def score(model: nn.Module, dataset: SourcedWords, sentences: OnDevice) -> dict[str, float]:
    """Tags a dataset and compares; leaves the model in evaluation mode.

    Returns means as `macro_accuracies`: `dev_upos` and `dev_feats` (whole bundles); `dev_lemmas`
    (lemma rules) where the model has such a head and the treebanks lemmas.
    """
    gold, found = dataset.labels, best_labels(model, sentences, len(dataset.words.form_ids))
    is_right = {head: ids == gold[head] for head, ids in found.items()}
    means = macro_accuracies(is_right, gold, dataset.token_sources)
    return {
        f"dev_{head}": mean
        for head, mean in means.items()
        if head != "lemmas" or not math.isnan(mean)
    }


@torch.no_grad()
def best_labels(
    model: nn.Module, sentences: OnDevice, n_tokens: int
) -> dict[str, NDArray[np.int64]]:
    """Label ids by head of `n_tokens`, -2 of those that `sentences` lack; ends training mode."""
    model.eval()
    found = {head: np.full(n_tokens, -2) for head in ("upos", "feats")}
    for indices in cut_batches(sentences.lengths, piece_budget=_PIECE_BUDGET):
        batch: Any = sentences.batch(indices)
        with torch.autocast(sentences.device.type, torch.bfloat16):
            logits: TaggerLogits = model(batch)
        where = batch.token_index.cpu().numpy()
        for head, scored in logits.items():
            of_head = found.setdefault(head, np.full(n_tokens, -2))
            of_head[where] = scored.argmax(-1).cpu().numpy()
    return found


def macro_accuracies(
    is_right: Mapping[str, NDArray[np.bool_]],
    gold: Mapping[str, NDArray[np.int64]],
    treebank_ids: NDArray[np.int64],
) -> dict[str, float]:
    """Means over treebanks of the percentages of right labels of tokens, by head.

    FEATS that are not learnt count as wrong, lemmas that are not do not count. A mean over no
    treebank is not a number.
    """
    means = {}
    for head, right in is_right.items():
        is_scored = (gold[head] != UNLABELLED) | (head != "lemmas")
        ids = treebank_ids[is_scored]
        n_right, totals = np.bincount(ids, weights=right[is_scored]), np.bincount(ids)
        # Some treebanks have no dev file to be scored on.
        scored = totals > 0
        shares = n_right[scored] / totals[scored]
        means[head] = float(100 * shares.mean()) if len(shares) else math.nan
    return means
