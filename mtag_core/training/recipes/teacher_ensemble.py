"""Soft targets: the teachers' distribution over the labels of each token, its head kept.

Teachers annotate a corpus once, not in every epoch. Its UPOS distribution is kept
whole; of the thousands of FEATS bundles the most probable are kept, which at temperature 1 hold
nearly all the probability. Several teachers are averaged as probabilities.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.datasets import WordSentences, cut_batches
from mtag_core.training.data.pieces import (
    DeviceSentences,
    FormPieces,
    SpecialPieces,
    treebank_token_ids,
    with_treebank_tokens,
)
from mtag_core.training.data.treebanks import UNLABELLED
from mtag_core.training.loops.losses import top_k_target_loss
from mtag_core.training.networks.model import Batch, TaggerLogits
from mtag_core.training.networks.model_files import Network
from mtag_core.training.options import TargetOptions, Temperatures

_PIECE_BUDGET = 49152
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


class TeacherEnsemble:
    """Teachers that annotate together, their probabilities averaged.

    Args:
        directories: Of models that share labels and vocabulary.
        options: What to keep of their distributions.
        device: For models and targets.
    """

    def __init__(
        self, directories: tuple[Path, ...], options: TargetOptions, *, device: torch.device
    ) -> None:
        self.tokenizer = directories[0] / "tokenizer.json"
        self._options, self._device = options, device
        self._teachers = [
            Network.load_teacher(directory, device=device) for directory in directories
        ]

    def annotate(
        self,
        words: WordSentences,
        forms: FormPieces,
        names: tuple[str, ...],
        name_ids: NDArray[np.int64],
    ) -> SoftTargets:
        """Annotates sentences.

        Args:
            words: The sentences.
            forms: Of their forms, encoded for the teachers.
            names: Treebanks or languages, which decide the treebank tokens; a teacher infers the
                treebank of names that it does not know.
            name_ids: Index into `names` of each sentence. Shape (n_sentences,).
        """
        pieces = SpecialPieces.load(self.tokenizer)
        sentences = DeviceSentences(words, forms, pieces, device=self._device)
        token_ids = [
            treebank_token_ids(names, name_ids, teacher.metadata, device=self._device)
            for teacher in self._teachers
        ]
        models = [teacher.model for teacher in self._teachers]
        return soft_targets(models, sentences, token_ids, self._options)


@torch.no_grad()
def soft_targets(
    teachers: Sequence[nn.Module],
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
    n_tokens = int(sentences.words.n_tokens.sum())
    heads = (getattr(teachers[0], head) for head in ("feats", "lemmas"))
    n_feats, n_rules = (0 if head is None else head.out_features for head in heads)
    targets = SoftTargets.empty(
        n_tokens,
        top_k=min(options.top_k, n_feats),
        device=sentences.device,
        top_k_lemmas=min(options.top_k_lemmas, n_rules),
    )
    batches = cut_batches(
        sentences.lengths, piece_budget=_PIECE_BUDGET, generator=np.random.default_rng(0)
    )
    for indices in batches:
        batch = sentences.batch(indices)
        chosen = torch.from_numpy(indices).to(sentences.device)
        probs = _mean_probs(teachers, batch, [ids[chosen] for ids in treebank_tokens], options)
        targets.upos_log_probs[batch.token_index] = _log(probs["upos"])
        for head, (ids, log_probs) in _kept_heads(targets).items():
            kept, labels = probs[head].topk(ids.shape[1], dim=-1)
            ids[batch.token_index] = labels.to(torch.int16)
            log_probs[batch.token_index] = _log(kept)
    return targets


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


def _mean_probs(
    teachers: Sequence[nn.Module],
    batch: Batch,
    treebank_tokens: list[Tensor],
    options: TargetOptions,
) -> dict[str, Tensor]:
    temperature = {
        "upos": options.upos_temperature,
        "feats": options.feats_temperature,
        "lemmas": options.lemma_temperature,
    }
    sums: dict[str, Tensor] = {}
    for teacher, token_ids in zip(teachers, treebank_tokens, strict=True):
        logits = teacher(with_treebank_tokens(batch, token_ids))
        for head, divisor in temperature.items():
            scored = getattr(logits, head)
            if scored is not None:
                probs = functional.softmax(scored.float() / divisor, dim=-1)
                sums[head] = sums[head].add_(probs) if head in sums else probs
    return {head: total.div_(len(teachers)) for head, total in sums.items()}


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
