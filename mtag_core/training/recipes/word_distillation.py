"""Trains a word student on the teachers' targets, and goes on with treebanks above all.

Both are one recipe with other shares: distilling goes through all the text; fine-tuning starts from
a distilled student and goes through little of it. On treebank tokens part of the target is the
label itself. Some treebank sentences have their treebank's adapter, so that the network knows what
it is for; its final values are learnt afterwards (`word_adapters`).
"""

import logging

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtag_core.errors import InputNotFoundError
from mtag_core.training.data.datasets import draw_epoch, sampling_rates
from mtag_core.training.data.encoding import SpecialPieces
from mtag_core.training.data.packing import cut_batches, ragged_rows
from mtag_core.training.data.word_corpus import TreebankCorpus
from mtag_core.training.data.word_sentences import (
    DeviceForms,
    DeviceWords,
    FormTable,
    mask_form_pieces,
)
from mtag_core.training.loops import distributed
from mtag_core.training.loops.trainer import Epoch, Task, Trainer
from mtag_core.training.loops.training_log import TrainingLog
from mtag_core.training.networks.student import make_plain, set_dropout, share_weights
from mtag_core.training.networks.word_model_files import (
    WordLabels,
    WordMetadata,
    load_word_student,
    save_word_student,
)
from mtag_core.training.networks.word_student import WordStudent, WordStudentConfig
from mtag_core.training.recipes.scoring import score, summary
from mtag_core.training.recipes.teacher_ensemble import SoftTargets, blend_labels, target_loss
from mtag_core.training.recipes.word_targets import TargetShard
from mtag_core.training.records import record_training
from mtag_core.training.word_options import WordDistillOptions

_LOGGER = logging.getLogger(__name__)


def run(options: WordDistillOptions) -> str:
    """Runs `distill-words`."""
    return summary(distill_words(options), options.output)


def distill_words(options: WordDistillOptions) -> dict[str, float]:
    """Trains a word student and writes its model directory.

    Args:
        options: What to do.

    Returns:
        Macro dev scores at the end, no treebank named.

    Raises:
        CheckpointError: A directory does not fit.
        InputNotFoundError: There is no corpus or no shard.
    """
    device = distributed.start()
    if distributed.rank() == 0:
        record_training(options)
    distributed.wait_for_all()
    torch.manual_seed(options.schedule.seed)
    corpus = TreebankCorpus.load(options.corpus)
    model, metadata = _student(options, corpus)
    model.to(device)
    distributed.share_weights(model)
    task = _WordTask(options, model, corpus, device=device)
    torch.manual_seed(options.schedule.seed + distributed.rank())
    with TrainingLog(options.output, is_writer=distributed.rank() == 0) as log:
        trainer = Trainer(task.task(), options.schedule, directory=options.output, log=log)
        if options.resume:
            trainer.resume()
        trainer.run()
    make_plain(model)
    if distributed.rank() == 0:
        save_word_student(
            model,
            metadata,
            WordLabels(corpus.inventories.feats, corpus.inventories.lemma_rules),
            directory=options.output,
            tokenizer_path=options.tokenizer,
        )
    distributed.wait_for_all()
    return task.scores() if distributed.rank() == 0 else {}


class _WordTask:
    def __init__(
        self,
        options: WordDistillOptions,
        model: WordStudent,
        corpus: TreebankCorpus,
        *,
        device: torch.device,
    ) -> None:
        self._options, self._model = options, model
        self._mask_piece = SpecialPieces.load(options.tokenizer).mask
        shard = _shard(options)
        forms = DeviceForms(FormTable.load(options.forms), device=device)
        is_treebank = shard.source_ids < len(corpus.train.treebanks)
        rows = np.where(is_treebank, shard.source_ids + 1, 0)
        self._sentences = DeviceWords(shard.words, forms, treebank_rows=rows)
        self._rates = _rates(shard, is_treebank, options)
        self._targets = _blended(shard, corpus, options, device=device)
        self._dev = corpus.dev
        self._dev_sentences = DeviceWords(corpus.dev.packed, forms)
        _LOGGER.info(
            "%d tokens, epoch of %d sentences", len(shard.words.form_ids), self._rates.sum()
        )

    def task(self) -> Task:
        """What the trainer calls."""
        return Task(self._model, self._epoch, self._loss, self.scores)

    def scores(self) -> dict[str, float]:
        """Macro dev scores, no treebank named."""
        return score(self._model, self._dev_sentences, self._dev).macro()

    def _epoch(self, number: int, generator: np.random.Generator) -> Epoch:
        drawn = draw_epoch(self._rates, generator)
        batches = cut_batches(
            self._sentences.packed.lengths[drawn],
            piece_budget=self._options.token_budget,
            generator=generator,
        )
        return [drawn[batch] for batch in batches]

    def _loss(self, indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        options = self._options
        batch = self._sentences.batch(
            indices, changed_share=options.changed_share, named_share=options.named_share
        )
        masked = mask_form_pieces(batch, share=options.piece_dropout, mask_piece=self._mask_piece)
        loss = target_loss(self._model(masked), self._targets, batch.token_index, options.targets)
        return loss, len(batch.token_index)


def _shard(options: WordDistillOptions) -> TargetShard:
    paths = sorted(options.labelled.glob("shard-*"))[distributed.rank() :: distributed.n_ranks()]
    if not paths:
        raise InputNotFoundError(f"{options.labelled}: no shard for each process; label more")
    return TargetShard.concatenate([TargetShard.load(path) for path in paths])


def _rates(
    shard: TargetShard, is_treebank: NDArray[np.bool_], options: WordDistillOptions
) -> NDArray[np.float64]:
    """Times that an epoch goes through each sentence. Shape (n_sentences,)."""
    is_own = (shard.labelled >= 0) | ~is_treebank
    weights = np.where(is_own, shard.words.n_tokens, 0)
    n_tokens = np.bincount(shard.source_ids, weights=weights, minlength=len(shard.sources))
    n_tokens = (n_tokens * distributed.n_ranks()).astype(np.int64)
    by_treebank = sampling_rates(n_tokens, full_tokens=options.small_treebank, most=8.0)
    by_language = sampling_rates(n_tokens, full_tokens=options.small_text, most=4.0)
    rates: NDArray[np.float64] = np.where(
        is_treebank,
        options.treebank_rate * by_treebank[shard.source_ids],
        options.text_rate * by_language[shard.source_ids],
    )
    return rates


def _blended(
    shard: TargetShard, corpus: TreebankCorpus, options: WordDistillOptions, *, device: torch.device
) -> SoftTargets:
    targets = SoftTargets(**{k: v.to(device) for k, v in shard.targets.tensors().items()})
    sentences = np.flatnonzero(shard.labelled >= 0)
    gold = ragged_rows(corpus.train.packed.n_tokens, shard.labelled[sentences])
    blend_labels(
        targets,
        token_indices=_moved(ragged_rows(shard.words.n_tokens, sentences), device),
        upos_ids=_moved(corpus.train.upos_ids[gold], device),
        feats_ids=_moved(corpus.train.feats_ids[gold], device),
        lemma_ids=_moved(corpus.train.lemma_ids[gold], device),
        label_share=options.label_share,
    )
    return targets


def _moved(array: NDArray[np.int64], device: torch.device) -> Tensor:
    return torch.from_numpy(array).to(device)


def _student(
    options: WordDistillOptions, corpus: TreebankCorpus
) -> tuple[WordStudent, WordMetadata]:
    if options.student is not None:
        model, metadata, _ = load_word_student(options.student, device=torch.device("cpu"))
    else:
        config = WordStudentConfig(
            n_pieces=SpecialPieces.load(options.tokenizer).n_pieces,
            n_feats=len(corpus.inventories.feats),
            n_lemma_rules=len(corpus.inventories.lemma_rules),
            n_treebanks=len(corpus.train.treebanks),
            n_context_layers=options.n_layers,
            hidden_size=options.hidden_size,
            n_heads=max(1, options.hidden_size // 64),
            intermediate_size=4 * options.hidden_size,
            ngram_width=max(1, options.hidden_size // 2),
        )
        model = WordStudent(config)
        metadata = WordMetadata(corpus.train.treebanks, is_trained_on_dev=corpus.is_trained_on_dev)
    if options.share_feats:
        share_weights(model, corpus.inventories.feats)
    set_dropout(model, options.dropout)
    return model, metadata
