"""Trains a Meta-LSTM in stages, resumably, and tags with a trained one.

Stages: character model, word model, then the meta model over both, which stay as they are. After
each epoch a checkpoint is written; a run that was cut goes on there and ends with the same weights.
"""

import dataclasses
import json
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mtag_core.errors import CheckpointError
from mtag_core.tagging.tagged import TaggedSentence, unscored
from mtag_core.training.meta_lstm.data import (
    IGNORED_LABEL,
    Encoder,
    LabelledSentence,
    MetaLstmVocabulary,
    length_sorted_batches,
    windows,
    without_rare_forms,
)
from mtag_core.training.meta_lstm.network import STAGES, MetaLstm, MetaLstmConfig
from mtag_core.training.meta_lstm.vectors import WordVectors
from mtag_core.training.run_configs import MetaLstmTrainingOptions

_logger = logging.getLogger(__name__)
_TAGGING_BUDGET = 4096
_MAX_GRADIENT_NORM = 5.0


class MetaLstmTagger:
    """A trained Meta-LSTM that tags pre-tokenised sentences."""

    def __init__(
        self, model: MetaLstm, vocabulary: MetaLstmVocabulary, vectors: WordVectors
    ) -> None:
        """Takes a model and its inventories."""
        self._model = model.eval()
        self._device = next(model.parameters()).device
        self._vocabulary = vocabulary
        self._encoder = Encoder(vocabulary, vectors.rows)

    @classmethod
    def load(cls, directory: Path, device: str = "cpu") -> "MetaLstmTagger":
        """Loads a trained model.

        Args:
            directory: What `train_meta_lstm` wrote.
            device: A torch device, such as `cuda`.

        Raises:
            CheckpointError: The directory holds no finished model.
        """
        try:
            record = json.loads((directory / "config.json").read_text(encoding="utf-8"))
            weights = load_file(directory / "model.safetensors")
        except OSError as error:
            raise CheckpointError(
                f"{directory}: no finished Meta-LSTM; train one with train-meta-lstm"
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
        """The labels of sentences, in order."""
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
    options: MetaLstmTrainingOptions,
    device: str = "cpu",
) -> MetaLstmTagger:
    """Trains all stages and writes the model into a directory.

    Args:
        sentences: The training set.
        vectors: Fixed word vectors.
        directory: Gets `config.json`, `model.safetensors`, `vectors.*`; holds the checkpoint.
        options: How.
        device: A torch device, such as `cuda`; no part of the run's record.

    Returns:
        The trained tagger, on that device.

    Raises:
        CheckpointError: The directory holds a run with other options or inventories.
    """
    vocabulary = MetaLstmVocabulary.build(sentences, min_count=options.min_count)
    config = _config(vocabulary, vectors, options)
    directory.mkdir(parents=True, exist_ok=True)
    _write_record(directory, options=options, config=config, vocabulary=vocabulary)
    if not (directory / "model.safetensors").exists():
        vectors.save(directory)
        torch.manual_seed(options.seed)
        model = MetaLstm(config, torch.from_numpy(vectors.matrix)).to(device)
        _Run(model, Encoder(vocabulary, vectors.rows), sentences, directory, options).train()
        # On a GPU the weights of an LSTM are views of one block, which cannot be stored as it is.
        weights = {name: weight.cpu() for name, weight in model.state_dict().items()}
        save_file(weights, directory / "model.safetensors")
        (directory / "checkpoint.pt").unlink(missing_ok=True)
    return MetaLstmTagger.load(directory, device)


class _Run:
    """One training run."""

    def __init__(
        self,
        model: MetaLstm,
        encoder: Encoder,
        sentences: Sequence[LabelledSentence],
        directory: Path,
        options: MetaLstmTrainingOptions,
    ) -> None:
        self._model, self._encoder, self._options = model, encoder, options
        self._device = next(model.parameters()).device
        self._sentences = [part for sentence in sentences for part in _parts(sentence)]
        self._checkpoint = directory / "checkpoint.pt"

    def train(self) -> None:
        """Trains every stage, from the checkpoint on where there is one."""
        first_stage, first_epoch, optimizer_state = self._restore()
        for stage_index in range(first_stage, len(STAGES)):
            optimizer = torch.optim.Adam(self._model.stage_parameters(STAGES[stage_index]))
            if optimizer_state is not None:
                optimizer.load_state_dict(optimizer_state)
                optimizer_state = None
            for epoch in range(first_epoch, self._options.n_epochs):
                self._train_epoch(stage_index, epoch, optimizer)
                self._save(stage_index, epoch + 1, optimizer)
            first_epoch = 0

    def _train_epoch(self, stage_index: int, epoch: int, optimizer: torch.optim.Adam) -> None:
        """Trains one stage for one pass."""
        # Seeded anew, so that a resumed run draws what an uninterrupted one would.
        seed = (self._options.seed * len(STAGES) + stage_index) * 100_000 + epoch
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        self._model.train()
        lengths = [len(sentence.forms) for sentence in self._sentences]
        batches = list(
            length_sorted_batches(lengths, token_budget=self._options.token_budget, seed=seed)
        )
        # Summed on the device: reading the loss of each step would wait for the GPU.
        total = torch.zeros((), dtype=torch.float64, device=self._device)
        for step, indices in enumerate(batches):
            progress = (epoch + step / len(batches)) / self._options.n_epochs
            optimizer.param_groups[0]["lr"] = self._options.learning_rate * (1 - progress)
            chosen = [self._sentences[index] for index in indices]
            total += self._step(chosen, STAGES[stage_index], optimizer, generator)
        mean = total.item() / max(1, len(batches))
        _logger.info("%s epoch %d: loss %.3f nats a token", STAGES[stage_index], epoch + 1, mean)

    def _step(
        self,
        sentences: Sequence[LabelledSentence],
        stage: str,
        optimizer: torch.optim.Adam,
        generator: torch.Generator,
    ) -> Tensor:
        """Takes one step and returns its loss. Shape ()."""
        batch = self._encoder.batch([sentence.forms for sentence in sentences])
        batch = without_rare_forms(batch, share=self._options.unknown_share, generator=generator)
        logits = self._model.stage_logits(batch.to(self._device), stage)
        upos, feats = self._encoder.labels(sentences)
        loss = tagging_loss(logits, (upos.to(self._device), feats.to(self._device)))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._model.stage_parameters(stage), _MAX_GRADIENT_NORM)
        optimizer.step()
        return loss.detach()

    def _save(self, stage_index: int, n_epochs: int, optimizer: torch.optim.Adam) -> None:
        """Writes the checkpoint, the old one in place until the new one is whole."""
        partial = self._checkpoint.with_suffix(".partial")
        state = {
            "stage": stage_index,
            "n_epochs": n_epochs,
            "model": self._model.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        torch.save(state, partial)
        partial.rename(self._checkpoint)

    def _restore(self) -> tuple[int, int, dict[str, object] | None]:
        """Loads the checkpoint: the stage to go on with, epochs done in it, optimizer state."""
        if not self._checkpoint.exists():
            return 0, 0, None
        state = torch.load(self._checkpoint, map_location=self._device, weights_only=True)
        self._model.load_state_dict(state["model"])
        _logger.info("going on after %s epoch %d", STAGES[state["stage"]], state["n_epochs"])
        return state["stage"], state["n_epochs"], state["optimizer"]


def tagging_loss(logits: tuple[Tensor, Tensor], labels: tuple[Tensor, Tensor]) -> Tensor:
    """Cross-entropy of UPOS plus cross-entropy of FEATS.

    Args:
        logits: Shapes (n_sentences, n_tokens, n_labels).
        labels: Shapes (n_sentences, n_tokens); `IGNORED_LABEL` adds nothing.

    Returns:
        Mean over labelled tokens, in nats. Shape ().
    """
    return torch.stack(
        [
            nn.functional.cross_entropy(
                scores.flatten(0, 1), gold.flatten(), ignore_index=IGNORED_LABEL
            )
            for scores, gold in zip(logits, labels, strict=True)
        ]
    ).sum()


def _parts(sentence: LabelledSentence) -> list[LabelledSentence]:
    """Cuts a long sentence as tagging would; drops an empty one."""
    columns = (windows(column) for column in (sentence.forms, sentence.upos, sentence.feats))
    return [LabelledSentence(*map(tuple, part)) for part in zip(*columns, strict=True)]


def _config(
    vocabulary: MetaLstmVocabulary, vectors: WordVectors, options: MetaLstmTrainingOptions
) -> MetaLstmConfig:
    """The sizes that data and options ask for."""
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


def _write_record(
    directory: Path,
    *,
    options: MetaLstmTrainingOptions,
    config: MetaLstmConfig,
    vocabulary: MetaLstmVocabulary,
) -> None:
    """Writes what makes a run what it is, or checks that it is the same run.

    Raises:
        CheckpointError: The directory holds another run.
    """
    record = {
        "options": dataclasses.asdict(options),
        "config": dataclasses.asdict(config),
        "vocabulary": dataclasses.asdict(vocabulary),
    }
    text = json.dumps(record, ensure_ascii=False, indent=1)
    path = directory / "config.json"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise CheckpointError(
            f"{path}: another run, with other options or data; give an empty directory"
        )
    path.write_text(text, encoding="utf-8")
