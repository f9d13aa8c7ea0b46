"""Trains a Meta-LSTM in stages, resumably, and tags with a trained one.

Stages: character model, word model, then the meta model over both, which stay as they are. A
training that was cut goes on at its checkpoint and ends with the same weights.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from benchmarks.baselines.meta_lstm.data import (
    Encoder,
    MetaLstmVocabulary,
    WordVectors,
    length_sorted_batches,
    windows,
    without_rare_forms,
)
from benchmarks.baselines.meta_lstm.network import STAGES, MetaLstm, MetaLstmConfig
from benchmarks.baselines.meta_lstm.train import MetaLstmOptions
from mtag_core.errors import CheckpointError
from mtag_core.tagging.tagged import TaggedSentence, unscored
from mtag_core.training.data.treebanks import UNLABELLED, LabelledSentence
from mtag_core.training.loops.trainer import Epoch, Trainer, TrainingLog, TrainingTask
from mtag_core.training.records import record_options

_TAGGING_BUDGET = 4096


class MetaLstmTagger:
    """A trained Meta-LSTM that tags pre-tokenised sentences."""

    def __init__(
        self, model: MetaLstm, vocabulary: MetaLstmVocabulary, vectors: WordVectors
    ) -> None:
        self._model = model.eval()
        self._device = next(model.parameters()).device
        self._vocabulary = vocabulary
        self._encoder = Encoder(vocabulary, vectors.rows)

    @classmethod
    def load(cls, directory: Path, device: str = "cpu") -> "MetaLstmTagger":
        """Loads what `train_meta_lstm` wrote.

        Raises:
            CheckpointError: The directory holds no finished model.
        """
        try:
            record = json.loads((directory / "config.json").read_text(encoding="utf-8"))
            weights = load_file(directory / "model.safetensors")
        except OSError as error:
            raise CheckpointError(
                f"{directory}: no finished Meta-LSTM; train one with baselines.meta_lstm.train"
            ) from error
        vectors = WordVectors.load(directory)
        model = MetaLstm(MetaLstmConfig(**record["config"]), torch.from_numpy(vectors.matrix))
        model.load_state_dict(weights)
        vocabulary = MetaLstmVocabulary(
            **{name: tuple(entries) for name, entries in record["vocabulary"].items()}
        )
        return cls(model.to(device), vocabulary, vectors)

    @property
    def n_parameters(self) -> int:
        """Number of trained weights, the fixed vectors left out."""
        return sum(parameter.numel() for parameter in self._model.parameters())

    def tag_tokens(self, sentences: Iterable[Sequence[str]]) -> list[TaggedSentence]:
        """Tags sentences, in order; long ones stretch by stretch."""
        pieces = [
            (index, window)
            for index, forms in enumerate(sentences)
            for window in windows(forms) or [forms]
        ]
        labels = self._label([window for _, window in pieces])
        joined: dict[int, tuple[list[str], list[str], list[str]]] = {}
        for (index, window), (upos, feats) in zip(pieces, labels, strict=True):
            forms, all_upos, all_feats = joined.setdefault(index, ([], [], []))
            forms += window
            all_upos += upos
            all_feats += feats
        return [unscored(*map(tuple, columns)) for columns in joined.values()]

    def _label(self, sentences: Sequence[Sequence[str]]) -> list[tuple[list[str], list[str]]]:
        labels: list[tuple[list[str], list[str]]] = [([], []) for _ in sentences]
        lengths = list(map(len, sentences))
        for indices in length_sorted_batches(lengths, token_budget=_TAGGING_BUDGET):
            indices = [index for index in indices if lengths[index]]
            if not indices:
                continue
            batch = self._encoder.batch([sentences[index] for index in indices])
            with torch.no_grad():
                logits = self._model.stage_logits(batch.to(self._device), "meta")
            upos, feats = (scores.argmax(-1).tolist() for scores in logits)
            for row, index in enumerate(indices):
                n = lengths[index]
                labels[index][0].extend(self._vocabulary.upos[label] for label in upos[row][:n])
                labels[index][1].extend(self._vocabulary.feats[label] for label in feats[row][:n])
        return labels


def train_meta_lstm(
    sentences: Sequence[LabelledSentence],
    vectors: WordVectors,
    directory: Path,
    *,
    options: MetaLstmOptions,
    device: str = "cpu",
) -> MetaLstmTagger:
    """Trains all stages and writes the model into a directory, which holds the checkpoint, too.

    It gets `config.json`, `model.safetensors` and `vectors.*`. The device is no part of the record.

    Raises:
        CheckpointError: The directory holds a run with other options or inventories.
    """
    vocabulary = MetaLstmVocabulary.build(sentences, min_count=options.min_count)
    config = _config(vocabulary, vectors, options)
    record = {
        "options": asdict(options),
        "config": asdict(config),
        "vocabulary": asdict(vocabulary),
    }
    record_options(directory / "config.json", record)
    if not (directory / "model.safetensors").exists():
        vectors.save(directory)
        torch.manual_seed(options.schedule.seed)
        model = MetaLstm(config, torch.from_numpy(vectors.matrix)).to(device)
        encoder = Encoder(vocabulary, vectors.rows)
        parts = [part for sentence in sentences for part in _parts(sentence)]
        for name in STAGES:
            _Stage(name, model, encoder, parts, options).train(directory / name)
        # On a GPU the weights of an LSTM are views of one block, which cannot be stored as it is.
        weights = {name: weight.cpu() for name, weight in model.state_dict().items()}
        save_file(weights, directory / "model.safetensors")
        for name in STAGES:
            (directory / name / "checkpoint.pt").unlink()
    return MetaLstmTagger.load(directory, device)


class _Stage:
    """The training of one of the three models, while the others stay as they are."""

    def __init__(
        self,
        name: str,
        model: MetaLstm,
        encoder: Encoder,
        sentences: Sequence[LabelledSentence],
        options: MetaLstmOptions,
    ) -> None:
        self._name, self._model, self._encoder = name, model, encoder
        self._sentences, self._options = sentences, options
        self._lengths = [len(sentence.forms) for sentence in sentences]
        self._device = next(model.parameters()).device

    def train(self, directory: Path) -> None:
        """Trains to the end of the schedule, from the checkpoint in the directory on."""
        directory.mkdir(exist_ok=True)
        task = TrainingTask(
            self._model.stage(self._name), self._epoch, self._loss, dict, is_half=False
        )
        log = TrainingLog(directory)
        trainer = Trainer(task, self._options.schedule, directory=directory, log=log)
        trainer.resume()
        trainer.run()

    def _epoch(self, number: int, generator: np.random.Generator) -> Epoch:
        batches = length_sorted_batches(
            self._lengths,
            token_budget=self._options.token_budget,
            seed=int(generator.integers(2**32)),
        )
        return [np.array(batch) for batch in batches]

    def _loss(self, indices: NDArray[np.int64]) -> tuple[Tensor, int]:
        # The lower models have dropout, too, while the meta model learns.
        self._model.train()
        sentences = [self._sentences[index] for index in indices]
        batch = self._encoder.batch([sentence.forms for sentence in sentences])
        batch = without_rare_forms(batch, share=self._options.unknown_share)
        logits = self._model.stage_logits(batch.to(self._device), self._name)
        upos, feats = self._encoder.labels(sentences)
        loss = tagging_loss(logits, (upos.to(self._device), feats.to(self._device)))
        return loss, sum(self._lengths[index] for index in indices)


def tagging_loss(logits: tuple[Tensor, Tensor], labels: tuple[Tensor, Tensor]) -> Tensor:
    """Cross-entropy of UPOS plus that of FEATS: the mean over labelled tokens, in nats, shape ().

    Logits have shape (n_sentences, n_tokens, n_labels), labels (n_sentences, n_tokens).
    `UNLABELLED` adds nothing.
    """
    return torch.stack(
        [
            nn.functional.cross_entropy(
                scores.flatten(0, 1), gold.flatten(), ignore_index=UNLABELLED
            )
            for scores, gold in zip(logits, labels, strict=True)
        ]
    ).sum()


def _parts(sentence: LabelledSentence) -> list[LabelledSentence]:
    columns = (windows(column) for column in (sentence.forms, sentence.upos, sentence.feats))
    return [
        LabelledSentence(sentence.treebank, tuple(forms), tuple(upos), tuple(feats))
        for forms, upos, feats in zip(*columns, strict=True)
    ]


def _config(
    vocabulary: MetaLstmVocabulary, vectors: WordVectors, options: MetaLstmOptions
) -> MetaLstmConfig:
    return MetaLstmConfig(
        n_characters=len(vocabulary.characters) + 2,
        n_forms=len(vocabulary.forms) + 2,
        n_vectors=len(vectors.matrix),
        vector_width=vectors.matrix.shape[1],
        n_upos=len(vocabulary.upos),
        n_feats=len(vocabulary.feats),
        lstm_width=options.lstm_width,
        n_layers=options.n_layers,
    )
