"""Teachers label treebanks and text once, for students; several processes share the work.

Each process labels every n-th sentence. A shard is a directory of arrays, so that students start at
once and as often as one likes.

A small student learns treebanks and text by heart within a few epochs; what it lacks is rare words
in contexts of another kind. Teachers can label any sentence, so sentences are labelled once more
with nouns substituted for nouns, verbs for verbs, with the same features. After the data
augmentation of TinyBERT (Jiao et al. 2020, arXiv:1909.10351), with classes in place of a language
model.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mtag_core.labels import UPOS_LABELS
from mtag_core.training.data.datasets import WordSentences
from mtag_core.training.data.text import WordText
from mtag_core.training.loops import distributed
from mtag_core.training.options import LabelOptions
from mtag_core.training.recipes.teacher_ensemble import SoftTargets, TeacherEnsemble

_OPEN_CLASSES = ("ADJ", "ADV", "NOUN", "PROPN", "VERB")
# Odd, so that it has an inverse among 64-bit numbers.
_HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)


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


def run(options: LabelOptions) -> str:
    """Runs `train labels`."""
    shard = label_words(options)
    return f"{len(shard.words.form_ids)} tokens labelled  {options.output}"


def label_words(options: LabelOptions) -> TargetShard:
    """Labels one shard and writes it to `shard-N` in the output directory.

    Raises:
        CheckpointError: A teacher's directory is damaged.
        InputNotFoundError: There is no text.
    """
    device = distributed.start()
    text = WordText.load(options.text)
    text = text.select(np.arange(options.shard, len(text.words), options.n_shards))
    teachers = TeacherEnsemble(options.teachers, options.targets, device=device)
    parts = [_labelled(text, teachers)]
    if options.substitution_share > 0:
        copies = _substituted(text, parts[0].targets, options)
        parts.append(_labelled(copies, teachers))
    shard = TargetShard.concatenate(parts)
    shard.save(options.output / f"shard-{options.shard}")
    return shard


def _labelled(text: WordText, teachers: TeacherEnsemble) -> TargetShard:
    # The teachers infer which of a language's treebanks text is like, as the student has to.
    names = tuple(name if "_" in name else "" for name in text.sources)
    targets = teachers.annotate(text.words, text.teacher, names, text.source_ids)
    targets = targets.to(torch.device("cpu"))
    return TargetShard(text.words, text.source_ids, text.labelled, text.sources, targets)


def _substituted(text: WordText, targets: SoftTargets, options: LabelOptions) -> WordText:
    languages = np.unique([name.split("_")[0] for name in text.sources], return_inverse=True)[1]
    classes = WordClasses(
        np.repeat(languages[text.source_ids], text.words.n_tokens).astype(np.int64),
        targets.upos_log_probs.argmax(-1).numpy(),
        targets.feats_ids[:, 0].numpy().astype(np.int64),
    )
    sources = substitute_words(
        text.teacher.hashes()[text.words.form_ids],
        classes,
        share=options.substitution_share,
        generator=np.random.default_rng((options.seed, options.shard)),
    )
    copies = replace(
        text,
        words=WordSentences(text.words.form_ids[sources], text.words.n_tokens),
        labelled=np.full(len(text.words), -1),
    )
    return copies.select(text.teacher.fitting(copies.words, max_pieces=options.max_pieces))


@dataclass(frozen=True)
class WordClasses:
    """Language and labels of each token of a corpus.

    Attributes:
        language_ids: Shape (total_tokens,), int64.
        upos_ids: Shape (total_tokens,), int64.
        feats_ids: Shape (total_tokens,), int64.
    """

    language_ids: NDArray[np.int64]
    upos_ids: NDArray[np.int64]
    feats_ids: NDArray[np.int64]

    def keys(self) -> NDArray[np.int64]:
        """One number for each language and class. Shape (total_tokens,)."""
        n_feats = int(self.feats_ids.max(initial=0)) + 1
        return (self.language_ids * len(UPOS_LABELS) + self.upos_ids) * n_feats + self.feats_ids


def substitute_words(
    words: NDArray[np.uint64],
    classes: WordClasses,
    *,
    share: float,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Draws a substitute for each token of an open class, from the same language and class.

    Args:
        words: A number for each token, equal where the word is. Shape (total_tokens,).
        classes: Of its tokens.
        share: Probability that a noun, verb, adjective, adverb or name is substituted.
        generator: Of the draws.

    Returns:
        For each token the index of its substitute, its own where nothing changes.
        Every word of a class is as likely as any other, so rare ones gain most. Shape
        (total_tokens,).
    """
    keys = classes.keys()
    is_open = np.isin(classes.upos_ids, [UPOS_LABELS.index(tag) for tag in _OPEN_CLASSES])
    candidates = np.flatnonzero(is_open)
    mixed = keys[candidates].astype(np.uint64) * _HASH_FACTOR ^ words[candidates]
    distinct = candidates[np.unique(mixed, return_index=True)[1]]
    distinct = distinct[np.argsort(keys[distinct], kind="stable")]
    chosen = np.flatnonzero(is_open & (generator.random(len(keys)) < share))
    first = np.searchsorted(keys[distinct], keys[chosen], side="left")
    end = np.searchsorted(keys[distinct], keys[chosen], side="right")
    drawn = first + np.floor(generator.random(len(chosen)) * (end - first)).astype(np.int64)
    sources = np.arange(len(keys))
    sources[chosen] = distinct[drawn]
    return sources
