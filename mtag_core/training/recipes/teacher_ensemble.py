"""Soft targets: the teachers' distribution over the labels of each token, its head kept.

Teachers annotate a corpus once, not in every epoch. Its UPOS distribution is kept
whole; of the thousands of FEATS bundles the most probable are kept, which at temperature 1 hold
nearly all the probability. Several teachers are averaged as probabilities.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.encoding import SpecialPieces
from mtag_core.training.data.packing import DeviceSentences, PackedSentences, cut_batches
from mtag_core.training.data.treebanks import UNLABELLED
from mtag_core.training.networks.model import Batch, TokenTagger
from mtag_core.training.networks.model_files import load_model
from mtag_core.training.networks.treebank_tokens import treebank_token_ids, with_treebank_tokens
from mtag_core.training.options import TargetOptions

_PIECE_BUDGET = 49152
# The lowest log-probability kept; float16 holds it.
_LOWEST = -30.0


@dataclass(frozen=True)
class SoftTargets:
    """The teachers' distributions over a corpus' tokens, on one device.

    Attributes:
        upos_log_probs: At the UPOS temperature. Shape (total_tokens, n_upos_labels), float16.
        feats_ids: The most probable bundles. Shape (total_tokens, top_k), int16.
        feats_log_probs: At the FEATS temperature; what they lack to 1 is the rest's.
            Shape (total_tokens, top_k), float16.
    """

    upos_log_probs: Tensor
    feats_ids: Tensor
    feats_log_probs: Tensor

    @classmethod
    def empty(cls, n_tokens: int, *, top_k: int, device: torch.device) -> "SoftTargets":
        """Makes room for `n_tokens` tokens."""
        return cls(
            torch.zeros(n_tokens, len(UPOS_LABELS), dtype=torch.float16, device=device),
            torch.zeros(n_tokens, top_k, dtype=torch.int16, device=device),
            torch.zeros(n_tokens, top_k, dtype=torch.float16, device=device),
        )

    def and_then(self, more: "SoftTargets") -> "SoftTargets":
        """Those of these tokens, then those of more."""
        return SoftTargets(
            torch.cat([self.upos_log_probs, more.upos_log_probs]),
            torch.cat([self.feats_ids, more.feats_ids]),
            torch.cat([self.feats_log_probs, more.feats_log_probs]),
        )


class TeacherEnsemble:
    """Teachers that annotate together, their probabilities averaged."""

    def __init__(
        self, directories: tuple[Path, ...], options: TargetOptions, *, device: torch.device
    ) -> None:
        """Loads the models.

        Args:
            directories: Of models that share labels and vocabulary.
            options: What to keep of their distributions.
            device: For models and targets.
        """
        self.tokenizer = directories[0] / "tokenizer.json"
        self._options, self._device = options, device
        self._teachers = [load_model(directory, device=device) for directory in directories]

    def annotate(
        self, packed: PackedSentences, names: tuple[str, ...], name_ids: NDArray[np.int64]
    ) -> SoftTargets:
        """Annotates sentences.

        Args:
            packed: Encoded for the teachers.
            names: Treebanks or languages, which decide the treebank tokens; a teacher infers the
                treebank of names that it does not know.
            name_ids: Index into `names` of each sentence. Shape (n_sentences,).
        """
        pad = SpecialPieces.load(self.tokenizer).pad
        sentences = DeviceSentences(packed, pad=pad, device=self._device)
        token_ids = [
            treebank_token_ids(names, name_ids, metadata, device=self._device)
            for _, metadata in self._teachers
        ]
        models = [model for model, _ in self._teachers]
        return soft_targets(models, sentences, token_ids, self._options)


@torch.no_grad()
def soft_targets(
    teachers: list[TokenTagger],
    sentences: DeviceSentences,
    treebank_tokens: list[Tensor],
    options: TargetOptions,
) -> SoftTargets:
    """Lets teachers annotate sentences.

    Args:
        teachers: Averaged; they share the label order and the vocabulary.
        sentences: Encoded for the teachers.
        treebank_tokens: For each teacher those of the sentences, see
            `networks.treebank_tokens.treebank_token_ids`. Shape (n_sentences,) each.
        options: What to keep of the distributions.

    Returns:
        Targets in the order of the sentences' tokens.
    """
    for teacher in teachers:
        teacher.eval()
        if sentences.device.type == "cuda":
            teacher.to(torch.bfloat16)
    n_tokens = int(sentences.packed.n_tokens.sum())
    targets = SoftTargets.empty(n_tokens, top_k=options.top_k, device=sentences.device)
    batches = cut_batches(
        sentences.packed.n_pieces, piece_budget=_PIECE_BUDGET, generator=np.random.default_rng(0)
    )
    for indices in batches:
        batch = sentences.batch(indices)
        chosen = torch.from_numpy(indices).to(sentences.device)
        upos, feats = _mean_probs(
            teachers, batch, [ids[chosen] for ids in treebank_tokens], options
        )
        probs, labels = feats.topk(options.top_k, dim=-1)
        targets.upos_log_probs[batch.token_index] = _log(upos)
        targets.feats_ids[batch.token_index] = labels.to(torch.int16)
        targets.feats_log_probs[batch.token_index] = _log(probs)
    return targets


def blend_labels(
    targets: SoftTargets,
    *,
    token_indices: Tensor,
    upos_ids: Tensor,
    feats_ids: Tensor,
    label_share: float,
) -> None:
    """Mixes known labels into the targets of some tokens, in place.

    Args:
        targets: Changed.
        token_indices: Which tokens have labels. Shape (n_labelled,), int64.
        upos_ids: Their labels. Shape (n_labelled,), int64.
        feats_ids: Their labels, `UNLABELLED` to leave the teacher's. Shape (n_labelled,), int64.
        label_share: Probability moved to the label, 0 to 1; the teacher's is scaled by the rest.
    """
    upos = targets.upos_log_probs[token_indices].float().exp() * (1 - label_share)
    upos.scatter_add_(1, upos_ids[:, None], upos.new_full((len(upos), 1), label_share))
    targets.upos_log_probs[token_indices] = _log(upos)
    is_labelled = feats_ids != UNLABELLED
    tokens, labels = token_indices[is_labelled], feats_ids[is_labelled]
    ids = targets.feats_ids[tokens].long()
    probs = targets.feats_log_probs[tokens].float().exp() * (1 - label_share)
    # Where the label is not among the kept ones, it takes the place of the least probable one.
    is_there = (ids == labels[:, None]).any(-1)
    ids[:, -1] = torch.where(is_there, ids[:, -1], labels)
    probs[:, -1] = torch.where(is_there, probs[:, -1], torch.zeros_like(probs[:, -1]))
    probs = probs + label_share * (ids == labels[:, None])
    targets.feats_ids[tokens] = ids.to(torch.int16)
    targets.feats_log_probs[tokens] = _log(probs)


def _mean_probs(
    teachers: list[TokenTagger], batch: Batch, treebank_tokens: list[Tensor], options: TargetOptions
) -> tuple[Tensor, Tensor]:
    """The teachers' mean UPOS and FEATS probabilities, (n_tokens, n_labels) each."""
    upos_sum, feats_sum = torch.zeros(()), torch.zeros(())
    for teacher, token_ids in zip(teachers, treebank_tokens, strict=True):
        logits = teacher(with_treebank_tokens(batch, token_ids))
        upos = functional.softmax(logits.upos.float() / options.upos_temperature, dim=-1)
        feats = functional.softmax(logits.feats.float() / options.feats_temperature, dim=-1)
        upos_sum, feats_sum = (
            (upos, feats) if upos_sum.dim() == 0 else (upos_sum + upos, feats_sum + feats)
        )
    return upos_sum / len(teachers), feats_sum / len(teachers)


def _log(probs: Tensor) -> Tensor:
    return probs.clamp(min=1e-38).log().clamp(min=_LOWEST).to(torch.float16)
