"""Trains a student further, on treebank labels alone.

For a student that has learnt from teachers: no teacher is needed any more, and a CPU will do.
"""

from dataclasses import replace

from mtag_core.training.data.corpus import TreebankCorpus
from mtag_core.training.data.datasets import sampling_rates
from mtag_core.training.data.model_input import ModelInput
from mtag_core.training.data.train_dev_split import read_split
from mtag_core.training.loops.trainer import begin, train
from mtag_core.training.networks.model_files import Network, set_dropout
from mtag_core.training.options import AdaptOptions
from mtag_core.training.recipes.label_training import label_task, summary


def run(options: AdaptOptions) -> str:
    """Runs `train adapt`."""
    before, after, n_steps = adapt(options)
    return f"{n_steps} steps\nbefore: {summary(before, options.student)}\nafter: " + summary(
        after, options.output
    )


def adapt(options: AdaptOptions) -> tuple[dict[str, float], dict[str, float], int]:
    """Trains and writes a model directory.

    Returns:
        Macro scores on held-out sentences before and after, and the number of steps. A treebank
        without a dev file has every tenth sentence held out.
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
    forms = reader.forms(corpus.forms)
    learnt, held_out = (reader.dataset(each, forms) for each in (corpus.train, corpus.dev))
    rates = sampling_rates(learnt[0].tokens_by_treebank(), full_tokens=options.small_treebank)
    task = label_task(
        network.model,
        learnt,
        held_out,
        rates=rates[learnt[0].treebank_ids],
        noise=options.noise,
        budget=options.budget,
        has_autocast=options.bfloat16,
    )
    before = task.evaluate()
    n_steps = train(task, options)
    metadata = replace(network.metadata, is_trained_on_dev=is_trained_on_dev)
    replace(network, metadata=metadata).save(options.output)
    return before, task.evaluate(), n_steps
