"""Soft targets: the teachers' distribution over the labels of each token, its head kept.

Teachers annotate a corpus once, not in every epoch. Its UPOS distribution is kept whole; of the
thousands of FEATS bundles the most probable are kept, which at temperature 1 hold nearly all the
probability. A shard is a directory of arrays, so that students start at once and as often as one
likes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.text import SourcedWords
from mtag_core.training.data.treebanks import UNLABELLED
from mtag_core.training.networks.model import TaggerLogits
from mtag_core.training.options import Temperatures

LOWEST = -30.0
"""The lowest log-probability kept; float16 holds it."""


@dataclass(frozen=True)
class SoftTargets:
    """The teachers' distributions over a corpus' tokens, on one device.

    Attributes:
        upos_log_probs: At the UPOS temperature. Shape (total_tokens, n_upos_labels), float16.
        feats_ids: The most probable bundles. Shape (total_tokens, top_k), int16.
        feats_log_probs: At the FEATS temperature; what they lack to 1 is the rest's.
            Shape (total_tokens, top_k), float16.
        lemma_ids: The most probable lemma rules; None of teachers without them. Shape
            (total_tokens, top_k_lemmas), int16.
        lemma_log_probs: Theirs, as those of FEATS.
    """

    upos_log_probs: Tensor
    feats_ids: Tensor
    feats_log_probs: Tensor
    lemma_ids: Tensor | None = None
    lemma_log_probs: Tensor | None = None

    @classmethod
    def empty(
        cls, n_tokens: int, *, top_k: int, device: torch.device, top_k_lemmas: int = 0
    ) -> "SoftTargets":
        """Makes room for `n_tokens` tokens."""
        zeros = partial(torch.zeros, device=device)
        feats, lemmas = (
            (zeros(n_tokens, kept, dtype=torch.int16), zeros(n_tokens, kept, dtype=torch.float16))
            for kept in (top_k, top_k_lemmas)
        )
        upos = zeros(n_tokens, len(UPOS_LABELS), dtype=torch.float16)
        return cls(upos, *feats, *(lemmas if top_k_lemmas else ()))

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], *, device: torch.device) -> "SoftTargets":
        """Those among some arrays, by their names."""
        names = {each.name for each in fields(cls)} & arrays.keys()
        return cls(**{name: torch.from_numpy(arrays[name]).to(device) for name in names})

    def tensors(self) -> dict[str, Tensor]:
        """Those there are, by field."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: tensor for name, tensor in found.items() if tensor is not None}

    def to(self, device: torch.device) -> "SoftTargets":
        """The same on a device."""
        return SoftTargets(**{name: each.to(device) for name, each in self.tensors().items()})

    @property
    def heads(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Of heads of which only some labels are kept, their ids and log-probabilities."""
        heads = {"feats": (self.feats_ids, self.feats_log_probs)}
        if self.lemma_ids is not None and self.lemma_log_probs is not None:
            heads["lemmas"] = (self.lemma_ids, self.lemma_log_probs)
        return heads

    def keep(self, probs: Mapping[str, Tensor], tokens: Tensor) -> None:
        """Sets the targets of some tokens, in place, from probabilities of all labels by head."""
        self.upos_log_probs[tokens] = _log(probs["upos"])
        for head, (ids, log_probs) in self.heads.items():
            kept, labels = probs[head].topk(ids.shape[1], dim=-1)
            ids[tokens] = labels.to(torch.int16)
            log_probs[tokens] = _log(kept)

    def blend(self, labels: Mapping[str, Tensor], tokens: Tensor, *, label_share: float) -> None:
        """Mixes known labels into the targets of some tokens, in place.

        Labels are by head, `UNLABELLED` to leave the teacher's. They get `label_share` of the
        probability; the teacher's is scaled by the rest.
        """
        upos = self.upos_log_probs[tokens].float().exp() * (1 - label_share)
        upos.scatter_add_(1, labels["upos"][:, None], upos.new_full((len(upos), 1), label_share))
        self.upos_log_probs[tokens] = _log(upos)
        for head, kept in self.heads.items():
            is_labelled = labels[head] != UNLABELLED
            own = labels[head][is_labelled]
            _blend_kept(kept, tokens[is_labelled], own, label_share=label_share)

    def loss(self, temperatures: Temperatures, logits: TaggerLogits, tokens: Tensor) -> Tensor:
        """Cross-entropy of the logits of some tokens, a row each, against their targets. Shape ().

        It is the sum over heads of each loss times its temperature squared, a mean over tokens.
        Heads that the model or the teachers lack count nothing.
        """
        upos_ids = torch.arange(len(UPOS_LABELS), device=tokens.device).expand(len(tokens), -1)
        targets = {"upos": (upos_ids, self.upos_log_probs[tokens].float())}
        for head, (ids, log_probs) in self.heads.items():
            targets[head] = (ids[tokens].long(), log_probs[tokens].float())
        losses = []
        for head, scored in logits.heads().items():
            if head in targets:
                own = temperatures.of_heads[head]
                label_ids, of_labels = targets[head]
                loss = top_k_target_loss(
                    scored, label_ids=label_ids, log_probs=of_labels, temperature=own
                )
                losses.append(own**2 * loss)
        return torch.stack(losses).sum()


@dataclass(frozen=True)
class TargetShard:
    """Sentences with the teachers' targets, which are on the CPU; copies are of no treebank."""

    text: SourcedWords
    targets: SoftTargets

    def save(self, directory: Path) -> None:
        """Writes the shard."""
        directory.mkdir(parents=True, exist_ok=True)
        tensors = {name: tensor.numpy() for name, tensor in self.targets.tensors().items()}
        for name, array in {**self.text.arrays(), **tensors}.items():
            np.save(directory / f"{name}.npy", array)
        text = json.dumps(self.text.sources)
        (directory / "sources.json").write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> "TargetShard":
        """Reads what `save` wrote."""
        arrays = {path.stem: np.load(path) for path in directory.glob("*.npy")}
        sources = json.loads((directory / "sources.json").read_text(encoding="utf-8"))
        targets = SoftTargets.of(arrays, device=torch.device("cpu"))
        return cls(SourcedWords.of(arrays, sources), targets)

    @classmethod
    def concatenate(cls, parts: Sequence["TargetShard"]) -> "TargetShard":
        """Puts parts with the same sources one after the other."""
        tensors = [part.targets.tensors() for part in parts]
        return cls(
            SourcedWords.concatenate([part.text for part in parts]),
            SoftTargets(**{name: torch.cat([own[name] for own in tensors]) for name in tensors[0]}),
        )


def _blend_kept(
    kept: tuple[Tensor, Tensor], tokens: Tensor, labels: Tensor, *, label_share: float
) -> None:
    ids = kept[0][tokens].long()
    probs = kept[1][tokens].float().exp() * (1 - label_share)
    # Where the label is not among the kept ones, it takes the place of the least probable one.
    is_there = (ids == labels[:, None]).any(-1)
    ids[:, -1] = torch.where(is_there, ids[:, -1], labels)
    probs[:, -1] = torch.where(is_there, probs[:, -1], torch.zeros_like(probs[:, -1]))
    probs = probs + label_share * (ids == labels[:, None])
    kept[0][tokens] = ids.to(torch.int16)
    kept[1][tokens] = _log(probs)


def _log(probs: Tensor) -> Tensor:
    return probs.clamp(min=1e-38).log().clamp(min=LOWEST).to(torch.float16)


def top_k_target_loss(
    student_logits: Tensor,
    *,
    label_ids: Tensor,
    log_probs: Tensor,
    temperature: float,
) -> Tensor:
    """Cross-entropy against the teacher's top labels, all others taken as one bucket. Shape ().

    Args:
        student_logits: Shape (n_tokens, n_labels), any float type; softmax is done in float32.
        label_ids: The teacher's most probable labels. Shape (n_tokens, top_k), int64.
        log_probs: The teacher's log-probabilities of them at `temperature`; what they lack to 1
            is the rest's share. Shape (n_tokens, top_k), float32.
        temperature: Divides the student's logits; above 0.

    Source: Hinton et al. 2015 (arXiv:1503.02531), section 2; Tsai et al. 2019 (ACL D19-1374).
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}, expected a number above 0")
    if student_logits.is_cuda and label_ids.shape[-1] < student_logits.shape[-1]:
        from mtag_core.training.loops.fused_loss import FusedTopKLoss

        fused: Tensor = FusedTopKLoss.apply(
            student_logits.contiguous(), label_ids.int(), log_probs.exp(), temperature
        )
        return fused.mean()
    logits = student_logits.float() / temperature
    log_total = logits.logsumexp(-1, keepdim=True)
    target = log_probs.exp()
    losses = -(target * (logits.gather(-1, label_ids) - log_total)).sum(-1)
    if label_ids.shape[-1] < logits.shape[-1]:
        # Summed over the other labels themselves: 1 less the top labels' probability has no digits
        # left where a student is sure of itself, and neither has its gradient.
        others = logits.scatter(-1, label_ids, -torch.inf).logsumexp(-1)
        target_rest = (1.0 - target.sum(-1)).clamp(min=0.0)
        losses = losses - target_rest * (others - log_total.squeeze(-1))
    return losses.mean()
