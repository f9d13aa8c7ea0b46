"""Soft targets: the teachers' distribution over the labels of each token, its head kept.

Teachers annotate a corpus once, not in every epoch. Its UPOS distribution is kept whole; of the
thousands of FEATS bundles the most probable are kept, which at temperature 1 hold nearly all the
probability. A shard is a directory of arrays, so that students start at once and as often as one
likes.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.datasets import WordSentences
from mtag_core.training.data.treebanks import UNLABELLED
from mtag_core.training.loops.losses import top_k_target_loss
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
        lemmas = (
            zeros(n_tokens, top_k_lemmas, dtype=torch.int16),
            zeros(n_tokens, top_k_lemmas, dtype=torch.float16),
        )
        return cls(
            zeros(n_tokens, len(UPOS_LABELS), dtype=torch.float16),
            zeros(n_tokens, top_k, dtype=torch.int16),
            zeros(n_tokens, top_k, dtype=torch.float16),
            *(lemmas if top_k_lemmas else ()),
        )

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], *, device: torch.device) -> "SoftTargets":
        """Those among some arrays, by their names."""
        names = {each.name for each in fields(cls)} & arrays.keys()
        return cls(**{name: torch.from_numpy(arrays[name]).to(device) for name in names})

    def keep(self, probs: Mapping[str, Tensor], tokens: Tensor) -> None:
        """Sets the targets of some tokens, in place.

        Args:
            probs: Of all labels, by head. Shape (n_tokens, n_labels) each.
            tokens: Their places. Shape (n_tokens,), int64.
        """
        self.upos_log_probs[tokens] = _log(probs["upos"])
        for head, (ids, log_probs) in _kept_heads(self).items():
            kept, labels = probs[head].topk(ids.shape[1], dim=-1)
            ids[tokens] = labels.to(torch.int16)
            log_probs[tokens] = _log(kept)

    def tensors(self) -> dict[str, Tensor]:
        """Those there are, by field."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: tensor for name, tensor in found.items() if tensor is not None}

    def to(self, device: torch.device) -> "SoftTargets":
        """The same on a device."""
        return SoftTargets(**{name: each.to(device) for name, each in self.tensors().items()})

    def loss_at(self, temperatures: Temperatures) -> Callable[[TaggerLogits, Tensor], Tensor]:
        """The loss of the logits of some tokens, as `target_loss` gives it."""
        return lambda logits, tokens: target_loss(logits, self, tokens, temperatures)

    @classmethod
    def concatenate(cls, parts: Sequence["SoftTargets"]) -> "SoftTargets":
        """Those of all tokens, part after part."""
        tensors = [part.tensors() for part in parts]
        return cls(**{name: torch.cat([each[name] for each in tensors]) for name in tensors[0]})


@dataclass(frozen=True)
class TargetShard:
    """Sentences with the teachers' targets.

    Attributes:
        words: As form ids.
        source_ids: Index into `sources` of each sentence. Shape (n_sentences,), int64.
        labelled: Index of each sentence in the corpus' train sentences; -1 for text and copies.
            Shape (n_sentences,), int64.
        sources: Names of treebanks and languages.
        targets: Of all tokens, on the CPU.
    """

    words: WordSentences
    source_ids: NDArray[np.int64]
    labelled: NDArray[np.int64]
    sources: tuple[str, ...]
    targets: SoftTargets

    def save(self, directory: Path) -> None:
        """Writes the shard."""
        directory.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, NDArray[Any]] = {
            "form_ids": self.words.form_ids,
            "n_tokens": self.words.n_tokens,
        }
        arrays |= {"source_ids": self.source_ids, "labelled": self.labelled}
        arrays |= {name: tensor.numpy() for name, tensor in self.targets.tensors().items()}
        for name, array in arrays.items():
            np.save(directory / f"{name}.npy", array)
        (directory / "sources.json").write_text(json.dumps(self.sources), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> "TargetShard":
        """Reads what `save` wrote."""
        arrays = {path.stem: np.load(path) for path in directory.glob("*.npy")}
        return cls(
            WordSentences(arrays["form_ids"], arrays["n_tokens"]),
            arrays["source_ids"],
            arrays["labelled"],
            tuple(json.loads((directory / "sources.json").read_text(encoding="utf-8"))),
            SoftTargets.of(arrays, device=torch.device("cpu")),
        )

    @classmethod
    def concatenate(cls, parts: Sequence["TargetShard"]) -> "TargetShard":
        """Puts parts with the same sources one after the other."""
        return cls(
            WordSentences.concatenate([part.words for part in parts]),
            np.concatenate([part.source_ids for part in parts]),
            np.concatenate([part.labelled for part in parts]),
            parts[0].sources,
            SoftTargets.concatenate([part.targets for part in parts]),
        )


def _kept_heads(targets: SoftTargets) -> dict[str, tuple[Tensor, Tensor]]:
    # Of these only the most probable labels are kept: ids, log-probabilities.
    heads = {"feats": (targets.feats_ids, targets.feats_log_probs)}
    if targets.lemma_ids is not None and targets.lemma_log_probs is not None:
        heads["lemmas"] = (targets.lemma_ids, targets.lemma_log_probs)
    return heads


def blend_labels(
    targets: SoftTargets,
    *,
    token_indices: Tensor,
    upos_ids: Tensor,
    label_share: float,
    feats_ids: Tensor,
    lemma_ids: Tensor | None = None,
) -> None:
    """Mixes known labels into the targets of some tokens, in place.

    Args:
        targets: Changed.
        token_indices: Which tokens have labels. Shape (n_labelled,), int64.
        upos_ids: Their labels. Shape (n_labelled,), int64.
        label_share: Probability moved to the label, 0 to 1; the teacher's is scaled by the rest.
        feats_ids: Their labels, `UNLABELLED` to leave the teacher's. Shape (n_labelled,), int64.
        lemma_ids: The same for lemma rules.
    """
    upos = targets.upos_log_probs[token_indices].float().exp() * (1 - label_share)
    upos.scatter_add_(1, upos_ids[:, None], upos.new_full((len(upos), 1), label_share))
    targets.upos_log_probs[token_indices] = _log(upos)
    head_to_labels = {"feats": feats_ids, "lemmas": lemma_ids}
    for head, kept in _kept_heads(targets).items():
        labels = head_to_labels[head]
        if labels is not None:
            _blend_kept(kept, token_indices, labels, label_share=label_share)


def _blend_kept(
    kept: tuple[Tensor, Tensor], token_indices: Tensor, label_ids: Tensor, *, label_share: float
) -> None:
    is_labelled = label_ids != UNLABELLED
    tokens, labels = token_indices[is_labelled], label_ids[is_labelled]
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


def target_loss(
    logits: TaggerLogits, targets: SoftTargets, tokens: Tensor, options: Temperatures
) -> Tensor:
    """Cross-entropy of all heads against the targets of some tokens.

    Args:
        logits: One row a token.
        targets: Of the whole corpus.
        tokens: Index into the targets of each token. Shape (n_tokens,), int64.
        options: The temperatures.

    Returns:
        The sum over heads of each loss times its temperature squared; a mean over tokens. Heads
        that the model or the teachers lack count nothing. Shape ().
    """
    upos_ids = torch.arange(logits.upos.shape[-1], device=tokens.device)
    total = options.upos_temperature**2 * top_k_target_loss(
        logits.upos,
        label_ids=upos_ids.expand(len(tokens), -1),
        log_probs=targets.upos_log_probs[tokens].float(),
        temperature=options.upos_temperature,
    )
    head_to_temperature = {"feats": options.feats_temperature, "lemmas": options.lemma_temperature}
    for head, (ids, log_probs) in _kept_heads(targets).items():
        scored = getattr(logits, head)
        if scored is None:
            continue
        loss = top_k_target_loss(
            scored,
            label_ids=ids[tokens].long(),
            log_probs=log_probs[tokens].float(),
            temperature=head_to_temperature[head],
        )
        total = total + head_to_temperature[head] ** 2 * loss
    return total
