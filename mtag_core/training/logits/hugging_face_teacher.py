"""A Hugging Face token-classification directory as a teacher, on any torch device.

Its labels say what it knows: `NOUN`, `NOUN|Number=Sing` (UPOS and FEATS together) or `Number=Sing`.
Logits of joint labels are summed (log-sum-exp) over what they share. torch and transformers are
imported when a teacher is made.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import BundleError
from mtag_core.labels import UPOS_LABELS
from mtag_core.records import Sentence
from mtag_core.tagging.tagged import BatchReport
from mtag_core.tagging.windows import EncodedSentence
from mtag_core.training.logits.logit_teachers import (
    N_WAITING,
    TokenSummary,
    files_digest,
    summarise,
)
from mtag_core.training.logits.piece_windows import (
    PieceBatch,
    PieceEncoder,
    TokenLogits,
    batched_rows,
)
from mtag_core.training.logits.soft_targets import SummaryOptions
from mtag_core.training.logits.tail_basis import TailBasis

# A label that no class of the model carries.
_ABSENT_LOGIT = -1e4
_PIECE_BUDGET = 16384
_FILES = ("config.json", "tokenizer.json", "*.safetensors", "*.bin")


class HuggingFaceTeacher:
    """Runs `AutoModelForTokenClassification` on first wordpieces.

    Args:
        directory: Written by `save_pretrained`, with a `tokenizer.json`.
        device: A torch device, such as `cuda`.

    Raises:
        BundleError: The directory cannot be loaded, or its labels are no tags.
    """

    def __init__(self, directory: Path, *, device: str = "cpu") -> None:
        import torch
        from transformers import AutoModelForTokenClassification

        try:
            model: Any = AutoModelForTokenClassification.from_pretrained(
                str(directory), local_files_only=True
            )
            tokenizer_json = (directory / "tokenizer.json").read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise BundleError(f"{directory}: not a token-classification model: {error}") from error
        self.on_batch: Callable[[BatchReport], None] | None = None
        self.n_waiting = N_WAITING
        self._torch = torch
        self._device = torch.device(device)
        self._model = model.to(self._device).eval()
        labels = [model.config.id2label[index] for index in range(model.config.num_labels)]
        self._upos_map, self._feats_map, self.feats_labels = _label_maps(labels, source=directory)
        self.upos_labels = UPOS_LABELS
        self.digest = files_digest(directory, _FILES)
        limit = int(getattr(model.config, "max_position_embeddings", 512) or 512)
        # RoBERTa's positions begin behind the padding index.
        self._encoder = PieceEncoder(tokenizer_json, max_pieces=min(limit - 2, 510))

    def encode(self, sentence: Sentence) -> EncodedSentence:
        """Splits a sentence's tokens into the teacher's wordpieces."""
        return self._encoder.encode(sentence)

    def logits(self, sentences: Sequence[EncodedSentence]) -> list[TokenLogits]:
        """Logits of each sentence."""
        rows = batched_rows(
            self._encoder,
            sentences,
            self._run,
            piece_budget=_PIECE_BUDGET,
            on_batch=self.on_batch,
        )
        return [TokenLogits(*arrays) for arrays in rows]

    def summaries(
        self,
        sentences: Sequence[EncodedSentence],
        options: SummaryOptions,
        *,
        basis: TailBasis | None,
    ) -> list[TokenSummary]:
        """What is kept of each sentence's logits."""
        return [summarise(logits, options, basis=basis) for logits in self.logits(sentences)]

    def _run(self, batch: PieceBatch) -> TokenLogits:
        torch = self._torch
        with torch.inference_mode():
            output = self._model(
                input_ids=torch.from_numpy(batch.piece_ids).to(self._device),
                attention_mask=torch.from_numpy(batch.is_piece).to(self._device),
            )
            first = torch.from_numpy(batch.first_piece_index).to(self._device)
            rows: NDArray[np.float32] = output.logits.flatten(0, 1)[first].float().cpu().numpy()
        return TokenLogits(
            _pooled(rows, self._upos_map, len(self.upos_labels)),
            _pooled(rows, self._feats_map, len(self.feats_labels)),
        )


def _label_maps(
    labels: Sequence[str], *, source: Path
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
    """For each class its UPOS and its FEATS label (-1 for none), and the FEATS inventory."""
    pairs = [_split_label(label) for label in labels]
    if not any(upos for upos, _ in pairs):
        raise BundleError(
            f"{source}: labels such as {labels[0]!r} are no tags; expected UPOS or UPOS|FEATS"
        )
    feats = tuple(dict.fromkeys(["_", *(feats for _, feats in pairs if feats)]))
    return (
        np.array([UPOS_LABELS.index(upos) if upos else -1 for upos, _ in pairs]),
        np.array([feats.index(own) if own else -1 for _, own in pairs]),
        feats,
    )


def _split_label(label: str) -> tuple[str, str]:
    upos, separator, feats = label.partition("|")
    if upos in UPOS_LABELS:
        return upos, feats if separator else "_"
    return "", label if "=" in label or label == "_" else ""


def _pooled(
    logits: NDArray[np.float32], label_map: NDArray[np.int64], n_labels: int
) -> NDArray[np.float32]:
    """Log-sum-exp of the classes that carry each label. Shape (n_tokens, n_labels)."""
    pooled = np.full((len(logits), n_labels), -np.inf, np.float32)
    for column in np.flatnonzero(label_map >= 0):
        label = label_map[column]
        pooled[:, label] = np.logaddexp(pooled[:, label], logits[:, column])
    result: NDArray[np.float32] = np.maximum(pooled, _ABSENT_LOGIT)
    return result
