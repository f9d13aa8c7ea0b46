"""Trains the teacher: a pretrained multilingual encoder, fine-tuned on all treebanks at once.

Most sentences have their treebank's token, which names whose labels are wanted, so that
contradicting annotations of one language do not blur each other. Some have none, so that the model
also does without.
"""

from pathlib import Path

import numpy as np

from mtag_core.training.data.corpus import TreebankCorpus, WordInventories
from mtag_core.training.data.datasets import sampling_rates
from mtag_core.training.data.model_input import ModelInput
from mtag_core.training.loops import distributed
from mtag_core.training.loops.trainer import begin, train
from mtag_core.training.networks.model import TokenTagger
from mtag_core.training.networks.model_files import Network
from mtag_core.training.networks.pretrained import hidden_size, load_encoder, vocab_size
from mtag_core.training.networks.trained_model import ModelMetadata
from mtag_core.training.options import Noise, TeacherTrainingOptions
from mtag_core.training.recipes.label_training import label_task, summary
from mtag_core.training.treebank_facts import facts_of
from mtag_core.treebank_style import treebank_language


def run(options: TeacherTrainingOptions) -> str:
    """Runs `train teacher`."""
    return summary(train_teacher(options), options.output)


def train_teacher(options: TeacherTrainingOptions) -> dict[str, float]:
    """Trains a teacher and writes its model directory; returns macro dev scores."""
    device = begin(options)
    tokenizer = Path(options.encoder) / "tokenizer.json"
    corpus = TreebankCorpus.load(options.corpus)
    # Each process learns from its own share.
    share = np.arange(distributed.rank(), len(corpus.train.words), distributed.n_ranks())
    metadata = _metadata(options, corpus)
    # Where no sentence names its treebank, no treebank's token is learnt.
    known = metadata if options.unknown_treebank < 1 else None
    reader = ModelInput(
        tokenizer, False, device, options.max_pieces, options.n_processes, metadata=known
    )
    forms = reader.forms(corpus.forms)
    learnt, held_out = (
        reader.dataset(each, forms) for each in (corpus.train.select(share), corpus.dev)
    )
    model = _new_teacher(options, corpus.inventories, n_treebanks=len(metadata.treebanks)).to(
        device
    )
    sizes = corpus.train.tokens_by_treebank()
    rates = sampling_rates(sizes, full_tokens=options.small_treebank)
    task = label_task(
        model,
        learnt,
        held_out,
        rates=rates[learnt[0].treebank_ids],
        noise=Noise(named_share=1 - options.unknown_treebank, piece_dropout=options.piece_dropout),
        budget=options.piece_budget,
    )
    train(task, options)
    if distributed.rank() == 0:
        Network(model, metadata, corpus.inventories.feats, tokenizer).save(options.output)
    distributed.wait_for_all()
    return task.evaluate() if distributed.rank() == 0 else {}


def _metadata(options: TeacherTrainingOptions, corpus: TreebankCorpus) -> ModelMetadata:
    train = corpus.train
    sizes = dict(zip(train.treebanks, train.tokens_by_treebank(), strict=True))
    conventions: dict[str, str] = {}
    for name in sorted(sizes, key=lambda name: sizes[name]):
        facts = facts_of(name)
        if facts.is_edited_text:
            conventions[treebank_language(name)] = name
        if facts.standard is not None:
            conventions[facts.standard] = name
    return ModelMetadata(
        max_pieces=options.max_pieces,
        treebanks=train.treebanks,
        first_treebank_piece=vocab_size(options.encoder),
        conventions=conventions,
        is_trained_on_dev=corpus.is_trained_on_dev,
    )


def _new_teacher(
    options: TeacherTrainingOptions, inventories: WordInventories, *, n_treebanks: int
) -> TokenTagger:
    encoder = load_encoder(options.encoder, n_extra_pieces=n_treebanks, dropout=options.dropout)
    return TokenTagger(
        encoder,
        hidden_size=hidden_size(encoder),
        n_feats=len(inventories.feats),
        dropout=options.dropout,
        n_lemma_rules=inventories.n_lemma_rules,
    )
