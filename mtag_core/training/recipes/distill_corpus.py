"""What distillation learns from: text and treebanks, and the teachers' targets for each token."""

import logging

import numpy as np
import torch
from numpy.typing import NDArray

from mtag_core.errors import InputNotFoundError
from mtag_core.training.data.augmentation import WordClasses, replace_tokens, substitute_words
from mtag_core.training.data.datasets import (
    LabelledPieces,
    encoded_forms,
    labelled_dataset,
    sampling_rates,
)
from mtag_core.training.data.encoding import SpecialPieces
from mtag_core.training.data.packing import fitting_together
from mtag_core.training.data.texts import EncodedText
from mtag_core.training.data.train_dev_split import read_training_sentences
from mtag_core.training.loops import distributed
from mtag_core.training.networks.model_files import load_metadata
from mtag_core.training.options import DistillOptions
from mtag_core.training.recipes.teacher_ensemble import SoftTargets, TeacherEnsemble, blend_labels

_LOGGER = logging.getLogger(__name__)


class DistillationCorpus:
    """Text and treebanks of this process.

    Attributes:
        student: The sentences in the student's wordpieces.
        rates: Times an epoch goes through each sentence. Shape (n_sentences,).
        targets: Of every token, labels mixed in.
    """

    def __init__(self, options: DistillOptions, feats: list[str], *, device: torch.device) -> None:
        self._options = options
        self._feats = feats
        self._teachers = TeacherEnsemble(options.teachers, options.targets, device=device)
        # Treebank sentences come first, so their label arrays index the corpus' first tokens.
        labelled, treebanks = self._treebanks()
        text, text_rates = self._text()
        corpus = EncodedText.concatenate([treebanks, text])
        self.rates = np.concatenate([self._treebank_rates(labelled), text_rates])
        self.targets = self._annotated(corpus)
        if options.substitution_share > 0:
            copies, chosen = self._substituted(corpus)
            self.targets = SoftTargets.concatenate([self.targets, self._annotated(copies)])
            self.rates = np.concatenate([self.rates, self.rates[chosen]])
            corpus = EncodedText.concatenate([corpus, copies])
        self.student = corpus.student
        blend_labels(
            self.targets,
            token_indices=torch.arange(len(labelled.upos_ids), device=device),
            upos_ids=torch.from_numpy(labelled.upos_ids).to(device),
            feats_ids=torch.from_numpy(labelled.feats_ids).to(device),
            label_share=options.label_share,
        )

    def _treebanks(self) -> tuple[LabelledPieces, EncodedText]:
        sentences = read_training_sentences(
            self._options.treebanks, train_on_dev=self._options.train_on_dev
        )
        sentences = sentences[distributed.rank() :: distributed.n_ranks()]
        encoded = [
            encoded_forms(sentences, path, n_processes=self._options.n_processes)
            for path in (self._options.tokenizer, self._teachers.tokenizer)
        ]
        chosen = fitting_together(encoded, max_pieces=self._options.max_pieces)
        student, teacher = (packed.select(chosen) for packed in encoded)
        labelled = labelled_dataset(
            [sentences[index] for index in chosen],
            student,
            feats_labels=self._feats,
            max_pieces=self._options.max_pieces,
        )
        return labelled, EncodedText(student, teacher, labelled.treebanks, labelled.treebank_ids)

    def _text(self) -> tuple[EncodedText, NDArray[np.float64]]:
        if self._options.text is None:
            raise InputNotFoundError(
                "no encoded text given; make some with the encode-text command"
            )
        text = EncodedText.load(self._options.text)
        rates = self._text_rates(text)
        # A text used in part is cut down once, so that teachers need not annotate the rest.
        used = np.flatnonzero(
            np.random.default_rng(self._options.schedule.seed).random(len(rates)) < rates
        )
        used = used[distributed.rank() :: distributed.n_ranks()]
        return text.select(used), np.maximum(rates[used], 1.0)

    def _treebank_rates(self, dataset: LabelledPieces) -> NDArray[np.float64]:
        n_tokens = dataset.tokens_by_treebank() * distributed.n_ranks()
        rates = sampling_rates(n_tokens, full_tokens=self._options.small_treebank, most=8.0)
        return self._options.treebank_rate * rates[dataset.treebank_ids]

    def _text_rates(self, text: EncodedText) -> NDArray[np.float64]:
        """Times an epoch goes through each sentence; below 1, the chance that it is used at all."""
        options = self._options
        n_tokens = np.bincount(
            text.language_ids, weights=text.student.n_tokens, minlength=len(text.languages)
        ).astype(np.int64)
        rates = sampling_rates(n_tokens, full_tokens=options.small_text, most=4.0)
        tagged = load_metadata(options.teachers[0]).conventions
        is_tagged = np.array([name in tagged for name in text.languages], bool)
        rates = np.where(is_tagged, options.text_rate * rates, options.other_text_rate)
        chosen: NDArray[np.float64] = rates[text.language_ids]
        return chosen

    def _annotated(self, corpus: EncodedText) -> SoftTargets:
        names = corpus.languages
        if self._options.infer_text_treebank:
            names = tuple(name if "_" in name else "" for name in names)
        targets = self._teachers.annotate(corpus.teacher, names, corpus.language_ids)
        n_tokens = int(corpus.teacher.n_tokens.sum())
        _LOGGER.info("%d sentences, %d tokens annotated", len(corpus.teacher), n_tokens)
        return targets

    def _substituted(self, corpus: EncodedText) -> tuple[EncodedText, NDArray[np.int64]]:
        languages = np.unique(
            [name.split("_")[0] for name in corpus.languages], return_inverse=True
        )
        classes = WordClasses(
            np.repeat(languages[1][corpus.language_ids], corpus.student.n_tokens),
            self.targets.upos_log_probs.argmax(-1).cpu().numpy(),
            self.targets.feats_ids[:, 0].cpu().numpy().astype(np.int64),
        )
        sources = substitute_words(
            corpus.student,
            classes,
            share=self._options.substitution_share,
            generator=np.random.default_rng((self._options.schedule.seed, distributed.rank())),
        )
        student, teacher = (
            replace_tokens(packed, sources, SpecialPieces.load(path))
            for packed, path in (
                (corpus.student, self._options.tokenizer),
                (corpus.teacher, self._teachers.tokenizer),
            )
        )
        chosen = fitting_together((student, teacher), max_pieces=self._options.max_pieces)
        copies = EncodedText(student, teacher, corpus.languages, corpus.language_ids)
        return copies.select(chosen), chosen
