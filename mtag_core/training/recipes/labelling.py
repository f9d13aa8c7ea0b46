"""Teachers label treebanks and text once, for students; several processes share the work.

Each process labels every n-th sentence. Several teachers are averaged as probabilities. Of their
distribution over the labels of each token the head is kept: UPOS whole; of the thousands of FEATS
bundles the most probable, which at temperature 1 hold nearly all the probability. A shard is a
directory of arrays, so that students start at once and as often as one likes.

A small student learns treebanks and text by heart within a few epochs; what it lacks is rare words
in contexts of another kind. Teachers can label any sentence, so sentences are labelled once more
with nouns substituted for nouns, verbs for verbs, with the same features. After the data
augmentation of TinyBERT (Jiao et al. 2020, arXiv:1909.10351), with classes in place of a language
model.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mtag_core.errors import CheckpointError
from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.datasets import SourcedWords, WordSentences, cut_batches
from mtag_core.training.data.pieces import (
    HASH_FACTOR,
    DeviceSentences,
    FormPieces,
    SpecialPieces,
    treebank_token_ids,
)
from mtag_core.training.data.text import load_text, teacher_pieces, text_arrays, text_of
from mtag_core.training.data.treebanks import UNLABELLED
from mtag_core.training.loops import distributed
from mtag_core.training.networks.model import Batch, TaggerLogits
from mtag_core.training.networks.model_files import Network
from mtag_core.training.options import LabelOptions, TargetOptions, Temperatures

_PIECE_BUDGET = 49152
_OPEN_CLASSES = ("ADJ", "ADV", "NOUN", "PROPN", "VERB")


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
        """What `arrays` gave, on a device."""
        return cls(**{name: torch.from_numpy(array).to(device) for name, array in arrays.items()})

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Those there are, by field."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: each.cpu().numpy() for name, each in found.items() if each is not None}

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


def save_shard(text: SourcedWords, directory: Path) -> None:
    """Writes sentences whose labels are soft targets; copies are of no treebank."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, array in text_arrays(text).items():
        np.save(directory / f"{name}.npy", array)
    (directory / "sources.json").write_text(json.dumps(text.sources), encoding="utf-8")


def load_shard(directory: Path) -> SourcedWords:
    """Reads what `save_shard` wrote."""
    arrays = {path.stem: np.load(path) for path in directory.glob("*.npy")}
    return text_of(arrays, directory / "sources.json")


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


def run(options: LabelOptions) -> str:
    """Runs `train labels`: labels one shard and writes it to `shard-N` in the output directory.

    Raises:
        CheckpointError: The teachers differ in labels or treebanks.
    """
    device = distributed.start()
    teachers = [Network.load_teacher(each, device=device) for each in options.teachers]
    known = [(teacher.feats, teacher.metadata.treebanks) for teacher in teachers]
    for directory, own in zip(options.teachers, known, strict=True):
        if own != known[0]:
            raise CheckpointError(f"{directory}: other labels than {options.teachers[0]}")
    text, pieces = load_text(options.text), teacher_pieces(options.text)
    text = text.select(np.arange(options.shard, len(text.words), options.n_shards))
    for teacher in teachers:
        teacher.model.eval().to(torch.bfloat16 if device.type == "cuda" else torch.float32)
    parts = [_labelled(text, pieces, teachers, options.targets, device=device)]
    if options.substitution_share > 0:
        copies = _substituted(parts[0], pieces, options)
        parts.append(_labelled(copies, pieces, teachers, options.targets, device=device))
    shard = SourcedWords.concatenate(parts)
    save_shard(shard, options.output / f"shard-{options.shard}")
    return f"{len(shard.words.form_ids)} tokens labelled  {options.output}"


@torch.no_grad()
def _labelled(
    text: SourcedWords,
    pieces: FormPieces,
    teachers: Sequence[Network],
    options: TargetOptions,
    *,
    device: torch.device,
) -> SourcedWords:
    special = SpecialPieces.load(teachers[0].tokenizer)
    # The teachers infer which of a language's treebanks text is like, as the student has to.
    tokens = treebank_token_ids(text, teachers[0].metadata)
    sentences = DeviceSentences(text.words, pieces, special, device=device, treebank_tokens=tokens)
    first: Any = teachers[0].model
    n_feats, n_rules = (
        0 if head is None else head.out_features for head in (first.feats, first.lemmas)
    )
    targets = SoftTargets.empty(
        len(text.words.form_ids),
        top_k=min(options.top_k, n_feats),
        device=device,
        top_k_lemmas=min(options.top_k_lemmas, n_rules),
    )
    for indices in cut_batches(sentences.lengths, piece_budget=_PIECE_BUDGET):
        batch = sentences.batch(indices)
        targets.keep(_mean_probs(teachers, batch, options), batch.token_index)
    return replace(text, labels=targets.arrays())


def _mean_probs(
    teachers: Sequence[Network], batch: Batch, options: TargetOptions
) -> dict[str, Tensor]:
    sums: dict[str, Tensor] = {}
    for teacher in teachers:
        logits: TaggerLogits = teacher.model(batch)
        for head, scored in logits.heads().items():
            probs = functional.softmax(scored.float() / options.of_heads[head], dim=-1)
            sums[head] = sums[head].add_(probs) if head in sums else probs
    return {head: total.div_(len(teachers)) for head, total in sums.items()}


def _substituted(text: SourcedWords, pieces: FormPieces, options: LabelOptions) -> SourcedWords:
    languages = np.unique([name.split("_")[0] for name in text.sources], return_inverse=True)[1]
    upos, feats = text.labels["upos_log_probs"].argmax(-1), text.labels["feats_ids"][:, 0]
    sources = substitute_words(
        pieces.hashes()[text.words.form_ids],
        (languages[text.token_sources], upos, feats),
        share=options.substitution_share,
        generator=np.random.default_rng((options.seed, options.shard)),
    )
    words = WordSentences(text.words.form_ids[sources], text.words.n_tokens)
    copies = replace(text, words=words, origins=np.full(len(words), -1), labels={})
    return copies.select(pieces.fitting(copies.words, max_pieces=options.max_pieces))


def substitute_words(
    words: NDArray[np.uint64],
    classes: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    *,
    share: float,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Draws a substitute for each token of an open class, from the same language and class.

    Every word of a class is as likely as any other, so rare ones gain most.

    Args:
        words: A number for each token, equal where the word is. Shape (total_tokens,).
        classes: Ids of the language, UPOS and FEATS of each. Shape (total_tokens,).
        share: Probability that a noun, verb, adjective, adverb or name is substituted.
        generator: Of the draws.

    Returns:
        The index of each token's substitute, its own where nothing changes. (total_tokens,).
    """
    languages, upos, feats = (ids.astype(np.int64) for ids in classes)
    keys = (languages * len(UPOS_LABELS) + upos) * (int(feats.max(initial=0)) + 1) + feats
    is_open = np.isin(upos, [UPOS_LABELS.index(tag) for tag in _OPEN_CLASSES])
    candidates = np.flatnonzero(is_open)
    mixed = keys[candidates].astype(np.uint64) * HASH_FACTOR ^ words[candidates]
    distinct = candidates[np.unique(mixed, return_index=True)[1]]
    distinct = distinct[np.argsort(keys[distinct], kind="stable")]
    chosen = np.flatnonzero(is_open & (generator.random(len(keys)) < share))
    first = np.searchsorted(keys[distinct], keys[chosen], side="left")
    end = np.searchsorted(keys[distinct], keys[chosen], side="right")
    drawn = first + np.floor(generator.random(len(chosen)) * (end - first)).astype(np.int64)
    sources = np.arange(len(keys))
    sources[chosen] = distinct[drawn]
    return sources
