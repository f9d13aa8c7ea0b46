"""Teachers label treebanks and text once, for students; several processes share the work.

Each process labels every n-th sentence. Several teachers are averaged as probabilities.

A small student learns treebanks and text by heart within a few epochs; what it lacks is rare words
in contexts of another kind. Teachers can label any sentence, so sentences are labelled once more
with nouns substituted for nouns, verbs for verbs, with the same features. After the data
augmentation of TinyBERT (Jiao et al. 2020, arXiv:1909.10351), with classes in place of a language
model.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.datasets import WordSentences, cut_batches
from mtag_core.training.data.pieces import (
    HASH_FACTOR,
    DeviceSentences,
    FormPieces,
    SpecialPieces,
    treebank_token_ids,
    with_treebank_tokens,
)
from mtag_core.training.data.text import SourcedWords, teacher_pieces
from mtag_core.training.loops import distributed
from mtag_core.training.networks.model import Batch, TaggerLogits
from mtag_core.training.networks.model_files import Network
from mtag_core.training.options import LabelOptions, TargetOptions
from mtag_core.training.recipes.targets import SoftTargets, TargetShard

_PIECE_BUDGET = 49152
_OPEN_CLASSES = ("ADJ", "ADV", "NOUN", "PROPN", "VERB")


def run(options: LabelOptions) -> str:
    """Runs `train labels`."""
    shard = label_words(options)
    return f"{len(shard.text.words.form_ids)} tokens labelled  {options.output}"


def label_words(options: LabelOptions) -> TargetShard:
    """Labels one shard and writes it to `shard-N` in the output directory."""
    device = distributed.start()
    text, pieces = SourcedWords.load(options.text), teacher_pieces(options.text)
    text = text.select(np.arange(options.shard, len(text.words), options.n_shards))
    teachers = [Network.load_teacher(each, device=device) for each in options.teachers]
    for teacher in teachers:
        teacher.model.eval().to(torch.bfloat16 if device.type == "cuda" else torch.float32)
    parts = [_labelled(text, pieces, teachers, options.targets, device=device)]
    if options.substitution_share > 0:
        copies = _substituted(text, pieces, parts[0].targets, options)
        parts.append(_labelled(copies, pieces, teachers, options.targets, device=device))
    shard = TargetShard.concatenate(parts)
    shard.save(options.output / f"shard-{options.shard}")
    return shard


@torch.no_grad()
def _labelled(
    text: SourcedWords,
    pieces: FormPieces,
    teachers: Sequence[Network],
    options: TargetOptions,
    *,
    device: torch.device,
) -> TargetShard:
    special = SpecialPieces.load(teachers[0].tokenizer)
    sentences = DeviceSentences(text.words, pieces, special, device=device)
    # The teachers infer which of a language's treebanks text is like, as the student has to.
    names = tuple(name if "_" in name else "" for name in text.sources)
    treebank_tokens = [
        treebank_token_ids(names, text.source_ids, teacher.metadata, device=device)
        for teacher in teachers
    ]
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
    batches = cut_batches(
        sentences.lengths, piece_budget=_PIECE_BUDGET, generator=np.random.default_rng(0)
    )
    for indices in batches:
        batch = sentences.batch(indices)
        chosen = torch.from_numpy(indices).to(device)
        opened = [with_treebank_tokens(batch, ids[chosen]) for ids in treebank_tokens]
        targets.keep(_mean_probs(teachers, opened, options), batch.token_index)
    return TargetShard(text, targets.to(torch.device("cpu")))


def _mean_probs(
    teachers: Sequence[Network], batches: Sequence[Batch], options: TargetOptions
) -> dict[str, Tensor]:
    sums: dict[str, Tensor] = {}
    for teacher, batch in zip(teachers, batches, strict=True):
        logits: TaggerLogits = teacher.model(batch)
        for head, scored in logits.heads().items():
            probs = functional.softmax(scored.float() / options.of_heads[head], dim=-1)
            sums[head] = sums[head].add_(probs) if head in sums else probs
    return {head: total.div_(len(teachers)) for head, total in sums.items()}


def _substituted(
    text: SourcedWords, pieces: FormPieces, targets: SoftTargets, options: LabelOptions
) -> SourcedWords:
    languages = np.unique([name.split("_")[0] for name in text.sources], return_inverse=True)[1]
    upos, feats = targets.upos_log_probs.argmax(-1).numpy(), targets.feats_ids[:, 0].numpy()
    sources = substitute_words(
        pieces.hashes()[text.words.form_ids],
        (np.repeat(languages[text.source_ids], text.words.n_tokens), upos, feats),
        share=options.substitution_share,
        generator=np.random.default_rng((options.seed, options.shard)),
    )
    copies = replace(
        text,
        words=WordSentences(text.words.form_ids[sources], text.words.n_tokens),
        labelled=np.full(len(text.words), -1),
    )
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
