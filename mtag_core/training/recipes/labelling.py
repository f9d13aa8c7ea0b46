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
from dataclasses import dataclass, replace
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

# Heads of which some labels are kept, and what their targets are called in files.
_KEPT = {"feats": "feats", "lemmas": "lemma"}


@dataclass(frozen=True)
class SoftTargets:
    """The teachers' distributions over a corpus' tokens, on one device, by head.

    Of the most probable labels they are the ids, int16, and the log-probabilities at the head's
    temperature, float16; what they lack to 1 is the rest's. Shape (total_tokens, n_kept) each. All
    UPOS labels are kept, in their order; there are no lemmas where teachers have none.
    """

    heads: dict[str, tuple[Tensor, Tensor]]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], *, device: torch.device) -> "SoftTargets":
        """What is in the files of a shard, on a device."""
        tensors = {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
        upos = tensors["upos_log_probs"]
        ids = torch.arange(upos.shape[1], dtype=torch.int16, device=device).expand_as(upos)
        kept = {head: name for head, name in _KEPT.items() if f"{name}_ids" in tensors}
        heads = {head: (tensors[f"{n}_ids"], tensors[f"{n}_log_probs"]) for head, n in kept.items()}
        return cls({"upos": (ids, upos), **heads})

    def blend(self, labels: Mapping[str, Tensor], tokens: Tensor, *, label_share: float) -> None:
        """Mixes known labels into the targets of some tokens, in place.

        Labels are by head, `UNLABELLED` to leave the teacher's. They get `label_share` of the
        probability; the teacher's is scaled by the rest.
        """
        for head, (all_ids, log_probs) in self.heads.items():
            is_labelled = labels[head] != UNLABELLED
            own, chosen = labels[head][is_labelled], tokens[is_labelled]
            ids = all_ids[chosen].long()
            probs = log_probs[chosen].float().exp() * (1 - label_share)
            # Where a label is not among the kept ones, it takes the place of the least probable.
            is_new = (ids != own[:, None]).all(-1)
            ids[is_new, -1] = own[is_new]
            probs[is_new, -1] = 0
            log_probs[chosen] = _log(probs + label_share * (ids == own[:, None]))
            if head in _KEPT:
                all_ids[chosen] = ids.to(torch.int16)

    def loss(self, temperatures: Temperatures, logits: TaggerLogits, tokens: Tensor) -> Tensor:
        """Cross-entropy of the logits of some tokens, a row each, against their targets. Shape ().

        It is the sum over heads of each loss times its temperature squared, a mean over tokens.
        Heads that the model or the teachers lack count nothing.
        """
        losses = []
        for head, scored in logits.items():
            if head in self.heads:
                ids, log_probs = (each[tokens] for each in self.heads[head])
                own = temperatures.of_heads[head]
                loss = top_k_target_loss(
                    scored, label_ids=ids.long(), log_probs=log_probs.float(), temperature=own
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


def _log(probs: Tensor) -> Tensor:
    return probs.clamp(min=1e-38).log().clamp(min=LOWEST).to(torch.float16)


def top_k_target_loss(
    student_logits: Tensor, *, label_ids: Tensor, log_probs: Tensor, temperature: float
) -> Tensor:
    """Cross-entropy against the teacher's top labels, all others taken as one bucket. Shape ().

    Student logits, of shape (n_tokens, n_labels), are divided by the temperature; softmax is done
    in float32. Labels, int64, and their log-probabilities at that temperature, float32, have the
    shape (n_tokens, top_k); what probabilities lack to 1 is the rest's share.

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
        if len(copies.words):
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
    arrays: dict[str, NDArray[Any]] = {}
    for indices in cut_batches(sentences.lengths, piece_budget=_PIECE_BUDGET):
        batch = sentences.batch(indices)
        where = batch.token_index.cpu().numpy()
        for name, tensor in _targets(_mean_probs(teachers, batch, options), options).items():
            found = tensor.cpu().numpy()
            if name not in arrays:
                arrays[name] = np.zeros((len(text.words.form_ids), found.shape[1]), found.dtype)
            arrays[name][where] = found
    return replace(text, labels=arrays)


def _targets(probs: Mapping[str, Tensor], options: TargetOptions) -> dict[str, Tensor]:
    tensors = {"upos_log_probs": _log(probs["upos"])}
    for head, most in (("feats", options.top_k), ("lemmas", options.top_k_lemmas)):
        if head in probs:
            kept, ids = probs[head].topk(min(most, probs[head].shape[1]), dim=-1)
            tensors[f"{_KEPT[head]}_ids"] = ids.to(torch.int16)
            tensors[f"{_KEPT[head]}_log_probs"] = _log(kept)
    return tensors


def _mean_probs(
    teachers: Sequence[Network], batch: Batch, options: TargetOptions
) -> dict[str, Tensor]:
    sums: dict[str, Tensor] = {}
    for teacher in teachers:
        logits: TaggerLogits = teacher.model(batch)
        for head, scored in logits.items():
            probs = functional.softmax(scored.float() / options.of_heads[head], dim=-1)
            sums[head] = sums[head].add_(probs) if head in sums else probs
    return {head: total.div_(len(teachers)) for head, total in sums.items()}


def _substituted(text: SourcedWords, pieces: FormPieces, options: LabelOptions) -> SourcedWords:
    languages = np.unique([name.split("_")[0] for name in text.sources], return_inverse=True)[1]
    upos, feats = text.labels["upos_log_probs"].argmax(-1), text.labels["feats_ids"][:, 0]
    sources = substitute_words(
        text.words.form_ids,
        (languages[text.token_sources], upos, feats),
        share=options.substitution_share,
        generator=np.random.default_rng((options.seed, options.shard)),
    )
    words = WordSentences(text.words.form_ids[sources], text.words.n_tokens)
    copies = replace(text, words=words, origins=np.full(len(words), -1), labels={})
    return copies.select(pieces.fitting(copies.words, max_pieces=options.max_pieces))


def substitute_words(
    words: NDArray[np.integer],
    classes: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    *,
    share: float,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """The index of a substitute for each token, of an open class from its language and class.

    Every word of a class is as likely as any other, so rare ones gain most. A word is a form id, a
    class the ids of language, UPOS and FEATS; a noun, verb, adjective, adverb or name is
    substituted with a probability of `share`. All arrays have the shape (total_tokens,).
    """
    languages, upos, feats = (ids.astype(np.int64) for ids in classes)
    keys = (languages * len(UPOS_LABELS) + upos) * (int(feats.max(initial=0)) + 1) + feats
    is_open = np.isin(upos, [UPOS_LABELS.index(tag) for tag in _OPEN_CLASSES])
    candidates = np.flatnonzero(is_open)
    # Sorted by class, then by word.
    mixed = keys[candidates] * (int(words.max(initial=0)) + 1) + words[candidates].astype(np.int64)
    distinct = candidates[np.unique(mixed, return_index=True)[1]]
    chosen = np.flatnonzero(is_open & (generator.random(len(keys)) < share))
    first = np.searchsorted(keys[distinct], keys[chosen], side="left")
    end = np.searchsorted(keys[distinct], keys[chosen], side="right")
    drawn = first + np.floor(generator.random(len(chosen)) * (end - first)).astype(np.int64)
    sources = np.arange(len(keys))
    sources[chosen] = distinct[drawn]
    return sources
