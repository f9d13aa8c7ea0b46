"""Teachers that torch runs, on any device: imported when a teacher is made.

A model directory that `train teacher` wrote: what shards keep is computed where the logits are, so
that a GPU hands over some hundred bytes a token and not the logits of thousands of FEATS bundles.

A Hugging Face token-classification directory: its labels say what it knows, `NOUN`,
`NOUN|Number=Sing` (UPOS and FEATS together) or `Number=Sing`. Logits of joint labels are summed
(log-sum-exp) over what they share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import BundleError, CheckpointError
from mtag_core.labels import UPOS_LABELS
from mtag_core.records import Sentence, bare_sentence
from mtag_core.tagging.tagged import BatchReport
from mtag_core.tagging.windows import EncodedSentence
from mtag_core.training.logits.logit_teachers import (
    N_WAITING,
    LogitTeacher,
    TokenSummary,
    files_digest,
    language_openings,
)
from mtag_core.training.logits.piece_windows import (
    PieceBatch,
    PieceEncoder,
    TokenLogits,
    TokenRows,
    batched_rows,
)
from mtag_core.training.logits.soft_targets import (
    LARGEST_CODE,
    LOWEST,
    FeatsSummary,
    SummaryOptions,
    TailBasis,
)

if TYPE_CHECKING:
    import torch

    from mtag_core.training.networks.model import Batch
    from mtag_core.training.networks.model import TaggerLogits as DeviceLogits

_FILES = ("config.json", "tokenizer.json", "feats.json", "model.safetensors")
_PIECE_BUDGET = 16384
# A GPU wants full batches, and of its logits only a summary comes to the host.
_N_WAITING = 1024


def is_trained_model(directory: Path) -> bool:
    """Whether a directory is of `mtag_core.training.networks.model_files`."""
    return all((directory / name).exists() for name in _FILES)


class TrainedTeacher:
    """Runs a teacher or student as training left it; in bfloat16 on a GPU.

    Args:
        directory: See `mtag_core.training.networks.model_files`.
        device: A torch device, such as `cuda`.

    Raises:
        CheckpointError: It is no such directory.
    """

    def __init__(self, directory: Path, *, device: str = "cpu") -> None:
        import torch

        from mtag_core.training.networks.model import Batch
        from mtag_core.training.networks.model_files import Network

        if not is_trained_model(directory):
            raise CheckpointError(f"{directory}: expected {', '.join(_FILES)}")
        self._torch, self._batch_type = torch, Batch
        self._device = torch.device(device)
        network = Network.load_teacher(directory, device=self._device)
        metadata = network.metadata
        dtype = torch.bfloat16 if self._device.type == "cuda" else torch.float32
        self._model = network.model.eval().to(dtype)
        self.on_batch: Callable[[BatchReport], None] | None = None
        self.n_waiting = _N_WAITING if self._device.type == "cuda" else N_WAITING
        self._moved_basis: tuple[TailBasis, list[torch.Tensor]] | None = None
        self.digest = files_digest(directory, _FILES)
        self.upos_labels = UPOS_LABELS
        self.feats_labels = network.feats
        # A treebank's name stands for itself, beside the languages.
        conventions = metadata.conventions | {name: name for name in metadata.treebanks}
        self._encoder = PieceEncoder(
            (directory / "tokenizer.json").read_text(encoding="utf-8"),
            max_pieces=metadata.max_pieces,
            openings=language_openings(conventions, metadata.treebank_pieces),
        )

    def encode(self, sentence: Sentence) -> EncodedSentence:
        """Splits a sentence's tokens into the teacher's wordpieces."""
        return self._encoder.encode(sentence)

    def logits(self, sentences: Sequence[EncodedSentence]) -> list[TokenLogits]:
        """Logits of each sentence."""
        return [TokenLogits(*rows) for rows in self._rows(sentences, self._all_logits)]

    def summaries(
        self,
        sentences: Sequence[EncodedSentence],
        options: SummaryOptions,
        *,
        basis: TailBasis | None,
    ) -> list[TokenSummary]:
        """What is kept of each sentence's logits; equal logits in any order."""
        take = partial(self._summary, options=options, basis=basis)
        return [
            TokenSummary(upos, FeatsSummary(*feats)) for upos, *feats in self._rows(sentences, take)
        ]

    def best_labels(
        self, sentences: Sequence[Sequence[str]], *, treebank: str | None = None
    ) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """The best UPOS and FEATS of every token.

        Args:
            sentences: Forms of each.
            treebank: Whose convention to follow, as a teacher can be told; None for none.
        """
        bare = (bare_sentence(tuple(forms), language=treebank or "und") for forms in sentences)
        return [
            (
                tuple(self.upos_labels[label] for label in upos),
                tuple(self.feats_labels[label] for label in feats),
            )
            for upos, feats in self._rows(list(map(self.encode, bare)), self._best)
        ]

    def _rows(
        self,
        sentences: Sequence[EncodedSentence],
        take: Callable[[DeviceLogits], list[torch.Tensor]],
    ) -> list[TokenRows]:
        def run(batch: PieceBatch) -> TokenRows:
            with self._torch.inference_mode():
                return tuple(part.cpu().numpy() for part in take(self._model(self._moved(batch))))

        return batched_rows(
            self._encoder, sentences, run, piece_budget=_PIECE_BUDGET, on_batch=self.on_batch
        )

    def _moved(self, batch: PieceBatch) -> Batch:
        piece_ids, is_piece, first, last = (
            self._torch.from_numpy(array).to(self._device)
            for array in (
                batch.piece_ids,
                batch.is_piece.astype(bool),
                batch.first_piece_index,
                batch.last_piece_index,
            )
        )
        return self._batch_type(piece_ids, is_piece, first, last, first)

    def _all_logits(self, logits: DeviceLogits) -> list[torch.Tensor]:
        return [logits.upos.float(), logits.feats.float()]

    def _best(self, logits: DeviceLogits) -> list[torch.Tensor]:
        return [logits.upos.argmax(-1), logits.feats.argmax(-1)]

    def _summary(
        self, logits: DeviceLogits, *, options: SummaryOptions, basis: TailBasis | None
    ) -> list[torch.Tensor]:
        torch, feats = self._torch, logits.feats.float()
        relative = feats - feats.amax(-1, keepdim=True)
        top, label_ids = relative.topk(min(options.top_k, feats.shape[-1]), dim=-1)
        others = relative.scatter(-1, label_ids, -torch.inf)
        rest = torch.stack([(others / t).logsumexp(-1) for t in options.temperatures], -1)
        return [
            logits.upos.float(),
            label_ids.to(torch.uint16),
            top.clamp(min=LOWEST).half(),
            rest,
            self._sketch(feats, basis),
        ]

    def _sketch(self, feats: torch.Tensor, basis: TailBasis | None) -> torch.Tensor:
        torch = self._torch
        if basis is None:
            return torch.zeros(len(feats), 0, dtype=torch.int8)
        if self._moved_basis is None or self._moved_basis[0] is not basis:
            arrays = (basis.weights, basis.mean, basis.directions, basis.scales)
            moved = [torch.from_numpy(a.astype(np.float32)).to(self._device) for a in arrays]
            self._moved_basis = (basis, moved)
        weights, mean, directions, scales = self._moved_basis[1]
        centred = feats - (feats @ weights)[:, None] - mean
        codes = ((centred * weights) @ directions.T / scales).round()
        return codes.clamp(-LARGEST_CODE, LARGEST_CODE).to(torch.int8)


# A label that no class of the model carries.
_ABSENT_LOGIT = -1e4
_HUGGING_FACE_FILES = ("config.json", "tokenizer.json", "*.safetensors", "*.bin")


class HuggingFaceTeacher(LogitTeacher):
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
        self.digest = files_digest(directory, _HUGGING_FACE_FILES)
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
    pooled = np.full((len(logits), n_labels), -np.inf, np.float32)
    for column in np.flatnonzero(label_map >= 0):
        label = label_map[column]
        pooled[:, label] = np.logaddexp(pooled[:, label], logits[:, column])
    result: NDArray[np.float32] = np.maximum(pooled, _ABSENT_LOGIT)
    return result
