"""Distils teachers into a student, and fine-tunes it: the same recipe with other shares.

Distilling goes through all the text; fine-tuning starts from a distilled student and goes through
little of it. On treebank tokens part of the target is the label itself. Some treebank sentences of
a word student have their treebank's adapter, so that the network knows what it is for; its final
values are learnt afterwards (`adapters`). Where targets come from shards of logits
(`shard_stream`), treebanks are learnt from their labels alone: lemmas are in no shard.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mtag_core.errors import InputNotFoundError, UsageError
from mtag_core.training.data.corpus import TreebankCorpus
from mtag_core.training.data.datasets import (
    SMALL_TREEBANK,
    SourcedWords,
    cut_batches,
    drawn_batches,
    ragged_rows,
    sampling_rates,
)
from mtag_core.training.data.model_input import Forms, ModelInput
from mtag_core.training.data.pieces import SpecialPieces
from mtag_core.training.data.text import as_read, train_vocabulary
from mtag_core.training.loops import distributed
from mtag_core.training.loops.trainer import TrainingTask, begin, train
from mtag_core.training.networks.model_files import (
    Network,
    make_plain,
    new_student,
    set_dropout,
    share_weights,
)
from mtag_core.training.options import DistillOptions
from mtag_core.training.recipes.label_training import TrainingSentences, score, summary
from mtag_core.training.recipes.labelling import SoftTargets, load_shard
from mtag_core.training.recipes.shard_stream import ShardStream, reading_ahead

_LOGGER = logging.getLogger(__name__)

# Texts of fewer tokens are sampled more often.
_SMALL_TEXT = 300_000

_Batch = tuple[TrainingSentences, NDArray[np.int64]]
_Epochs = Callable[[int, np.random.Generator], list[_Batch]]


def run(options: DistillOptions) -> str:
    """Runs `train distill` or `train finetune`; says macro dev scores, no treebank named.

    Raises:
        UsageError: There is not one source of soft targets.
    """
    if (options.labelled is None) == (options.logits is None):
        raise UsageError("expected either --labelled, with --text, or --logits")
    if options.labelled is not None and options.text is None:
        raise UsageError("--labelled needs --text, the directory whose sentences were labelled")
    device = begin(options)
    corpus = TreebankCorpus.load(options.corpus)
    network = _student(options, corpus)
    network.model.to(device)
    distributed.share_weights(network.model)
    reader = ModelInput(
        network.tokenizer, network.has_words, device, options.max_pieces, options.n_processes
    )
    text = options.text if options.logits is None else None
    forms = reader.forms_of_text(text) if text else reader.forms(corpus.forms)
    dev = reader.dataset(corpus.dev, forms)

    with _source(options, corpus, reader, forms) as (n_epochs, epoch):
        torch.manual_seed(options.schedule.seed + distributed.rank())
        task = TrainingTask(
            network.model,
            epoch,
            lambda batch: batch[0].loss(network.model, batch[1]),
            lambda: score(network.model, *dev),
        )
        scores = train(task, options, epochs=n_epochs).scores
    make_plain(network.model)
    if distributed.rank() == 0:
        network.save(options.output)
    distributed.wait_for_all()
    return summary(scores, options.output)


@contextmanager
def _source(
    options: DistillOptions, corpus: TreebankCorpus, reader: ModelInput, forms: Forms
) -> Iterator[tuple[float, _Epochs]]:
    if options.labelled is not None:
        # Each process learns from shards of its own.
        names = sorted(options.labelled.glob("shard-*"))
        own = list(map(load_shard, names[distributed.rank() :: distributed.n_ranks()]))
        if not own:
            raise InputNotFoundError(f"{options.labelled}: no shard for each process; label more")
        shard = SourcedWords.concatenate(own)
        yield options.schedule.epochs, _of_labelled(options, shard, corpus, reader, forms)
        return
    stream = _stream(options, corpus)
    treebanks = reader.dataset(corpus.train, forms)
    # What reads ahead encodes in one process.
    alone = partial(stream.read, reader=replace(reader, n_processes=1))
    with reading_ahead(alone, n_processes=options.n_processes) as read:
        learnt = TrainingSentences.of(*treebanks, options.noise)
        sizes = treebanks[0].tokens_by_source()
        rates = sampling_rates(sizes, full_tokens=SMALL_TREEBANK)
        rates = options.treebank_rate * rates[treebanks[0].source_ids]
        rates /= stream.n_chunks * distributed.n_ranks()

        def chunk(number: int, generator: np.random.Generator) -> list[_Batch]:
            chunk, forms = read(number)
            sentences = reader.sentences(chunk.words, forms)
            targets = SoftTargets.of(chunk.labels, device=reader.device)
            text = TrainingSentences(
                sentences, partial(targets.loss, options.targets), options.noise
            )
            cut = cut_batches(sentences.lengths, piece_budget=options.budget, generator=generator)
            lengths = learnt.sentences.lengths
            drawn = drawn_batches(rates, lengths, options.budget, generator)
            batches = [*((text, batch) for batch in cut), *((learnt, batch) for batch in drawn)]
            return [batches[index] for index in generator.permutation(len(batches))]

        yield options.schedule.epochs * stream.n_chunks, chunk


def _stream(options: DistillOptions, corpus: TreebankCorpus) -> ShardStream:
    if options.logits is None:
        raise InputNotFoundError("no shards of logits named: --logits")
    return ShardStream(
        options.logits,
        corpus.feats,
        options.targets,
        seed=options.schedule.seed,
        rank=distributed.rank(),
        n_ranks=distributed.n_ranks(),
    )


def _of_labelled(
    options: DistillOptions,
    shard: SourcedWords,
    corpus: TreebankCorpus,
    reader: ModelInput,
    forms: Forms,
) -> _Epochs:
    is_treebank = shard.source_ids < len(corpus.train.sources)
    rows = np.where(is_treebank, shard.source_ids + 1, 0) if reader.has_words else None
    sentences = reader.sentences(shard.words, forms, treebanks=rows)
    # Teachers read no longer sentences, but their wordpieces may be others.
    is_read = sentences.lengths <= options.max_pieces
    rates = _rates(shard, is_treebank, options) * is_read
    targets = _blended(shard, corpus, options, device=reader.device)
    learnt = TrainingSentences(sentences, partial(targets.loss, options.targets), options.noise)
    n_tokens = len(shard.words.form_ids)
    _LOGGER.info("%d tokens, epoch of %d sentences", n_tokens, rates.sum())

    def epoch(number: int, generator: np.random.Generator) -> list[_Batch]:
        drawn = drawn_batches(rates, sentences.lengths, options.budget, generator)
        return [(learnt, batch) for batch in drawn]

    return epoch


def _rates(
    text: SourcedWords, is_treebank: NDArray[np.bool_], options: DistillOptions
) -> NDArray[np.float64]:
    is_own = (text.origins >= 0) | ~is_treebank
    weights = np.where(is_own, text.words.n_tokens, 0)
    n_tokens = np.bincount(text.source_ids, weights=weights, minlength=len(text.sources))
    n_tokens = (n_tokens * distributed.n_ranks()).astype(np.int64)
    by_treebank = sampling_rates(n_tokens, full_tokens=SMALL_TREEBANK)
    by_language = sampling_rates(n_tokens, full_tokens=_SMALL_TEXT, most=4.0)
    rates: NDArray[np.float64] = np.where(
        is_treebank,
        options.treebank_rate * by_treebank[text.source_ids],
        options.text_rate * by_language[text.source_ids],
    )
    return rates


def _blended(
    shard: SourcedWords, corpus: TreebankCorpus, options: DistillOptions, *, device: torch.device
) -> SoftTargets:
    targets = SoftTargets.of(shard.labels, device=device)
    sentences = np.flatnonzero(shard.origins >= 0)
    gold = ragged_rows(corpus.train.words.n_tokens, shard.origins[sentences])
    labels = {
        head: torch.from_numpy(ids[gold]).to(device) for head, ids in corpus.train.labels.items()
    }
    tokens = torch.from_numpy(ragged_rows(shard.words.n_tokens, sentences)).to(device)
    targets.blend(labels, tokens, label_share=options.label_share)
    return targets


def _student(options: DistillOptions, corpus: TreebankCorpus) -> Network:
    if options.student is not None:
        network = Network.load(options.student, device=torch.device("cpu"))
    else:
        tokenizer = _tokenizer(options, corpus)
        pieces = SpecialPieces.load(tokenizer)
        network = new_student(
            options.shape,
            corpus.feats,
            corpus.lemma_rules,
            corpus.train.sources,
            tokenizer=tokenizer,
            n_pieces=pieces.n_pieces,
            pad=pieces.pad,
        )
        metadata = replace(network.metadata, is_trained_on_dev=corpus.is_trained_on_dev)
        network = replace(network, metadata=metadata)
    share_weights(network.model, corpus.feats)
    set_dropout(network.model, options.dropout)
    return network


def _tokenizer(options: DistillOptions, corpus: TreebankCorpus) -> Path:
    if options.text is not None:
        return options.text / "tokenizer.json"
    path = options.output / "tokenizer.json"
    if distributed.rank() == 0 and not path.exists():
        sentences = corpus.train.words.texts(corpus.forms)
        for block in _stream(options, corpus).blocks(0):
            sentences += block.forms
        read = (as_read(forms, options.shape.architecture) for forms in sentences)
        train_vocabulary(read, n_pieces=options.n_pieces).save(str(path))
    distributed.wait_for_all()
    return path
