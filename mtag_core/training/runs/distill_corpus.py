"""What distillation learns from: text and treebanks, and the teachers' word on each token."""

import logging

import numpy as np
import torch
from numpy.typing import NDArray

from mtag_core.errors import InputNotFoundError
from mtag_core.training.data.datasets import (
    LabelledDataset,
    encoded_forms,
    labelled_dataset,
    sampling_rates,
)
from mtag_core.training.data.encoding import PieceConvention
from mtag_core.training.data.packing import DeviceSentences, PackedSentences, fits
from mtag_core.training.data.taught import read_training_sentences
from mtag_core.training.data.texts import EncodedText
from mtag_core.training.loops import distributed
from mtag_core.training.networks.model_files import load_card, load_model
from mtag_core.training.networks.openings import opening_pieces
from mtag_core.training.run_configs import DistillConfig
from mtag_core.training.runs.targets import SoftTargets, blend_labels, soft_targets

_LOGGER = logging.getLogger(__name__)


class DistillationCorpus:
    """Text and treebanks of this process.

    Attributes:
        student: The sentences in the student's wordpieces.
        rates: Times an epoch shows each sentence. Shape (n_sentences,).
        targets: The teachers' word on every token, labels mixed in.
    """

    def __init__(self, config: DistillConfig, feats: list[str], *, device: torch.device) -> None:
        """Reads, encodes and lets the teachers annotate."""
        self._config = config
        self._feats = feats
        self._teacher_tokenizer = config.teachers[0] / "tokenizer.json"
        # Treebank sentences come first, so their label arrays index the corpus' first tokens.
        student, teacher = self._treebanks()
        text, text_rates = self._text()
        self.student = PackedSentences.concatenate([student.packed, text.student])
        self.rates = np.concatenate([self._treebank_rates(student), text_rates])
        self.targets = self._targets(teacher, text, device)

    def _treebanks(self) -> tuple[LabelledDataset, LabelledDataset]:
        """This process' train sentences for student and teacher; the same ones for both."""
        sentences = read_training_sentences(self._config.treebanks, has_dev=self._config.has_dev)
        sentences = sentences[distributed.rank() :: distributed.n_ranks()]
        encoded = [
            encoded_forms(sentences, path, n_processes=self._config.n_processes)
            for path in (self._config.tokenizer, self._teacher_tokenizer)
        ]
        is_short = [fits(packed, max_pieces=self._config.max_pieces) for packed in encoded]
        chosen = np.flatnonzero(is_short[0] & is_short[1])
        student, teacher = (
            labelled_dataset(
                [sentences[index] for index in chosen],
                packed.select(chosen),
                feats_labels=self._feats,
                max_pieces=self._config.max_pieces,
            )
            for packed in encoded
        )
        return student, teacher

    def _text(self) -> tuple[EncodedText, NDArray[np.float64]]:
        """This process' share of the text, and the times an epoch shows each sentence."""
        if self._config.text is None:
            raise InputNotFoundError(
                "no encoded text given; make some with the encode-text command"
            )
        text = EncodedText.load(self._config.text)
        rates = self._text_rates(text)
        # A text shown in part is cut down once, so that teachers need not annotate the rest.
        shown = np.flatnonzero(np.random.default_rng(self._config.seed).random(len(rates)) < rates)
        shown = shown[distributed.rank() :: distributed.n_ranks()]
        return text.select(shown), np.maximum(rates[shown], 1.0)

    def _treebank_rates(self, dataset: LabelledDataset) -> NDArray[np.float64]:
        """Times an epoch shows each treebank sentence."""
        n_tokens = dataset.tokens_by_treebank() * distributed.n_ranks()
        rates = sampling_rates(n_tokens, full_tokens=self._config.small_treebank, most=8.0)
        return self._config.treebank_rate * rates[dataset.treebank_ids]

    def _text_rates(self, text: EncodedText) -> NDArray[np.float64]:
        """Times an epoch shows each text sentence; below 1, the chance that it is shown at all."""
        config = self._config
        n_tokens = np.bincount(
            text.language_ids, weights=text.student.n_tokens, minlength=len(text.languages)
        ).astype(np.int64)
        rates = sampling_rates(n_tokens, full_tokens=config.small_text, most=4.0)
        tagged = load_card(config.teachers[0]).conventions
        is_tagged = np.array([name in tagged for name in text.languages], bool)
        rates = np.where(is_tagged, config.text_rate * rates, config.other_text_rate)
        chosen: NDArray[np.float64] = rates[text.language_ids]
        return chosen

    def _targets(
        self, teacher: LabelledDataset, text: EncodedText, device: torch.device
    ) -> SoftTargets:
        """The teachers' word on every token, the labels mixed in."""
        packed = PackedSentences.concatenate([teacher.packed, text.teacher])
        pad = PieceConvention.load(self._teacher_tokenizer).pad
        sentences = DeviceSentences(packed, pad=pad, device=device)
        text_names = text.languages if self._config.is_text_told else ("",) * len(text.languages)
        names = teacher.treebanks + text_names
        name_ids = np.concatenate(
            [teacher.treebank_ids, len(teacher.treebanks) + text.language_ids]
        )
        teachers, openings = [], []
        for directory in self._config.teachers:
            model, card = load_model(directory, device=device)
            teachers.append(model)
            openings.append(
                opening_pieces(
                    names,
                    name_ids,
                    treebanks=card.treebanks,
                    conventions=card.conventions,
                    first_piece=card.first_treebank_piece,
                    device=device,
                )
            )
        targets = soft_targets(teachers, sentences, openings, self._config.targets)
        blend_labels(
            targets,
            token_indices=torch.arange(len(teacher.upos_ids), device=device),
            upos_ids=torch.from_numpy(teacher.upos_ids).to(device),
            feats_ids=torch.from_numpy(teacher.feats_ids).to(device),
            label_share=self._config.label_share,
        )
        _LOGGER.info("%d sentences, %d tokens annotated", len(packed), int(packed.n_tokens.sum()))
        return targets
